import NIOCore

/// Autobahn's sections 9 and 10: large messages, in frames, fragments and pieces of many sizes. In CI a few of them.
enum LargeCases {
    static let all: [ConformanceCase] = [whole, fragments, pieces, many, limits].flatMap { $0 }

    private typealias Case = ConformanceCase
    private static let kinds: [(String, UInt8, UInt8)] = [("text", 0x81, 0x2A), ("binary", 0x82, 0xFE)]

    private static func heard(_ first: UInt8, _ payload: ByteBuffer) -> ConformanceCase.Heard {
        first == 0x81 ? .text(payload) : .binary(payload)
    }

    /// Text and binary of so many KiB.
    private static func cases(
        _ section: String, _ sizes: [Int],
        _ makeScript: @escaping @Sendable (UInt8, ByteBuffer) -> ConformanceCase.Script
    ) -> [ConformanceCase] {
        sizes.flatMap { size in
            kinds.map { kind, first, byte in
                Case("\(section) \(kind) of \(size) KiB") {
                    makeScript(first, ByteBuffer(repeating: byte, count: size * 1024))
                }
            }
        }
    }

    private static let whole = cases("9.1", Campaign.isOn ? [64, 256, 1024, 4096, 8192, 16_384] : [64, 1024, 16_384]) {
        .init(sends: ClientFrame.frame($0, $1), hears: [heard($0, $1)])
    }

    private static let fragmentSizes: [Int] =
        Campaign.isOn ? [64, 256, 1024, 4096, 16_384, 65_536, 1 << 18, 1 << 20] : [1024, 65_536]

    private static let fragments: [ConformanceCase] = fragmentSizes.flatMap { (bytes: Int) -> [ConformanceCase] in
        cases("9.3 in fragments of \(bytes) bytes,", [Campaign.isOn ? 4096 : 512]) {
            .init(sends: ClientFrame.fragments($0, $1, of: bytes), hears: [heard($0, $1)])
        }
    }

    private static let pieceSizes: [Int] = Campaign.isOn ? [64, 128, 256, 512, 1024, 2048] : [512, 2048]

    private static let pieces: [ConformanceCase] = pieceSizes.flatMap { (bytes: Int) -> [ConformanceCase] in
        cases("9.5 in pieces of \(bytes) bytes,", [Campaign.isOn ? 1024 : 256]) {
            .init(sends: ClientFrame.frame($0, $1), pieceBytes: bytes, hears: [heard($0, $1)])
        }
    }

    private static let many: [ConformanceCase] = [0, 16, 64, 256, 1024, 4096].flatMap {
        (size: Int) -> [ConformanceCase] in
        kinds.map { kind, first, byte in
            Case("9.7 many messages, \(kind) of \(size) bytes") {
                let payload = ByteBuffer(repeating: byte, count: size)
                let count = Campaign.isOn ? 1000 : 100
                return .init(
                    sends: .joined([ByteBuffer](repeating: ClientFrame.frame(first, payload), count: count)),
                    hears: [ConformanceCase.Heard](repeating: heard(first, payload), count: count))
            }
        }
    }

    private static let limits: [ConformanceCase] = [
        Case("10.1 text of 65536 bytes in fragments of 1300") {
            let payload = ByteBuffer(repeating: 0x2A, count: 65_536)
            return .init(sends: ClientFrame.fragments(0x81, payload, of: 1300), hears: [.text(payload)])
        },
        Case("10.2 pings between all fragments") {
            let payload = ByteBuffer(repeating: 0x2A, count: 65_536)
            let ping = ClientFrame.frame(0x89, "p")
            return .init(
                sends: ClientFrame.fragments(0x81, payload, of: 1300, between: ping),
                hears: [ConformanceCase.Heard](repeating: .pong("p"), count: 50) + [.text(payload)])
        },
        Case("10.3 a byte over 16 MiB is announced") {
            .init(
                sends: ClientFrame.frame(0x82, ByteBuffer(), announcing: (16 << 20) + 1), ending: .failed(1009))
        },
        Case("10.4 a byte over 16 MiB in fragments") {
            let half = ByteBuffer(repeating: 0xFE, count: 8 << 20)
            return .init(
                sends: .joined([
                    ClientFrame.frame(0x02, half), ClientFrame.frame(0x00, half),
                    ClientFrame.frame(0x80, ByteBuffer(), announcing: 1),
                ]), ending: .failed(1009))
        },
    ]
}
