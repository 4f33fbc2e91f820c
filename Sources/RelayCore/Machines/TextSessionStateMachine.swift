/// A session that types lines and reads lines: in the lobby, or in one room at a time.
///
/// It stands before the session's own machine: what is typed becomes ops, what answers them becomes lines. Messages and
/// events of the room do not pass here: their lines are the same for everybody and are made once a room.
public struct TextSessionStateMachine: Sendable {
    /// What to do.
    public enum Action: Sendable, Equatable {
        /// Give this op to the session's machine; its answer comes back with the `ref`.
        case perform(ClientCommand, ref: Reference)
        /// Write these lines.
        case print([String])
        /// Write the lines of these messages.
        case show([StoredFrame])
        case close(CloseReason)
    }

    private enum Place: Sendable, Equatable {
        /// In no room: what is typed is the name of one.
        case lobby
        case room(RoomID)
    }

    /// What an op was for.
    private enum Question: Sendable, Equatable {
        /// Who is in the room that is about to be entered.
        case people(RoomID)
        /// The join itself, with those people.
        case entry(RoomID, [UserID])
        /// Old messages once more.
        case replay
        /// Anything that answers in lines of its own, or with nothing.
        case command
    }

    private let identity: Identity
    private var place = Place.lobby
    /// The room that is being entered; typed lines wait for none of it, they go where the person still is.
    private var entering: RoomID?
    private var questions: [Int64: Question] = [:]
    private var lastRef: Int64 = 0
    /// The last message before those that were skipped; nil where none were.
    private var missedAfter: MessageID?

    /// A session of that person.
    public init(identity: Identity) {
        self.identity = identity
    }

    /// The room that the session stands in; nil in the lobby.
    public var room: RoomID? {
        if case .room(let room) = place { room } else { nil }
    }

    /// The connection is open; with the room that it asked for.
    public mutating func opened(in room: RoomID?) -> [Action] {
        if let room { return enter(room) }
        return showLobby(greeting: "*** Welcome, \(PlainText.cleaned(identity.name.description)). This is the lobby.")
    }

    // MARK: Typed

    /// A message came; each of its lines counts.
    public mutating func textTyped(_ text: String) -> [Action] {
        text.unicodeScalars.split { $0 == "\n" || $0 == "\r" }.flatMap { lineTyped(String($0)) }
    }

    private mutating func lineTyped(_ line: String) -> [Action] {
        guard line.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else { return [] }
        let command = SlashCommand(typed: line)
        switch command {
        case .help: return [.print(SlashCommand.help)]
        case .join(let name): return enter(named: name)
        case .quit: return quit()
        case .rooms: return [ask(.command(.rooms, in: room), .command)]
        case .say(let name) where room == nil: return enter(named: name)
        case .replay(let count):
            guard let room else { return Self.needsRoom }
            return [ask(.history(room, replaySpan(count)), .replay)]
        case .who, .action, .topic:
            guard room != nil else { return Self.needsRoom }
            return [ask(.command(command, in: room), .command)]
        case .say, .direct, .reply, .page, .incomplete, .unknown:
            return [ask(.command(command, in: room), .command)]
        }
    }

    private static let needsRoom: [Action] = [
        .print(["!!! You are in the lobby. Type a room's name to enter it, or /help for commands."])
    ]

    private mutating func replaySpan(_ count: Int?) -> HistorySpan {
        defer { missedAfter = nil }
        if count == nil, let missedAfter { return .after(missedAfter, limit: Limits.pageMessagesMax) }
        return .latest(limit: count ?? Limits.historyDefault)
    }

    private mutating func quit() -> [Action] {
        guard let room else { return [.close(.normal)] }
        place = .lobby
        missedAfter = nil
        return [ask(.leave(room), .command)] + showLobby(greeting: "*** You have left \(room). This is the lobby.")
    }

    private mutating func showLobby(greeting: String) -> [Action] {
        [
            .print([greeting, "*** Type a room's name to enter it, /help for commands, /quit to leave."]),
            ask(.command(.rooms, in: nil), .command),
        ]
    }

    // MARK: Entering

    private mutating func enter(named name: String) -> [Action] {
        let name = name.unicodeScalars.split { $0.properties.isWhitespace }.first.map { String($0) } ?? ""
        guard let room = RoomID(name) else {
            return [.print(["!!! \(PlainText.cleaned(String(name.prefix(64)))) is not the name of a room."])]
        }
        guard room != self.room else { return [.print(["!!! You are in \(room) already."])] }
        return enter(room)
    }

    /// Who is there is asked first: the room's messages follow the welcome at once.
    private mutating func enter(_ room: RoomID) -> [Action] {
        guard entering == nil else { return [.print(["!!! You are about to enter \(entering ?? room)."])] }
        entering = room
        return [ask(.who(room), .people(room))]
    }

    private mutating func entered(_ room: RoomID, _ recovery: Recovery, _ people: [UserID]) -> [Action] {
        let left = self.room.map { ask(.leave($0), .command) }
        place = .room(room)
        entering = nil
        missedAfter = nil
        return (left.map { [$0] } ?? []) + [.print([welcome(to: room, people)]), .show(recovery.frames)]
    }

    private func welcome(to room: RoomID, _ people: [UserID]) -> String {
        let all = Set(people).union([identity.user]).sorted()
        let shown = all.prefix(Self.namesMax).map(\.description).joined(separator: ", ")
        let rest = all.count > Self.namesMax ? " and \(all.count - Self.namesMax) more" : ""
        let name = PlainText.cleaned(identity.name.description)
        return "*** Welcome to \(room), \(name). \(all.count) here: \(shown)\(rest). Type /help for commands."
    }

    /// Names that one line lists; the rest is a number.
    private static let namesMax = 50

    // MARK: Answers

    /// An op was answered.
    public mutating func answered(_ reply: ServerReply, ref: Reference?) -> [Action] {
        guard case .integer(let number) = ref, let question = questions.removeValue(forKey: number) else {
            if case .refused(let refusal) = reply { return [.print([ChatLine.text(of: refusal)])] }
            return []
        }
        switch (question, reply) {
        case (.people(let room), .who(_, let occupants)): return join(room, occupants.map(\.user))
        // Nobody has been there yet.
        case (.people(let room), .refused(let refusal)) where refusal.code == .noSuchRoom: return join(room, [])
        case (.entry(let room, let people), .joined(_, let recovery, _)): return entered(room, recovery, people)
        case (.people, .refused(let refusal)), (.entry, .refused(let refusal)):
            entering = nil
            return [.print([ChatLine.text(of: refusal)])]
        case (.replay, .history(_, let page)):
            return page.frames.isEmpty ? [.print(["*** Nothing was said."])] : [.show(page.frames)]
        case (_, .refused(let refusal)): return [.print([ChatLine.text(of: refusal)])]
        case (_, .output(_, let lines)): return lines.isEmpty ? [] : [.print(lines)]
        case (_, .paged(_, let user)): return [.print(["*** Paged \(user)"])]
        default: return []
        }
    }

    private mutating func join(_ room: RoomID, _ people: [UserID]) -> [Action] {
        [ask(.join(room, from: .history(limit: Limits.historyDefault)), .entry(room, people))]
    }

    /// The socket took too little: messages were skipped, from the one after `last` on.
    public mutating func skipped(_ count: UInt64, after last: MessageID) -> [Action] {
        missedAfter = missedAfter ?? last
        return [.print(["!!! Missed \(count) message\(count == 1 ? "" : "s"). Type /replay to read them."])]
    }

    private mutating func ask(_ command: ClientCommand, _ question: Question) -> Action {
        lastRef += 1
        questions[lastRef] = question
        return .perform(command, ref: .integer(lastRef))
    }
}
