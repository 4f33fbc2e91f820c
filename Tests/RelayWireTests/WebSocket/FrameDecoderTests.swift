import NIOCore
import RelayWire
import Testing

@Suite("The frame decoder")
struct FrameDecoderTests {
    private func text(_ string: String) -> FrameEvent { .text(ByteBuffer(string: string)) }

    @Test("reads the examples of RFC 6455 5.7")
    func examples() {
        let masked: [UInt8] = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
        #expect(decodeFrames(masked) == [text("Hello")])
        let unmasked: [UInt8] = [0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F]
        #expect(decodeFrames(unmasked, role: .client) == [text("Hello")])
        let fragmented: [UInt8] = [0x01, 0x03, 0x48, 0x65, 0x6C, 0x80, 0x02, 0x6C, 0x6F]
        #expect(decodeFrames(fragmented, role: .client) == [text("Hello")])
        let ping: [UInt8] = [0x89, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F]
        #expect(decodeFrames(ping, role: .client) == [.ping(ByteBuffer(string: "Hello"))])
    }

    @Test(
        "reads payloads of every length around the steps of the encoding",
        arguments: [0, 1, 125, 126, 127, 65535, 65536])
    func lengths(_ count: Int) {
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        #expect(decodeFrames(RawFrame.masked(0x82, payload)) == [.binary(ByteBuffer(bytes: payload))])
    }

    @Test("lets control frames pass between fragments, and keeps the message's order")
    func controlBetweenFragments() {
        let bytes =
            RawFrame.masked(0x01, "one ") + RawFrame.masked(0x89, "p") + RawFrame.masked(0x00, "two ")
            + RawFrame.masked(0x8A, "") + RawFrame.masked(0x80, "three") + RawFrame.masked(0x81, "next")
        let expected: [FrameEvent] = [
            .ping(ByteBuffer(string: "p")), .pong(ByteBuffer()), text("one two three"), text("next"),
        ]
        #expect(decodeFrames(bytes) == expected)
    }

    @Test("joins empty fragments and reads empty messages")
    func emptyFragments() {
        let bytes =
            RawFrame.masked(0x01, "") + RawFrame.masked(0x00, "") + RawFrame.masked(0x80, "")
            + RawFrame.masked(0x82, "") + RawFrame.masked(0x81, "")
        #expect(decodeFrames(bytes) == [text(""), .binary(ByteBuffer()), text("")])
    }

    @Test("joins a character cut by fragments")
    func characterAcrossFragments() {
        let euro: [UInt8] = [0xE2, 0x82, 0xAC]
        let bytes =
            RawFrame.masked(0x01, [euro[0]]) + RawFrame.masked(0x89, []) + RawFrame.masked(0x00, [euro[1]])
            + RawFrame.masked(0x80, [euro[2]])
        #expect(decodeFrames(bytes) == [.ping(ByteBuffer()), text("€")])
    }

    static let violations: [(String, [UInt8], FrameViolation, UInt16)] = [
        ("RSV1", RawFrame.masked(0xC1, "x"), .reservedBits, 1002),
        ("RSV2", RawFrame.masked(0xA1, "x"), .reservedBits, 1002),
        ("RSV3 on a ping", RawFrame.masked(0x99, "x"), .reservedBits, 1002),
        ("opcode 3", RawFrame.masked(0x83, "x"), .reservedOpcode, 1002),
        ("opcode 7", RawFrame.masked(0x87, "x"), .reservedOpcode, 1002),
        ("opcode 11", RawFrame.masked(0x8B, ""), .reservedOpcode, 1002),
        ("opcode 15", RawFrame.masked(0x8F, ""), .reservedOpcode, 1002),
        ("continuation first", RawFrame.masked(0x80, "x"), .strayContinuation, 1002),
        ("open continuation first", RawFrame.masked(0x00, "x"), .strayContinuation, 1002),
        ("fragmented ping", RawFrame.masked(0x09, "x"), .fragmentedControl, 1002),
        ("fragmented close", RawFrame.masked(0x08, ""), .fragmentedControl, 1002),
        ("long ping", RawFrame.masked(0x89, [UInt8](repeating: 0, count: 126)), .controlTooLong, 1002),
        ("unmasked", [0x81, 0x01, 0x78], .unmasked, 1002),
        ("unmasked ping", [0x89, 0x00], .unmasked, 1002),
        ("125 in 16 bits", [0x81, 0xFE, 0x00, 0x7D], .nonMinimalLength, 1002),
        ("0 in 16 bits", [0x82, 0xFE, 0x00, 0x00], .nonMinimalLength, 1002),
        ("65535 in 64 bits", [0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], .nonMinimalLength, 1002),
        ("top bit", [0x81, 0xFF, 0x80], .lengthTopBit, 1002),
        ("close of one byte", RawFrame.masked(0x88, [0x03]), .truncatedCloseCode, 1002),
        ("bad text", RawFrame.masked(0x81, [0x61, 0xFF]), .invalidUTF8, 1007),
        ("cut text", RawFrame.masked(0x81, [0xE2, 0x82]), .invalidUTF8, 1007),
        ("surrogate", RawFrame.masked(0x81, [0xED, 0xA0, 0x80]), .invalidUTF8, 1007),
        ("bad reason", RawFrame.close(1000, [0xFF]), .invalidUTF8, 1007),
        ("cut reason", RawFrame.close(1000, [0xC3]), .invalidUTF8, 1007),
        ("too long", [0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 1], .messageTooLong, 1009),
        ("longest", [0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], .messageTooLong, 1009),
    ]

    @Test(
        "names each violation, with its close code, after what came before it and before anything else",
        arguments: violations)
    func violation(_ name: String, _ bytes: [UInt8], _ violation: FrameViolation, _ code: UInt16) {
        let events = decodeFrames(RawFrame.masked(0x81, "before") + bytes + RawFrame.masked(0x81, "after"))
        #expect(events == [text("before"), .violation(violation)])
        #expect(violation.closeCode == code)
    }

    @Test("refuses a new message inside a fragmented one")
    func interruptedMessage() {
        for opcode: UInt8 in [0x01, 0x02, 0x81, 0x82] {
            let events = decodeFrames(RawFrame.masked(0x01, "a") + RawFrame.masked(opcode, "b"))
            #expect(events == [.violation(.interruptedMessage)])
        }
    }

    @Test("refuses a continuation after the message's end")
    func continuationAfterEnd() {
        let bytes = RawFrame.masked(0x01, "a") + RawFrame.masked(0x80, "b") + RawFrame.masked(0x80, "c")
        #expect(decodeFrames(bytes) == [text("ab"), .violation(.strayContinuation)])
    }

    @Test("refuses masked frames at a client")
    func maskedAtClient() {
        #expect(decodeFrames(RawFrame.masked(0x81, "x"), role: .client) == [.violation(.masked)])
    }

    @Test(
        "refuses the close codes that must not be sent",
        arguments: [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] as [UInt16])
    func invalidCloseCode(_ code: UInt16) {
        #expect(decodeFrames(RawFrame.close(code)) == [.violation(.invalidCloseCode)])
    }

    @Test(
        "takes the other close codes, and nothing after a close frame",
        arguments: [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999] as [UInt16])
    func validCloseCode(_ code: UInt16) {
        let bytes = RawFrame.close(code, Array("bye ✓".utf8)) + RawFrame.masked(0x81, "x")
        #expect(decodeFrames(bytes) == [.close(code: code, reason: ByteBuffer(string: "bye ✓"))])
    }

    @Test("takes a close frame without a code")
    func emptyClose() {
        #expect(decodeFrames(RawFrame.masked(0x88, "")) == [.close(code: nil, reason: ByteBuffer())])
    }

    @Test("counts the fragments of a message together against the limit, and each message for itself")
    func messageLimit() {
        let ten = "0123456789"
        let fits = RawFrame.masked(0x01, ten) + RawFrame.masked(0x80, ten)
        #expect(decodeFrames(fits + fits, messageBytesMax: 20) == [text(ten + ten), text(ten + ten)])
        #expect(decodeFrames(fits, messageBytesMax: 19) == [.violation(.messageTooLong)])
        let control = RawFrame.masked(0x89, [UInt8](repeating: 1, count: 125))
        let ping = FrameEvent.ping(ByteBuffer(repeating: 1, count: 125))
        #expect(decodeFrames(control, messageBytesMax: 20) == [ping])
    }

    @Test("knows that a message is too long from the header alone, and holds nothing of it")
    func limitOnHeader() {
        var decoder = FrameDecoder(role: .server, messageBytesMax: 65536)
        var buffer = ByteBuffer(bytes: [0x81, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 0])
        decoder.append(&buffer)
        #expect(decoder.next() == .violation(.messageTooLong))
        #expect(decoder.isDone)
        #expect(decoder.heldBytes == 0)
    }

    @Test("fails at the very byte that makes a text invalid, long before its frame or message ends")
    func earlyFailure() {
        var decoder = FrameDecoder(role: .server, messageBytesMax: 65536)
        let good = RawFrame.masked(0x01, "κόσμε")
        let second = RawFrame.masked(0x00, [0x61, 0xED, 0xA0] + [UInt8](repeating: 0x61, count: 5000))
        let bytes = good + second
        // Header of eight bytes, one good byte, the lead byte; then the byte that cannot follow it.
        let fatal = good.count + 8 + 2
        for (index, byte) in bytes[...fatal].enumerated() {
            var buffer = ByteBuffer(bytes: [byte])
            decoder.append(&buffer)
            #expect(decoder.next() == (index == fatal ? .violation(.invalidUTF8) : nil))
        }
    }

    @Test("does not care for UTF-8 in binary messages, pings and pongs")
    func binaryIsNotText() {
        let bad: [UInt8] = [0xFF, 0xC0, 0x80]
        let bytes =
            RawFrame.masked(0x02, bad) + RawFrame.masked(0x80, bad) + RawFrame.masked(0x89, bad)
            + RawFrame.masked(0x8A, bad)
        let buffer = ByteBuffer(bytes: bad)
        #expect(decodeFrames(bytes) == [.binary(ByteBuffer(bytes: bad + bad)), .ping(buffer), .pong(buffer)])
    }
}
