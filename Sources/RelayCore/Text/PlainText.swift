/// Text from outside, made fit to stand in a line that a person reads.
public enum PlainText {
    /// The text without anything that could drive a terminal, on one line.
    ///
    /// Whole escape sequences go (ECMA-48: `ESC [ … m` and the like, `ESC ] … BEL`, also in their one-character forms),
    /// every other control character, and what turns the direction of writing, so that nobody can move another one's
    /// cursor, forge a line or dress up as somebody else. A line break or a tab becomes a blank.
    public static func cleaned(_ text: String) -> String {
        if text.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) { return text }
        var result = String.UnicodeScalarView()
        var scalars = text.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            if let opening = opening(of: scalar, &scalars) {
                skip(opening, &scalars)
                continue
            }
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator:
                if breaks.contains(scalar) { result.append(" ") }
            case .format where !isPartOfLetters(scalar): break
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    private enum Sequence {
        /// Parameters up to one final character.
        case control
        /// A string up to BEL or ST.
        case string
        /// Intermediate characters up to one final character.
        case escape
    }

    private static let breaks: Set<Unicode.Scalar> = [
        "\n", "\r", "\t", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}",
    ]
    private static let escape: Unicode.Scalar = "\u{1b}"

    /// What sequence begins here; nil for any other character. What tells it is taken off the rest.
    private static func opening(
        of scalar: Unicode.Scalar, _ rest: inout Substring.UnicodeScalarView
    ) -> Sequence? {
        switch scalar {
        case "\u{9b}": return .control
        case "\u{90}", "\u{98}", "\u{9d}", "\u{9e}", "\u{9f}": return .string
        case escape: break
        default: return nil
        }
        switch rest.first {
        case "[":
            rest.removeFirst()
            return .control
        case "P", "X", "]", "^", "_":
            rest.removeFirst()
            return .string
        default: return .escape
        }
    }

    /// Takes a sequence off the rest. One that breaks its own form ends there: what follows is text.
    private static func skip(_ sequence: Sequence, _ rest: inout Substring.UnicodeScalarView) {
        switch sequence {
        case .control:
            while let scalar = rest.first, (0x20...0x3f).contains(scalar.value) { rest.removeFirst() }
            if let scalar = rest.first, (0x40...0x7e).contains(scalar.value) { rest.removeFirst() }
        case .escape:
            while let scalar = rest.first, (0x20...0x2f).contains(scalar.value) { rest.removeFirst() }
            if let scalar = rest.first, (0x30...0x7e).contains(scalar.value) { rest.removeFirst() }
        case .string: skipString(&rest)
        }
    }

    /// Without its end it would swallow the whole text: then only its beginning goes.
    private static func skipString(_ rest: inout Substring.UnicodeScalarView) {
        var end = rest
        while let scalar = end.popFirst() {
            switch scalar {
            case "\u{7}", "\u{9c}":
                rest = end
                return
            case escape:
                if end.first == "\\" {
                    end.removeFirst()
                    rest = end
                }
                return
            default: continue
            }
        }
    }

    /// Joiners and the marks of a direction belong to the letters and emoji of many people's names; they move nothing
    /// but their neighbours. Tags are what flags are made of.
    private static func isPartOfLetters(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x200c...0x200f, 0x61c, 0xe0020...0xe007f: true
        default: false
        }
    }
}
