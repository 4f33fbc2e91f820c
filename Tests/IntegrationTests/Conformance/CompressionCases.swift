import NIOCore
import RelayDeflate
import RelayTestKit
import RelayWire

/// Autobahn's sections 12 and 13: `permessage-deflate` with contents, sizes, fragments and parameters of many kinds;
/// and what RFC 7692 forbids.
enum CompressionCases {
    static let all: [ConformanceCase] = [contents, parameters, forms, violations].flatMap { $0 }

    private typealias Case = ConformanceCase
    static let offer = "permessage-deflate; client_max_window_bits"

    /// What is in a message.
    private enum Content: String, CaseIterable {
        case envelopes, words, zeros, noise

        /// So many bytes, others for each seed: a stretch of more that are made once, since making them takes longer
        /// than sending them.
        func bytes(_ count: Int, seed: Int) -> ByteBuffer {
            let whole = Self.made[self] ?? ByteBuffer()
            let spare = whole.readableBytes - count
            return whole.getSlice(at: spare > 0 ? seed * 997 % spare : 0, length: count) ?? ByteBuffer()
        }

        private static let madeBytes = 192 * 1024
        private static let made = [Content: ByteBuffer](uniqueKeysWithValues: allCases.map { ($0, $0.make()) })

        private func make() -> ByteBuffer {
            var random = SeededRandom(seed: 20)
            var bytes = ByteBuffer()
            switch self {
            case .zeros: return ByteBuffer(repeating: 0, count: Self.madeBytes)
            case .noise:
                while bytes.readableBytes < Self.madeBytes { bytes.writeInteger(random.next()) }
            case .words:
                while bytes.readableBytes < Self.madeBytes { bytes.writeString("w\(random.next() % 300) ") }
            case .envelopes:
                while bytes.readableBytes < Self.madeBytes {
                    bytes.writeString(#"{"id":"17636910\#(random.next() % 10_000)-0","type":"message","text":"hi"},"#)
                }
            }
            return bytes
        }

        var first: UInt8 { self == .noise ? 0x82 : 0x81 }
    }

    /// The payload as a client compresses it; nil where that gains nothing.
    private static func deflated(_ payload: ByteBuffer, by deflater: MessageDeflater) -> ByteBuffer? {
        var frame = ByteBuffer()
        guard deflater.writeFrame(.binary, payload: payload, into: &frame) else { return nil }
        let length: UInt8 = frame.getInteger(at: 1) ?? 0
        frame.moveReaderIndex(forwardBy: length < 126 ? 2 : length == 126 ? 4 : 10)
        return frame
    }

    private static func script(_ content: Content, _ size: Int, count: Int, fragmentBytes: Int?)
        -> ConformanceCase.Script
    {
        let deflater = MessageDeflater()
        var sends = ByteBuffer()
        var hears: [ConformanceCase.Heard] = []
        for number in 0..<count {
            let payload = content.bytes(size, seed: number)
            hears.append(content.first == 0x81 ? .text(payload) : .binary(payload))
            let compressed = deflated(payload, by: deflater)
            let first = content.first | (compressed == nil ? 0 : 0x40)
            sends.writeImmutableBuffer(
                ClientFrame.fragments(first, compressed ?? payload, of: fragmentBytes ?? .max))
        }
        return .init(sends: sends, hears: hears)
    }

    private static let contents: [ConformanceCase] = Content.allCases.flatMap {
        (content: Content) -> [ConformanceCase] in
        [16, 64, 256, 1024, 4096, 8192, 16_384, 32_768, 65_536, 131_072].flatMap { (size: Int) -> [ConformanceCase] in
            ([nil, 100] as [Int?]).map { fragmentBytes in
                let how = fragmentBytes.map { ", in fragments of \($0)" } ?? ""
                return Case("12 \(content.rawValue) of \(size) bytes\(how)", offer: offer) {
                    // A mebibyte in fragments is ten thousand frames.
                    let budget = Campaign.isOn ? (fragmentBytes == nil ? 16 << 20 : 1 << 20) : 256 << 10
                    let count = max(1, min(Campaign.isOn ? 1000 : 20, budget / size))
                    return script(content, size, count: count, fragmentBytes: fragmentBytes)
                }
            }
        }
    }

    private static let offers = [
        "permessage-deflate", "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover", "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=15",
        "permessage-deflate; client_max_window_bits=8", "permessage-deflate; client_max_window_bits=15",
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=15",
        "permessage-deflate; unknown, permessage-deflate; server_max_window_bits=10; client_no_context_takeover",
        "x-unknown; a=b, permessage-deflate; client_max_window_bits; server_max_window_bits=\"12\"",
    ]

    private static let parameters: [ConformanceCase] = offers.flatMap { (offer: String) -> [ConformanceCase] in
        [200, 400, 3000, 70_000].map { size in
            Case("13 \(offer), \(size) bytes", offer: offer) { script(.envelopes, size, count: 5, fragmentBytes: nil) }
        }
    }

    /// "Hello", as RFC 7692 7.2.3 has it.
    private static let hello: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]

    private static func compressed(
        _ name: String, _ sends: [ByteBuffer], pieces: Int? = nil, hears: [ConformanceCase.Heard] = [],
        _ ending: ConformanceCase.Ending = .clean
    ) -> ConformanceCase {
        Case(name, offer: offer) {
            .init(sends: .joined(sends), pieceBytes: pieces, hears: hears, ending: ending)
        }
    }

    private static let forms: [ConformanceCase] = [
        compressed("14.1 RFC 7692 7.2.3.1, one block", [ClientFrame.frame(0xC1, hello)], hears: [.text("Hello")]),
        compressed(
            "14.1 the same in two fragments",
            [ClientFrame.frame(0x41, Array(hello[..<3])), ClientFrame.frame(0x80, Array(hello[3...]))],
            hears: [.text("Hello")]),
        compressed(
            "14.1 the same, byte by byte, with a ping between",
            [
                ClientFrame.frame(0x41, Array(hello[..<3])), ClientFrame.frame(0x89, "p"),
                ClientFrame.frame(0x80, Array(hello[3...])),
            ],
            pieces: 1, hears: [.pong("p"), .text("Hello")]),
        compressed(
            "14.2 without compression",
            [ClientFrame.frame(0xC1, [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00])],
            hears: [.text("Hello")]),
        compressed(
            "14.3 a block that says it is the last", [ClientFrame.frame(0xC1, [0xF3] + hello[1...] + [0x00])],
            hears: [.text("Hello")]),
        compressed(
            "14.4 two blocks",
            [ClientFrame.frame(0xC1, [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00])],
            hears: [.text("Hello")]),
        compressed(
            "14.5 empty messages",
            [ClientFrame.frame(0xC1, [0x00]), ClientFrame.frame(0xC2, [0x00]), ClientFrame.frame(0xC1)],
            hears: [.text(""), .binary(ByteBuffer()), .text("")]),
        compressed(
            "14.6 plain messages between",
            [ClientFrame.text("plain"), ClientFrame.frame(0xC1, hello), ClientFrame.frame(0x82, "plain")],
            hears: [.text("plain"), .text("Hello"), .binary(ByteBuffer(string: "plain"))]),
    ]

    private static let violations: [ConformanceCase] = [
        compressed("15.1 RSV1 on a ping", [ClientFrame.frame(0xC9)], .failed(1002)),
        compressed("15.1 RSV1 on a pong", [ClientFrame.frame(0xCA)], .failed(1002)),
        compressed("15.1 RSV1 on a close", [ClientFrame.frame(0xC8)], .failed(1002)),
        compressed(
            "15.2 RSV1 on a continuation",
            [ClientFrame.frame(0x41, Array(hello[..<3])), ClientFrame.frame(0xC0, Array(hello[3...]))], .failed(1002)),
        compressed("15.3 RSV2", [ClientFrame.frame(0xA1, "x")], .failed(1002)),
        compressed("15.3 RSV1 and RSV3", [ClientFrame.frame(0xD1, hello)], .failed(1002)),
        compressed("15.4 what is no DEFLATE data", [ClientFrame.frame(0xC1, [0xFF, 0xFF, 0xFF])], .failed(1007)),
        compressed("15.4 what ends within a block", [ClientFrame.frame(0xC1, Array(hello[..<4]))], .failed(1007)),
        compressed(
            "15.5 a reference to the message before",
            [ClientFrame.frame(0xC1, hello), ClientFrame.frame(0xC1, [0xF2, 0x00, 0x11, 0x00, 0x00])],
            hears: [.text("Hello")], .failed(1007)),
        compressed(
            "15.6 text that is not UTF-8 when it is inflated",
            [ClientFrame.frame(0xC1, [0x00, 0x02, 0x00, 0xFD, 0xFF, 0xC0, 0xAF, 0x00])], .failed(1007)),
        compressed(
            "15.6 the same bytes are good binary",
            [ClientFrame.frame(0xC2, [0x00, 0x02, 0x00, 0xFD, 0xFF, 0xC0, 0xAF, 0x00])],
            hears: [.binary(ByteBuffer(bytes: [0xC0, 0xAF]))]),
        Case("15.7 17 MiB in 80 KiB", offer: offer) {
            let zeros = ByteBuffer(repeating: 0, count: 17 << 20)
            let bomb = deflated(zeros, by: MessageDeflater()) ?? zeros
            return .init(sends: ClientFrame.frame(0xC2, bomb), ending: .failed(1009))
        },
    ]
}
