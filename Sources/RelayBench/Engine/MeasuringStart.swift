/// Where the counters of a run stood when the measured time began.
struct MeasuringStart {
    /// Nanoseconds of the clock.
    let moment: UInt64
    private let stored: Int
    private let refused: Int
    private let unanswered: Int
    private let promised: UInt64
    private let refusals: [String: Int]
    private let receivedBytes: UInt64

    init(at moment: UInt64, posters: PosterFleet, readers: ReaderFleet) {
        self.moment = moment
        stored = posters.stored
        refused = posters.refused
        unanswered = posters.abandoned + posters.unanswered
        promised = posters.promised
        refusals = posters.refusals
        receivedBytes = readers.receivedBytes
    }

    /// Writes down what came since then, when all has come that comes.
    func count(_ posters: PosterFleet, _ readers: ReaderFleet, until end: UInt64, into outcome: inout BenchOutcome) {
        outcome.posts = posters.stored - stored
        outcome.refused = posters.refused - refused
        outcome.unanswered = posters.abandoned + posters.unanswered - unanswered
        outcome.refusals = posters.refusals.merging(refusals) { $0 - $1 }.filter { $0.value > 0 }
        outcome.expected = posters.promised - promised
        outcome.postSeconds = Double((outcome.posts > 0 ? posters.storedMoment : end) - moment) / 1e9
        outcome.receivedBytes = readers.receivedBytes - receivedBytes

        let tally = readers.tally
        outcome.deliveries = tally.measured
        outcome.seconds = Double((tally.measured > 0 ? tally.lastMoment : end) - moment) / 1e9
        outcome.lost = tally.missing
        outcome.repeated = tally.repeated
        outcome.outOfOrder = tally.late
        outcome.foreign = tally.foreign
        outcome.drops = readers.drops
        outcome.returns = readers.returns
        outcome.unrecovered = readers.unrecovered
        outcome.lagged = readers.lagged
        for (code, count) in readers.refusals { outcome.refusals["to a reader: \(code)"] = count }
        outcome.latencies = tally.latencies
        outcome.timeline = tally.timeline
    }
}
