/// The header of one frame, checked.
///
///      0               1               2 …
///     +-+-+-+-+-------+-+-------------+-------------------------------+------------------+
///     |F|R|R|R| opcode|M| length      | 2 bytes where length is 126,  | masking key,     |
///     |I|S|S|S| (4)   |A| (7)         | 8 bytes where it is 127       | 4 bytes where M  |
///     |N|V|V|V|       |S|             |                               |                  |
///     +-+-+-+-+-------+-+-------------+-------------------------------+------------------+
struct FrameHeader: Equatable {
    var opcode: FrameOpcode
    var isFinal: Bool
    /// Whether RSV1 is set: the message that begins here is compressed.
    var isCompressed = false
    var payloadBytes: Int
    var maskingKey: MaskingKey?
    var headerBytes: Int

    /// What a header is checked against besides itself.
    struct Context {
        var role: FrameRole
        /// Whether a message has begun and not ended.
        var isMessageUnderWay: Bool
        /// How many bytes the message under way, or a new one, may still grow by.
        var payloadBytesMax: Int
        /// How many bytes a compressed message may have, before it is inflated; nil where no compression was agreed.
        var compressedBytesMax: Int?
    }

    enum Parsed: Equatable {
        case incomplete
        case header(FrameHeader)
        case violation(FrameViolation)
    }

    /// Reads a header from the front of `bytes`.
    ///
    /// Every check is made as soon as its byte is there and in the order of the bytes, so that a fault is the same one
    /// wherever the input is cut. A header that is cut is read again when more has come: at most 13 bytes.
    static func parse(_ bytes: RawSpan, in context: Context) -> Parsed {
        guard bytes.byteCount >= 1 else { return .incomplete }
        let first = bytes.byte(at: 0)
        let isCompressed = first & 0x40 != 0
        guard first & 0x30 == 0, !isCompressed || context.compressedBytesMax != nil else {
            return .violation(.reservedBits)
        }
        guard let opcode = FrameOpcode(rawValue: first & 0x0F) else { return .violation(.reservedOpcode) }
        // RFC 7692 6.1: the bit stands on the first frame of a message alone.
        guard !isCompressed || opcode == .text || opcode == .binary else { return .violation(.reservedBits) }
        let isFinal = first & 0x80 != 0
        if opcode.isControl {
            guard isFinal else { return .violation(.fragmentedControl) }
        } else if opcode == .continuation {
            guard context.isMessageUnderWay else { return .violation(.strayContinuation) }
        } else {
            guard !context.isMessageUnderWay else { return .violation(.interruptedMessage) }
        }

        guard bytes.byteCount >= 2 else { return .incomplete }
        let second = bytes.byte(at: 1)
        let isMasked = second & 0x80 != 0
        if isMasked != (context.role == .server) { return .violation(isMasked ? .masked : .unmasked) }
        let shortLength = second & 0x7F
        if opcode.isControl, shortLength > 125 { return .violation(.controlTooLong) }

        let payloadBytes: Int
        let lengthEnd: Int
        switch length(shortLength, in: bytes) {
        case .incomplete: return .incomplete
        case .violation(let violation): return .violation(violation)
        case .length(let value, let end): (payloadBytes, lengthEnd) = (value, end)
        }
        let payloadBytesMax = (isCompressed ? context.compressedBytesMax : nil) ?? context.payloadBytesMax
        if !opcode.isControl, payloadBytes > payloadBytesMax { return .violation(.messageTooLong) }

        guard isMasked else {
            return .header(
                FrameHeader(
                    opcode: opcode, isFinal: isFinal, isCompressed: isCompressed, payloadBytes: payloadBytes,
                    maskingKey: nil, headerBytes: lengthEnd))
        }
        guard bytes.byteCount >= lengthEnd + 4 else { return .incomplete }
        let key = bigEndian(bytes, from: lengthEnd, count: 4)
        return .header(
            FrameHeader(
                opcode: opcode, isFinal: isFinal, isCompressed: isCompressed, payloadBytes: payloadBytes,
                maskingKey: MaskingKey(UInt32(truncatingIfNeeded: key)), headerBytes: lengthEnd + 4))
    }

    private enum Length {
        case incomplete
        case violation(FrameViolation)
        case length(Int, end: Int)
    }

    private static func length(_ shortLength: UInt8, in bytes: RawSpan) -> Length {
        switch shortLength {
        case 126:
            guard bytes.byteCount >= 4 else { return .incomplete }
            let value = Int(bigEndian(bytes, from: 2, count: 2))
            return value < 126 ? .violation(.nonMinimalLength) : .length(value, end: 4)
        case 127:
            if bytes.byteCount >= 3, bytes.byte(at: 2) & 0x80 != 0 { return .violation(.lengthTopBit) }
            guard bytes.byteCount >= 10 else { return .incomplete }
            let value = Int(bigEndian(bytes, from: 2, count: 8))
            return value <= 0xFFFF ? .violation(.nonMinimalLength) : .length(value, end: 10)
        default:
            return .length(Int(shortLength), end: 2)
        }
    }

    private static func bigEndian(_ bytes: RawSpan, from start: Int, count: Int) -> UInt64 {
        var value: UInt64 = 0
        for offset in start..<(start + count) { value = value << 8 | UInt64(bytes.byte(at: offset)) }
        return value
    }
}
