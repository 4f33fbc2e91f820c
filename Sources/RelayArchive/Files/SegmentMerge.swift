internal import NIOCore
internal import RelayCore

/// Puts late messages, which a rewound Redis gave lower ids, where their ids belong.
///
/// The lines that are there go in one after the other, and what is to stand in the file comes out in pieces, so that a
/// day of any length takes no more memory than a short one. A gap line with reason `rewound` stands wherever numbers
/// do not go on from one message to the next, and behind a run of late messages at the end.
struct SegmentMerge {
    let room: RoomID
    let now: UInt64
    let epoch: UInt64

    /// What is to be written behind what was taken before.
    private var merged = ByteBuffer()
    private var waiting: ArraySlice<StoredFrame>
    private var last: UInt64
    /// Gap lines belong to the message behind them, so they wait for it.
    private var gaps: [ByteBuffer] = []

    /// A merge of frames, ascending, into a day behind which number `behind` stands, 0 where there is none.
    init(_ frames: [StoredFrame], room: RoomID, now: UInt64, epoch: UInt64, behind: UInt64 = 0) {
        waiting = frames[...]
        self.room = room
        self.now = now
        self.epoch = epoch
        last = behind
    }

    /// How much there is to be written.
    var readyBytes: Int { merged.readableBytes }

    /// Hands over what is to be written next.
    mutating func takeReady() -> ByteBuffer {
        defer { merged.clear() }
        return merged
    }

    /// The next line of the day as it is, without its line break.
    mutating func lineRead(_ line: ByteBuffer) {
        guard case .message(let position) = ArchiveLineCoder.decode(line) else {
            gaps.append(line)
            return
        }
        let count = waiting.count
        while let frame = waiting.first, frame.id < position.id {
            write(frame)
            waiting.removeFirst()
        }
        if waiting.count < count { gaps.removeAll(where: isSuperseded) }
        for gap in gaps { write(gap) }
        if waiting.count < count, !gaps.contains(where: { leads($0, from: last, to: position.seq) }) {
            writeGap(before: position.seq)
        }
        write(line)
        gaps = []
        last = position.seq
    }

    /// The day has no more lines. `before` is the number of the first message after this day; nil where there is none
    /// yet.
    mutating func dayEnded(before: UInt64? = nil) {
        let isLate = !waiting.isEmpty
        if isLate { gaps.removeAll(where: isSuperseded) }
        while let frame = waiting.popFirst() { write(frame) }
        for gap in gaps { write(gap) }
        gaps = []
        if isLate { writeGap(before: before ?? 0) }
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

    private mutating func write(_ frame: StoredFrame) {
        if frame.seq != last &+ 1 { writeGap(before: frame.seq) }
        write(frame.envelope)
        last = frame.seq
    }

    private mutating func writeGap(before seq: UInt64) {
        let from = last &+ 1
        let gap = ArchiveGap(
            fromSeq: from, toSeq: max(from, seq) - 1, reason: .rewound, milliseconds: now, epoch: epoch)
        write(ByteBuffer(string: ArchiveLineCoder.encode(gap, room: room)))
    }

    private mutating func write(_ line: ByteBuffer) {
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
