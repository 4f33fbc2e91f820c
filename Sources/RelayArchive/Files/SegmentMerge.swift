internal import NIOCore
internal import RelayCore

/// Puts late messages, which a rewound Redis gave lower ids, where their ids belong.
struct SegmentMerge {
    let room: RoomID
    let now: UInt64
    let epoch: UInt64

    /// The lines of `old` with the frames in between, both ascending. A gap line with reason `rewound` stands wherever
    /// numbers do not go on from one message to the next, and behind every run of late messages.
    func merge(_ frames: [StoredFrame], into old: ByteBuffer) -> ByteBuffer {
        var merged = ByteBuffer()
        var rest = old
        var waiting = frames[...]
        var last: UInt64 = 0
        // Gap lines belong to the message behind them, so they wait for it.
        var gaps: [ByteBuffer] = []
        while let line = rest.readLine() {
            guard case .message(let position) = ArchiveLineCoder.decode(line) else {
                gaps.append(line)
                continue
            }
            let count = waiting.count
            while let frame = waiting.first, frame.id < position.id {
                write(frame, behind: &last, to: &merged)
                waiting.removeFirst()
            }
            if waiting.count < count, !gaps.contains(where: isRewind) {
                writeGap(behind: last, before: position.seq, to: &merged)
            }
            for gap in gaps { write(gap, to: &merged) }
            write(line, to: &merged)
            gaps = []
            last = position.seq
        }
        guard !waiting.isEmpty else { return merged }
        for frame in waiting { write(frame, behind: &last, to: &merged) }
        writeGap(behind: last, before: 0, to: &merged)
        return merged
    }

    private func isRewind(_ line: ByteBuffer) -> Bool {
        if case .gap(let gap) = ArchiveLineCoder.decode(line) { gap.reason == .rewound } else { false }
    }

    private func write(_ frame: StoredFrame, behind last: inout UInt64, to merged: inout ByteBuffer) {
        if frame.seq != last + 1 { writeGap(behind: last, before: frame.seq, to: &merged) }
        write(frame.envelope, to: &merged)
        last = frame.seq
    }

    private func writeGap(behind last: UInt64, before seq: UInt64, to merged: inout ByteBuffer) {
        let from = last + 1
        let gap = ArchiveGap(
            fromSeq: from, toSeq: max(from, seq) - 1, reason: .rewound, milliseconds: now, epoch: epoch)
        write(ByteBuffer(string: ArchiveLineCoder.encode(gap, room: room)), to: &merged)
    }

    private func write(_ line: ByteBuffer, to merged: inout ByteBuffer) {
        merged.writeImmutableBuffer(line)
        merged.writeInteger(ArchiveLineCoder.newline)
    }
}
