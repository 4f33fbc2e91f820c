internal import RelayCore

/// When posts leave for Redis: at the end of their tick, or, where many come one upon the other, a little later and
/// together.
///
/// Beside its script a call costs both sides a write, a read and being woken up, and so does what comes back over the
/// channels. Posts that leave together share that: 2 000 a second to 200 rooms of ten cost an edge 22.3 µs a delivery
/// one by one, 18.5 gathered over 2 ms, 16.2 over 3 ms and 14.7 over 5 ms (a bare epoll loop 8.8; medians of three in
/// one run).
///
/// Who waits for an answer before posting again must not be held up for company that does not come. So it is counted
/// how many posts there were at once lately, under way or waiting: when as many wait, they leave. A wait that ended
/// with fewer corrects the count. One alone never waits, neither do two who answer each other, and who is met by
/// somebody now and then waits once each time.
struct PostPace {
    /// For how long it is known how many there were at once, at the least; twice that at most.
    private static let memory = Duration.milliseconds(250)

    private let span: Duration
    private var lastLeft: Moment?
    private var crowd = 0
    private var formerCrowd = 0
    private var countedSince: Moment?

    /// A pace at which posts wait for so long at most; zero for not at all.
    init(span: Duration) {
        self.span = span
    }

    /// A post has come.
    ///
    /// - Parameters:
    ///   - waiting: posts that wait to leave, this one among them.
    ///   - inFlight: posts that Redis has not answered.
    /// - Returns: until when they may wait for more; nil where they leave with the end of this tick.
    mutating func deadline(now: Moment, waiting: Int, inFlight: Int) -> Moment? {
        guard span > .zero else { return nil }
        count(waiting + inFlight, now: now)
        guard let lastLeft, now < lastLeft + span else { return nil }
        let isComplete = waiting >= min(max(crowd, formerCrowd), Limits.gatheredPostsMax)
        return isComplete ? nil : lastLeft + span
    }

    /// What waited has left.
    mutating func left(now: Moment) { lastLeft = now }

    /// A wait is over, and so many were there in the end: no more are to be expected.
    mutating func waitEnded(present: Int) { (crowd, formerCrowd) = (present, present) }

    private mutating func count(_ present: Int, now: Moment) {
        if countedSince.map({ now >= $0 + Self.memory }) ?? true {
            let isRecent = countedSince.map { now < $0 + Self.memory + Self.memory } ?? false
            formerCrowd = isRecent ? crowd : 0
            crowd = 0
            countedSince = now
        }
        crowd = max(crowd, present)
    }
}
