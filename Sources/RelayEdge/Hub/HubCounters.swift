import RelayCore

/// What the hub has counted since the start.
struct HubCounters: Sendable {
    /// Messages that this edge's clients posted and the store has.
    var posts: UInt64 = 0
    /// Posts that the store has not answered yet.
    var postsInFlight = 0
    /// Posts that were repeats of a nonce.
    var duplicates: UInt64 = 0
    /// Posts that were refused.
    var postsRefused: UInt64 = 0
    /// Messages that came over the rooms' channels.
    var received: UInt64 = 0
    /// Reads of a stream to get to now: openings, gaps, interruptions, quiet rooms.
    var catchUps: UInt64 = 0
    /// Reads of older messages for readers.
    var backfills: UInt64 = 0
    /// Messages that no reader of this edge can be given any more.
    var lost: UInt64 = 0
    /// Rooms whose Redis lost writes.
    var rewinds: UInt64 = 0
    /// Events published by hand that were passed on.
    var foreign: UInt64 = 0
    /// Payloads on a room's channel that were neither messages nor events.
    var rejected: UInt64 = 0
    /// Operators' orders that were understood.
    var controlCommands: UInt64 = 0
    /// Payloads on the control channel that were none.
    var controlRejected: UInt64 = 0
    /// Times the subscriptions were interrupted.
    var interruptions: UInt64 = 0
    /// What the store has counted of its archive, as of the last look.
    var history = HistoryFigures()
    /// What the store has counted of what went wrong, as of the last look.
    var storeFaults: [String: UInt64] = [:]
}
