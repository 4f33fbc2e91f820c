/// Checks UTF-8 that arrives in pieces, and fails at the first byte that no continuation could make valid.
///
/// Three bytes of state: how many continuation bytes are still missing, and between which bounds the next one must lie.
/// The bounds carry all of the rules beyond the bit patterns: no overlong form (`E0 80`, `F0 80`), no surrogate
/// (`ED A0`), nothing above U+10FFFF (`F4 90`).
public struct UTF8Validator: Sendable, Equatable {
    private var continuationsMissing: UInt8 = 0
    private var lowerBound: UInt8 = 0x80
    private var upperBound: UInt8 = 0xBF

    /// A validator that stands before the first byte of a text.
    public init() {}

    /// Whether the bytes so far end with a whole character: only here may a text end.
    public var isAtBoundary: Bool { continuationsMissing == 0 }

    /// Takes the next bytes of the text.
    ///
    /// - Returns: the offset in `bytes` of the first byte that makes the text invalid, or nil where it can still be
    ///   valid. After a failure the validator has nothing more to say and must not be fed again.
    public mutating func firstInvalidOffset(in bytes: RawSpan) -> Int? {
        let count = bytes.byteCount
        var offset = 0
        while offset < count {
            if continuationsMissing == 0 {
                offset = Self.endOfASCII(in: bytes, from: offset)
                if offset == count { return nil }
            }
            if !accept(bytes.byte(at: offset)) { return offset }
            offset += 1
        }
        return nil
    }

    /// Whether these bytes alone are a whole, valid text.
    public static func isValid(_ bytes: RawSpan) -> Bool {
        var validator = UTF8Validator()
        return validator.firstInvalidOffset(in: bytes) == nil && validator.isAtBoundary
    }

    /// The offset of the first byte at or after `start` that is not ASCII, eight bytes a step.
    private static func endOfASCII(in bytes: RawSpan, from start: Int) -> Int {
        let count = bytes.byteCount
        var offset = start
        while count - offset >= 8 {
            let highBits = bytes.word(at: offset) & 0x8080_8080_8080_8080
            if highBits != 0 { return offset + highBits.trailingZeroBitCount / 8 }
            offset += 8
        }
        while offset < count, bytes.byte(at: offset) < 0x80 { offset += 1 }
        return offset
    }

    private mutating func accept(_ byte: UInt8) -> Bool {
        if continuationsMissing > 0 {
            guard byte >= lowerBound, byte <= upperBound else { return false }
            continuationsMissing -= 1
            (lowerBound, upperBound) = (0x80, 0xBF)
            return true
        }
        switch byte {
        case 0x00...0x7F: return true
        case 0xC2...0xDF: expect(1)
        case 0xE0: expect(2, from: 0xA0)
        case 0xED: expect(2, through: 0x9F)
        case 0xE1...0xEF: expect(2)
        case 0xF0: expect(3, from: 0x90)
        case 0xF1...0xF3: expect(3)
        case 0xF4: expect(3, through: 0x8F)
        default: return false
        }
        return true
    }

    private mutating func expect(_ continuations: UInt8, from lower: UInt8 = 0x80, through upper: UInt8 = 0xBF) {
        continuationsMissing = continuations
        (lowerBound, upperBound) = (lower, upper)
    }
}
