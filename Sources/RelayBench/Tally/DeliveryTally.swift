internal import Histogram

/// What is counted of deliveries, in all and of those that are measured.
struct DeliveryTally {
    /// Nanoseconds from the moment a post was meant for to its delivery.
    private(set) var latencies = Histogram<UInt64>(
        highestTrackableValue: 3_600_000_000_000, numberOfSignificantValueDigits: .three)
    private(set) var timeline: Timeline
    /// Messages of this run, warm-up and all.
    private(set) var all: UInt64 = 0
    /// Messages that were meant for the measured time.
    private(set) var measured: UInt64 = 0
    /// Numbers that were passed over and have not come since.
    private(set) var missing: UInt64 = 0
    private(set) var repeated: UInt64 = 0
    private(set) var late: UInt64 = 0
    /// Messages in these rooms that this run did not post.
    private(set) var foreign: UInt64 = 0
    /// When the last measured one came.
    private(set) var lastMoment: UInt64 = 0
    /// From when on posts are measured.
    private var start: UInt64 = .max
    private let run: UInt32

    init(run: UInt32, span: UInt64) {
        self.run = run
        timeline = Timeline(span: span + span / 10, points: BenchLimits.timelinePoints)
    }

    /// Posts that are meant for this moment or a later one are measured.
    mutating func beginMeasuring(at moment: UInt64) { start = moment }

    /// A reader got a message.
    mutating func received(_ verdict: SequenceTracker.Verdict, _ mark: PostMark?, at now: UInt64) {
        switch verdict {
        case .next: break
        case .ahead(let count): missing += count
        case .late:
            missing -= min(missing, 1)
            late += 1
        case .repeated:
            repeated += 1
            return
        }
        guard let mark, mark.run == run else {
            foreign += 1
            return
        }
        all += 1
        guard mark.moment >= start else { return }
        measured += 1
        // The clock is read once a look at a socket, so a message can seem to come before it was meant to be said.
        latencies.record(now > mark.moment ? now - mark.moment : 0)
        timeline.add(at: now > start ? now - start : 0)
        if now > lastMoment { lastMoment = now }
    }

    /// So many of what was stored never came to a reader by the end.
    mutating func neverCame(_ count: UInt64) { missing += count }
}
