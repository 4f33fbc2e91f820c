internal import Histogram

/// The relay held against the floor.
extension BenchReport {
    /// The relay's processor time a delivery over the floor's; nil where either was not measured.
    var processorRatio: Double? { ratio { $0.microsecondsPerDelivery(ofRedis: false) } }

    /// The relay's deliveries a second over the floor's.
    var rateRatio: Double? { ratio { $0.deliveriesPerSecond } }

    /// The relay's median latency over the floor's.
    var medianRatio: Double? {
        ratio { $0.latencies.totalCount > 0 ? Double($0.latencies.valueAtPercentile(50)) : nil }
    }

    /// The relay's acknowledged posts a second over the floor's.
    var postsRatio: Double? { ratio { $0.postsPerSecond } }

    /// Redis's processor time a stored post under the relay over that under the floor.
    var redisPerPostRatio: Double? { ratio { $0.redisMicrosecondsPerPost } }

    private func ratio(_ figure: (BenchOutcome) -> Double?) -> Double? {
        guard let own = figure(outcome), let least = floor.flatMap({ figure($0.outcome) }), least > 0 else {
            return nil
        }
        return own / least
    }

    /// The ratios in words, those that were measured.
    var ratioText: String {
        let isScript = floor?.kind == .script
        // Where the floor has no Redis or nobody reads, what is left says all.
        let parts = [
            (processorRatio, "of the floor's processor time a delivery"), (rateRatio, "of its deliveries/s"),
            (medianRatio, "of its p50 latency"), (isScript ? postsRatio : nil, "of the floor's posts/s"),
            (redisPerPostRatio, "of Redis's processor time a post"),
        ].compactMap { value, name in value.map { "\(Decimals.text($0, 2)) \(name)" } }
        return parts.isEmpty ? "nothing came" : parts.joined(separator: ", ")
    }
}
