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
    public init?(_ text: some StringProtocol) {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let milliseconds = Self.decimal(parts[0]) else { return nil }
        guard parts.count == 2 else {
            self.init(milliseconds: milliseconds, sequence: 0)
            return
        }
        guard let sequence = Self.decimal(parts[1]) else { return nil }
        self.init(milliseconds: milliseconds, sequence: sequence)
    }

    /// The smallest id above this one.
    public var next: MessageID {
        sequence == .max
            ? MessageID(milliseconds: milliseconds &+ 1, sequence: 0)
            : MessageID(milliseconds: milliseconds, sequence: sequence + 1)
    }

    /// The form in which Redis and envelopes write it.
    public var description: String { "\(milliseconds)-\(sequence)" }

    /// By milliseconds, then by sequence.
    public static func < (left: MessageID, right: MessageID) -> Bool {
        (left.milliseconds, left.sequence) < (right.milliseconds, right.sequence)
    }

    /// Digits alone: `UInt64.init` would take a sign too.
    private static func decimal(_ digits: some Collection<UInt8>) -> UInt64? {
        guard !digits.isEmpty, digits.count <= 20 else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
            let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
            guard !overflowed, !carried else { return nil }
            value = sum
        }
        return value
    }
}
