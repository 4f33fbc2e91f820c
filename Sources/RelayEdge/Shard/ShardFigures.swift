/// What one shard has counted since the start, and what is open now.
struct ShardFigures: Sendable {
    /// WebSockets that are open.
    var sessions = 0
    /// WebSockets that were opened.
    var opened: UInt64 = 0
    /// Envelopes and events handed to sockets live.
    var deliveries: UInt64 = 0
    /// Envelopes and events compressed for the members of their room.
    var deflated: UInt64 = 0
    /// Lines made of envelopes and events for the members of their room who read text.
    var textLines: UInt64 = 0
    /// Messages handed to readers that caught up.
    var caughtUp: UInt64 = 0
    /// Times that a reader fell behind its budget.
    var fellBehind: UInt64 = 0
    /// Ops that came.
    var requests: UInt64 = 0
    /// Refusals by their code.
    var refusals: [String: UInt64] = [:]
    /// Closes by the edge, by their code.
    var closes: [UInt16: UInt64] = [:]

    mutating func add(_ other: ShardFigures) {
        sessions += other.sessions
        opened += other.opened
        deliveries += other.deliveries
        deflated += other.deflated
        textLines += other.textLines
        caughtUp += other.caughtUp
        fellBehind += other.fellBehind
        requests += other.requests
        refusals.merge(other.refusals, uniquingKeysWith: +)
        closes.merge(other.closes, uniquingKeysWith: +)
    }
}
