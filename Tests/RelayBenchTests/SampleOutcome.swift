import Histogram

@testable import RelayBench

extension BenchOutcome {
    /// Above every id that Linux gives out.
    static let nobody: Int32 = 4_194_305

    /// A run in which a thousand deliveries took 1 to 1000 ms, and its processes so much.
    static func sample(
        relayNanoseconds: UInt64 = 5_000_000, ownNanoseconds: UInt64 = 3_000_000
    ) -> BenchOutcome {
        var outcome = BenchOutcome(
            plan: BenchPlan(), connections: 1008,
            latencies: Histogram<UInt64>(
                highestTrackableValue: 3_600_000_000_000, numberOfSignificantValueDigits: .three),
            lateness: Histogram<UInt64>(
                highestTrackableValue: 3_600_000_000_000, numberOfSignificantValueDigits: .two),
            timeline: Timeline(span: 10_000_000_000, points: 200))
        for number in 1...1000 {
            outcome.latencies.record(UInt64(number) * 1_000_000)
            outcome.timeline.add(at: UInt64(number) * 9_000_000)
        }
        outcome.posts = 1
        outcome.expected = 1000
        outcome.deliveries = 1000
        outcome.seconds = 10
        outcome.ownProcessor = ownNanoseconds
        outcome.ownSpan = 10_000_000_000
        for (name, isRedis, used) in [("edge", false, relayNanoseconds), ("redis", true, 1_000_000)] {
            outcome.costs.append(
                Cost(
                    process: WatchedProcess(name: name, id: 1, isRedis: isRedis),
                    atStart: ProcessSample(processor: 0, residentBytes: 0),
                    connected: ProcessSample(processor: 0, residentBytes: 1008 * 7000),
                    begun: ProcessSample(processor: 500, residentBytes: 1008 * 7000),
                    ended: ProcessSample(processor: 500 + used, residentBytes: 8_000_000)))
        }
        return outcome
    }
}

extension ProcessSample {
    /// A process that has used so much.
    init(processor: UInt64, residentBytes: UInt64) {
        self.init(WatchedProcess(name: "", id: BenchOutcome.nobody, isRedis: false))
        self.processor = processor
        self.residentBytes = residentBytes
    }
}
