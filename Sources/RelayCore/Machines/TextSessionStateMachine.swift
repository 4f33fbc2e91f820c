/// A session that types lines and reads lines: in the lobby, or in one room at a time.
///
/// It stands before the session's own machine: what is typed becomes ops and commands, what answers them becomes lines.
/// Messages and events of the room do not pass here: their lines are the same for everybody and are made once a room.
public struct TextSessionStateMachine: Sendable {
    /// What to do.
    public enum Action: Sendable, Equatable {
        /// Give this op to the session's machine; its answer comes back with the `ref`.
        case perform(ClientCommand, ref: Reference?)
        /// Give this command to the session's machine, as typed in that room.
        case command(SlashCommand, in: RoomID?, ref: Reference?)
        /// Write these lines.
        case write([String])
        /// Write the lines of an answer.
        case answer(TypedAnswer)
        /// Write the lines of these messages.
        case show(HistoryPage)
        case close(CloseReason)
    }

    private enum Place: Sendable, Equatable {
        /// In no room: what is typed is the name of one. Exits: room, the end.
        case lobby
        /// Exits: another room, the lobby.
        case room(RoomID)
    }

    /// What an op was for.
    private enum Question: Sendable, Equatable {
        /// What the lobby shows.
        case lobby
        /// Who is in the room that is about to be entered.
        case people(RoomID)
        /// The join itself, with those people.
        case entry(RoomID, [UserID])
        case leaving
        /// Old messages once more; those that were missed, where it is about them.
        case replay(Stretch?)
    }

    /// Messages that were skipped: above `after`, up to `through`.
    private struct Stretch: Sendable, Equatable {
        var after: MessageID
        var through: MessageID
    }

    private let identity: Identity
    private var place = Place.lobby
    /// Whether the session is on its way: lines that are typed meanwhile are for the place where it goes.
    private var isMoving = false
    /// Whether it is anywhere: in a room, or in a lobby that was shown.
    private var hasArrived = false
    private var heldLines: [String] = []
    private var questions: [Int64: Question] = [:]
    private var lastRef: Int64 = 0
    private var missed: Stretch?

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
        return showLobby(greeting: "*** Welcome, \(ChatLine.name(of: identity)). This is the lobby.")
    }

    // MARK: Typed

    /// Whether a text is nothing: then nothing happens.
    public static func isBlank(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy(\.properties.isWhitespace)
    }

    /// A line was typed. Line breaks at its end are the terminal's; those within are the person's.
    public mutating func lineTyped(_ text: String) -> [Action] {
        let scalars = text.unicodeScalars
        let end = scalars.lastIndex { $0 != "\n" && $0 != "\r" }.map { scalars.index(after: $0) }
        let line = String(scalars[..<(end ?? scalars.startIndex)])
        guard !Self.isBlank(line) else { return [] }
        guard isMoving else { return perform(line) }
        guard heldLines.count < Limits.heldLinesMax else {
            return [.write(["!!! Not so much at once: that line is lost."])]
        }
        heldLines.append(line)
        return []
    }

    private mutating func perform(_ line: String) -> [Action] {
        let command = SlashCommand(typed: line)
        switch command {
        case .join(let name): return enter(named: name)
        case .quit: return quit()
        case .say(let name) where room == nil: return enter(named: name)
        case .replay(let count):
            guard let room else { return Self.needsRoom }
            return [replay(room, count)]
        case .action, .topic, .who:
            guard room != nil else { return Self.needsRoom }
        case .help, .rooms, .say, .direct, .reply, .page, .incomplete, .unknown: break
        }
        return [.command(command, in: room, ref: nil)]
    }

    private static let needsRoom: [Action] = [
        .write(["!!! You are in the lobby. Type a room's name to enter it, or /help for commands."])
    ]

    private mutating func replay(_ room: RoomID, _ count: Int?) -> Action {
        guard count == nil, let missed else {
            let limit = count ?? Limits.historyDefault
            return .perform(.history(room, .latest(limit: limit)), ref: ask(.replay(nil)))
        }
        self.missed = nil
        return .perform(
            .history(room, .after(missed.after, limit: Limits.pageMessagesMax)), ref: ask(.replay(missed)))
    }

    private mutating func quit() -> [Action] {
        guard let room else { return [.write(["*** Bye."]), .close(.normal)] }
        return [.perform(.leave(room), ref: ask(.leaving))]
            + showLobby(greeting: "*** You have left \(room). This is the lobby.")
    }

    private mutating func showLobby(greeting: String) -> [Action] {
        place = .lobby
        missed = nil
        isMoving = true
        return [.write([greeting]), .command(.rooms, in: nil, ref: ask(.lobby))]
    }

    // MARK: Entering

    private mutating func enter(named typed: String) -> [Action] {
        let scalars = typed.unicodeScalars
        let start = scalars.firstIndex { !$0.properties.isWhitespace } ?? scalars.endIndex
        let end = scalars.lastIndex { !$0.properties.isWhitespace }.map { scalars.index(after: $0) } ?? start
        let name = String(scalars[start..<end])
        guard let room = RoomID(name) else {
            let shown = PlainText.cleaned(String(name.unicodeScalars.prefix(Limits.identifierBytesMax)))
            return [.write(["!!! \(shown) is not the name of a room."])]
        }
        guard room != self.room else { return [.write(["!!! You are in \(room) already."])] }
        return enter(room)
    }

    /// Who is there is asked first: so the room's messages follow the welcome at once.
    private mutating func enter(_ room: RoomID) -> [Action] {
        isMoving = true
        return [.perform(.who(room, .everybody), ref: ask(.people(room)))]
    }

    private mutating func join(_ room: RoomID, _ people: [UserID]) -> [Action] {
        [.perform(.join(room, from: .history(limit: Limits.historyDefault)), ref: ask(.entry(room, people)))]
    }

    private mutating func entered(_ room: RoomID, _ recovery: Recovery, _ people: [UserID]) -> [Action] {
        var actions: [Action] = []
        if let left = self.room { actions.append(.perform(.leave(left), ref: ask(.leaving))) }
        place = .room(room)
        missed = nil
        let page = HistoryPage(standing: recovery.standing, frames: recovery.frames, more: false)
        actions += [.write([ChatLine.welcome(identity, to: room, people)]), .show(page)]
        return actions + arrived()
    }

    private mutating func notEntered(_ refusal: Refusal) -> [Action] {
        var lines = [ChatLine.text(of: refusal)]
        // They were for the other room: nobody else is to read them.
        if !heldLines.isEmpty { lines.append("!!! What you have typed since is lost.") }
        heldLines = []
        isMoving = false
        guard room == nil, !hasArrived else { return [.write(lines)] }
        return [.write(lines)] + showLobby(greeting: "*** This is the lobby.")
    }

    /// The session is where it wanted to be: what was typed on the way is for this place.
    private mutating func arrived() -> [Action] {
        (isMoving, hasArrived) = (false, true)
        let lines = heldLines
        heldLines = []
        return lines.flatMap { lineTyped($0) }
    }

    // MARK: Answers

    /// An op or a command was answered, or the relay says something to this session alone.
    public mutating func answered(_ reply: ServerReply, ref: Reference?) -> [Action] {
        guard case .integer(let number) = ref, let question = questions.removeValue(forKey: number) else {
            return unasked(reply)
        }
        switch (question, reply) {
        case (.lobby, _): return unasked(reply) + [.write([Self.lobbyHint])] + arrived()
        case (.people(let room), .who(_, let occupants, _)): return join(room, occupants.map(\.user))
        // Nobody has been there yet.
        case (.people(let room), .refused(let refusal)) where refusal.code == .noSuchRoom: return join(room, [])
        case (.entry(let room, let people), .joined(_, let recovery, _)): return entered(room, recovery, people)
        case (.people, .refused(let refusal)), (.entry, .refused(let refusal)): return notEntered(refusal)
        case (.replay(let stretch), .history(_, let page)): return replayed(page, of: stretch)
        case (.replay(let stretch), .refused):
            missed = stretch ?? missed
            return unasked(reply)
        case (.leaving, _): return []
        default: return unasked(reply)
        }
    }

    private static let lobbyHint = "*** Type a room's name to enter it, /help for commands, /quit to leave."

    private mutating func unasked(_ reply: ServerReply) -> [Action] {
        switch reply {
        case .refused(let refusal): return [.write([ChatLine.text(of: refusal)])]
        case .paged(_, let user): return [.write([ChatLine.paged(user)])]
        // Everybody there, this session too, is told by the message.
        case .typed(let answer) where answer.command == .topic && answer.isTold: return []
        case .typed(let answer): return [.answer(answer)]
        case .left(let left) where left == room: return putOut("*** You are no longer in \(left).")
        case .removed(let left, let reason) where left == room:
            let cleaned = PlainText.cleaned(reason)
            let words = cleaned.last.map { ".!?".contains($0) } ?? true ? cleaned : cleaned + "."
            return putOut("*** You are no longer in \(left): \(words)")
        default: return []
        }
    }

    /// The relay took the session out of its room. On the way to another one it goes on to there: what was typed is for
    /// that one.
    private mutating func putOut(_ line: String) -> [Action] {
        guard isMoving else { return showLobby(greeting: line + " This is the lobby.") }
        (place, missed, hasArrived) = (.lobby, nil, false)
        return [.write([line])]
    }

    private mutating func replayed(_ page: HistoryPage, of stretch: Stretch?) -> [Action] {
        var shown = page
        if let stretch {
            shown.frames.removeAll { $0.id > stretch.through }
            if let last = page.frames.last?.id, last < stretch.through, page.more {
                missed = Stretch(after: last, through: max(stretch.through, missed?.through ?? stretch.through))
            }
        }
        guard !shown.frames.isEmpty else { return [.write(["*** Nothing is there to read."])] }
        let hint = missed != nil && stretch != nil ? [Action.write(["*** There is more. Type /replay to go on."])] : []
        return [.show(shown)] + hint
    }

    /// The socket took too little: the messages from the one after `last` up to `newest` were skipped.
    ///
    /// - Parameter count: how many; nil where nobody can tell, because Redis lost writes meanwhile.
    public mutating func skipped(_ count: UInt64?, after last: MessageID, through newest: MessageID) -> [Action] {
        missed = Stretch(after: missed?.after ?? last, through: newest)
        let what = count.map { "\($0) message\($0 == 1 ? "" : "s")" } ?? "messages"
        return [.write(["!!! Missed \(what). Type /replay to read them."])]
    }

    private mutating func ask(_ question: Question) -> Reference {
        lastRef += 1
        questions[lastRef] = question
        return .integer(lastRef)
    }
}

extension TypedAnswer {
    /// Whether everybody in the room is told the same by a message.
    fileprivate var isTold: Bool {
        if case .topicSet = content { true } else { false }
    }
}
