/// When each post is meant to be made. It never moves: a post that comes late still counts from the moment it was meant
/// for, or a relay that stalls would be asked less often just while it is slow, and look fast (coordinated omission).
struct PacingPlan: Equatable {
    /// When the first post is due.
    let start: UInt64
    private let interval: Double

    /// - Parameters:
    ///   - start: nanoseconds of the clock.
    ///   - rate: posts a second, more than 0.
    init(start: UInt64, rate: Double) {
        self.start = start
        interval = 1e9 / rate
    }

    /// When the post of this index is due.
    func moment(of index: Int) -> UInt64 { start + UInt64(Double(index) * interval) }

    /// How many posts are due by now, from the first on.
    func due(at now: UInt64) -> Int {
        guard now >= start else { return 0 }
        var count = Int(Double(now - start) / interval) + 1
        // What was rounded in the division is settled by the moments themselves.
        while count > 0, moment(of: count - 1) > now { count -= 1 }
        while moment(of: count) <= now { count += 1 }
        return count
    }
}
