/// The place of a message: `{"id":"1763691000123-0","seq":42,"ts":…`, its first fields and all that is read of it but
/// the mark in its text.
struct EnvelopePlace: Equatable {
    var milliseconds: UInt64
    var sequence: UInt64
    var seq: UInt64
    /// Where the number of `seq` ends.
    var end: Int

    static let head = StaticBytes(#"{"id":""#)
    private static let seqKey = StaticBytes(#"","seq":"#)

    /// Reads what stands at `offset`; nil where it is no message.
    init?(in bytes: Span<UInt8>, at offset: Int, to limit: Int) {
        // A message is told from everything else by its third byte: all else begins with another key.
        guard limit - offset > 40, bytes[offset + 2] == UInt8(ascii: "i"), bytes.has(Self.head, at: offset, to: limit),
            let first = bytes.number(at: offset + Self.head.bytes.count, to: limit), first.end < limit,
            bytes[first.end] == UInt8(ascii: "-"), let second = bytes.number(at: first.end + 1, to: limit),
            bytes.has(Self.seqKey, at: second.end, to: limit),
            let number = bytes.number(at: second.end + Self.seqKey.bytes.count, to: limit)
        else { return nil }
        milliseconds = first.value
        sequence = second.value
        seq = number.value
        end = number.end
    }

    init(milliseconds: UInt64, sequence: UInt64, seq: UInt64, end: Int) {
        self.milliseconds = milliseconds
        self.sequence = sequence
        self.seq = seq
        self.end = end
    }
}
