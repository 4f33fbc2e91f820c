/// A stretch of a room in ascending order, and what is known of what lies below the first frame.
struct FeedStretch<Frames: RandomAccessCollection<StoredFrame>> {
    var frames: Frames
    /// How far down it reaches.
    var bottom: MessageID
    /// Whether nothing between `bottom` and the first frame was trimmed.
    var isWhole: Bool
    /// Whether the last frame was the room's newest at the time of the look.
    var endsNow: Bool

    /// The frames above an id, at most a page of them and without a hole in their numbers, and whether the first of
    /// them is the first of the stretch. What lies beyond a hole is the next page, so that the hole is told.
    func page(above id: MessageID) -> (frames: [StoredFrame], isFirst: Bool) {
        let start = frames.partitioningIndex { $0.id > id }
        var page: [StoredFrame] = []
        for frame in frames[start...].prefix(Limits.pageMessagesMax) {
            if let last = page.last, frame.seq != last.seq + 1 { break }
            page.append(frame)
        }
        return (page, start == frames.startIndex)
    }
}

extension FeedStretch<[StoredFrame]> {
    /// What a read brought of a room that stands at `position` by now. It is not said to end there.
    init(_ page: HistoryPage, for span: HistorySpan, upTo position: ReadCursor) {
        let seq = position.seq ?? 0
        var known = page.frames.filter { $0.id <= position.id && $0.seq <= seq }[...]
        (bottom, endsNow) = (.zero, false)
        // Without any, all that there was is gone.
        isWhole = known.first.map { $0.seq == 1 } ?? (seq == 0)
        if case .after(let id, _) = span {
            bottom = id
            if let first = known.first?.seq {
                isWhole = isWhole || page.isFollowingOn || (page.standing?.oldestSeq ?? .max) < first
            }
        } else if page.more {
            // Where all of it is newer than the position, it says nothing of what lies below.
            bottom = known.popFirst()?.id ?? position.id
            isWhole = true
        }
        frames = Array(known)
    }
}

extension RandomAccessCollection {
    /// The first index at which the predicate holds, where it holds for all that follow too.
    func partitioningIndex(where belongsAbove: (Element) -> Bool) -> Index {
        var low = startIndex
        var count = self.count
        while count > 0 {
            let half = count / 2
            let middle = index(low, offsetBy: half)
            if belongsAbove(self[middle]) {
                count = half
            } else {
                low = index(after: middle)
                count -= half + 1
            }
        }
        return low
    }
}

extension HistorySpan {
    /// Whether this is the newest end of a room.
    var isLatest: Bool { if case .latest = self { true } else { false } }
}

extension HistoryPage {
    /// Whether there is, or may be, more than this in the direction that was asked for.
    var mayHaveMore: Bool { more || shortening != nil }

    /// Whether what comes next behind number `seq` is not in the page, and may be in an archive that has not answered.
    func isLate(behind seq: UInt64) -> Bool {
        shortening == .late && (numbered(from: seq).first?.seq ?? (standing?.lastSeq ?? 0) &+ 1) > seq &+ 1
    }

    /// The frames above a number whose numbers rise and were given: an entry put into a stream by hand may have any.
    func numbered(from seq: UInt64) -> [StoredFrame] {
        var last = seq
        return frames.filter { frame in
            guard frame.seq > last, frame.seq <= standing?.lastSeq ?? 0 else { return false }
            last = frame.seq
            return true
        }
    }

    /// Whether the stream never had a message of that number and id, which a feed takes for its newest; the page is
    /// what lies above it.
    func contradicts(seq: UInt64, id: MessageID) -> Bool {
        (standing?.lastSeq ?? 0) < seq || (standing?.lastID ?? .zero) < id || frames.contains { $0.seq <= seq }
    }
}
