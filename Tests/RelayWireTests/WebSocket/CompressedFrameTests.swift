import NIOCore
import RelayWire
import Testing

/// RSV1, as the decoder sees it: here "compressed" means reversed, so that each step shows.
@Suite("Compressed frames")
struct CompressedFrameTests {
    private static func decode(_ pieces: [ArraySlice<UInt8>], bytesMax: Int = 1000) -> [FrameEvent] {
        var decoder = FrameDecoder(role: .server, messageBytesMax: bytesMax, acceptsCompression: true)
        var events: [FrameEvent] = []
        for piece in pieces {
            var buffer = ByteBuffer(bytes: piece)
            decoder.append(&buffer)
            while let event = decoder.next(inflating: inflate) { events.append(event) }
        }
        if decoder.heldBytes == 0, case .violation? = events.last { #expect(decoder.isDone) }
        return events
    }

    private static func inflate(_ payload: ByteBuffer, bytesMax: Int) throws(FrameViolation) -> ByteBuffer {
        if payload.readableBytesView.first == UInt8(ascii: "!") { throw .invalidCompression }
        guard payload.readableBytes <= bytesMax else { throw .messageTooLong }
        return ByteBuffer(bytes: payload.readableBytesView.reversed())
    }

    private static func text(_ text: String) -> FrameEvent { .text(ByteBuffer(string: text)) }

    private static let conversation: [UInt8] =
        RawFrame.masked(0xC1, "olleH") + RawFrame.masked(0x81, "plain") + RawFrame.masked(0xC2, "yranib")
        // In three fragments, with a ping and a pong between them; the bit stands on the first alone.
        + RawFrame.masked(0x41, "eer") + RawFrame.masked(0x89, "p") + RawFrame.masked(0x00, "")
        + RawFrame.masked(0x8A, "") + RawFrame.masked(0x80, "ht")
        // A character whose bytes lie in two fragments, the last one first.
        + RawFrame.masked(0x41, [0xAC]) + RawFrame.masked(0x80, [0x82, 0xE2])
        + RawFrame.masked(0xC1, "") + RawFrame.masked(0x01, "a") + RawFrame.masked(0x80, "b")
    private static let heard: [FrameEvent] = [
        text("Hello"), text("plain"), .binary(ByteBuffer(string: "binary")), .ping(ByteBuffer(string: "p")),
        .pong(ByteBuffer()), text("three"), text("€"), text(""), text("ab"),
    ]

    @Test("are inflated when their message is whole, wherever the bytes are cut")
    func cuts() {
        #expect(Self.decode([Self.conversation[...]]) == Self.heard)
        for cut in Self.conversation.indices {
            #expect(Self.decode([Self.conversation[..<cut], Self.conversation[cut...]]) == Self.heard, "\(cut)")
        }
        #expect(Self.decode(Self.conversation.indices.map { Self.conversation[$0...$0] }) == Self.heard)
    }

    private static let forbidden: [(String, [UInt8], FrameViolation)] = [
        ("on a ping", RawFrame.masked(0xC9, ""), .reservedBits),
        ("on a pong", RawFrame.masked(0xCA, ""), .reservedBits),
        ("on a close", RawFrame.masked(0xC8, ""), .reservedBits),
        ("on a continuation", RawFrame.masked(0x41, "a") + RawFrame.masked(0xC0, "b"), .reservedBits),
        (
            "on the continuation of a plain message", RawFrame.masked(0x01, "a") + RawFrame.masked(0xC0, "b"),
            .reservedBits
        ),
        ("with RSV2", RawFrame.masked(0xE1, "a"), .reservedBits),
        ("with RSV3", RawFrame.masked(0xD1, "a"), .reservedBits),
        ("with an opcode that is reserved", RawFrame.masked(0xC3, "a"), .reservedOpcode),
        ("within a message", RawFrame.masked(0x01, "a") + RawFrame.masked(0xC1, "b"), .interruptedMessage),
        ("on what does not inflate", RawFrame.masked(0xC1, "!"), .invalidCompression),
        ("on what is not UTF-8 then", RawFrame.masked(0xC1, [0x82, 0xE2]), .invalidUTF8),
        (
            "on what ends within a character", RawFrame.masked(0x41, [0x82]) + RawFrame.masked(0x80, [0xE2]),
            .invalidUTF8
        ),
    ]

    @Test("may have the bit where RFC 7692 allows it, and nowhere else", arguments: forbidden)
    func violations(_ what: String, _ bytes: [UInt8], _ violation: FrameViolation) {
        #expect(Self.decode([bytes[...]]) == [.violation(violation)], "\(what)")
    }

    @Test("have no meaning where nothing was agreed")
    func notAgreed() {
        #expect(decodeFrames(RawFrame.masked(0xC1, "olleH")) == [.violation(.reservedBits)])
    }

    @Test("are bounded before and after they are inflated; what is not compressed keeps its own bound")
    func bounds() {
        // 1000 bytes of message, and 79 for what cannot be compressed.
        let most = [UInt8](repeating: 0x61, count: 1079)
        #expect(Self.decode([RawFrame.masked(0xC2, most)[...]]) == [.violation(.messageTooLong)])
        #expect(Self.decode([RawFrame.masked(0xC2, Array(most[..<1000]))[...]]).count == 1)
        let header = RawFrame.masked(0xC2, most + [0])[..<8]
        #expect(Self.decode([header]) == [.violation(.messageTooLong)])
        let second = RawFrame.masked(0x42, Array(most[..<1000])) + RawFrame.masked(0x80, Array(most[..<80]))[..<8]
        #expect(Self.decode([second[...]]) == [.violation(.messageTooLong)])
        #expect(Self.decode([RawFrame.masked(0x82, Array(most[..<1001]))[...]]) == [.violation(.messageTooLong)])
    }

    @Test("are written with the bit, whatever their length", arguments: [0, 125, 126, 65535, 65536])
    func header(_ count: Int) {
        var frame = ByteBuffer()
        FrameEncoder.writeHeader(.text, payloadBytes: count, isCompressed: true, into: &frame)
        var plain = ByteBuffer()
        FrameEncoder.writeHeader(.text, payloadBytes: count, into: &plain)
        #expect(frame.readInteger(as: UInt8.self) == 0xC1)
        #expect(plain.readInteger(as: UInt8.self) == 0x81)
        #expect(frame == plain)
    }
}
