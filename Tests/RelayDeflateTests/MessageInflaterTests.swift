import NIOCore
import RelayDeflate
import RelayTestKit
import RelayWire
import Testing

@Suite("The inflater of messages")
struct MessageInflaterTests {
    private let inflater = MessageInflater()

    private func inflate(_ bytes: [UInt8], bytesMax: Int = 1 << 20) throws -> [UInt8] {
        Array(try inflater.inflate(ByteBuffer(bytes: bytes), bytesMax: bytesMax).readableBytesView)
    }

    private func failure(_ bytes: [UInt8], bytesMax: Int = 1 << 20) -> InflateError? {
        do throws(InflateError) {
            _ = try inflater.inflate(ByteBuffer(bytes: bytes), bytesMax: bytesMax)
            return nil
        } catch {
            return error
        }
    }

    /// "Hello" in the forms of RFC 7692 7.2.3.
    private static let hello: [(String, [UInt8])] = [
        ("one block", [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]),
        ("no compression", [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00]),
        ("a block that says it is the last", [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00]),
        ("the same without the byte behind it", [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]),
        ("two blocks", [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00]),
    ]

    @Test("reads the examples of RFC 7692 7.2.3, one after another with the same state", arguments: hello)
    func examples(_ what: String, _ payload: [UInt8]) throws {
        for _ in 0..<3 { #expect(try inflate(payload) == Array("Hello".utf8), "\(what)") }
    }

    @Test("reads an empty message in both of its forms")
    func empty() throws {
        #expect(try inflate([0x00]) == [])
        #expect(try inflate([0x02, 0x00]) == [])
        #expect(try inflate([]) == [])
    }

    @Test("goes on behind a block that says it is the last")
    func furtherBlocks() throws {
        let last: [UInt8] = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
        #expect(try inflate(last + Self.hello[0].1) == Array("HelloHello".utf8))
    }

    @Test("refuses a reference to an earlier message, and the next one is as good as ever")
    func noContext() throws {
        // The second message of RFC 7692 7.2.3.2: all of it refers to the first.
        let second: [UInt8] = [0xF2, 0x00, 0x11, 0x00, 0x00]
        #expect(try inflate(Self.hello[0].1) == Array("Hello".utf8))
        #expect(failure(second) == .invalidData)
        #expect(try inflate(Self.hello[0].1) == Array("Hello".utf8))
    }

    @Test("refuses what ends within a block, cut at every byte")
    func cuts() throws {
        var random = SeededRandom(seed: 11)
        let words = ["alpha", "beta", "gamma", "delta", "\"seq\":", "{", "}", "é"]
        let text = (0..<300).map { _ in words.randomElement(using: &random) ?? "" }.joined(separator: " ")
        let deflater = MessageDeflater()
        var frame = ByteBuffer()
        #expect(deflater.writeFrame(.text, payload: ByteBuffer(string: text), into: &frame))
        let payload = Array(frame.readableBytesView.dropFirst(4))
        #expect(try inflate(payload) == Array(text.utf8))
        for cut in 1..<payload.count - 1 { #expect(failure(Array(payload[..<cut])) == .invalidData, "\(cut)") }
        #expect(try inflate(payload) == Array(text.utf8))
    }

    @Test(
        "refuses what is no DEFLATE data",
        arguments: [
            [0xFF], [0x07], [0x06, 0x00], [0x00, 0x05, 0x00, 0xFF, 0xFF, 0x48], [0x01, 0x05, 0x00, 0xFA],
            Array("{\"op\":\"ping\"}".utf8), [UInt8](repeating: 0xFF, count: 1000),
        ] as [[UInt8]])
    func noDeflate(_ bytes: [UInt8]) throws {
        #expect(failure(bytes) == .invalidData)
        #expect(try inflate(Self.hello[0].1) == Array("Hello".utf8))
    }

    /// A block of fixed codes: the byte 0 once, then 258 of it at distance 1, again and again, each one in 13 bits.
    private static func bomb(runs: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var bits: UInt64 = 0
        var count: UInt64 = 0
        func put(_ value: UInt64, _ width: UInt64) {
            bits |= value << count
            count += width
            while count >= 8 {
                bytes.append(UInt8(bits & 0xFF))
                bits >>= 8
                count -= 8
            }
        }
        put(0b010, 3)
        put(0b0000_1100, 8)  // literal 0: 00110000, its first bit lowest
        for _ in 0..<runs {
            put(0b1010_0011, 8)  // length 258: 11000101
            put(0, 5)  // distance 1
        }
        put(0, 7)
        put(0, 3)
        if count > 0 { put(0, 8 - count) }
        return bytes
    }

    @Test("stops at the bound: a bomb costs no memory, and a message that is just as long passes")
    func bound() throws {
        let runs = 40_000
        let bytes = Self.bomb(runs: runs)
        #expect(bytes.count < 66_000)
        let whole = 1 + 258 * runs
        #expect(try inflate(bytes, bytesMax: whole).count == whole)
        #expect(failure(bytes, bytesMax: whole - 1) == .tooLong)
        #expect(failure(bytes, bytesMax: 65_536) == .tooLong)
        #expect(failure(bytes, bytesMax: 0) == .tooLong)
        let small = try inflater.inflate(ByteBuffer(bytes: Self.bomb(runs: 3)), bytesMax: 65_536)
        #expect(small.readableBytes == 775 && small.capacity <= 4096)
    }

    @Test("survives whatever bytes come, and keeps to the bound")
    func noise() throws {
        var random = SeededRandom(seed: 12)
        let deflater = MessageDeflater()
        for _ in 0..<3000 {
            var bytes = (0..<Int.random(in: 1...80, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) {
                // Something that was good once.
                var frame = ByteBuffer()
                let text = String(repeating: "abc \(random.next())", count: 12)
                #expect(deflater.writeFrame(.text, payload: ByteBuffer(string: text), into: &frame))
                bytes = Array(frame.readableBytesView.dropFirst(2))
                bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
            }
            if let message = try? inflate(bytes, bytesMax: 500) { #expect(message.count <= 500) }
        }
        #expect(try inflate(Self.hello[0].1) == Array("Hello".utf8))
    }
}
