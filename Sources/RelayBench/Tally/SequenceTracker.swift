/// Where one reader stands in its room, by the numbers of what it got.
struct SequenceTracker: Equatable {
    /// What a number means.
    enum Verdict: Equatable {
        /// The one that was expected.
        case next
        /// So many between were not delivered, or not yet.
        case ahead(missing: UInt64)
        /// One of those that were missing.
        case late
        /// One that was delivered before.
        case repeated
    }

    /// The highest number so far.
    private(set) var last: UInt64
    /// A bit for each of the last 64 numbers, set where it was delivered; the lowest is that of `last`.
    private var delivered: UInt64

    /// A reader that begins after this number.
    init(after last: UInt64) {
        self.last = last
        delivered = .max
    }

    /// Takes a number. One that lies 64 or more behind counts as repeated, since nobody remembers.
    mutating func received(_ seq: UInt64) -> Verdict {
        if seq > last {
            let step = seq - last
            delivered = step < 64 ? delivered << step | 1 : 1
            last = seq
            return step == 1 ? .next : .ahead(missing: step - 1)
        }
        let back = last - seq
        guard back < 64, delivered >> back & 1 == 0 else { return .repeated }
        delivered |= 1 << back
        return .late
    }
}
