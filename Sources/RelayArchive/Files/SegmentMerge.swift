internal import NIOCore
internal import RelayCore

/// Puts late messages, which a rewound Redis gave lower ids, where their ids belong.
struct SegmentMerge {
    let room: RoomID
    let now: UInt64
    let epoch: UInt64

    /// The lines of `old` with the frames in between, both ascending. A gap line with reason `rewound` stands wherever
    /// numbers do not go on from one message to the next, and behind a run of late messages at the end.
    ///
    /// - Parameters:
    ///   - behind: the number of the last message before this day, 0 where there is none.
    ///   - before: the number of the first message after this day; nil where there is none yet.
    func merge(
        _ frames: [StoredFrame], into old: ByteBuffer, behind: UInt64 = 0, before: UInt64? = nil
    ) -> ByteBuffer {
        var merged = ByteBuffer()
        var rest = old
        var waiting = frames[...]
        var last = behind
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
            if waiting.count < count { gaps.removeAll(where: isSuperseded) }
            for gap in gaps { write(gap, to: &merged) }
            if waiting.count < count, !gaps.contains(where: { leads($0, from: last, to: position.seq) }) {
                writeGap(behind: last, before: position.seq, to: &merged)
            }
            write(line, to: &merged)
            gaps = []
            last = position.seq
        }
        if !waiting.isEmpty { gaps.removeAll(where: isSuperseded) }
        for frame in waiting { write(frame, behind: &last, to: &merged) }
        for gap in gaps { write(gap, to: &merged) }
        if waiting.isEmpty { return merged }
        writeGap(behind: last, before: before ?? 0, to: &merged)
        return merged
    }

    /// A line of this very rewind: more of its late messages have come to stand in front of it.
    private func isSuperseded(_ line: ByteBuffer) -> Bool {
        guard case .gap(let gap) = ArchiveLineCoder.decode(line) else { return false }
        return gap.reason == .rewound && gap.epoch == epoch
    }

    private func leads(_ line: ByteBuffer, from last: UInt64, to seq: UInt64) -> Bool {
        guard case .gap(let gap) = ArchiveLineCoder.decode(line) else { return false }
        return gap.leads(from: last, to: seq)
    }

    private func write(_ frame: StoredFrame, behind last: inout UInt64, to merged: inout ByteBuffer) {
        if frame.seq != last &+ 1 { writeGap(behind: last, before: frame.seq, to: &merged) }
        write(frame.envelope, to: &merged)
        last = frame.seq
    }

    private func writeGap(behind last: UInt64, before seq: UInt64, to merged: inout ByteBuffer) {
        let from = last &+ 1
        let gap = ArchiveGap(
            fromSeq: from, toSeq: max(from, seq) - 1, reason: .rewound, milliseconds: now, epoch: epoch)
        write(ByteBuffer(string: ArchiveLineCoder.encode(gap, room: room)), to: &merged)
    }

    private func write(_ line: ByteBuffer, to merged: inout ByteBuffer) {
        merged.writeImmutableBuffer(line)
        merged.writeInteger(ArchiveLineCoder.newline)
    }
}

extension ArchiveGap {
    /// Whether the line accounts for number `seq` behind number `last`: it names all that is between them or, after a
    /// rewind, where numbers begin anew below.
    func leads(from last: UInt64, to seq: UInt64) -> Bool {
        guard fromSeq == last &+ 1 else { return false }
        return seq == max(toSeq &+ 1, fromSeq) || reason == .rewound && seq < fromSeq
    }
}
