/// The id of a message: the entry ID of its stream, `milliseconds-sequence`, ordered.
public struct MessageID: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Milliseconds since 1970, by the clock of Redis.
    public let milliseconds: UInt64
    /// Tells apart the entries of one millisecond.
    public let sequence: UInt64

    /// Below every id that a stream can hold.
    public static let zero = MessageID(milliseconds: 0, sequence: 0)

    /// The id made of its two parts.
    public init(milliseconds: UInt64, sequence: UInt64) {
        self.milliseconds = milliseconds
        self.sequence = sequence
    }

    /// Parses `1763691000123-0`, or `1763691000123`, which means the sequence 0; nil for anything else.
    public init?(_ text: String) {
        var milliseconds = Decimal()
        var sequence = Decimal()
        var isSequence = false
        for byte in text.utf8 {
            if byte == UInt8(ascii: "-"), !isSequence {
                isSequence = true
            } else if isSequence {
                sequence.append(byte)
            } else {
                milliseconds.append(byte)
            }
        }
        guard let high = milliseconds.value, let low = isSequence ? sequence.value : 0 else { return nil }
        self.init(milliseconds: high, sequence: low)
    }

    /// Parses a part of a text; nil where it is no id.
    public init?(_ text: Substring) {
        self.init(String(text))
    }

    /// The smallest id above this one; above the greatest there is none.
    public var next: MessageID {
        if sequence < .max { return MessageID(milliseconds: milliseconds, sequence: sequence + 1) }
        return milliseconds == .max ? self : MessageID(milliseconds: milliseconds + 1, sequence: 0)
    }

    /// The highest id below this one; below zero there is none.
    public var previous: MessageID {
        if sequence > 0 { return MessageID(milliseconds: milliseconds, sequence: sequence - 1) }
        return milliseconds == 0 ? .zero : MessageID(milliseconds: milliseconds - 1, sequence: .max)
    }

    /// The form in which Redis and envelopes write it.
    public var description: String {
        let (high, low) = (Self.digitCount(milliseconds), Self.digitCount(sequence))
        // Interpolation makes a string of each number and several of the whole: ten times as much work. Every byte of
        // the storage is written, since the digits are counted before.
        return unsafe String(unsafeUninitializedCapacity: high + 1 + low) { digits in
            unsafe Self.write(milliseconds, to: digits, endingAt: high)
            unsafe digits[high] = UInt8(ascii: "-")
            unsafe Self.write(sequence, to: digits, endingAt: high + 1 + low)
            return high + 1 + low
        }
    }

    private static func digitCount(_ number: UInt64) -> Int {
        var count = 1
        var rest = number / 10
        while rest > 0 {
            count += 1
            rest /= 10
        }
        return count
    }

    private static func write(_ number: UInt64, to digits: UnsafeMutableBufferPointer<UInt8>, endingAt end: Int) {
        var rest = number
        var index = end
        repeat {
            index -= 1
            // Within what the caller has counted.
            unsafe digits[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
    }

    /// By milliseconds, then by sequence.
    public static func < (left: MessageID, right: MessageID) -> Bool {
        (left.milliseconds, left.sequence) < (right.milliseconds, right.sequence)
    }

    /// Digits alone, at most twenty: `UInt64.init` would take a sign too.
    private struct Decimal {
        private var number: UInt64 = 0
        private var digits = 0
        private var isBroken = false

        var value: UInt64? { digits > 0 && !isBroken ? number : nil }

        mutating func append(_ byte: UInt8) {
            let (product, overflowed) = number.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(UInt64(byte &- UInt8(ascii: "0")))
            digits += 1
            isBroken = isBroken || overflowed || carried || byte &- UInt8(ascii: "0") > 9 || digits > 20
            number = sum
        }
    }
}
