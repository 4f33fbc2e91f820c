/// How long to wait before the next try to connect: longer each time up to a bound, and never the same for all.
///
/// A wait is drawn between half of the span and all of it, so that the clients of an edge that went away do not come
/// back at the same moment.
public struct ReconnectBackoff: Sendable, Equatable {
    /// The span of the first wait.
    public var spanMin: Duration
    /// The longest span.
    public var spanMax: Duration
    private var failures = 0

    /// A backoff between those spans.
    public init(spanMin: Duration = .milliseconds(250), spanMax: Duration = .seconds(15)) {
        self.spanMin = spanMin
        self.spanMax = spanMax
    }

    /// A connection was lost or did not come about.
    ///
    /// - Parameter fraction: random, from 0 up to 1.
    /// - Returns: how long to wait.
    public mutating func connectionFailed(fraction: Double) -> Duration {
        let span = min(spanMax, spanMin * (1 << min(failures, 16)))
        failures += 1
        return span * (0.5 + 0.5 * min(1, max(0, fraction)))
    }

    /// The relay welcomed this client: the next wait is a first one again.
    public mutating func connectionSucceeded() {
        failures = 0
    }
}
