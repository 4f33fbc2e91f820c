/// How long to wait before the next try to connect: exponential, with full jitter.
///
/// With the defaults a restarted Redis is found within a second, and edges that lost it together do not come back
/// together.
public struct Backoff: Sendable {
    /// The longest wait after the first failure.
    public let first: Duration
    /// The longest wait ever.
    public let longest: Duration
    /// The shortest wait: jitter never makes it a busy loop.
    public let shortest: Duration
    private var failures = 0

    /// A backoff that has seen no failure.
    public init(
        first: Duration = .milliseconds(50), longest: Duration = .seconds(1), shortest: Duration = .milliseconds(5)
    ) {
        self.first = first
        self.longest = longest
        self.shortest = shortest
    }

    /// The wait after one more failure, for a random number from 0 up to, not including, 1.
    public mutating func failed(random: Double) -> Duration {
        // Beyond 2^20 every sensible pair of bounds is at the longest already.
        let ceiling = min(longest, first * (1 << min(failures, 20)))
        failures += 1
        return max(shortest, ceiling * random)
    }

    /// Begins anew: the connection stands.
    public mutating func succeeded() {
        failures = 0
    }
}
