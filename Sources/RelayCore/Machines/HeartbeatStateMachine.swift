/// Pings one peer and knows when it is gone: a ping an interval, and a pong before the next.
public struct HeartbeatStateMachine: Sendable {
    /// What to do at a moment.
    public enum Action: Sendable, Equatable {
        case none
        case sendPing
        /// The last ping had no pong for a whole interval.
        case close
    }

    private let interval: Duration
    private var isAwaitingPong = false

    /// When to look again.
    public private(set) var deadline: Moment

    /// Begins at `now`; the first ping is due an interval later.
    public init(interval: Duration, now: Moment) {
        self.interval = interval
        deadline = now + interval
    }

    /// Time went by.
    public mutating func timePassed(now: Moment) -> Action {
        guard now >= deadline else { return .none }
        guard !isAwaitingPong else { return .close }
        isAwaitingPong = true
        deadline = now + interval
        return .sendPing
    }

    /// A pong came.
    public mutating func pongReceived() {
        isAwaitingPong = false
    }
}
