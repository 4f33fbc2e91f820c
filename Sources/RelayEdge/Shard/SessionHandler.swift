import NIOCore
import RelayCore
import RelayWire

/// One WebSocket: frames in, frames out, and the session's machine between them.
///
/// It is the only handler of its channel (but for TLS): nothing below it transforms what it writes, and no task and no
/// timer is its own.
final class SessionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase {
        case open
        /// A close frame was sent; the peer's, or its end of the stream, is waited for until then.
        case closing(until: Moment)
        case closed
    }

    let shard: EdgeShard
    let id: String
    var machine: SessionStateMachine
    var seats: [RoomID: Seat] = [:]
    /// Its number among the shard's lanes; nil before it has begun and after its end.
    private(set) var lane: Int32?
    /// What this session was given in the rooms of direct conversations; empty as long as it was in none.
    var directSpans: [RoomID: DirectSpan] = [:]
    /// As whom the shard knows it.
    var knownUser: UserID?
    /// Seats that are not pushed to.
    var behindCount = 0 {
        didSet { if behindCount == 0 { caughtUp.take()?() } }
    }
    private var caughtUp: (() -> Void)?
    /// Whether what waits for the socket is within the budget.
    var isWritable = true
    /// The longest message that this session takes compressed; 0 for none at all.
    let deflatedBytesMax: Int
    /// Whether others are told that its user is there.
    let isSeen: Bool
    let isEcho: Bool
    /// What makes lines of it; nil for a session that speaks JSON.
    let console: TextConsole?
    var isDirty = false
    private var phase = Phase.open
    private var decoder: FrameDecoder
    private(set) var context: ChannelHandlerContext?
    var writer: SocketWriter?
    /// Where the session writes to that has no channel.
    var pipe: EventPipe?
    /// Questions to the hub that are not answered yet.
    var pendingAsks: Int32 = 0
    /// Whether it closes as soon as none is left.
    var isLeaving = false
    /// Bytes of replies written since the socket stopped taking them.
    var replyBytesOverBudget = 0
    /// The token that the upgrade request brought, until it was looked at.
    private var upgradeToken: String?
    /// For when the entries of the shard's timer wheel are that are this session's, ascending.
    private var wakes: [Moment] = []
    /// Tells its entries from those of a session that was before at the same place in memory.
    let serial: UInt64

    /// - Parameters:
    ///   - token: what the upgrade request brought to say who it is.
    ///   - agreement: what was agreed about compression; nil where it was not.
    init(
        shard: EdgeShard, id: String, purpose: SessionPurpose, token: String? = nil, agreement: DeflateAgreement? = nil
    ) {
        self.shard = shard
        serial = shard.wheel.takeSerial()
        self.id = id
        isEcho = purpose == .echo
        isSeen = purpose.isSeen
        console = TextConsole(purpose)
        upgradeToken = purpose == .echo ? nil : token
        deflatedBytesMax = agreement.map(DeflatingCodec.messageBytesMax) ?? 0
        decoder = FrameDecoder(
            role: .server, messageBytesMax: purpose.messageBytesMax, acceptsCompression: agreement != nil)
        machine = SessionStateMachine(
            identity: purpose.identity, isTokenNeeded: shard.configuration.verifier != nil,
            limits: shard.configuration.limits, pingInterval: shard.configuration.pingInterval, now: Clock.now)
    }

    var isOpen: Bool { if case .open = phase { true } else { false } }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        writer = SocketWriter(channel: context.channel, isTransparent: shard.configuration.tls == nil)
        isWritable = context.channel.isWritable
        opened()
    }

    func opened() {
        shard.opened(self)
        lane = shard.lanes.open(deflatedBytesMax: deflatedBytesMax)
        wake()
        if shard.isDraining { close(.draining) }
        if let token = upgradeToken.take(), case .close(let reason) = outcome(of: token) { close(reason) }
        if isSeen, !isEcho, let user = machine.identity?.user { shard.identified(self, as: user) }
        closeIfKicked()
        openConsole()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        ended()
        self.context = nil
        writer = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .closed = phase { return }
        var bytes = unwrapInboundIn(data)
        decoder.append(&bytes)
        while let event = decoder.next(inflating: shard.codec.inflate) { received(event) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        shard.flushDirty()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        writabilityChanged(context.channel.isWritable)
        if isEcho { echoWritabilityChanged(context.channel) }
    }

    func writabilityChanged(_ isWritable: Bool) {
        self.isWritable = isWritable
        updateLane()
        if isWritable { replyBytesOverBudget = 0 }
        guard isWritable, behindCount > 0 else { return }
        for seat in Array(seats.values) { seat.drained(shard: shard) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The peer has closed its half. A WebSocket is over then; the edge's listener lets half-open channels live.
        if let event = event as? ChannelEvent, event == .inputClosed { return cut() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        cut()
    }

    // MARK: In

    private func received(_ event: FrameEvent) {
        switch event {
        case .text(let text) where isEcho: echo(.text, text)
        case .text(let text): if isOpen { received(text) }
        case .binary(let payload) where isEcho: echo(.binary, payload)
        case .binary: close(.unsupportedData)
        case .ping(let payload): if isOpen { write(pong: payload) }
        case .pong: machine.pongReceived()
        case .close(let code, _): peerClosed(code)
        case .violation(let violation):
            close(Self.reason(for: violation))
            endOutput()
        }
    }

    private func received(_ text: ByteBuffer) {
        shard.figures.requests += 1
        if let console { return lineReceived(text, at: console) }
        let now = Clock.now
        do {
            let request = try shard.decoder.decode(text)
            if let user = machine.identity?.user,
                let wait = shard.hub.guards.charge(.user(user), cost: request.command.cost)
            {
                return perform(machine.userRateExceeded(wait: wait, now: now), ref: request.ref)
            }
            perform(machine.requestReceived(request.command, ref: request.ref, now: now), ref: request.ref)
        } catch {
            perform(machine.requestRejected(error.refusal, of: error.op, now: now), ref: error.ref)
        }
    }

    /// Calls back once when nothing of what there was is still to be read; at once where that is so.
    func whenCaughtUp(_ body: @escaping () -> Void) {
        if behindCount == 0 { body() } else { caughtUp = body }
    }

    // MARK: Out

    /// Answers an op.
    func reply(_ reply: ServerReply, ref: Reference?) {
        guard isOpen else { return }
        if let pipe { return answer(reply, through: pipe) }
        if case .refused(let refusal) = reply { shard.figures.refusals[refusal.code.rawValue, default: 0] += 1 }
        if case .rooms(let list) = reply { machine.roomsListed(list.conversations.count, now: Clock.now) }
        if let console { return answered(reply, ref: ref, at: console) }
        write(own: ReplyEncoder.encode(reply, ref: ref))
    }

    // MARK: The end

    /// Closes from this side: a close frame, then the peer's answer or a short wait.
    func close(_ reason: CloseReason) {
        guard isOpen else { return }
        shard.figures.closes[reason.code, default: 0] += 1
        leaveRooms()
        var frame = ByteBuffer()
        FrameEncoder.writeClose(code: reason.code, reason: reason.text, into: &frame)
        let deadline = Clock.now + Limits.closeHandshakeDeadline
        phase = .closing(until: deadline)
        wake(at: deadline)
        write(frame)
    }

    /// After a violation nothing that comes can be read any more, the peer's close frame neither: the end of the
    /// stream behind ours tells it to close.
    private func endOutput() {
        flushNow()
        context?.close(mode: .output, promise: nil)
    }

    private func peerClosed(_ code: UInt16?) {
        if isOpen {
            leaveRooms()
            var frame = ByteBuffer()
            FrameEncoder.writeClose(code: code, into: &frame)
            write(frame)
        }
        flushNow()
        cut()
    }

    func timePassed(now: Moment) {
        if !wakes.isEmpty { wakes.removeFirst() }
        switch phase {
        case .closed: break
        case .closing(let deadline): if now >= deadline { cut() }
        case .open:
            switch machine.timePassed(now: now) {
            case .none: break
            case .sendPing: write(.ping, ByteBuffer())
            case .close(let reason): close(reason)
            }
            if isOpen { wake() }
        }
    }

    /// Sees to it that `timePassed` is called by the machine's deadline, which may have come nearer.
    func wake() {
        let deadline = machine.deadline
        guard wakes.first.map({ deadline < $0 }) ?? true else { return }
        wake(at: deadline)
    }

    private func wake(at deadline: Moment) {
        wakes.insert(deadline, at: wakes.firstIndex { $0 > deadline } ?? wakes.endIndex)
        shard.wheel.schedule(self, at: deadline)
    }

    func cut() {
        ended()
        context?.close(promise: nil)
    }

    private func ended() {
        if case .closed = phase { return }
        leaveRooms()
        phase = .closed
        if let lane = lane.take() { shard.lanes.close(lane) }
        pipe?.end()
        shard.closed(self)
    }

    /// A seat whose join is still under way stays until its answer, which finds the session closed.
    private func leaveRooms() {
        for seat in seats.values {
            if case .joining = seat.state { continue }
            seat.leave(bySaying: false, shard: shard)
        }
        seats.removeAll()
    }
}
