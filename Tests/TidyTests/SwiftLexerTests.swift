import Testing

@Suite("The lexer tells code from comments and strings")
struct SwiftLexerTests {
    private func code(_ text: String) -> [[String]] {
        SwiftLexer.lex(text).map { $0.tokens.map(\.text) }
    }

    @Test("Strings of every kind are one token, and interpolations in them are code")
    func strings() {
        #expect(code(#"a("b // c", d)"#) == [["a", "(", "\"", ",", "d", ")"]])
        #expect(code(#""a \" b" c"#) == [["\"", "c"]])
        #expect(code(#""a \(b("c", (d))) e" f"#) == [["\"", "b", "(", "\"", ",", "(", "d", ")", ")", ")", "f"]])
        #expect(code("#\"a \" \\(b) \\#(c)\"# d") == [["\"", "c", ")", "d"]])
        #expect(code("\"\"\"\n a \"b\" // c\n \"\"\" d") == [["\""], [], ["d"]])
    }

    @Test("Comments are kept apart from code, nested and over lines")
    func comments() {
        let lines = SwiftLexer.lex("a // b \"c\nd /* e /* f */\ng */ h\n/// \"\ni")
        #expect(lines.map { $0.tokens.map(\.text) } == [["a"], ["d"], ["h"], [], ["i"]])
        #expect(lines.map(\.hasComment) == [true, true, true, true, false])
        #expect(lines[0].comment == "// b \"c")
        #expect(lines[2].comment == "g */")
    }

    @Test("A sign knows whether it stands apart")
    func apartness() {
        let tokens = SwiftLexer.lex("a! !b \"c\"!")[0].tokens
        #expect(tokens.filter { $0.text == "!" }.map(\.isApart) == [false, true, false])
    }

    @Test("Every cut of a program can be lexed", arguments: [#"a("\(b /* c */)") // d"#, "\"\"\"\n\\(x)\n\"\"\""])
    func cuts(program: String) {
        for length in 0...program.utf8.count {
            let text = String(decoding: program.utf8.prefix(length), as: UTF8.self)
            #expect(SwiftLexer.lex(text).count == text.split(separator: "\n", omittingEmptySubsequences: false).count)
        }
    }
}
