import Testing

@testable import martlet

@Suite("A line that is being typed")
struct LineEditorTests {
    /// Types bytes, and returns the editor with what it asked for last.
    private func typed(_ bytes: [UInt8]) -> (editor: LineEditor, last: LineEditor.Action) {
        var (editor, decoder) = (LineEditor(), KeyDecoder())
        var last = LineEditor.Action.none
        for byte in bytes {
            if let key = decoder.byteReceived(byte) { last = editor.keyPressed(key) }
        }
        return (editor, last)
    }

    private func typed(_ text: String) -> (editor: LineEditor, last: LineEditor.Action) { typed(Array(text.utf8)) }

    @Test(
        "Keys change the line",
        arguments: [
            ("abc", "abc", 3), ("abc\u{7f}", "ab", 2), ("abc\u{1b}[D\u{1b}[DX", "aXbc", 2), ("abc\u{1}X", "Xabc", 1),
            ("abc\u{1}\u{5}X", "abcX", 4), ("abc\u{15}", "", 0), ("ab\u{1b}[D\u{15}", "b", 0),
            ("one two  \u{17}", "one ", 4), ("one\u{17}\u{17}", "", 0), ("abc\u{1}\u{4}", "bc", 0),
            ("abc\u{1b}[H\u{1b}[3~", "bc", 0), ("abc\u{1}\u{1b}OF!", "abc!", 4), ("abc\u{1}\u{b}", "", 0),
            ("häß日", "häß日", 4), ("日本\u{7f}", "日", 1), ("e\u{301}x\u{7f}\u{7f}", "", 0), ("a\u{1b}[1;5Xb", "ab", 2),
            ("a\u{1b}[A\u{9}b", "ab", 2),
        ])
    func edits(keys: String, line: String, cursor: Int) {
        let (editor, _) = typed(keys)
        #expect(editor.text == line)
        #expect(editor.cursor == cursor)
    }

    @Test("Enter gives the line and begins a new one", arguments: ["\r", "\n"])
    func submit(enter: String) {
        let (editor, last) = typed("hi" + enter)
        #expect(last == .submit("hi"))
        #expect(editor == LineEditor())
    }

    @Test("Ctrl-D on an empty line and Ctrl-C on any one leave")
    func quit() {
        #expect(typed("\u{4}").last == .quit)
        #expect(typed("abc\u{3}").last == .quit)
        #expect(typed("abc\u{4}").last == .none)
    }

    @Test("Bytes that are no UTF-8 are passed over, and the next key counts")
    func badUTF8() {
        #expect(typed([0xff, 0xc3, 0x61, 0xe2, 0x82, 0x62, 0xc0, 0x80, 0x63]).editor.text == "abc")
    }

    @Test("A line has a bound")
    func bound() {
        #expect(typed(String(repeating: "x", count: 20_000)).editor.characters.count == 16 * 1024)
    }

    @Test("Words are cut and come back, and characters change places")
    func words() {
        let cases = [
            ("one two\u{17}", "one ", 4), ("one two\u{17}\u{19}\u{19}", "one twotwo", 10),
            ("a b c\u{1}\u{b}\u{19}!", "a b c!", 6), ("one, two\u{1b}\u{7f}", "one, ", 5),
            ("one two\u{1b}b\u{1b}bX", "Xone two", 1), ("one two\u{1}\u{1b}f!", "one! two", 4),
            ("one two\u{1}\u{1b}d", " two", 0), ("one two\u{1b}[1;5DX", "one Xtwo", 5), ("ab\u{14}", "ba", 2),
            ("abc\u{1}\u{6}\u{14}", "bac", 2), ("x\u{1b}\u{1b}[Dy", "yx", 1),
        ]
        for (keys, line, cursor) in cases {
            let (editor, _) = typed(keys)
            #expect(editor.text == line && editor.cursor == cursor, "\(keys.debugDescription)")
        }
    }

    @Test("Keys are the same wherever their bytes are cut")
    func cuts() {
        let bytes = Array("a\u{1b}[1;5D日\u{1b}[200~\u{1b}b\u{1b}[A\u{9}".utf8)
        let keys: [Key] = [
            .character("a"), .wordLeft, .character("日"), .pasteBegin, .alt("b"), .up, .tab,
        ]
        var decoder = KeyDecoder()
        #expect(bytes.compactMap { decoder.byteReceived($0) } == keys)
    }
}
