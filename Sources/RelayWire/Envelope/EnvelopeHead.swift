public import NIOCore
public import RelayCore

/// The first two keys of an envelope, read without parsing the rest.
///
/// This is what an edge looks at before it passes a frame on: `{"id":"MS-N","seq":N,`. Anything else is no envelope of
/// a message.
public struct EnvelopeHead: Sendable, Equatable {
    /// The entry ID.
    public let id: MessageID
    /// The number in the room.
    public let seq: UInt64

    /// Reads the head; nil where the bytes do not begin as an envelope's do.
    public init?(_ envelope: ByteBuffer) {
        let bytes = envelope.readableBytesSpan
        var cursor = Cursor()
        guard cursor.skip("{\"id\":\"", bytes), let milliseconds = cursor.number(bytes), cursor.skip("-", bytes),
            let sequence = cursor.number(bytes), cursor.skip("\",\"seq\":", bytes), let seq = cursor.number(bytes),
            cursor.skip(",\"ts\":", bytes)
        else { return nil }
        self.id = MessageID(milliseconds: milliseconds, sequence: sequence)
        self.seq = seq
    }

    private struct Cursor {
        var offset = 0

        mutating func skip(_ text: StaticString, _ bytes: RawSpan) -> Bool {
            let count = text.utf8CodeUnitCount
            guard bytes.byteCount - offset >= count else { return false }
            // A static string's bytes live for ever, and `count` is how many there are.
            for index in 0..<count where unsafe text.utf8Start[index] != bytes.byte(at: offset + index) { return false }
            offset += count
            return true
        }

        /// A decimal without sign or leading zero; nil where there is none or it does not fit.
        mutating func number(_ bytes: RawSpan) -> UInt64? {
            let start = offset
            var value: UInt64 = 0
            while offset < bytes.byteCount, case let digit = bytes.byte(at: offset) &- UInt8(ascii: "0"), digit <= 9 {
                let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
                let (sum, carried) = product.addingReportingOverflow(UInt64(digit))
                guard !overflowed, !carried else { return nil }
                value = sum
                offset += 1
            }
            guard offset > start, offset == start + 1 || bytes.byte(at: start) != UInt8(ascii: "0") else { return nil }
            return value
        }
    }
}
