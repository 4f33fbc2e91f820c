import NIOCore

/// Autobahn's sections 1 to 5: framing, pings and pongs, reserved bits, opcodes, fragmentation.
enum FramingCases {
    static let all: [ConformanceCase] = [lengths, pings, reservedBits, opcodes, brokenFragments, fragments].flatMap {
        $0
    }

    private typealias Case = ConformanceCase
    private static func f(_ first: UInt8, _ payload: String = "") -> ByteBuffer { ClientFrame.frame(first, payload) }

    private static let lengths: [ConformanceCase] = [0, 125, 126, 127, 128, 65_535, 65_536].flatMap {
        (count: Int) -> [ConformanceCase] in
        [("1.1 text", UInt8(0x81)), ("1.2 binary", 0x82)].flatMap { (what: String, first: UInt8) -> [ConformanceCase] in
            ([nil, 997] as [Int?]).map { pieces in
                Case("\(what) of \(count) bytes\(pieces.map { " in pieces of \($0)" } ?? "")") {
                    let payload = ByteBuffer(repeating: first == 0x81 ? 0x2A : 0xFE, count: count)
                    return .init(
                        sends: ClientFrame.frame(first, payload), pieceBytes: pieces,
                        hears: [first == 0x81 ? .text(payload) : .binary(payload)])
                }
            }
        }
    }

    private static let pings: [ConformanceCase] = {
        let bytes: [UInt8] = [0x00, 0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0x00, 0xFF]
        let longest = ByteBuffer(repeating: 0xFE, count: 125)
        let ten = (0..<10).map { "payload-\($0)" }
        return [
            Case("2.1 ping without a payload", [f(0x89)], hears: [.pong("")]),
            Case("2.2 ping with a text", [f(0x89, "Hello, world!")], hears: [.pong("Hello, world!")]),
            Case("2.3 ping with bytes", [ClientFrame.frame(0x89, bytes)], hears: [.pong(ByteBuffer(bytes: bytes))]),
            Case("2.4 ping of 125 bytes", [ClientFrame.frame(0x89, longest)], hears: [.pong(longest)]),
            Case(
                "2.5 ping of 126 bytes", [ClientFrame.frame(0x89, ByteBuffer(repeating: 0xFE, count: 126))],
                .failed(1002)),
            Case(
                "2.6 ping of 125 bytes, byte by byte", [ClientFrame.frame(0x89, longest)], pieces: 1,
                hears: [.pong(longest)]),
            Case("2.7 pong that nobody asked for", [f(0x8A)]),
            Case("2.8 pong that nobody asked for, with a payload", [f(0x8A, "unsolicited")]),
            Case("2.9 pong, then ping", [f(0x8A, "unsolicited"), f(0x89, "ping")], hears: [.pong("ping")]),
            Case("2.10 ten pings", ten.map { f(0x89, $0) }, hears: ten.map { .pong($0) }),
            Case("2.11 ten pings, byte by byte", ten.map { f(0x89, $0) }, pieces: 1, hears: ten.map { .pong($0) }),
        ]
    }()

    private static let reservedBits: [ConformanceCase] = (1...7).flatMap { bits -> [ConformanceCase] in
        let reserved = UInt8(bits) << 4
        return [
            Case("3.\(bits) reserved bits \(bits) on a text", [f(0x81 | reserved, "Hello")], .failed(1002)),
            Case(
                "3.\(bits) reserved bits \(bits) behind a good text",
                [f(0x81, "good"), f(0x81 | reserved, "bad"), f(0x89)],
                hears: [.text("good")], .failed(1002)),
            Case(
                "3.\(bits) reserved bits \(bits), byte by byte", [f(0x81, "good"), f(0x82 | reserved, "bad")],
                pieces: 1,
                hears: [.text("good")], .failed(1002)),
            Case("3.\(bits) reserved bits \(bits) on a ping", [f(0x89 | reserved, "x")], .failed(1002)),
            Case("3.\(bits) reserved bits \(bits) on a close", [f(0x88 | reserved)], .failed(1002)),
        ]
    }

    private static let opcodes: [ConformanceCase] = ([3, 4, 5, 6, 7, 11, 12, 13, 14, 15] as [UInt8]).flatMap {
        (opcode: UInt8) -> [ConformanceCase] in
        [
            Case("4 opcode \(opcode)", [f(0x80 | opcode)], .failed(1002)),
            Case("4 opcode \(opcode) with a payload", [f(0x80 | opcode, "reserved")], .failed(1002)),
            Case(
                "4 opcode \(opcode) behind a good text", [f(0x81, "good"), f(0x80 | opcode, "bad"), f(0x89)],
                hears: [.text("good")], .failed(1002)),
            Case(
                "4 opcode \(opcode) behind a good text, byte by byte", [f(0x81, "good"), f(0x80 | opcode)], pieces: 1,
                hears: [.text("good")], .failed(1002)),
        ]
    }

    private static let brokenFragments: [ConformanceCase] = [
        Case("5.1 ping in two fragments", [f(0x09, "frag"), f(0x80, "ment")], .failed(1002)),
        Case("5.2 pong in two fragments", [f(0x0A, "frag"), f(0x80, "ment")], .failed(1002)),
        Case("5.9 continuation with nothing to continue", [f(0x80, "stray"), f(0x81, "text")], .failed(1002)),
        Case("5.10 the same, in one write", [.joined([f(0x80, "stray"), f(0x81, "text")])], .failed(1002)),
        Case("5.11 the same, byte by byte", [f(0x80, "stray"), f(0x81, "text")], pieces: 1, .failed(1002)),
        Case("5.12 open continuation with nothing to continue", [f(0x00, "stray"), f(0x81, "text")], .failed(1002)),
        Case("5.14 the same, byte by byte", [f(0x00, "stray"), f(0x81, "text")], pieces: 1, .failed(1002)),
        Case(
            "5.15 a continuation behind a whole message", [f(0x01, "one"), f(0x80, "two"), f(0x80, "three")],
            hears: [.text("onetwo")], .failed(1002)),
        Case(
            "5.16 open continuation first, then text", [f(0x00, "a"), f(0x81, "b"), f(0x00, "c")], .failed(1002)),
        Case("5.18 text within a text", [f(0x01, "one"), f(0x81, "two")], .failed(1002)),
        Case("5.18 open text within a text", [f(0x01, "one"), f(0x01, "two")], .failed(1002)),
        Case("5.18 binary within a text", [f(0x01, "one"), f(0x82, "two")], .failed(1002)),
    ]

    private static let fragments: [ConformanceCase] = ([nil, 1] as [Int?]).flatMap { pieces -> [ConformanceCase] in
        let how = pieces == nil ? "" : ", byte by byte"
        let whole = Case.Heard.text("fragment1fragment2fragment3fragment4fragment5")
        return [
            Case(
                "5.3 text in two fragments\(how)", [f(0x01, "frag"), f(0x80, "ment")], pieces: pieces,
                hears: [.text("fragment")]),
            Case(
                "5.3 binary in two fragments\(how)", [f(0x02, "frag"), f(0x80, "ment")], pieces: pieces,
                hears: [.binary(ByteBuffer(string: "fragment"))]),
            Case(
                "5.6 ping between two fragments\(how)", [f(0x01, "frag"), f(0x89, "ping"), f(0x80, "ment")],
                pieces: pieces,
                hears: [.pong("ping"), .text("fragment")]),
            Case(
                "5.19 pings between five fragments\(how)",
                [
                    f(0x01, "fragment1"), f(0x00, "fragment2"), f(0x89, "ping1"), f(0x00, "fragment3"),
                    f(0x00, "fragment4"),
                    f(0x89, "ping2"), f(0x80, "fragment5"),
                ], pieces: pieces, hears: [.pong("ping1"), .pong("ping2"), whole]),
            Case(
                "5.20 empty fragments, and empty messages\(how)",
                [f(0x01), f(0x00), f(0x8A), f(0x00, "a"), f(0x80), f(0x01), f(0x80), f(0x81), f(0x82)], pieces: pieces,
                hears: [.text("a"), .text(""), .text(""), .binary(ByteBuffer())]),
        ]
    }
}
