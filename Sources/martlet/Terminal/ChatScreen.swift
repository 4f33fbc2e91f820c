/// The lowest row of a terminal with the line that is being typed, and lines that appear above it: what to write.
struct ChatScreen {
    /// What stands before the line that is being typed.
    var prompt: String
    private var editor = LineEditor()
    private var decoder = KeyDecoder()

    /// A screen with that prompt.
    init(prompt: String) {
        self.prompt = prompt
    }

    /// Bytes were typed: what to do after each complete key.
    mutating func bytesTyped(_ bytes: some Sequence<UInt8>) -> [LineEditor.Action] {
        bytes.compactMap { byte in
            guard let key = decoder.byteReceived(byte) else { return nil }
            let action = editor.keyPressed(key)
            return action == .none ? nil : action
        }
    }

    /// The row drawn anew. A line that does not fit shows the part around the cursor.
    func row(columns: Int) -> String {
        let (visible, cursorColumn) = window(columns: max(1, columns - TerminalText.width(of: prompt) - 1))
        let back = TerminalText.width(of: visible) - cursorColumn
        let moveBack = back > 0 ? "\u{1b}[\(back)D" : ""
        return "\r\u{1b}[K\(prompt)\(String(visible))\(moveBack)"
    }

    /// A line above the row, and the row drawn anew below it.
    func line(_ text: String, columns: Int) -> String { "\r\u{1b}[K\(text)\n\(row(columns: columns))" }

    /// The row emptied, for the time after.
    func cleared() -> String { "\r\u{1b}[K" }

    /// The characters that fit into so many columns, and where in them the cursor stands.
    private func window(columns: Int) -> (ArraySlice<Character>, cursorColumn: Int) {
        let all = editor.characters
        var start = editor.cursor
        var width = 0
        while start > 0, width + TerminalText.width(of: all[start - 1]) <= columns {
            start -= 1
            width += TerminalText.width(of: all[start])
        }
        let cursorColumn = width
        var end = editor.cursor
        while end < all.count, width + TerminalText.width(of: all[end]) <= columns {
            width += TerminalText.width(of: all[end])
            end += 1
        }
        return (all[start..<end], cursorColumn)
    }
}
