internal import RelayCore

/// What one edge knows of the others, and whether it may believe that one is dead.
///
/// After a pause of Redis every heartbeat is old, and the first edge to come back would bury all the others. So another
/// edge counts as dead only to one whose own heartbeats have gone through for a whole lifetime. Until then a stale edge
/// is neither living nor dead, and its people count as present.
struct EdgeCensusLedger {
    private let lifetime: Duration
    private let interval: Duration
    private let own: EdgeID

    private var unbrokenSince: Moment?
    private var lastBeat: Moment?
    private(set) var dead: Set<EdgeID> = []
    private(set) var others: Set<EdgeID> = []

    init(
        own: EdgeID, lifetime: Duration = Limits.heartbeatLifetime, interval: Duration = Limits.heartbeatInterval
    ) {
        self.own = own
        self.lifetime = lifetime
        self.interval = interval
    }

    /// A heartbeat that left at `sent` went through; gives the census that may be believed.
    mutating func beatSucceeded(now: Moment, _ told: EdgeCensus) -> EdgeCensus {
        // The others' last heartbeats may be an interval older than the break that we saw.
        if let lastBeat, now - lastBeat > lifetime - interval { unbrokenSince = nil }
        lastBeat = now
        let since = unbrokenSince ?? now
        unbrokenSince = since
        var census = told
        if now - since < lifetime { census.dead = [] }
        dead = Set(census.dead)
        others = Set(told.living + told.dead).subtracting(dead)
        others.remove(own)
        return census
    }

    /// All edges on the list were read.
    mutating func listRead(_ edges: [EdgeID]) {
        others = Set(edges).subtracting(dead)
        others.remove(own)
    }
}
