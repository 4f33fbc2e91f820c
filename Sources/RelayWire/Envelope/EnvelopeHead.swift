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
    public init?(_ bytes: ByteBuffer) {
        var cursor = Cursor(view: bytes.readableBytesView)
        guard cursor.skip("{\"id\":\""), let milliseconds = cursor.number(), cursor.skip("-"),
            let sequence = cursor.number(), cursor.skip("\",\"seq\":"), let seq = cursor.number(),
            cursor.skip(",\"ts\":")
        else { return nil }
        self.id = MessageID(milliseconds: milliseconds, sequence: sequence)
        self.seq = seq
    }

    private struct Cursor {
        let view: ByteBufferView
        var index: Int

        init(view: ByteBufferView) {
            self.view = view
            index = view.startIndex
        }

        mutating func skip(_ text: StaticString) -> Bool {
            let count = text.utf8CodeUnitCount
            guard view.endIndex - index >= count else { return false }
            // A static string's bytes live for ever, and `count` is how many there are.
            for offset in 0..<count where unsafe text.utf8Start[offset] != view[index + offset] { return false }
            index += count
            return true
        }

        /// A decimal without sign or leading zero; nil where there is none or it does not fit.
        mutating func number() -> UInt64? {
            let start = index
            var value: UInt64 = 0
            while index < view.endIndex, case let digit = view[index] &- UInt8(ascii: "0"), digit <= 9 {
                let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
                let (sum, carried) = product.addingReportingOverflow(UInt64(digit))
                guard !overflowed, !carried else { return nil }
                value = sum
                index += 1
            }
            guard index > start, index == start + 1 || view[start] != UInt8(ascii: "0") else { return nil }
            return value
        }
    }
}
