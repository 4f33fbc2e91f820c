/// The row with the line that is being typed. A line that does not fit shows the part around the cursor; a line break
/// that was pasted is a sign.
struct PromptRow: Equatable {
    /// What is written.
    let text: String
    /// Columns before the cursor.
    let cursorColumn: Int

    private static let lineBreak: Character = "↵"

    init(editor: LineEditor, prompt: String, columns: Int) {
        // At least a third of the row is for what is typed, and the cursor needs a place behind it.
        let isFitting = TerminalText.width(of: prompt) * 3 <= columns * 2
        let prompt = isFitting ? prompt : columns > 3 ? "> " : ""
        let room = max(1, columns - TerminalText.width(of: prompt) - 1)
        let all = editor.characters.map { $0 == "\n" ? Self.lineBreak : $0 }
        var start = editor.cursor
        var width = 0
        while start > 0, width + TerminalText.width(of: all[start - 1]) <= room {
            start -= 1
            width += TerminalText.width(of: all[start])
        }
        cursorColumn = TerminalText.width(of: prompt) + width
        var end = editor.cursor
        while end < all.count, width + TerminalText.width(of: all[end]) <= room {
            width += TerminalText.width(of: all[end])
            end += 1
        }
        text = prompt + String(all[start..<end])
    }
}
