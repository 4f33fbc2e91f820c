/// How many ops may come: `burst` at once, `ratePerSecond` on and on.
///
/// Kept as one moment, that at which the bucket would be full, so that nothing has to be refilled.
public struct TokenBucket: Sendable {
    private let spanPerOp: Int64
    private let depth: Int64
    private var fullAt = Moment(nanoseconds: .min / 2)

    /// A full bucket.
    public init(ratePerSecond: Int, burst: Int) {
        spanPerOp = 1_000_000_000 / Int64(max(1, ratePerSecond))
        depth = spanPerOp * Int64(max(1, burst))
    }

    /// Takes `cost` out where it holds that much; otherwise nil, and the bucket is as it was.
    ///
    /// - Returns: nil where the op may pass, else how long to wait until it may.
    public mutating func take(cost: Int, now: Moment) -> Duration? {
        let begin = max(fullAt.nanoseconds, now.nanoseconds)
        let end = begin + min(Int64(cost) * spanPerOp, depth)
        let excess = end - now.nanoseconds - depth
        guard excess > 0 else {
            fullAt = Moment(nanoseconds: end)
            return nil
        }
        return .nanoseconds(excess)
    }

    /// Puts `cost` back, where it turned out only now that something cost less than was taken.
    public mutating func giveBack(cost: Int) {
        fullAt = Moment(nanoseconds: fullAt.nanoseconds - Int64(cost) * spanPerOp)
    }

    /// Takes `cost` out of what is to come, where it turned out only now what something cost; at most one bucket full
    /// is owed.
    public mutating func owe(cost: Int, now: Moment) {
        let begin = max(fullAt.nanoseconds, now.nanoseconds)
        let end = begin + min(Int64(cost) * spanPerOp, depth)
        fullAt = Moment(nanoseconds: min(end, now.nanoseconds + 2 * depth))
    }
}
