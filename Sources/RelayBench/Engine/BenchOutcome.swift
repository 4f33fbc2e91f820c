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

        /// Nanoseconds of processor in the measured time.
        var processor: UInt64 { ended.processor - min(begun.processor, ended.processor) }
        /// Bytes that all connections together have added.
        var connectionBytes: UInt64 { connected.residentBytes - min(atStart.residentBytes, connected.residentBytes) }
    }

    var plan: BenchPlan
    /// Connections that read and post.
    var connections: Int
    var connectSeconds = 0.0
    /// Seconds from the first measured post to the last delivery, or of the measured time where there was none.
    var seconds = 0.0
    /// Posts of the measured time, by what came of them.
    var posts = 0
    var refused = 0
    var unanswered = 0
    var refusals: [String: Int] = [:]
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

    /// Whether every message that was stored came to every reader once, in order.
    public var isClean: Bool { lost == 0 && repeated == 0 && outOfOrder == 0 }

    /// Microseconds of processor a delivery, of the relay's processes or of Redis; nil without such a process.
    func microsecondsPerDelivery(ofRedis isRedis: Bool) -> Double? {
        let chosen = costs.filter { $0.process.isRedis == isRedis }
        guard !chosen.isEmpty, deliveries > 0 else { return nil }
        return Double(chosen.map(\.processor).reduce(0, +)) / 1000 / Double(deliveries)
    }

    /// Microseconds of Redis's processor a post that was stored; nil where it was not measured or nothing was stored.
    var redisMicrosecondsPerPost: Double? {
        let chosen = costs.filter { $0.process.isRedis }
        guard !chosen.isEmpty, posts > 0 else { return nil }
        return Double(chosen.map(\.processor).reduce(0, +)) / 1000 / Double(posts)
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
