internal import NIOCore
internal import RelayCore

/// Puts late messages, which a rewound Redis gave lower ids, where their ids belong.
struct SegmentMerge {
    let room: RoomID
    let now: UInt64
    let epoch: UInt64

    /// The lines of `old` with the frames in between, both ascending. A gap line with reason `rewound` stands wherever
    /// one run of numbers ends and another begins.
    func merge(_ frames: [StoredFrame], into old: ByteBuffer) -> ByteBuffer {
        var merged = ByteBuffer()
        var rest = old
        var waiting = frames[...]
        var last: ArchivePosition?
        // Gap lines belong to the message behind them, so they wait for it.
        var gaps: [ByteBuffer] = []
        var isAfterFrame = false
        while let line = rest.readLine() {
            guard case .message(let position) = ArchiveLineCoder.decode(line) else {
                gaps.append(line)
                continue
            }
            while let frame = waiting.first, frame.id < position.id {
                waiting.removeFirst()
                write(frame, behind: last, isFirst: !isAfterFrame, to: &merged)
                last = ArchivePosition(id: frame.id, seq: frame.seq)
                isAfterFrame = true
            }
            if isAfterFrame { writeGap(behind: last, before: position.seq, to: &merged) }
            for gap in gaps { write(gap, to: &merged) }
            write(line, to: &merged)
            gaps = []
            last = position
            isAfterFrame = false
        }
        for frame in waiting {
            write(frame, behind: last, isFirst: !isAfterFrame, to: &merged)
            last = ArchivePosition(id: frame.id, seq: frame.seq)
            isAfterFrame = true
        }
        return merged
    }

    private func write(_ frame: StoredFrame, behind last: ArchivePosition?, isFirst: Bool, to merged: inout ByteBuffer)
    {
        if isFirst || frame.seq != (last?.seq ?? 0) + 1 { writeGap(behind: last, before: frame.seq, to: &merged) }
        write(frame.envelope, to: &merged)
    }

    private func writeGap(behind last: ArchivePosition?, before seq: UInt64, to merged: inout ByteBuffer) {
        let from = (last?.seq ?? 0) + 1
        let gap = ArchiveGap(
            fromSeq: from, toSeq: max(from, seq) - 1, reason: .rewound, milliseconds: now, epoch: epoch)
        write(ByteBuffer(string: ArchiveLineCoder.encode(gap, room: room)), to: &merged)
    }

    private func write(_ line: ByteBuffer, to merged: inout ByteBuffer) {
        merged.writeImmutableBuffer(line)
        merged.writeInteger(ArchiveLineCoder.newline)
    }
}
