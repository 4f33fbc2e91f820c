import NIOCore
import RelayDeflate
import RelayWire
import Testing

@testable import RelayBench

@Suite("Compression of what readers get")
struct DeflateTests {
    /// The compressed payload of a message as the relay makes it.
    private func compressed(_ message: [UInt8]) throws -> [UInt8] {
        var frame = ByteBuffer()
        try #require(MessageDeflater().writeFrame(.text, payload: ByteBuffer(bytes: message), into: &frame))
        let bytes = Array(frame.readableBytesView)
        let found = FrameScanner.next(in: bytes.span, from: 0, to: bytes.count, acceptsCompression: true)
        guard case .frame(FrameScanner.compressedText, let start, let end) = found else {
            throw NotCompressed(found: "\(found)")
        }
        return Array(bytes[start..<end])
    }

    private struct NotCompressed: Error { let found: String }

    private func envelope(_ seq: Int, textBytes: Int) -> [UInt8] {
        let text = PostMark.text(run: 9, byteCount: textBytes)
        return Array(
            (#"{"id":"1795251097528-\#(seq)","seq":\#(seq),"ts":1795251097528,"room":"bench:1","type":"message","#
                + #""user":"bench-p0001","name":"bench-p0001","text":"\#(text)"}"#).utf8)
    }

    @Test("Messages are what they were, the first time and again, short ones and such as are too long to remember")
    func inflating() throws {
        let inflater = PayloadInflater()
        // More than are remembered, so that some have lost their place.
        let messages = (1...600).map { envelope($0, textBytes: $0 % 50 == 0 ? 6000 : 128) }
        let payloads = try messages.map { try compressed($0) }
        for _ in 0..<2 {
            for (message, payload) in zip(messages, payloads) { #expect(inflater.message(of: payload[...]) == message) }
        }
    }

    @Test("What is no compressed message is none, and what comes after it is read")
    func broken() throws {
        let inflater = PayloadInflater()
        let message = envelope(1, textBytes: 200)
        let payload = try compressed(message)
        #expect(inflater.message(of: [0xFF, 0xFF, 0xFF]) == nil)
        #expect(inflater.message(of: payload.dropLast(9)) == nil)
        #expect(inflater.message(of: payload[...]) == message)
    }

    @Test("A message that would inflate beyond the longest frame is given up")
    func bomb() throws {
        let zeros = try compressed([UInt8](repeating: 0x20, count: BenchLimits.frameBytesMax + 1))
        #expect(zeros.count < 100_000)
        #expect(PayloadInflater().message(of: zeros[...]) == nil)
    }

    @Test(
        "An answer agrees where it names the extension and compresses each message by itself",
        arguments: [
            ("permessage-deflate; server_no_context_takeover; client_no_context_takeover", true),
            ("Permessage-Deflate;server_no_context_takeover", true), ("permessage-deflate", false),
            ("x-deflate; server_no_context_takeover", false),
        ])
    func answers(value: String, isAccepted: Bool) {
        let head = "HTTP/1.1 101 OK\r\nupgrade: websocket\r\nSec-WebSocket-Extensions: \(value)\r\n\r\n"
        #expect(DeflateOffer.isAccepted(byHead: head) == isAccepted)
        #expect(!DeflateOffer.isAccepted(byHead: head.replacing("Extensions", with: "Protocol")))
    }

    @Test("The upgrade offers what the relay understands, and only where that is wanted")
    func offer() throws {
        let target = BenchTarget(host: "h", port: 1, authority: "h:1")
        let plain = String(decoding: target.upgrade(user: "u", token: nil), as: UTF8.self)
        #expect(!plain.contains("Extensions"))
        let request = String(decoding: target.upgrade(user: "u", token: "t", offersDeflate: true), as: UTF8.self)
        #expect(request.contains("\r\n\(DeflateOffer.line)Authorization: Bearer t\r\n\r\n"))
        let value = try #require(DeflateOffer.line.split(separator: ": ").last)
        let offers = try #require(ExtensionOffer.parse([String(value.dropLast())]))
        let agreement = try #require(DeflateAgreement(toFirstOf: offers))
        let head = "HTTP/1.1 101 x\r\nSec-WebSocket-Extensions: \(agreement.answer)\r\n\r\n"
        #expect(DeflateOffer.isAccepted(byHead: head))
    }

    @Test("Prose has the length that was asked for, ends, needs no escape, and is the same each time")
    func prose() {
        for count in [0, 1, 2, 5, 6, 14, 102, 5000] {
            let text = ProseFiller.text(byteCount: count)
            #expect(text.utf8.count == count)
            #expect(count == 0 || text.hasSuffix("."))
            #expect(text.utf8.allSatisfy { (0x20..<0x7F).contains($0) && $0 != 0x22 && $0 != 0x5C && $0 != 0x7E })
            #expect(text.dropLast() == ProseFiller.text(byteCount: 6000).prefix(max(count - 1, 0)))
        }
    }

    @Test(
        "A post loses by compression about what people's messages lose: neither nearly nothing nor nearly all",
        arguments: [(128, 0.60...0.85), (512, 0.45...0.70), (8192, 0.30...0.50)])
    func realism(textBytes: Int, share: ClosedRange<Double>) throws {
        let message = envelope(12_345, textBytes: textBytes)
        let left = Double(try compressed(message).count) / Double(message.count)
        #expect(share.contains(left), "\(left)")
    }
}
