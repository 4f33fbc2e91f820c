/// Commands that people type: the same for both formats.
extension SessionStateMachine {
    /// Something was typed by a session that speaks text; what it costs has been charged.
    ///
    /// - Parameter room: the room in which it was typed; nil in none. What needs a room is not asked for without one.
    public mutating func commandTyped(_ command: SlashCommand, in room: RoomID?) -> Action {
        guard let identity else { return refuse(.unauthorized, "Say who you are first.") }
        return perform(command, in: room, as: identity)
    }

    /// A line came: it counts as an op.
    ///
    /// - Returns: nil where it may pass, else what to do instead.
    public mutating func lineReceived(now: Moment) -> Action? {
        charge(cost: 1, now: now)
    }

    /// What a JSON client sends: plain words, an action that is marked as one, or a command.
    mutating func send(_ utterance: Utterance, ref: Reference?, as identity: Identity) -> Action {
        let command =
            utterance.type == .message ? SlashCommand(typed: utterance.text) : .action(utterance.text)
        return perform(
            command, in: utterance.room, ref: ref, nonce: utterance.nonce, replyTo: utterance.replyTo, as: identity)
    }

    private mutating func perform(
        _ command: SlashCommand, in room: RoomID?, ref: Reference? = nil, nonce: Nonce? = nil,
        replyTo: MessageID? = nil, as identity: Identity
    ) -> Action {
        switch command {
        case .help: return .reply(.typed(TypedAnswer(.help, for: identity, .help)))
        case .rooms: return .errand(.rooms, identity)
        case .direct(let to, let text): return direct(text, to: to, nonce: nonce, as: identity)
        case .reply(let text): return .errand(.reply(text, nonce: nonce), identity)
        case .page(let to): return page(to, in: room, as: identity)
        case .join(let name): return enter(name, as: identity)
        case .incomplete(let usage): return refuse(.badRequest, "Usage: \(usage)")
        case .unknown(let name):
            return refuse(.badRequest, "Unknown command: /\(name). Type /help for available commands.")
        case .say, .action, .who, .topic, .replay, .quit: break
        }
        guard let room else { return refuse(.badRequest, "That needs a room.") }
        let operation: RoomPolicy.Operation =
            switch command {
            case .say, .action: .write
            case .topic(.some): .manage
            default: .read
            }
        let verdict = command == .quit ? .allowed : RoomPolicy.verdict(operation, in: room, by: identity)
        if let refusal = verdict.refusal { return .reply(.refused(refusal)) }
        var draft = MessageDraft(
            room: room, user: identity.user, name: identity.name, text: "", nonce: nonce, replyTo: replyTo)
        switch command {
        case .say(let text):
            draft.text = text
            return .post(draft.said(by: identity))
        case .action(let text):
            (draft.type, draft.text) = (.action, text)
            return .post(draft.said(by: identity))
        case .topic(let text?): return setTopic(text, of: room, nonce: nonce, as: identity)
        case .topic(nil): return .errand(.topic(room), identity)
        case .replay(let count): return .errand(.replay(room, limit: count ?? Limits.historyDefault), identity)
        case .quit: return quit(room, ref: ref, as: identity)
        default: return .errand(.who(room), identity)
        }
    }

    private func direct(_ text: String, to name: String, nonce: Nonce?, as identity: Identity) -> Action {
        guard let user = UserID(name) else { return .reply(.refused(.notInChat(name))) }
        guard user != identity.user else { return .reply(.refused(.messageToOneself)) }
        let draft = MessageDraft.direct(text, to: user, nonce: nonce, by: identity)
        if let refusal = RoomPolicy.verdict(.write, in: draft.room, by: identity).refusal {
            return .reply(.refused(refusal))
        }
        return .errand(.direct(draft), identity)
    }

    private func page(_ name: String, in room: RoomID?, as identity: Identity) -> Action {
        guard let user = UserID(name) else { return .reply(.refused(.notInChat(name))) }
        return page(user, in: room, as: identity)
    }

    /// Rings at a user; whoever may not write where it rings from may not ring.
    func page(_ user: UserID, in room: RoomID?, as identity: Identity) -> Action {
        guard user != identity.user else { return .reply(.refused(.pageToOneself)) }
        let place = room ?? .direct(identity.user, user)
        if let refusal = RoomPolicy.verdict(.write, in: place, by: identity).refusal {
            return .reply(.refused(refusal))
        }
        return .errand(.page(user, in: room), identity)
    }

    private mutating func enter(_ name: String, as identity: Identity) -> Action {
        guard let room = RoomID(name) else { return refuse(.badRoom, "That is not the name of a room.") }
        if let refusal = RoomPolicy.verdict(.read, in: room, by: identity).refusal {
            return .reply(.refused(refusal))
        }
        if isMember(of: room) { return refuse(.badRequest, "You are in \(room) already.") }
        switch join(room, from: .history(limit: Limits.historyDefault), as: identity) {
        case .join: return .errand(.enter(room), identity)
        case let refusal: return refusal
        }
    }

    /// A join that is under way is left as by `leave`, when it is answered.
    private mutating func quit(_ room: RoomID, ref: Reference?, as identity: Identity) -> Action {
        switch leave(room, ref: ref) {
        case .leave: .errand(.leave(room), identity)
        case let other: other
        }
    }

    private func setTopic(_ text: String, of room: RoomID, nonce: Nonce?, as identity: Identity) -> Action {
        guard text.utf8.count <= Limits.topicBytesMax else {
            return refuse(.tooLarge, "topic: \(text.utf8.count) bytes, \(Limits.topicBytesMax) are allowed.")
        }
        return .errand(.setTopic(room, text, nonce: nonce), identity)
    }
}
