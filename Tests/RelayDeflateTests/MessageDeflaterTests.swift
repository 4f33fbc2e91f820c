import NIOCore
import RelayDeflate
import RelayTestKit
import RelayWire
import Testing

@Suite("The deflater of messages")
struct MessageDeflaterTests {
    private let deflater = MessageDeflater()
    private let inflater = MessageInflater()

    /// The events of these frames, as a client reads them that agreed to compression.
    private func read(_ frames: ByteBuffer, bytesMax: Int = 1 << 25) -> [FrameEvent] {
        var decoder = FrameDecoder(role: .client, messageBytesMax: bytesMax, acceptsCompression: true)
        var input = frames
        decoder.append(&input)
        var events: [FrameEvent] = []
        while let event = decoder.next(inflating: { (payload, bytesMax) throws(FrameViolation) in
            do throws(InflateError) {
                return try inflater.inflate(payload, bytesMax: bytesMax)
            } catch {
                throw .invalidCompression
            }
        }) {
            events.append(event)
        }
        return events
    }

    private static let envelope =
        #"{"id":"1763691000123-0","seq":42,"ts":1763691000123,"room":"general","type":"message","user":"alice","#
        + #""name":"Alice","text":"shall we meet at noon?","nonce":"c-17"}"#

    @Test("makes an envelope shorter, and the same every time: nothing is carried over")
    func envelopes() {
        let payload = ByteBuffer(string: Self.envelope)
        var first = ByteBuffer()
        #expect(deflater.writeFrame(.text, payload: payload, into: &first))
        #expect(first.readableBytes < payload.readableBytes * 8 / 10)
        var twice = first
        #expect(deflater.writeFrame(.text, payload: payload, into: &twice))
        #expect(twice.readableBytes == 2 * first.readableBytes)
        #expect(read(twice) == [.text(payload), .text(payload)])
    }

    @Test("writes nothing for what is short or does not get shorter")
    func notWorthIt() {
        var random = SeededRandom(seed: 1)
        let noise = ByteBuffer(bytes: (0..<5000).map { _ in UInt8.random(in: 0...255, using: &random) })
        let short = ByteBuffer(repeating: 0x61, count: MessageDeflater.payloadBytesMin - 1)
        var frames = ByteBuffer(string: "before")
        for payload in [noise, short, ByteBuffer()] {
            #expect(!deflater.writeFrame(.binary, payload: payload, into: &frames))
        }
        #expect(String(buffer: frames) == "before")
        let enough = ByteBuffer(repeating: 0x61, count: MessageDeflater.payloadBytesMin)
        var frame = ByteBuffer()
        #expect(deflater.writeFrame(.binary, payload: enough, into: &frame))
        #expect(read(frame) == [.binary(enough)])
    }

    @Test("gives back what it was given, of every kind and size up to megabytes")
    func roundTrips() {
        var random = SeededRandom(seed: 2)
        for size in [128, 129, 255, 256, 1000, 8191, 8192, 8193, 20_000, 65_535, 65_536, 300_000, 3_000_000] {
            for kind in 0..<4 {
                let bytes: [UInt8] = (0..<size).map { index in
                    switch kind {
                    case 0: 0x61
                    case 1: UInt8(truncatingIfNeeded: index / 7)
                    case 2: UInt8.random(in: 0x61...0x68, using: &random)
                    // Half of it is noise.
                    default: index % 512 < 256 ? UInt8.random(in: 0...255, using: &random) : 0x20
                    }
                }
                let payload = ByteBuffer(bytes: bytes)
                var frame = ByteBuffer()
                guard deflater.writeFrame(.binary, payload: payload, into: &frame) else {
                    // Only noise within noise may gain nothing.
                    #expect(kind == 3 && size <= 256, "\(size) \(kind)")
                    continue
                }
                #expect(frame.readableBytes < size + 10)
                #expect(read(frame) == [.binary(payload)], "\(size) \(kind)")
            }
        }
    }

    @Test("is none the worse for a message that did not get shorter")
    func afterNoise() {
        var random = SeededRandom(seed: 3)
        let payload = ByteBuffer(string: Self.envelope)
        for _ in 0..<50 {
            let noise = ByteBuffer(
                bytes: (0..<Int.random(in: 128...4000, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                })
            var frames = ByteBuffer()
            #expect(!deflater.writeFrame(.binary, payload: noise, into: &frames))
            #expect(deflater.writeFrame(.text, payload: payload, into: &frames))
            #expect(read(frames) == [.text(payload)])
        }
    }
}
