internal import NIOCore
internal import RelayCore

/// The end of a segment: where its last message ends.
struct SegmentTail: Equatable {
    /// The last message; nil where the file holds none.
    var last: ArchivePosition?
    /// The offset behind the line break of the last message, 0 where there is none.
    var length: UInt64
    /// Bytes behind it: a torn line, or a gap line whose message did not make it.
    var surplus: UInt64

    private static let windowBytes: UInt64 = 64 * 1024

    /// Reads backwards until a whole message is found. A gap line belongs to the message behind it: one at the very end
    /// is surplus, because the message will be read again and with it the gap found again.
    static func read(_ sink: any SegmentSink) throws(SegmentError) -> SegmentTail {
        let total = try sink.length()
        var window = min(total, windowBytes)
        while true {
            let start = total - window
            let bytes = try sink.read(at: start, count: Int(window))
            if let found = lastMessage(in: bytes, startsAtLine: start == 0) {
                let length = start + UInt64(found.end)
                return SegmentTail(last: found.position, length: length, surplus: total - length)
            }
            guard start > 0 else { return SegmentTail(last: nil, length: 0, surplus: total) }
            window = min(total, window * 4)
        }
    }

    private static func lastMessage(
        in bytes: ByteBuffer, startsAtLine: Bool
    ) -> (position: ArchivePosition, end: Int)? {
        let view = bytes.readableBytesView
        var end = view.lastIndex(of: ArchiveLineCoder.newline)
        while let lineEnd = end {
            let previous = view[..<lineEnd].lastIndex(of: ArchiveLineCoder.newline)
            guard previous != nil || startsAtLine else { return nil }
            let start = previous.map { $0 + 1 } ?? view.startIndex
            let line = ByteBuffer(view[start..<lineEnd])
            if case .message(let position) = ArchiveLineCoder.decode(line) {
                return (position, lineEnd + 1 - view.startIndex)
            }
            end = previous
        }
        return nil
    }
}
