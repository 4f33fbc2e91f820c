/// How far a run is.
public struct BenchProgress: Sendable, Equatable {
    /// What it is at.
    public enum Phase: String, Sendable {
        /// Connections are made, and rooms joined.
        case connecting
        /// Everything is there, and nothing is said.
        case settling
        /// The load, not measured yet.
        case warmingUp = "warm-up"
        /// The load, measured.
        case measuring
        /// Nothing more is said; what is on its way still comes.
        case draining
        /// All is measured, and everybody goes.
        case leaving
    }

    /// What it is at.
    public var phase: Phase
    /// Seconds since the phase began.
    public var seconds: Double
    /// Seconds that it takes; nil where nobody knows.
    public var secondsInAll: Double?
    /// Readers in their rooms, and all of them.
    public var live: Int
    /// All readers.
    public var readers: Int
    /// Posts that were handed over so far.
    public var posts: Int
    /// Deliveries so far.
    public var deliveries: UInt64
    /// Deliveries a second since the last time this was told.
    public var deliveriesPerSecond: Double
    /// Messages that were passed over so far and have not come.
    public var missing: UInt64
}
