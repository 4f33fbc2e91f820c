public import RelayCore

/// What of a room is to be put back into a store that has lost it.
public struct RestorePlan: Sendable, Equatable {
    /// Why older messages stay in the archive only.
    public enum Limit: Sendable, Equatable {
        /// There are none.
        case none
        /// As many as were asked for.
        case count
        /// The store was rewound there: numbers begin anew, and no number may be given twice within an epoch.
        case rewind
    }

    /// The first message; nil where there is none to put back.
    public var first: ArchivePosition?
    /// The last one.
    public var last: ArchivePosition?
    /// How many there are from the first to the last.
    public var count: Int
    /// Where the archive ends, and the room has to go on.
    public var end: ArchivePosition
    /// Why there are not more.
    public var limit: Limit
    /// The spans of ids that are the room's own, ascending.
    var spans: [Range<MessageID>]
}

extension ArchiveReader {
    private static let pageMessages = 1000

    /// The newest messages of the room that was created at that time, or where nobody knows it of the present one: at
    /// most `messagesMax`, as far back as their numbers ascend; nil where nothing was ever archived. Messages of other
    /// rooms that had its id are not among them.
    public func restorePlan(
        of room: RoomID, _ record: RoomRecord, createdAt: UInt64?, messagesMax: Int
    ) throws(SegmentError) -> RestorePlan? {
        let spans = createdAt.map(record.spans) ?? [record.ownSpan]
        let pruned = try prunedDays(of: room).last
        var first: ArchivePosition?
        var last: ArchivePosition?
        var count = 0
        var limit = RestorePlan.Limit.none
        var span = HistorySpan.latest(limit: Self.pageMessages)
        walk: while true {
            let page = try read(span, of: room, within: spans)
            for frame in page.frames.reversed() {
                guard count < messagesMax else {
                    limit = .count
                    break walk
                }
                if let first, frame.seq >= first.seq {
                    limit = .rewind
                    break walk
                }
                first = ArchivePosition(id: frame.id, seq: frame.seq)
                last = last ?? first
                count += 1
            }
            guard page.more, let first else { break }
            span = .before(first.id, limit: Self.pageMessages)
        }
        let newest = try read(.latest(limit: 1), of: room).frames.last
        guard
            let end = [newest.map { ArchivePosition(id: $0.id, seq: $0.seq) }, pruned?.last].compactMap({ $0 }).max(
                by: { $0.id < $1.id })
        else { return nil }
        return RestorePlan(first: first, last: last, count: count, end: end, limit: limit, spans: spans)
    }

    /// The messages of a plan after one of them, or its first ones.
    public func read(
        _ plan: RestorePlan, of room: RoomID, after id: MessageID?, limit: Int
    ) throws(SegmentError) -> Page {
        guard let start = id ?? plan.first?.id.previous else { return Page(frames: [], more: false) }
        return try read(.after(start, limit: limit), of: room, within: plan.spans)
    }
}
