/// What stands at a place in the bytes of a connection.
enum ScannedFrame: Equatable {
    /// Not all of it is there; it has at least so many bytes in all.
    case incomplete(bytes: Int)
    /// A frame, the range of its payload, and so where the next one begins. A compressed message has an opcode of its
    /// own here, `FrameScanner.compressedText`.
    case frame(opcode: UInt8, start: Int, end: Int)
    /// No frame that a server sends: masked, in parts, or longer than any.
    case broken
}

/// Finds frames in place. Nothing is copied, and nothing is checked that the relay's own tests check.
enum FrameScanner {
    static let text: UInt8 = 0x1
    /// A text with the bit that says that it is compressed.
    static let compressedText: UInt8 = 0x41
    static let close: UInt8 = 0x8
    static let ping: UInt8 = 0x9
    static let pong: UInt8 = 0xA
    /// What a close frame says of who has nothing more to do here: the code 1000.
    static let goodbye: [UInt8] = [0x03, 0xE8]

    /// The frame that begins at `offset` in the bytes below `limit`, compressed only where that was agreed.
    static func next(
        in bytes: Span<UInt8>, from offset: Int, to limit: Int, acceptsCompression: Bool = false
    ) -> ScannedFrame {
        guard limit - offset >= 2 else { return .incomplete(bytes: 2) }
        let first = bytes[offset]
        let second = bytes[offset + 1]
        // One frame a message, no extension but that one, no mask.
        let isCompressed = acceptsCompression && first == 0x80 | compressedText
        guard first & 0xF0 == 0x80 || isCompressed, second & 0x80 == 0 else { return .broken }
        var count = Int(second)
        var start = offset + 2
        if count == 126 {
            guard limit - offset >= 4 else { return .incomplete(bytes: 4) }
            count = Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3])
            start = offset + 4
        } else if count == 127 {
            guard limit - offset >= 10 else { return .incomplete(bytes: 10) }
            count = 0
            for place in (offset + 2)..<(offset + 10) {
                guard count <= BenchLimits.frameBytesMax else { return .broken }
                count = count << 8 | Int(bytes[place])
            }
            start = offset + 10
        }
        guard count <= BenchLimits.frameBytesMax else { return .broken }
        guard limit - start >= count else { return .incomplete(bytes: start - offset + count) }
        return .frame(opcode: first & 0x7F, start: start, end: start + count)
    }

    /// A client's frame: masked, as the protocol wants it, with a key of zeros, which changes and costs nothing.
    static func append(_ payload: [UInt8], opcode: UInt8 = text, isMasked: Bool = true, to bytes: inout [UInt8]) {
        appendHeader(opcode: opcode, count: payload.count, isMasked: isMasked, to: &bytes)
        bytes.append(contentsOf: payload)
    }

    static func appendHeader(opcode: UInt8, count: Int, isMasked: Bool, to bytes: inout [UInt8]) {
        let mask: UInt8 = isMasked ? 0x80 : 0
        bytes.append(0x80 | opcode)
        if count < 126 {
            bytes.append(mask | UInt8(count))
        } else if count <= 0xFFFF {
            bytes.append(mask | 126)
            bytes.append(UInt8(count >> 8))
            bytes.append(UInt8(count & 0xFF))
        } else {
            bytes.append(mask | 127)
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(count >> shift & 0xFF)) }
        }
        if isMasked { for _ in 0..<4 { bytes.append(0) } }
    }

    /// What a close frame says, for people.
    static func closeText(_ payload: ArraySlice<UInt8>) -> String {
        guard payload.count >= 2, let first = payload.first else { return "no code" }
        let code = Int(first) << 8 | Int(payload[payload.startIndex + 1])
        return "\(code) \(String(decoding: payload.dropFirst(2), as: UTF8.self))"
    }
}
