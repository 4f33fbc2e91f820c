import NIOCore
import RelayWire
import Testing

@Suite("The frame decoder, fed in pieces")
struct FrameDecoderStreamTests {
    /// One conversation with everything in it, for cutting.
    private static let conversation: [UInt8] =
        RawFrame.masked(0x81, "{\"op\":\"ping\"} ✓") + RawFrame.masked(0x01, "κόσ") + RawFrame.masked(0x89, "p")
        + RawFrame.masked(0x80, "με") + RawFrame.masked(0x82, [UInt8](repeating: 0xEE, count: 130))
        + RawFrame.masked(0x81, "") + RawFrame.masked(0x8A, "pong") + RawFrame.close(4000, Array("end".utf8))

    @Test("gives the same events wherever the input is cut in two")
    func cutInTwo() {
        let bytes = Self.conversation
        let whole = decodeFrames(bytes)
        #expect(whole.count == 7)
        for cut in 0...bytes.count {
            #expect(decodeFrames([bytes[..<cut], bytes[cut...]]) == whole, "cut at \(cut)")
        }
    }

    @Test("gives the same events byte by byte")
    func byteByByte() {
        let bytes = Self.conversation
        #expect(decodeFrames(bytes.indices.map { bytes[$0...$0] }) == decodeFrames(bytes))
    }

    @Test("gives the same violation wherever the input is cut", arguments: FrameDecoderTests.violations)
    func violationsCut(_ name: String, _ bytes: [UInt8], _ violation: FrameViolation, _ code: UInt16) {
        for cut in 0...bytes.count {
            let pieces = [bytes[..<cut], bytes[cut...], RawFrame.masked(0x81, "after")[...]]
            #expect(decodeFrames(pieces) == [.violation(violation)], "cut at \(cut)")
        }
        #expect(decodeFrames(bytes.indices.map { bytes[$0...$0] }) == [.violation(violation)])
    }

    @Test("leaves the appended buffer empty, and an idle decoder holds nothing")
    func idle() {
        var decoder = FrameDecoder(role: .server, messageBytesMax: 65536)
        var buffer = ByteBuffer(bytes: RawFrame.masked(0x81, "x") + RawFrame.masked(0x89, "y"))
        decoder.append(&buffer)
        #expect(buffer.readableBytes == 0)
        #expect(decoder.heldBytes > 0)
        while decoder.next() != nil {}
        #expect(decoder.heldBytes == 0)
        #expect(!decoder.isDone)
        #expect(MemoryLayout<FrameDecoder>.size <= 96)
    }

    @Test("holds of a frame that stays away no more than has come")
    func halfAFrame() {
        var decoder = FrameDecoder(role: .server, messageBytesMax: 65536)
        var buffer = ByteBuffer(bytes: RawFrame.masked(0x81, [UInt8](repeating: 0x61, count: 60000))[..<20])
        decoder.append(&buffer)
        #expect(decoder.next() == nil)
        #expect(decoder.heldBytes == 12)
    }

    @Test("does not change bytes that somebody else still holds")
    func sharedInput() {
        let bytes = RawFrame.masked(0x81, "Hello, world") + RawFrame.masked(0x81, "again")
        let kept = ByteBuffer(bytes: bytes)
        var decoder = FrameDecoder(role: .server, messageBytesMax: 65536)
        var given = kept
        decoder.append(&given)
        #expect(decoder.next() == .text(ByteBuffer(string: "Hello, world")))
        #expect(decoder.next() == .text(ByteBuffer(string: "again")))
        #expect(kept == ByteBuffer(bytes: bytes))
    }

    @Test("unmasks in place the last frame of a buffer that was given away")
    func inPlace() {
        var decoder = FrameDecoder(role: .server, messageBytesMax: 65536)
        var buffer = ByteBuffer(bytes: RawFrame.masked(0x81, "Hello, world"))
        // Only the address is taken, to be compared.
        let address = unsafe buffer.withUnsafeReadableBytes { Int(bitPattern: $0.baseAddress) }
        decoder.append(&buffer)
        guard case .text(let payload)? = decoder.next() else {
            Issue.record("no text")
            return
        }
        // As above.
        let payloadAddress = unsafe payload.withUnsafeReadableBytes { Int(bitPattern: $0.baseAddress) }
        // Behind the header: two bytes and the key.
        #expect(payloadAddress == address + 6)
    }

    @Test("reads back what the encoder wrote, cut at random")
    func roundTrip() {
        var random = WireRandom(seed: 42)
        for round in 0..<3000 {
            let isServer = Bool.random(using: &random)
            var wire = ByteBuffer()
            var expected: [FrameEvent] = []
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                expected.append(writeRandomMessage(isServer: isServer, using: &random, into: &wire))
            }
            let bytes = Array(wire.readableBytesView)
            let cut = Int.random(in: 0...bytes.count, using: &random)
            let events = decodeFrames([bytes[..<cut], bytes[cut...]], role: isServer ? .server : .client)
            #expect(events == expected, "round \(round)")
        }
    }

    /// Writes a message or a ping, the message in one to three fragments.
    private func writeRandomMessage(
        isServer: Bool, using random: inout WireRandom, into wire: inout ByteBuffer
    ) -> FrameEvent {
        func key(_ random: inout WireRandom) -> UInt32? {
            isServer ? UInt32.random(in: 0 ... .max, using: &random) : nil
        }
        if Int.random(in: 0..<4, using: &random) == 0 {
            let payload = ByteBuffer(repeating: 9, count: Int.random(in: 0...125, using: &random))
            FrameEncoder.write(.ping, payload: payload, maskingKey: key(&random), into: &wire)
            return .ping(payload)
        }
        let payload = ByteBuffer(string: random.text(countMax: 90))
        var rest = payload
        var opcode = FrameOpcode.text
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            let part = rest.readSlice(length: Int.random(in: 0...rest.readableBytes, using: &random)) ?? ByteBuffer()
            FrameEncoder.write(opcode, payload: part, isFinal: false, maskingKey: key(&random), into: &wire)
            opcode = .continuation
        }
        FrameEncoder.write(opcode, payload: rest, maskingKey: key(&random), into: &wire)
        return .text(payload)
    }

    @Test("survives 10 000 damaged and random inputs, and judges them alike however they are cut")
    func fuzz() {
        var random = WireRandom(seed: 4711)
        let base = Self.conversation
        for round in 0..<10000 {
            var bytes: [UInt8]
            if round % 3 == 0 {
                bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
            } else {
                bytes = base
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let index = Int.random(in: 0..<bytes.count, using: &random)
                    bytes[index] = UInt8.random(in: 0...255, using: &random)
                }
            }
            let cut = Int.random(in: 0...bytes.count, using: &random)
            let whole = decodeFrames(bytes, messageBytesMax: 1000)
            let pieces = decodeFrames([bytes[..<cut], bytes[cut...]], messageBytesMax: 1000)
            #expect(whole == pieces, "round \(round) cut at \(cut)")
            let ends = whole.indices.filter { isEnd(whole[$0]) }
            #expect(ends.isEmpty || ends == [whole.count - 1], "round \(round)")
        }
    }

    private func isEnd(_ event: FrameEvent) -> Bool {
        switch event {
        case .close, .violation: true
        default: false
        }
    }
}
