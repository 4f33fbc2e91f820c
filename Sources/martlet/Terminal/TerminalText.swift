/// How wide text is on a terminal.
enum TerminalText {
    /// How many columns a character takes.
    static func width(of character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        if first.isASCII, character.unicodeScalars.count == 1 {
            return first.value >= 0x20 && first.value != 0x7f ? 1 : 0
        }
        switch first.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: break
        }
        let isEmoji = character.unicodeScalars.contains { scalar in
            scalar == "\u{fe0f}" || scalar.properties.isEmojiPresentation
        }
        if isEmoji { return 2 }
        // Vowel signs of Indic scripts that stand beside their letter take a column of their own.
        let marks = character.unicodeScalars.dropFirst().count { $0.properties.generalCategory == .spacingMark }
        return width(of: first) + marks
    }

    private static func width(of scalar: Unicode.Scalar) -> Int {
        switch scalar.value {
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xa960...0xa97c, 0xac00...0xd7a3, 0xf900...0xfaff,
            0xfe10...0xfe19, 0xfe30...0xfe6f, 0xff00...0xff60, 0xffe0...0xffe6, 0x16fe0...0x18aff, 0x1aff0...0x1b2ff,
            0x1f200...0x1f2ff, 0x20000...0x3fffd:
            return 2
        default: return 1
        }
    }

    /// How many columns a text takes.
    static func width(of text: some Sequence<Character>) -> Int { text.reduce(0) { $0 + width(of: $1) } }

    /// As much of the beginning of a text as fits.
    static func cut(_ text: String, columns: Int) -> String {
        var width = 0
        return String(
            text.prefix { character in
                width += Self.width(of: character)
                return width <= columns
            })
    }
}
