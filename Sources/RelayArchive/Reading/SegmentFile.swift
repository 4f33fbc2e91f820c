internal import NIOCore
internal import RelayCore

/// One segment, opened for reading: finds places by binary search and walks from them, both ways.
///
/// Ids ascend within a segment, gap lines stand right before the message that revealed them. A line without its line
/// break is still being written: the file ends before it.
struct SegmentFile {
    private let sink: any SegmentSink
    /// Where the last whole line ends.
    private let end: UInt64

    private static let chunkBytes = 64 * 1024
    /// Below this a span is read and walked through instead of halved.
    private static let spanBytesMin: UInt64 = 16 * 1024

    /// A line with its place.
    struct Line {
        var bytes: ByteBuffer
        var start: UInt64
        /// Behind the line break.
        var end: UInt64
    }

    init(_ sink: any SegmentSink) throws(SegmentError) {
        self.sink = sink
        var end = try sink.length()
        while end > 0 {
            let start = end > UInt64(Self.chunkBytes) ? end - UInt64(Self.chunkBytes) : 0
            let view = try sink.read(at: start, count: Int(end - start)).readableBytesView
            if let index = view.lastIndex(of: ArchiveLineCoder.newline) {
                end = start + UInt64(index - view.startIndex) + 1
                break
            }
            end = start
        }
        self.end = end
    }

    /// Whether the segment holds a message with this id.
    func holds(_ id: MessageID) throws(SegmentError) -> Bool {
        try frames(from: try offset(of: id), limit: 1).first?.id == id
    }

    /// The start of the first message whose id is not below `id`, or the end of the file.
    func offset(of id: MessageID) throws(SegmentError) -> UInt64 {
        var low: UInt64 = 0
        var high = end
        while high - low > Self.spanBytesMin {
            let middle = try lineStart(after: low + (high - low) / 2, upTo: high)
            guard middle < high, let found = try message(from: middle, upTo: high) else {
                // One line fills the upper half, or it holds only gap lines.
                return try walk(to: id, from: low, upTo: high) ?? high
            }
            if found.position.id < id { low = found.line.end } else { high = found.line.start }
        }
        return try walk(to: id, from: low, upTo: high) ?? high
    }

    /// At most `limit` messages from a line's start on, ascending.
    func frames(from offset: UInt64, limit: Int) throws(SegmentError) -> [StoredFrame] {
        var frames: [StoredFrame] = []
        var reader = Forward(sink: sink, offset: offset, end: end)
        while frames.count < limit, let line = try reader.next() {
            if let frame = Self.frame(line.bytes) { frames.append(frame) }
        }
        return frames
    }

    /// The last messages that end at or before a line's start, at most `limit`, ascending.
    func frames(before offset: UInt64, limit: Int) throws(SegmentError) -> [StoredFrame] {
        var frames: [StoredFrame] = []
        var stop = offset
        var window = UInt64(Self.chunkBytes)
        while frames.count < limit, stop > 0 {
            let from = stop > window ? try lineStart(after: stop - window, upTo: stop) : 0
            guard from < stop else {
                window *= 2
                continue
            }
            var older: [StoredFrame] = []
            var reader = Forward(sink: sink, offset: from, end: stop)
            while let line = try reader.next() {
                if let frame = Self.frame(line.bytes) { older.append(frame) }
            }
            frames.insert(contentsOf: older.suffix(limit - frames.count), at: 0)
            stop = from
        }
        return frames
    }

    func close() { sink.close() }

    private static func frame(_ line: ByteBuffer) -> StoredFrame? {
        guard case .message(let position) = ArchiveLineCoder.decode(line) else { return nil }
        return StoredFrame(id: position.id, seq: position.seq, envelope: line)
    }

    private func walk(to id: MessageID, from low: UInt64, upTo high: UInt64) throws(SegmentError) -> UInt64? {
        var reader = Forward(sink: sink, offset: low, end: high)
        while let line = try reader.next() {
            if case .message(let position) = ArchiveLineCoder.decode(line.bytes), position.id >= id {
                return line.start
            }
        }
        return nil
    }

    private func message(
        from offset: UInt64, upTo limit: UInt64
    ) throws(SegmentError) -> (position: ArchivePosition, line: Line)? {
        var reader = Forward(sink: sink, offset: offset, end: limit)
        while let line = try reader.next() {
            if case .message(let position) = ArchiveLineCoder.decode(line.bytes) { return (position, line) }
        }
        return nil
    }

    /// The first start of a line above `offset`; `limit`, which is one, where there is none before it.
    private func lineStart(after offset: UInt64, upTo limit: UInt64) throws(SegmentError) -> UInt64 {
        var position = offset
        while position < limit {
            let count = min(Self.chunkBytes, Int(limit - position))
            let view = try sink.read(at: position, count: count).readableBytesView
            guard !view.isEmpty else { return limit }
            if let index = view.firstIndex(of: ArchiveLineCoder.newline) {
                return position + UInt64(index - view.startIndex) + 1
            }
            position += UInt64(view.count)
        }
        return limit
    }

    /// Walks lines forward, a chunk at a time.
    private struct Forward {
        let sink: any SegmentSink
        var offset: UInt64
        let end: UInt64
        var pending = ByteBuffer()

        mutating func next() throws(SegmentError) -> Line? {
            while true {
                let before = pending
                if let line = pending.readLine() {
                    let start = offset
                    offset += UInt64(before.readableBytes - pending.readableBytes)
                    return Line(bytes: line, start: start, end: offset)
                }
                let read = offset + UInt64(pending.readableBytes)
                guard read < end else { return nil }
                pending.discardReadBytes()
                var chunk = try sink.read(at: read, count: min(SegmentFile.chunkBytes, Int(end - read)))
                guard chunk.readableBytes > 0 else { return nil }
                pending.writeBuffer(&chunk)
            }
        }
    }
}
