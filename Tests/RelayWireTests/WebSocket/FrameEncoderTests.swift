import NIOCore
import RelayWire
import Testing

@Suite("The frame encoder")
struct FrameEncoderTests {
    private func frame(
        _ opcode: FrameOpcode, _ payload: [UInt8], isFinal: Bool = true, maskingKey: UInt32? = nil
    ) -> [UInt8] {
        var buffer = ByteBuffer()
        FrameEncoder.write(
            opcode, payload: ByteBuffer(bytes: payload), isFinal: isFinal, maskingKey: maskingKey, into: &buffer)
        return Array(buffer.readableBytesView)
    }

    @Test("writes the examples of RFC 6455 5.7")
    func examples() {
        let hello = Array("Hello".utf8)
        #expect(frame(.text, hello) == [0x81, 0x05] + hello)
        #expect(frame(.text, Array("Hel".utf8), isFinal: false) == [0x01, 0x03] + Array("Hel".utf8))
        #expect(frame(.pong, hello) == [0x8A, 0x05] + hello)
        let masked: [UInt8] = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
        #expect(frame(.text, hello, maskingKey: 0x37FA_213D) == masked)
    }

    @Test("uses the shortest length encoding, and says beforehand how long the frame will be")
    func lengths() {
        let headers: [(Int, [UInt8])] = [
            (0, [0x82, 0]), (125, [0x82, 125]), (126, [0x82, 126, 0, 126]), (65535, [0x82, 126, 0xFF, 0xFF]),
            (65536, [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ]
        for (count, header) in headers {
            let payload = [UInt8](repeating: 0x5A, count: count)
            #expect(frame(.binary, payload) == header + payload)
            #expect(FrameEncoder.encodedLength(payloadBytes: count) == header.count + count)
            let masked = frame(.binary, payload, maskingKey: 1)
            #expect(FrameEncoder.encodedLength(payloadBytes: count, isMasked: true) == masked.count)
        }
    }

    @Test("appends behind what is in the buffer, masked or not")
    func appends() {
        var buffer = ByteBuffer(bytes: [1, 2, 3])
        FrameEncoder.write(.ping, payload: ByteBuffer(), into: &buffer)
        FrameEncoder.write(.text, payload: ByteBuffer(string: "\u{1}\u{1}"), maskingKey: 0x0101_0101, into: &buffer)
        let expected: [UInt8] = [1, 2, 3, 0x89, 0, 0x81, 0x82, 1, 1, 1, 1, 0, 0]
        #expect(Array(buffer.readableBytesView) == expected)
    }

    @Test("writes several texts as so many messages")
    func texts() {
        let texts = ["one", "", String(repeating: "x", count: 300)].map { ByteBuffer(string: $0) }
        var buffer = ByteBuffer()
        FrameEncoder.writeTexts(texts, into: &buffer)
        #expect(decodeFrames(Array(buffer.readableBytesView), role: .client) == texts.map { .text($0) })
    }

    @Test("writes close frames whose reason always fits, cut between characters")
    func closeFrames() {
        var buffer = ByteBuffer()
        FrameEncoder.writeClose(code: 4000, reason: String(repeating: "€", count: 60), into: &buffer)
        let reason = ByteBuffer(string: String(repeating: "€", count: 41))
        #expect(decodeFrames(Array(buffer.readableBytesView), role: .client) == [.close(code: 4000, reason: reason)])

        buffer.clear()
        FrameEncoder.writeClose(code: nil, maskingKey: 5, into: &buffer)
        #expect(decodeFrames(Array(buffer.readableBytesView)) == [.close(code: nil, reason: ByteBuffer())])
    }
}
