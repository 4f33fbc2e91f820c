internal import RelayCore

/// What the worker keeps of a room between its turns.
struct KnownRoom {
    let work: RoomWork
    /// Messages in the stream that were not in the files when it was last seen.
    private(set) var behind: UInt64 = 0
    /// Whether the room has lines in its files.
    private(set) var hasLines = false
    /// The activity that `chat:rooms` told last.
    var activity: UInt64 = 0
    /// The activity that was known when it was last measured how far the room is behind.
    private(set) var measured: UInt64?
    /// The activity that was known when the room was last found drained, and the time of that look.
    private var drained: (activity: UInt64, look: UInt64)?

    /// How much later than its score a room may have been spoken in.
    private static let staleMilliseconds: UInt64 = 2000

    init(_ work: RoomWork) { self.work = work }

    /// A turn has ended.
    mutating func turnEnded(_ report: TurnReport) {
        behind = report.behind ?? behind
        hasLines = report.hasLines
        // The files hold all that the stream held at that time.
        if let look = report.drainedAt { drained = (activity, look) }
    }

    /// So many messages were not in the files at a look beside its turns; nil where it could not be seen.
    mutating func measured(_ count: UInt64?, at activity: UInt64) {
        (behind, measured) = (count ?? behind, activity)
    }

    /// Whether a look would find nothing: the room was drained long enough after it was last spoken in.
    func isQuiet(at activity: UInt64) -> Bool {
        guard let drained else { return false }
        return drained.activity == activity && drained.look >= activity &+ Self.staleMilliseconds
    }
}

/// When something that failed is tried again.
struct Retry {
    private(set) var at: ContinuousClock.Instant
    private var delay: Duration = .milliseconds(500)
    private static let delayMax: Duration = .seconds(30)

    init(now: ContinuousClock.Instant) { at = now.advanced(by: delay) }

    /// The next one after another failure; the wait doubles up to half a minute.
    mutating func failedAgain(now: ContinuousClock.Instant) {
        delay = min(delay * 2, Self.delayMax)
        at = now.advanced(by: delay)
    }
}
