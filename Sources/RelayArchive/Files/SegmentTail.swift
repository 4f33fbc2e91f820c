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
    /// More lines than one batch has: what may have been written and not synced.
    private static let linesBack = Limits.pageMessagesMax * 2

    /// Reads backwards over the lines that may never have been synced, and to the last whole message among them.
    ///
    /// A gap line belongs to the message behind it: one at the very end is surplus, because the message will be read
    /// again and with it the gap found again. After a loss of power a file may be as long as it was and hold zeros
    /// where a part of it did not get to the disk: then it ends before them.
    static func read(_ sink: any SegmentSink) throws(SegmentError) -> SegmentTail {
        let total = try sink.length()
        var window = min(total, windowBytes)
        while true {
            let start = total - window
            let bytes = try sink.read(at: start, count: Int(window))
            var lines = 0
            if let found = lastMessage(in: bytes, startsAtLine: start == 0, lines: &lines),
                start == 0 || lines >= linesBack
            {
                let length = start + UInt64(found.end)
                return SegmentTail(last: found.position, length: length, surplus: total - length)
            }
            guard start > 0 else { return SegmentTail(last: nil, length: 0, surplus: total) }
            window = min(total, window * 4)
        }
    }

    /// The last message before the first zero, and where it ends.
    private static func lastMessage(
        in bytes: ByteBuffer, startsAtLine: Bool, lines: inout Int
    ) -> (position: ArchivePosition, end: Int)? {
        let view = bytes.readableBytesView
        var found: (position: ArchivePosition, end: Int)?
        var end = view.lastIndex(of: ArchiveLineCoder.newline)
        while let lineEnd = end, found == nil || lines < linesBack {
            let previous = view[..<lineEnd].lastIndex(of: ArchiveLineCoder.newline)
            guard previous != nil || startsAtLine else { break }
            let start = previous.map { $0 + 1 } ?? view.startIndex
            let line = view[start..<lineEnd]
            lines += 1
            if line.contains(0) {
                (found, lines) = (nil, 0)
            } else if found == nil, case .message(let position) = ArchiveLineCoder.decode(ByteBuffer(line)) {
                found = (position, lineEnd + 1 - view.startIndex)
            }
            end = previous
        }
        return found
    }
}
