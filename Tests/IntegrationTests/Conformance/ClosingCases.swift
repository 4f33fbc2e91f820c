import NIOCore

/// Autobahn's section 7: closing.
enum ClosingCases {
    static let all: [ConformanceCase] = [orders, payloads, goodCodes, badCodes].flatMap { $0 }

    private typealias Case = ConformanceCase

    private static func code(_ code: UInt16) -> [UInt8] { [UInt8(code >> 8), UInt8(code & 0xFF)] }

    private static let orders: [ConformanceCase] = [
        Case(
            "7.1.1 message, then close", [ClientFrame.text("Hello"), ClientFrame.close(1000)], hears: [.text("Hello")],
            .answered(code(1000))),
        Case("7.1.2 two closes", [ClientFrame.close(1000), ClientFrame.close(1000)], .answered(code(1000))),
        Case(
            "7.1.3 a ping behind the close", [ClientFrame.close(1000), ClientFrame.frame(0x89, "late")],
            .answered(code(1000))),
        Case(
            "7.1.4 text behind the close", [ClientFrame.close(1000), ClientFrame.text("late")], .answered(code(1000))),
        Case(
            "7.1.5 a close within a message",
            [ClientFrame.frame(0x01, "half"), ClientFrame.close(1000), ClientFrame.frame(0x80, "other half")],
            .answered(code(1000))),
        Case("7.1.6 a large message, close, ping") {
            let payload = ByteBuffer(repeating: 0x2A, count: 256 * 1024)
            return .init(
                sends: .joined([ClientFrame.frame(0x81, payload), ClientFrame.close(1000), ClientFrame.frame(0x89)]),
                hears: [.text(payload)], ending: .answered(code(1000)))
        },
    ]

    private static let payloads: [ConformanceCase] = [
        Case("7.3.1 close without a payload", [ClientFrame.close()], .answered([])),
        Case("7.3.2 close of one byte", [ClientFrame.frame(0x88, [3])], .failed(1002)),
        Case("7.3.3 close with a code", [ClientFrame.close(1000)], .answered(code(1000))),
        Case(
            "7.3.4 close with code and reason", [ClientFrame.close(1000, Array("Hello World!".utf8))],
            .answered(code(1000))),
        Case(
            "7.3.5 close with the longest reason", [ClientFrame.close(1000, [UInt8](repeating: 0x2A, count: 123))],
            .answered(code(1000))),
        Case(
            "7.3.6 close with a longer one", [ClientFrame.close(1000, [UInt8](repeating: 0x2A, count: 124))],
            .failed(1002)),
        Case(
            "7.5.1 close with a reason that is not UTF-8", [ClientFrame.close(1000, [0xCE, 0xBA, 0xED, 0xA0, 0x80])],
            .failed(1007)),
        Case(
            "7.5.2 close with a reason that ends within a character", [ClientFrame.close(1000, [0xE2, 0x82])],
            .failed(1007)),
        Case("7.3 close, byte by byte", [ClientFrame.close(1001, Array("bye".utf8))], pieces: 1, .answered(code(1001))),
    ]

    private static let goodCodes: [ConformanceCase] =
        ([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] as [UInt16])
        .map {
            Case("7.7 close code \($0)", [ClientFrame.close($0)], .answered(code($0)))
        }

    private static let badCodes: [ConformanceCase] =
        ([0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] as [UInt16]).map {
            Case("7.9 close code \($0)", [ClientFrame.close($0)], .failed(1002))
        }
}
