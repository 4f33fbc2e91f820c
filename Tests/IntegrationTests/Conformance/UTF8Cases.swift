import NIOCore

/// Autobahn's section 6: what is UTF-8, and how soon it is seen that something is not.
enum UTF8Cases {
    static let all: [ConformanceCase] = [basics, failingFast, valid, invalid].flatMap { $0 }

    private typealias Case = ConformanceCase

    /// "Hello-µ@ßöäüàá-UTF-8!!"
    private static let greeting: [UInt8] = Array("Hello-\u{B5}@\u{DF}\u{F6}\u{E4}\u{FC}\u{E0}\u{E1}-UTF-8!!".utf8)
    /// "κόσμε", a surrogate, "edited".
    private static let broken: [UInt8] =
        Array("\u{3BA}\u{1F79}\u{3C3}\u{3BC}\u{3B5}".utf8) + [0xED, 0xA0, 0x80] + Array("edited".utf8)

    private static func fragments(_ bytes: [UInt8], of count: Int) -> ByteBuffer {
        ClientFrame.fragments(0x81, ByteBuffer(bytes: bytes), of: count)
    }

    private static let basics: [ConformanceCase] = [
        Case(
            "6.1 three empty fragments", [ClientFrame.frame(0x01), ClientFrame.frame(0x00), ClientFrame.frame(0x80)],
            hears: [.text("")]),
        Case(
            "6.1 an empty fragment between others",
            [ClientFrame.frame(0x01), ClientFrame.frame(0x00, "middle"), ClientFrame.frame(0x80)],
            hears: [.text("middle")]),
        Case(
            "6.2 valid in one frame", [ClientFrame.frame(0x81, greeting)], hears: [.text(ByteBuffer(bytes: greeting))]),
        Case(
            "6.2 valid, cut within a character", [fragments(greeting, of: 7)],
            hears: [.text(ByteBuffer(bytes: greeting))]),
        Case("6.2 valid, a byte a fragment", [fragments(greeting, of: 1)], hears: [.text(ByteBuffer(bytes: greeting))]),
        Case(
            "6.2 a character of three bytes, a byte a fragment", [fragments(Array("€".utf8), of: 1)],
            hears: [.text("€")]),
        Case("6.3 invalid in one frame", [ClientFrame.frame(0x81, broken)], .failed(1007)),
        Case("6.3 invalid, a byte a fragment", [fragments(broken, of: 1)], .failed(1007)),
    ]

    /// The connection fails at the byte that makes the text invalid: what would follow never comes.
    private static let failingFast: [ConformanceCase] = [
        Case("6.4 invalid in the first of three fragments", [ClientFrame.frame(0x01, broken)], .failed(1007)),
        Case(
            "6.4 invalid with the second fragment",
            [ClientFrame.frame(0x01, [0xCE, 0xBA, 0xE1, 0xBD, 0xB9, 0xF4]), ClientFrame.frame(0x00, [0x90])],
            .failed(1007)),
        Case("6.4 invalid in the middle of a frame that has not ended", [unfinished(broken)], .failed(1007)),
        Case("6.4 the same, byte by byte", [unfinished([0xCE, 0xBA, 0xF4, 0x90])], pieces: 1, .failed(1007)),
        Case("6.4 a surrogate at its second byte", [unfinished([0xED, 0xA0])], pieces: 1, .failed(1007)),
        Case(
            "6.4 good text before it comes back", [ClientFrame.text("good"), ClientFrame.frame(0x01, [0xFF])],
            hears: [.text("good")], .failed(1007)),
    ]

    /// The beginning of a frame of 1000 bytes.
    private static func unfinished(_ bytes: [UInt8]) -> ByteBuffer {
        ClientFrame.frame(0x81, ByteBuffer(bytes: bytes), announcing: 1000)
    }

    private static let validTexts: [(String, [UInt8])] = [
        ("6.5 Greek", Array("κόσμε".utf8)), ("6.6 a letter with a mark", Array("e\u{301}".utf8)),
        ("6.7 the lowest of one byte", [0x00]), ("6.7 the lowest of two", [0xC2, 0x80]),
        ("6.7 the lowest of three", [0xE0, 0xA0, 0x80]), ("6.7 the lowest of four", [0xF0, 0x90, 0x80, 0x80]),
        ("6.9 the highest of one byte", [0x7F]), ("6.9 the highest of two", [0xDF, 0xBF]),
        ("6.9 the highest of three", [0xEF, 0xBF, 0xBF]), ("6.9 the highest of all", [0xF4, 0x8F, 0xBF, 0xBF]),
        ("6.11 before the surrogates", [0xED, 0x9F, 0xBF]), ("6.11 behind the surrogates", [0xEE, 0x80, 0x80]),
        ("6.11 the replacement character", [0xEF, 0xBF, 0xBD]),
        ("6.22 U+FFFE", [0xEF, 0xBF, 0xBE]), ("6.22 U+1FFFF", [0xF0, 0x9F, 0xBF, 0xBF]),
        ("6.22 U+10FFFE", [0xF4, 0x8F, 0xBF, 0xBE]),
    ]

    private static let valid: [ConformanceCase] = validTexts.flatMap { name, bytes in
        [
            Case("\(name)", [ClientFrame.frame(0x81, bytes)], hears: [.text(ByteBuffer(bytes: bytes))]),
            Case("\(name), a byte a fragment", [fragments(bytes, of: 1)], hears: [.text(ByteBuffer(bytes: bytes))]),
        ]
    }

    private static let invalidTexts: [(String, [UInt8])] = [
        ("6.8 five bytes", [0xF8, 0x88, 0x80, 0x80, 0x80]), ("6.8 six bytes", [0xFC, 0x84, 0x80, 0x80, 0x80, 0x80]),
        ("6.10 above U+10FFFF", [0xF4, 0x90, 0x80, 0x80]), ("6.10 U+1FFFFF", [0xF7, 0xBF, 0xBF, 0xBF]),
        ("6.12 a continuation byte", [0x80]), ("6.12 the last continuation byte", [0xBF]),
        ("6.12 two of them", [0x80, 0xBF]), ("6.12 seven of them", [0x80, 0xBF, 0x80, 0xBF, 0x80, 0xBF, 0x80]),
        ("6.13 two-byte starts alone", [0xC3, 0x20, 0xDF, 0x20]),
        ("6.13 three-byte starts alone", [0xE1, 0x20, 0xEF, 0x20]),
        ("6.13 four-byte starts alone", [0xF1, 0x20, 0xF4, 0x20]),
        ("6.14 two bytes, one missing", [0xC2]), ("6.14 three bytes, one missing", [0xE1, 0x80]),
        ("6.14 three bytes, two missing", [0xE1]), ("6.14 four bytes, one missing", [0xF1, 0x80, 0x80]),
        ("6.14 four bytes, three missing", [0xF1]), ("6.15 several that end too soon", [0xC2, 0xE1, 0x80, 0xF1, 0x80]),
        ("6.16 FE", [0xFE]), ("6.16 FF", [0xFF]), ("6.16 FE FE FF FF", [0xFE, 0xFE, 0xFF, 0xFF]),
        ("6.17 slash in two bytes", [0xC0, 0xAF]), ("6.17 slash in three", [0xE0, 0x80, 0xAF]),
        ("6.17 slash in four", [0xF0, 0x80, 0x80, 0xAF]), ("6.18 overlong, the highest of two", [0xC1, 0xBF]),
        ("6.18 overlong, the highest of three", [0xE0, 0x9F, 0xBF]),
        ("6.18 overlong, the highest of four", [0xF0, 0x8F, 0xBF, 0xBF]),
        ("6.19 NUL in two bytes", [0xC0, 0x80]), ("6.19 NUL in three", [0xE0, 0x80, 0x80]),
        ("6.19 NUL in four", [0xF0, 0x80, 0x80, 0x80]),
        ("6.20 the first surrogate", [0xED, 0xA0, 0x80]), ("6.20 the last surrogate", [0xED, 0xBF, 0xBF]),
        ("6.21 a pair of surrogates", [0xED, 0xA0, 0x80, 0xED, 0xB0, 0x80]),
    ]

    private static let invalid: [ConformanceCase] = invalidTexts.flatMap { name, bytes in
        [
            Case("\(name)", [ClientFrame.frame(0x81, bytes)], .failed(1007)),
            Case("\(name), a byte a fragment", [fragments(bytes, of: 1)], .failed(1007)),
            Case(
                "\(name), at the end of a longer text",
                [ClientFrame.frame(0x81, Array("0123456789abcdefé".utf8) + bytes)],
                .failed(1007)),
        ]
    }
}
