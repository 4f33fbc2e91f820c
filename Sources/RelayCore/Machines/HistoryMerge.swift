/// How a page of a room's stream is completed with what an archive holds below the stream.
///
///     archive   1 ─────────────────────── 210
///     stream                       201 ───────── 300      `bound` is the id of 201
///
/// The stream is looked at first and the archive after it. What the stream no longer held by then had been archived
/// before it was trimmed, and does not change any more: the merged page is what one look at that moment would have
/// shown. Of the archive only what lies below `bound` is taken, so that nothing comes twice and nothing comes that
/// was written but is not acknowledged.
public struct HistoryMerge: Sendable {
    /// What to read of the archive.
    public let wanted: HistorySpan
    /// Whether the number of the last message at or below the id of `wanted` is asked for too.
    public let wantsPrevious: Bool
    /// The archive counts below this id, and is complete there from the moment of the look at the stream on: a read
    /// begun for the same bound will do too, one begun for a lower bound may miss what was archived since.
    public let bound: MessageID

    private let page: HistoryPage
    private let limit: Int

    /// What an archive has to add to a page of the stream; nil where the stream has the whole answer.
    public init?(_ page: HistoryPage, for span: HistorySpan) {
        guard let standing = page.standing, standing.lastSeq > 0 else { return nil }
        // With its first counter and its first message there, nothing was trimmed.
        if standing.oldestSeq == 1, standing.createdAt == standing.epoch { return nil }
        switch span {
        case .after(let id, let limit):
            guard limit > 0, let end = standing.oldestID ?? standing.lastID, id < end else { return nil }
            bound = standing.oldestID ?? end.next
            self.limit = limit
            wanted = .after(id, limit: limit)
            wantsPrevious = true
        case .before(_, let limit), .latest(let limit):
            guard limit > 0, !page.more, let bound = standing.oldestID ?? standing.lastID?.next else { return nil }
            self.bound = bound
            self.limit = limit
            var top = bound
            if case .before(let id, _) = span { top = min(top, id) }
            // At least one: it says whether there is more.
            wanted = .before(top, limit: max(1, limit - page.frames.count))
            wantsPrevious = false
        }
        self.page = page
    }

    /// The whole page.
    ///
    /// - Parameters:
    ///   - archived: what the archive holds of `wanted`, ascending, complete in its direction up to the limit.
    ///   - more: whether the archive holds more in that direction.
    ///   - previousSeq: the number of the archive's last message at or below the id asked for; nil where there is none.
    public func merged(with archived: [StoredFrame], more: Bool, previousSeq: UInt64?) -> HistoryPage {
        let below = archived.filter { $0.id < bound }
        var whole = page
        var archivedCount = below.count
        if wantsPrevious {
            let hasReachedStream = !more || below.count < archived.count
            let all = hasReachedStream ? below + page.frames : below
            whole.frames = Array(all.prefix(limit))
            whole.more = !hasReachedStream || page.more || all.count > limit
            archivedCount = min(archivedCount, limit)
            // Numbers are dense: the next one proves that nothing lies between.
            whole.isFollowingOn = whole.frames.first.map { $0.seq == (previousSeq ?? 0) &+ 1 } ?? false
        } else {
            archivedCount = min(archivedCount, limit - page.frames.count)
            whole.frames = below.suffix(archivedCount) + page.frames
            whole.more = more || below.count > archivedCount
        }
        if archivedCount > 0 { whole.source = archivedCount < whole.frames.count ? .both : .archive }
        return whole
    }
}
