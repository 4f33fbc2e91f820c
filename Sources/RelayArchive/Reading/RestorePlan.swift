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
    /// How many there are from there on.
    public var count: Int
    /// Where the archive ends, and the room has to go on.
    public var end: ArchivePosition
    /// Why there are not more.
    public var limit: Limit
}

extension ArchiveReader {
    private static let pageMessages = 1000

    /// The newest messages of a room, at most `messagesMax`, as far back as their numbers ascend; nil where nothing was
    /// ever archived.
    public func restorePlan(of room: RoomID, messagesMax: Int) throws(SegmentError) -> RestorePlan? {
        let pruned = try prunedDays(of: room).last
        var first: ArchivePosition?
        var last: ArchivePosition?
        var count = 0
        var limit = RestorePlan.Limit.none
        var span = HistorySpan.latest(limit: Self.pageMessages)
        walk: while true {
            let page = try read(span, of: room)
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
        guard let end = [last, pruned?.last].compactMap({ $0 }).max(by: { $0.id < $1.id }) else { return nil }
        return RestorePlan(first: first, count: count, end: end, limit: limit)
    }
}
