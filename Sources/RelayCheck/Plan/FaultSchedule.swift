/// Which fault comes when: every kind once in a random order, then again.
public struct FaultSchedule: Sendable {
    /// A fault to cause.
    public struct Order: Sendable, Equatable {
        /// How long to wait before it.
        public var pause: Duration
        /// What to do.
        public var fault: Fault
        /// How long it lasts, where it lasts.
        public var hold: Duration
        /// A number that chooses among what it can be done to.
        public var choice: Int
    }

    private let kinds: [Fault]
    private let meanPause: Duration
    private var random: CheckRandom
    private var queue: [Fault] = []

    /// A schedule for a run of that length: there is time for each kind twice, but faults are at least fifty
    /// milliseconds and at most eight seconds apart.
    public init(kinds: [Fault], seed: UInt64, duration: Duration) {
        self.kinds = kinds
        random = CheckRandom(seed: seed, stream: .max)
        meanPause = min(max(duration / (3 * max(1, kinds.count)), .milliseconds(100)), .seconds(5))
    }

    /// The next fault; nil where none is allowed.
    public mutating func next() -> Order? {
        guard !kinds.isEmpty else { return nil }
        if queue.isEmpty { queue = kinds.shuffled(using: &random) }
        let fault = queue.removeFirst()
        return Order(
            pause: meanPause * (50 + random.below(101)) / 100, fault: fault,
            hold: .milliseconds(300 + random.below(1500)), choice: random.below(1_000_000))
    }
}
