/// Tells when processes that had much to do have come to rest, by the processor time that they have used up to a
/// moment, asked again and again.
struct RestWatch {
    private var since: UInt64?
    private var before: UInt64 = 0

    /// Whether they have hardly used a processor for as long as it takes; all moments and times in nanoseconds.
    mutating func isReached(at now: UInt64, used: UInt64) -> Bool {
        guard let began = since else {
            (since, before) = (now, used)
            return false
        }
        let span = now - min(began, now)
        guard span >= BenchLimits.restSpan else { return false }
        // One that ended takes its time along: that is rest too.
        let isAtRest = Double(used - min(before, used)) < BenchLimits.restShare * Double(span)
        (since, before) = (now, used)
        return isAtRest
    }
}
