import NIOCore
import NIOEmbedded
import RelayCore
import RelayDeflate
import RelayWire
import Testing

@testable import RelayEdge

@Suite("Compression for the members of a room")
struct DeflateTests {
    private static let offer = "permessage-deflate"
    private let room: RoomID
    private let edge = OneLoopEdge()

    init() throws {
        room = try #require(RoomID("r"))
    }

    private func member(_ name: String, offering offer: String? = nil) throws -> OneLoopClient {
        let client = try edge.connect(as: name, offering: offer)
        try client.send(#"{"op":"join","room":"r","ref":1}"#)
        #expect(try client.received().answers(to: 1).count == 1)
        // Who comes later is announced to who is there.
        return client
    }

    /// The first bytes of the frames, and the bytes themselves.
    private func firstBytes(_ frames: ByteBuffer) -> [UInt8] {
        var firstBytes: [UInt8] = []
        var rest = frames
        while let first = rest.readInteger(as: UInt8.self), let length = rest.readInteger(as: UInt8.self) {
            firstBytes.append(first)
            var count = Int(length)
            if count == 126 { count = Int(rest.readInteger(as: UInt16.self) ?? 0) }
            rest.moveReaderIndex(forwardBy: min(count, rest.readableBytes))
        }
        return firstBytes
    }

    private func numbers(_ client: OneLoopClient, _ bytes: ByteBuffer) throws -> [UInt64] {
        try client.read(bytes).compactMap { if case .message(let message) = $0 { message.message.seq } else { nil } }
    }

    private let long = "a text that is long enough to be worth it, since it says long enough twice, long enough"

    @Test("A frame is compressed once for all who take it, and the others get it as it is")
    func once() throws {
        let plain = try (0..<3).map { try member("plain\($0)") }
        let deflating = try (0..<5).map { try member("deflating\($0)", offering: Self.offer) }
        for client in plain + deflating { _ = try client.received() }
        let before = edge.shard.figures.deflated
        try edge.store.post(long, in: room, count: 7)
        #expect(edge.shard.figures.deflated - before == 7)
        let bytes = try deflating.map { try $0.receivedBytes() }
        #expect(Set(bytes).count == 1)
        #expect(firstBytes(bytes[0]) == [UInt8](repeating: 0xC1, count: 7))
        for (client, bytes) in zip(deflating, bytes) { #expect(try numbers(client, bytes) == Array(1...7)) }
        for client in plain {
            let whole = try client.receivedBytes()
            #expect(firstBytes(whole) == [UInt8](repeating: 0x81, count: 7))
            #expect(bytes[0].readableBytes < whole.readableBytes * 8 / 10)
            #expect(try numbers(client, whole) == Array(1...7))
        }
    }

    @Test("Nothing is compressed as long as no member takes it, nor after the last of them has left")
    func nobody() throws {
        let plain = try member("plain")
        try edge.store.post(long, in: room, count: 3)
        #expect(edge.shard.figures.deflated == 0)
        let deflating = try member("deflating", offering: Self.offer)
        try edge.store.post(long, in: room)
        #expect(edge.shard.figures.deflated == 1)
        try deflating.send(#"{"op":"leave","room":"r","ref":2}"#)
        try edge.store.post(long, in: room, count: 3)
        deflating.vanish()
        try edge.store.post(long, in: room, count: 3)
        #expect(edge.shard.figures.deflated == 1)
        #expect(try plain.receivedNumbers() == Array(1...10))
    }

    @Test("A short event stays as it is between two that are compressed, and all come in order")
    func short() throws {
        let client = try member("deflating", offering: Self.offer)
        let other = try member("o", offering: Self.offer)
        _ = (try client.received(), try other.received())
        try edge.store.post(long, in: room)
        let first = try client.receivedBytes()
        #expect(firstBytes(first) == [0xC1])
        other.vanish()
        edge.hub.flushPresence()
        edge.loop.run()
        let second = try client.receivedBytes()
        #expect(firstBytes(second) == [0x81])
        try edge.store.post(long, in: room)
        let third = try client.receivedBytes()
        #expect(try numbers(client, first) == [1])
        #expect(try client.read(second).count == 1)
        #expect(try numbers(client, third) == [2])
    }

    @Test("What one tick brings is in order for everybody, compressed or not", arguments: [0, 1, 2])
    func mixed(_ first: Int) throws {
        let deflater = MessageDeflater()
        var pending = PendingFrames(before: nil, capacity: 512, deflater: deflater)
        let payloads = (0..<6).map { number in
            let isLong = number % 3 == first
            return ByteBuffer(
                string: isLong ? #"{"n":\#(number)}"# + String(repeating: " pad", count: 100) : "\(number)")
        }
        for payload in payloads { pending.append(event: payload) }
        #expect(pending.count == 6 && pending.deflatedCount == 2)
        let deflated = pending.frames(deflatedUpTo: .max)
        #expect(firstBytes(deflated) == (0..<6).map { $0 % 3 == first ? 0xC1 : 0x81 })
        #expect(firstBytes(pending.frames(deflatedUpTo: 0)) == [UInt8](repeating: 0x81, count: 6))
        // Each of the long ones has 407 bytes.
        #expect(pending.frames(deflatedUpTo: 407) == deflated)
        #expect(pending.frames(deflatedUpTo: 406) == pending.bytes)
        let inflater = MessageInflater()
        for bytes in [deflated, pending.bytes] {
            var decoder = FrameDecoder(role: .client, messageBytesMax: 1 << 16, acceptsCompression: true)
            var input = bytes
            decoder.append(&input)
            var heard: [FrameEvent] = []
            while let event = decoder.next(inflating: { (payload, bytesMax) throws(FrameViolation) in
                (try? inflater.inflate(payload, bytesMax: bytesMax)) ?? ByteBuffer()
            }) {
                heard.append(event)
            }
            #expect(heard == payloads.map { .text($0) })
        }
    }

    @Test("A client with a small window gets compressed what fits into it, and the rest as it is")
    func smallWindow() throws {
        let small = try member("small", offering: Self.offer + "; server_max_window_bits=9")
        let large = try member("large", offering: Self.offer + "; server_max_window_bits=13")
        _ = (try small.received(), try large.received())
        try edge.store.post(long, in: room)
        #expect(firstBytes(try small.receivedBytes()) == [0xC1])
        try edge.store.post(String(repeating: long, count: 6), in: room)
        let bytes = try small.receivedBytes()
        #expect(firstBytes(bytes) == [0x81])
        #expect(try numbers(small, bytes) == [2])
        #expect(firstBytes(try large.receivedBytes()) == [0xC1, 0xC1])
    }

    @Test("An answer that is long is compressed for its one reader, a short one is not")
    func answers() throws {
        try edge.store.post(long, in: room, count: 20)
        let client = try edge.connect(as: "deflating", offering: Self.offer)
        try client.send(#"{"op":"join","room":"r","ref":1}"#)
        let joined = try client.receivedBytes()
        #expect(firstBytes(joined).first == 0xC1)
        guard case .joined(let answer)? = try client.read(joined).answers(to: 1).first else {
            Issue.record("no answer")
            return
        }
        #expect(answer.messages.map(\.message.seq) == Array(1...20))
        try client.send(#"{"op":"ping","ref":2}"#)
        #expect(firstBytes(try client.receivedBytes()).contains(0x81))
    }
}
