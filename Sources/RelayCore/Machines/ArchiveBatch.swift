/// One line of the archive.
public enum ArchiveLine: Sendable, Equatable {
    /// A message: the line is its envelope.
    case frame(StoredFrame)
    /// Messages that are not there.
    case gap(ArchiveGap)
}

/// A hole in the numbers of a room, told by a line of its own right before the message that revealed it.
public struct ArchiveGap: Sendable, Equatable {
    /// Why numbers are missing.
    public enum Reason: String, Sendable {
        /// The stream begins above them: somebody trimmed what was not archived.
        case trimmed
        /// The stream goes on behind them: somebody took them out.
        case missing
        /// Entries stood there that are no messages any more.
        case unreadable
        /// The store lost writes or was flushed: from here on numbers may begin anew.
        case rewound
    }

    /// The first missing number.
    public var fromSeq: UInt64
    /// The last missing number; below `fromSeq` where a rewind lost nothing that anybody knows of.
    public var toSeq: UInt64
    /// Why.
    public var reason: Reason
    /// When it was noticed, in ms by the clock of Redis.
    public var milliseconds: UInt64
    /// The room's new epoch after a rewind.
    public var epoch: UInt64?

    /// A gap of the given parts.
    public init(fromSeq: UInt64, toSeq: UInt64, reason: Reason, milliseconds: UInt64, epoch: UInt64? = nil) {
        self.fromSeq = fromSeq
        self.toSeq = toSeq
        self.reason = reason
        self.milliseconds = milliseconds
        self.epoch = epoch
    }
}

/// The lines that go into one file.
public struct SegmentLines: Sendable, Equatable {
    /// Which file.
    public var segment: Segment
    /// In the order in which they are written; the last one is a frame.
    public var lines: [ArchiveLine]

    /// Lines of the given parts.
    public init(segment: Segment, lines: [ArchiveLine]) {
        self.segment = segment
        self.lines = lines
    }
}

/// What is written between one acknowledgement and the next.
public struct ArchiveBatch: Sendable, Equatable {
    /// By file, in the order of the days.
    public var segments: [SegmentLines] = []
    /// Where the archive stands when all of it is synced; nil where the batch is empty.
    public var end: ArchivePosition?
    /// The holes in it.
    public var gaps: [ArchiveGap] = []
    /// Ids of the entries that are no messages.
    public var skipped: [MessageID] = []

    /// A batch without lines.
    public init() {}

    /// Adds a message, and in front of it the gap that it revealed.
    public mutating func append(_ frame: StoredFrame, after gap: ArchiveGap?) {
        let segment = Segment(of: frame.id)
        if segments.last?.segment != segment { segments.append(SegmentLines(segment: segment, lines: [])) }
        let current = segments.count - 1
        if let gap {
            gaps.append(gap)
            segments[current].lines.append(.gap(gap))
        }
        segments[current].lines.append(.frame(frame))
        end = ArchivePosition(id: frame.id, seq: frame.seq)
    }
}

/// Decides, entry by entry, what of a page becomes a line.
struct ArchiveBatchBuilder {
    /// The last archived message.
    var last: ArchivePosition?
    /// The rewind that was settled last.
    var marker: RewindMarker?
    /// The room's counter: no message of it can have a higher number.
    var seqMax: UInt64
    /// The first entry of the stream.
    var oldestID: MessageID?
    /// The time of Redis in ms.
    var now: UInt64

    private var batch = ArchiveBatch()
    private var hasSkippedSinceFrame = false

    init(last: ArchivePosition?, marker: RewindMarker?, seqMax: UInt64, oldestID: MessageID?, now: UInt64) {
        self.last = last
        self.marker = marker
        self.seqMax = seqMax
        self.oldestID = oldestID
        self.now = now
    }

    mutating func build(_ entries: ArraySlice<StreamEntry>) -> ArchiveBatch {
        for index in entries.indices {
            switch entries[index] {
            case .unreadable(let id): skip(id)
            case .frame(let frame): take(frame, before: entries[(index + 1)...])
            }
        }
        return batch
    }

    private mutating func take(_ frame: StoredFrame, before rest: ArraySlice<StreamEntry>) {
        guard frame.seq > 0, frame.seq <= seqMax else { return skip(frame.id) }
        let expected = (last?.seq ?? 0) + 1
        if let marker, marker.position == last {
            // Nothing was written since the rewind: this line tells of it, and any number may follow.
            let lastLost = max(frame.seq - 1, marker.position.seq)
            add(frame, after: gap(expected, lastLost, .rewound, epoch: marker.epoch))
            return
        }
        // Below what is archived, or before its turn: put in by hand. The relay's own entries are dense.
        guard frame.seq >= expected else { return skip(frame.id) }
        guard frame.seq > expected else { return add(frame, after: nil) }
        guard !Self.holds(rest, from: expected, below: frame.seq) else { return skip(frame.id) }
        if let marker, marker.raisedSeq == frame.seq - 1 {
            add(frame, after: gap(expected, frame.seq - 1, .rewound, epoch: marker.epoch))
        } else {
            add(frame, after: gap(expected, frame.seq - 1, reason(at: frame.id), epoch: nil))
        }
    }

    private func reason(at id: MessageID) -> ArchiveGap.Reason {
        if hasSkippedSinceFrame { return .unreadable }
        return oldestID == id ? .trimmed : .missing
    }

    private func gap(_ from: UInt64, _ to: UInt64, _ reason: ArchiveGap.Reason, epoch: UInt64?) -> ArchiveGap {
        ArchiveGap(fromSeq: from, toSeq: to, reason: reason, milliseconds: now, epoch: epoch)
    }

    private mutating func add(_ frame: StoredFrame, after gap: ArchiveGap?) {
        batch.append(frame, after: gap)
        last = ArchivePosition(id: frame.id, seq: frame.seq)
        hasSkippedSinceFrame = false
    }

    private mutating func skip(_ id: MessageID) {
        batch.skipped.append(id)
        hasSkippedSinceFrame = true
    }

    private static func holds(_ entries: ArraySlice<StreamEntry>, from low: UInt64, below high: UInt64) -> Bool {
        entries.contains { entry in
            guard case .frame(let frame) = entry else { return false }
            return frame.seq >= low && frame.seq < high
        }
    }
}
