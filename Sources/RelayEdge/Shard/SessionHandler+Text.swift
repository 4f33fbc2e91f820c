import NIOCore
import RelayCore
import RelayWire

/// What stands between a session and a person who types and reads lines.
final class TextConsole {
    /// Nil until it is known who it is.
    var machine: TextSessionStateMachine?
    /// The room that the request asked for.
    let room: RoomID?

    /// Nil for a session that speaks JSON.
    init?(_ purpose: SessionPurpose) {
        guard case .text(_, let room) = purpose else { return nil }
        self.room = room
    }
}

/// A session in lines: one WebSocket message is one line, either way.
extension SessionHandler {
    /// The connection is open, and who it is is known, or never will be: there is no `hello` in lines.
    func openConsole() {
        guard let console, isOpen, console.machine == nil else { return }
        defer { shard.flushSoon() }
        guard let identity = machine.identity else {
            write(line: "!!! Say who you are: connect with ?user=NAME, or, to a relay that wants one, with a token.")
            return close(.unauthorized)
        }
        var machine = TextSessionStateMachine(identity: identity)
        let actions = machine.opened(in: console.room)
        console.machine = machine
        perform(actions, at: console)
    }

    /// A line was typed.
    func lineReceived(_ text: ByteBuffer, at console: TextConsole) {
        let line = String(buffer: text)
        guard !TextSessionStateMachine.isBlank(line) else { return }
        if let action = excess(cost: 1) ?? machine.lineReceived(now: Clock.now) { return perform(action, ref: nil) }
        let bytesMax = shard.configuration.limits.textBytesMax
        let count = line.utf8.count
        guard count <= bytesMax else {
            return refuse(Refusal(.tooLarge, "That line has \(count) bytes, \(bytesMax) are allowed."))
        }
        guard !line.utf8.contains(0) else { return refuse(Refusal(.badRequest, "That line holds NUL.")) }
        perform(console.machine?.lineTyped(line) ?? [], at: console)
    }

    /// An op or a command of this session is answered.
    func answered(_ reply: ServerReply, ref: Reference?, at console: TextConsole) {
        perform(console.machine?.answered(reply, ref: ref) ?? [], at: console)
    }

    /// The socket took too little, and messages were skipped.
    func skipped(_ count: UInt64?, after last: MessageID, through newest: MessageID) {
        guard let console else { return }
        perform(console.machine?.skipped(count, after: last, through: newest) ?? [], at: console)
    }

    /// Writes a line for this session alone; nothing where there is none.
    func write(line: String?) {
        if let line { write(own: ByteBuffer(string: line)) }
    }

    /// What to do where the user asks for more than is allowed over all sessions; nil where it may pass.
    private func excess(cost: Int) -> SessionStateMachine.Action? {
        guard let user = machine.identity?.user, let wait = shard.hub.guards.charge(.user(user), cost: cost) else {
            return nil
        }
        return machine.userRateExceeded(wait: wait, now: Clock.now)
    }

    private func refuse(_ refusal: Refusal) {
        reply(.refused(refusal), ref: nil)
    }

    private func perform(_ actions: [TextSessionStateMachine.Action], at console: TextConsole) {
        for action in actions {
            switch action {
            case .perform(let command, let ref):
                // The line that led to it has been charged as one op.
                let cost = command.cost - 1
                if cost > 0, let action = excess(cost: cost) {
                    perform(action, ref: ref)
                    continue
                }
                perform(machine.requestReceived(command, ref: ref, cost: cost, now: Clock.now), ref: ref)
            case .command(let command, let room, let ref):
                perform(machine.commandTyped(command, in: room), ref: ref)
            case .write(let lines): for line in lines { write(line: line) }
            case .answer(let answer): for line in RoomLineEncoder.lines(of: answer) { write(line: line) }
            case .show(let page):
                guard let user = machine.identity?.user else { continue }
                for line in RoomLineEncoder.lines(of: page, for: user) { write(line: line) }
            case .close(let reason): close(reason)
            }
        }
    }
}
