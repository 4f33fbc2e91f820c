internal import Histogram

/// What came of a load.
public struct BenchOutcome: Sendable {
    /// A storm: how many were cut off, and how long it took until all were back.
    struct Storm: Sendable, Equatable {
        var readers: Int
        var seconds: Double
    }

    /// What a process has cost.
    struct Cost: Sendable, Equatable {
        var process: WatchedProcess
        /// Before anybody connected, when everybody had, when the measured time began, and when all had come.
        var atStart, connected, begun, ended: ProcessSample

        /// Nanoseconds of processor in the measured time; nil where the process did not live through it, or another
        /// has its id now.
        var processor: UInt64? {
            guard let first = begun.processor, let last = ended.processor, last >= first else { return nil }
            return last - first
        }
        /// Bytes that all connections together have added; nil where it was not there meanwhile.
        var connectionBytes: UInt64? {
            guard let before = atStart.residentBytes, let after = connected.residentBytes else { return nil }
            return after - min(before, after)
        }
    }

    var plan: BenchPlan
    /// Connections that read and post.
    var connections: Int
    /// How many edges they are spread over.
    var edges = 1
    var connectSeconds = 0.0
    /// Seconds from the first measured post to the last delivery, or of the measured time where there was none.
    var seconds = 0.0
    /// Posts of the measured time, by what came of them.
    var posts = 0
    var refused = 0
    var unanswered = 0
    var refusals: [String: Int] = [:]
    /// Posts that were due and that nobody could take, until the time for them was over.
    var notMade = 0
    /// Seconds from the beginning of the measured time to the last answer that something is stored, or of all of it
    /// where nothing was.
    var postSeconds = 0.0
    /// Bytes that readers received in the measured time.
    var receivedBytes: UInt64 = 0
    /// Deliveries that were to come of what was stored, and those that came.
    var expected: UInt64 = 0
    var deliveries: UInt64 = 0
    /// These three over the warm-up too.
    var lost: UInt64 = 0
    var repeated: UInt64 = 0
    var outOfOrder: UInt64 = 0
    var foreign: UInt64 = 0
    var drops = 0
    var returns = 0
    var unrecovered = 0
    var lagged = 0
    var storms: [Storm] = []
    var latencies: Histogram<UInt64>
    /// How far behind their moments posts were handed over: the generator's own lateness.
    var lateness: Histogram<UInt64>
    var timeline: Timeline
    var costs: [Cost] = []
    /// Nanoseconds of processor of the generator in the measured time, and that time.
    var ownProcessor: UInt64 = 0
    var ownSpan: UInt64 = 0
    /// The processors that the generator may use, as the kernel lists them.
    var ownProcessors: String?

    /// Whether every message that was stored came to every reader once, in order.
    var isClean: Bool { lost == 0 && repeated == 0 && outOfOrder == 0 }

    /// Whether posts were made, or due, and none of them was stored: then nothing was measured.
    var isVain: Bool { posts == 0 && refused + unanswered + notMade > 0 }

    /// Microseconds of processor a delivery, of the relay's processes or of Redis; nil without such a process.
    func microsecondsPerDelivery(ofRedis isRedis: Bool) -> Double? {
        guard deliveries > 0 else { return nil }
        return microseconds(ofRedis: isRedis).map { $0 / Double(deliveries) }
    }

    /// Microseconds of Redis's processor a post that was stored; nil where it was not measured or nothing was stored.
    var redisMicrosecondsPerPost: Double? {
        guard posts > 0 else { return nil }
        return microseconds(ofRedis: true).map { $0 / Double(posts) }
    }

    /// Microseconds of processor, of the relay's processes or of Redis; nil without such a process, and where one of
    /// them ended: what is left is not the cost.
    private func microseconds(ofRedis isRedis: Bool) -> Double? {
        let chosen = costs.filter { $0.process.isRedis == isRedis }
        let known = chosen.compactMap(\.processor)
        guard !chosen.isEmpty, known.count == chosen.count else { return nil }
        return Double(known.reduce(0, +)) / 1000
    }

    /// Bytes that a connection to a process has added to it; nil where there was none, or where the process ended.
    func bytesPerConnection(_ cost: Cost) -> Double? {
        // Edges share connections evenly, and those that post straight to Redis are on none. Redis serves all alike.
        let atEdges = plan.route == .redis ? connections - plan.posters : connections
        let held = cost.process.isRedis ? Double(connections) : Double(atEdges) / Double(max(edges, 1))
        guard held > 0 else { return nil }
        return cost.connectionBytes.map { Double($0) / held }
    }

    /// Posts a second that were acknowledged.
    var postsPerSecond: Double { postSeconds > 0 ? Double(posts) / postSeconds : 0 }

    /// Bytes that readers received a delivery, frames, pings and all, without those of TCP; nil where nothing came.
    var wireBytesPerDelivery: Double? { deliveries > 0 ? Double(receivedBytes) / Double(deliveries) : nil }

    /// Microseconds of the generator's processor a delivery; nil where there was none.
    var ownMicrosecondsPerDelivery: Double? {
        deliveries > 0 ? Double(ownProcessor) / 1000 / Double(deliveries) : nil
    }

    var deliveriesPerSecond: Double { seconds > 0 ? Double(deliveries) / seconds : 0 }
    /// The share of one processor that the generator took.
    var ownShare: Double { ownSpan > 0 ? Double(ownProcessor) / Double(ownSpan) : 0 }
}
