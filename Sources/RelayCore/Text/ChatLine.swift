/// Lines that people read: what happens in a room, one line each, safe for a terminal.
///
/// The names in lines are user ids: who types `/msg bob` sees whom to write to.
public enum ChatLine {
    /// U+0007, which makes a terminal ring.
    public static let bell = "\u{7}"

    /// Names that one line lists; the rest is a number.
    public static let namesMax = 50

    // MARK: What is said

    /// What people see of a message, as `reader` sees it: a direct message has two sides.
    public static func text(of draft: MessageDraft, for reader: UserID?) -> String {
        let text = PlainText.cleaned(draft.text)
        if let (first, second) = draft.room.directUsers {
            return direct(draft, text, to: draft.user == first ? second : first, for: reader)
        }
        switch draft.type {
        case .message: return "<\(draft.user)> \(text)"
        case .action: return "* \(draft.user) \(text)"
        case .direct: return direct(draft, text, to: draft.to ?? draft.user, for: reader)
        case .edit: return "<\(draft.user)> \(text) (edited)"
        case .delete: return "*** \(draft.user) deleted a message"
        case .topic:
            return text.isEmpty ? "*** \(draft.user) took the topic away" : "*** \(draft.user) set the topic: \(text)"
        }
    }

    /// What is left to see of a message that was deleted; nothing of its edits, which were the same message.
    public static func deleted(_ draft: MessageDraft) -> String? {
        draft.type == .edit ? nil : "*** A message of \(draft.user) was deleted"
    }

    private static func direct(_ draft: MessageDraft, _ text: String, to: UserID, for reader: UserID?) -> String {
        let said: String
        switch draft.type {
        case .message, .direct: said = text
        case .action: said = "* \(draft.user) \(text)"
        case .edit: said = "\(text) (edited)"
        case .delete: said = "(deleted a message)"
        case .topic: said = "(topic) \(text)"
        }
        switch reader {
        case draft.user: return "[you -> \(to)] \(said)"
        case to: return "\(bell)[\(draft.user) -> you] \(said)"
        default: return "[\(draft.user) -> \(to)] \(said)"
        }
    }

    // MARK: What happens

    /// What people see of a live event; nil where there is nothing to see.
    public static func text(of event: LiveEvent) -> String? {
        let who = event.user?.description ?? "somebody"
        let count = event.figures.first { $0.key == "count" }?.value
        switch event.kind {
        case .join:
            // In a large room they are told in summary.
            if event.user == nil, let count { return "*** \(count) are here" }
            return "*** \(who) has joined"
        case .leave: return "*** \(who) has left"
        case .page: return "\(bell)*** \(who) is paging you"
        case .notice:
            let text = PlainText.cleaned(event.text ?? "")
            return text.isEmpty ? nil : "*** Notice: \(text)"
        case .lagged: return "!!! \(count ?? 0) messages are gone: nobody has them any more."
        case .rewound: return event.moved.isEmpty ? "!!! Redis lost messages; the relay has put back what it had." : nil
        case .typing, .read: return nil
        }
    }

    /// Said to somebody who has paged another.
    public static func paged(_ user: UserID) -> String { "*** Paged \(user)" }

    /// What went wrong.
    public static func text(of refusal: Refusal) -> String { "!!! \(PlainText.cleaned(refusal.message))" }

    // MARK: Rooms and people

    /// What a person sees of their own name.
    public static func name(of identity: Identity) -> String { PlainText.cleaned(identity.name.description) }

    /// Said to somebody who enters a room; who was there is told together with them.
    public static func welcome(_ identity: Identity, to room: RoomID, _ people: some Sequence<UserID>) -> String {
        let here = here(Set(people).union([identity.user]))
        return "*** Welcome to \(room), \(name(of: identity)). \(here). Type /help for commands."
    }

    /// Who is in a room.
    public static func people(_ people: some Sequence<UserID>) -> String { "*** \(here(Set(people)))" }

    private static func here(_ people: Set<UserID>) -> String {
        let names = people.sorted()
        guard !names.isEmpty else { return "0 here" }
        let shown = names.prefix(namesMax).map(\.description).joined(separator: ", ")
        let rest = names.count > namesMax ? " and \(names.count - namesMax) more" : ""
        return "\(names.count) here: \(shown)\(rest)"
    }

    /// One room of a list.
    public static func room(_ summary: RoomSummary) -> String {
        let topic = PlainText.cleaned(summary.facts.topic)
        return "*** \(summary.room) (\(summary.here ?? 0) here)\(topic.isEmpty ? "" : ": ")\(topic)"
    }

    /// What a room is about.
    public static func topic(_ topic: String, of room: RoomID) -> String {
        let text = PlainText.cleaned(topic)
        return text.isEmpty ? "*** \(room) has no topic." : "*** The topic of \(room): \(text)"
    }
}
