/// Lines that people read: what happens in a room, one line each, safe for a terminal.
///
/// The names in lines are user ids: who types `/msg bob` sees whom to write to.
public enum ChatLine {
    /// U+0007, which makes a terminal ring.
    public static let bell = "\u{7}"

    /// What people see of a message, as `reader` sees it: a direct message has two sides.
    public static func text(of draft: MessageDraft, for reader: UserID?) -> String {
        let text = PlainText.cleaned(draft.text)
        switch draft.type {
        case .message: return "<\(draft.user)> \(text)"
        case .action: return "* \(draft.user) \(text)"
        case .direct: return direct(draft, text, for: reader)
        case .edit: return "<\(draft.user)> \(text) (edited)"
        case .delete: return "*** \(draft.user) deleted a message"
        case .topic:
            return text.isEmpty ? "*** \(draft.user) took the topic away" : "*** \(draft.user) set the topic: \(text)"
        }
    }

    /// What people see of a live event; nil where there is nothing to see.
    public static func text(of event: LiveEvent) -> String? {
        let who = event.user?.description ?? "somebody"
        switch event.kind {
        case .join: return "*** \(who) has joined"
        case .leave: return "*** \(who) has left"
        case .page: return "\(bell)*** \(who) is paging you"
        case .notice: return "*** Notice: \(PlainText.cleaned(event.text ?? ""))"
        case .typing, .read, .lagged, .rewound: return nil
        }
    }

    /// What went wrong.
    public static func text(of refusal: Refusal) -> String { "!!! \(PlainText.cleaned(refusal.message))" }

    private static func direct(_ draft: MessageDraft, _ text: String, for reader: UserID?) -> String {
        let to = draft.to ?? draft.room.directUsers.map { $0.0 == draft.user ? $0.1 : $0.0 } ?? draft.user
        switch reader {
        case draft.user: return "[you -> \(to)] \(text)"
        case to: return "\(bell)[\(draft.user) -> you] \(text)"
        default: return "[\(draft.user) -> \(to)] \(text)"
        }
    }
}
