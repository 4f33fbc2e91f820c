import RelayCore
import RelayWire

/// Lines of a conversation in the colours of those who speak.
enum ChatPainter {
    /// A message, without its time and without a bell.
    ///
    /// Nil where nothing is left of it to see.
    static func line(of received: ReceivedMessage, for reader: UserID?) -> StyledLine? {
        let draft = received.message.draft
        guard !received.isDeleted else { return ChatLine.deleted(draft).map { StyledLine($0, .dim) } }
        let text = quiet(ChatLine.text(of: draft, for: reader))
        if draft.type == .topic || draft.type == .delete { return StyledLine(text, .dim) }
        // The name stands before anything that was said, so its first place is its own.
        let isOwnDirect = draft.room.directUsers != nil && draft.user == reader
        let name = isOwnDirect ? "you" : draft.user.description
        guard let place = text.firstRange(of: name) else { return StyledLine(text) }
        let isCalled = reader.map { $0 != draft.user && mentions($0, in: draft.text) } ?? false
        return StyledLine([
            .init(text: String(text[..<place.lowerBound]), look: .plain),
            .init(text: name, look: isOwnDirect ? .plain : .color(NameColor.of(name))),
            .init(text: String(text[place.upperBound...]), look: isCalled ? .bold : .plain),
        ])
    }

    /// What is no message: what the relay or this program says. Nothing in it drives the terminal.
    static func line(_ text: String) -> StyledLine {
        let text = PlainText.cleaned(text)
        return StyledLine(text, text.hasPrefix("!!!") ? .alert : text.hasPrefix("***") ? .dim : .plain)
    }

    /// Whether it rings.
    static func rings(_ text: String) -> Bool { text.hasPrefix(ChatLine.bell) }

    /// Whether the user's id stands in a text as a word of its own.
    static func mentions(_ user: UserID, in text: String) -> Bool {
        text.lowercased().split { !($0.isLetter || $0.isNumber || "._@-".contains($0)) }.contains { word in
            var word = word
            while let last = word.last, ".-".contains(last) { word.removeLast() }
            return word == user.description || word.dropFirst() == user.description && word.hasPrefix("@")
        }
    }

    private static func quiet(_ text: String) -> String { rings(text) ? String(text.dropFirst()) : text }
}
