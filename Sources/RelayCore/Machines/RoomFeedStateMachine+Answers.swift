/// What readers are answered: from the ring, from older messages that were read for them, or with a refusal.
extension RoomFeedStateMachine {
    /// Older messages are here, for whoever waits for them.
    public mutating func backfilled(_ page: HistoryPage) -> [Action] {
        guard let (span, ringFloor, waitingCount) = backfill else { return [] }
        backfill = nil
        guard phase == .live, let position else { return [] }
        guard let standing = page.standing, standing.epoch == position.epoch else { return catchUp() }
        streamFloor = standing.oldestID?.previous ?? .zero
        var stretch = FeedStretch(page, for: span, upTo: ReadCursor(id: position.id, seq: position.seq))
        recent = page.shortening == nil ? stretch : nil
        let isUnbroken = !page.more && ring.floor == ringFloor
        let isGone = !(span.isLatest && page.more) && (page.frames.first?.id ?? .zero) > position.id
        let meetsRing = isUnbroken || isGone || (stretch.frames.last?.id ?? stretch.bottom) >= ring.floor
        let ringBefore = ring
        if meetsRing {
            if page.shortening == nil || stretch.frames.isEmpty { extendRing(with: stretch) }
            if let last = stretch.frames.last?.id { stretch.frames += ring.frames.drop { $0.id <= last } }
        }
        stretch.endsNow = meetsRing || span.isLatest || !page.more
        let actions = answers(from: stretch, shortening: page.shortening, firstCount: waitingCount)
        // Whoever comes later asks the archive anew.
        if page.shortening != nil { ring = ringBefore }
        return actions + startBackfill()
    }

    /// What was read a while ago is kept no longer.
    public mutating func backfillAged() { recent = nil }

    private mutating func extendRing(with stretch: FeedStretch<[StoredFrame]>) {
        let older = stretch.frames.prefix { $0.id < (ring.frames.first?.id ?? position?.id.next ?? .zero) }
        // Where numbers are missing, the ring would have a hole; nor may there be one in what is put in front.
        var start = older.endIndex
        var next = ring.frames.first?.seq ?? lastSeq &+ 1
        while start > older.startIndex, older[start - 1].seq &+ 1 == next {
            start -= 1
            next = older[start].seq
        }
        if start == older.startIndex {
            ring.prepend(older, lowerFloor: stretch.bottom, isWhole: stretch.isWhole)
        } else {
            ring.prepend(older[start...], lowerFloor: older[start - 1].id, isWhole: false)
        }
    }

    /// Older messages could not be read.
    public mutating func backfillFailed(_ refusal: Refusal) -> [Action] {
        backfill = nil
        return phase == .live ? refuseWaiting(refusal) : []
    }

    var wantedHistory: Int {
        waiting.map { if case .history(let limit) = $0.point { limit } else { 0 } }.max() ?? 0
    }

    /// Reads for those who wait: from the lowest point on, which serves as many as can be, and in turn for the one who
    /// has waited longest, wherever that one is. So of any two reads one is for the first in the queue, and readers of
    /// deep history, who ask again and again, hold up nobody.
    mutating func startBackfill() -> [Action] {
        guard phase == .live, backfill == nil, let first = waiting.first else { return [] }
        var lowest = first.point.lowerBound
        if !isFirstPassedOver { lowest = waiting.compactMap(\.point.lowerBound).min() }
        // One more than wanted: the one below shows that the others are complete.
        let span =
            lowest.map { HistorySpan.after($0, limit: Limits.pageMessagesMax) } ?? .latest(limit: wantedHistory + 1)
        backfill = (span, ring.floor, waiting.count)
        return [.backfill(span)]
    }

    mutating func answerWaiting() -> [Action] {
        guard position != nil else { return [] }
        return answers() + startBackfill()
    }

    /// Answers whom the ring, or a stretch just read, can answer; of the others it is noted whether any were among the
    /// first `firstCount`, those who waited as that read began.
    private mutating func answers(
        from stretch: FeedStretch<[StoredFrame]>? = nil, shortening: Shortening? = nil, firstCount: Int = 0
    ) -> [Action] {
        var actions: [Action] = []
        var still: [(ticket: Ticket, point: JoinPoint)] = []
        var isFirstLeft = false
        for (index, (ticket, point)) in waiting.enumerated() {
            if let recovery = answer(point) ?? stretch.flatMap({ answer(point, from: $0) }) {
                let isTold = recovery.isTrue(of: point, after: shortening)
                actions.append(isTold ? .answer(ticket, recovery) : .refuse(ticket, .unavailable))
            } else {
                isFirstLeft = isFirstLeft || index < firstCount
                still.append((ticket, point))
            }
        }
        waiting = still
        if stretch != nil { isFirstPassedOver = isFirstLeft && !isFirstPassedOver }
        return actions
    }

    mutating func refuseWaiting(_ refusal: Refusal) -> [Action] {
        defer { waiting.removeAll() }
        return waiting.map { .refuse($0.ticket, refusal) }
    }

    /// The answer that the ring alone can give; nil where older messages have to be read.
    func answer(_ point: JoinPoint) -> Recovery? {
        guard let position else { return nil }
        let stretch = FeedStretch(frames: ring.frames, bottom: ring.floor, isWhole: ring.isWhole, endsNow: true)
        switch point {
        case .history(let limit):
            guard ring.frames.count >= limit || ring.floor == .zero else { return nil }
            return recovery(Array(ring.frames.suffix(limit)), above: nil, shortfall: nil)
        case .since(let id, let epoch) where id > position.id || (epoch ?? position.epoch) != position.epoch:
            // As long as the feed reads on, the reader may know more than the feed.
            return phase == .live ? everything(because: .rewound) : nil
        case .cursor(let cursor) where cursor.id > position.id:
            return everything(because: .rewound)
        case .since(let id, _):
            return id >= ring.floor ? self.stretch(stretch, above: ReadCursor(id: id, seq: nil)) : nil
        case .cursor(let cursor):
            return cursor.id >= ring.floor ? self.stretch(stretch, above: cursor) : nil
        }
    }

    /// The answer that a stretch just read can give; nil where it begins too late or holds nothing for this reader.
    func answer(_ point: JoinPoint, from stretch: FeedStretch<[StoredFrame]>) -> Recovery? {
        switch point {
        case .history(let limit):
            guard stretch.endsNow, stretch.frames.count >= limit || stretch.bottom == .zero else { return nil }
            return recovery(stretch.frames.suffix(limit), above: nil, shortfall: nil)
        case .since(let id, _):
            return answer(.cursor(ReadCursor(id: id, seq: nil)), from: stretch)
        case .cursor(let cursor):
            guard cursor.id >= stretch.bottom, let last = stretch.frames.last, last.id > cursor.id else { return nil }
            return self.stretch(stretch, above: cursor)
        }
    }

    /// All that Redis holds, for a reader whose past is not this room's past: it begins below the first and pages up.
    private func everything(because shortfall: Recovery.Shortfall) -> Recovery? {
        recovery([], above: ReadCursor(id: streamFloor, seq: nil), shortfall: shortfall)
    }

    private func stretch(
        _ stretch: FeedStretch<some RandomAccessCollection<StoredFrame>>, above cursor: ReadCursor
    ) -> Recovery {
        let (frames, isFirst) = stretch.page(above: cursor.id)
        let first = frames.first?.seq ?? (position?.seq ?? 0) &+ 1
        var shortfall: Recovery.Shortfall?
        if let seq = cursor.seq {
            // Also where its place is still there and all above it: others were told so.
            let isOutdated = seq > 0 && cursor.rewinds < rewinds
            if isOutdated || first <= seq { shortfall = .rewound } else if first - seq > 1 { shortfall = .trimmed }
        } else if isFirst, !stretch.isWhole, cursor.id < (position?.id ?? .zero) {
            shortfall = .trimmed
        }
        return recovery(frames, above: cursor, shortfall: shortfall)
    }

    private func recovery(_ frames: [StoredFrame], above cursor: ReadCursor?, shortfall: Recovery.Shortfall?)
        -> Recovery
    {
        let position = position ?? Position(epoch: 0, seq: 0, id: .zero)
        let end = ReadCursor(id: position.id, seq: position.seq, rewinds: rewinds)
        var reached = cursor ?? end
        if let last = frames.last { (reached.id, reached.seq) = (last.id, last.seq) }
        reached.rewinds = rewinds
        let isAtEnd = reached.id >= position.id && (reached.seq ?? position.seq) >= position.seq
        let isLive = isAtEnd || position.seq == 0 || (frames.isEmpty && shortfall != .rewound)
        // The number of the next message that there still is.
        let next = frames.first?.seq ?? (isLive ? position.seq &+ 1 : 0)
        var missed: ClosedRange<UInt64>?
        if let seq = cursor?.seq, next > seq, next - seq > 1 { missed = seq + 1...next - 1 }
        return Recovery(
            standing: RoomStanding(epoch: position.epoch, lastSeq: position.seq, lastID: lastID, oldestSeq: nil),
            frames: frames, isLive: isLive, shortfall: shortfall, missed: missed, cursor: isLive ? end : reached)
    }
}

extension Recovery {
    /// Whether what it says is gone would be so if the archive had been read: a reader that catches up can ask again,
    /// and so can one that comes back, unless the archive cannot be read at all.
    fileprivate func isTrue(of point: JoinPoint, after shortening: Shortening?) -> Bool {
        switch (shortening, point) {
        case (nil, _), (_, .history): true
        case (.late, _): shortfall != .trimmed && missed == nil
        case (.unreadable, .cursor): missed == nil
        case (.unreadable, .since): true
        }
    }
}
