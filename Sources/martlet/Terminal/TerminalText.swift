import RelayCore

/// Text for a terminal: without anything that could drive it, and how wide it is.
enum TerminalText {
    /// The text with every control character taken out, so that nobody can move another one's cursor, forge a line, or
    /// turn the direction of writing. Line breaks and tabs become a blank each.
    static func plain(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator:
                if ["\n", "\r", "\t", "\u{2028}", "\u{2029}"].contains(scalar) { result.append(" ") }
            case .format where !isJoiner(scalar): break
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    /// How many columns a character takes.
    static func width(of character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        switch first.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: break
        }
        if first.properties.isEmojiPresentation || character.unicodeScalars.contains("\u{fe0f}") { return 2 }
        switch first.value {
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f,
            0xff00...0xff60, 0xffe0...0xffe6, 0x20000...0x3fffd:
            return 2
        default: return 1
        }
    }

    /// How many columns a text takes.
    static func width(of text: some Sequence<Character>) -> Int { text.reduce(0) { $0 + width(of: $1) } }

    /// What people see of a message, without its time: `<bob> hello`, `* bob waves`.
    static func line(for draft: MessageDraft) -> String {
        let text = plain(draft.text)
        switch draft.type {
        case .message: return "<\(draft.user)> \(text)"
        case .action: return "* \(draft.user) \(text)"
        case .direct: return "[\(draft.user)] \(text)"
        case .edit: return "*** \(draft.user) changed a message: \(text)"
        case .delete: return "*** \(draft.user) deleted a message"
        case .topic: return "*** \(draft.user) set the topic: \(text)"
        }
    }

    /// What people see of a live event; nil where there is nothing to see.
    static func line(for event: LiveEvent) -> String? {
        let who = event.user?.description ?? "somebody"
        switch event.kind {
        case .join: return "*** \(who) has joined"
        case .leave: return "*** \(who) has left"
        case .page: return "\u{7}*** \(who) is paging"
        case .notice: return "*** \(plain(event.text ?? ""))"
        case .typing, .read, .lagged, .rewound: return nil
        }
    }

    /// Joiners belong to letters and emoji of many people's names; they move nothing.
    private static func isJoiner(_ scalar: Unicode.Scalar) -> Bool { scalar == "\u{200c}" || scalar == "\u{200d}" }
}
