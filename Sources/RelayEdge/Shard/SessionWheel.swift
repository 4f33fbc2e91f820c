import RelayCore

/// When the sessions of a shard are to look at the time.
///
/// A session that is gone leaves its entries behind. They name it by its place in memory, where another one may be by
/// then, and by a number that no other one has.
struct SessionWheel {
    private var wheel: TimerWheel<(id: ObjectIdentifier, serial: UInt64)>
    private var lastSerial: UInt64 = 0

    init(tick: Duration, slots: Int, now: Moment) { wheel = TimerWheel(tick: tick, slots: slots, now: now) }

    /// A number that no other session of the shard has or had.
    mutating func takeSerial() -> UInt64 {
        lastSerial += 1
        return lastSerial
    }

    /// Calls the session's `timePassed` at that moment or soon after.
    mutating func schedule(_ session: SessionHandler, at deadline: Moment) {
        wheel.schedule((ObjectIdentifier(session), session.serial), at: deadline)
    }

    /// Those of the sessions whose moment came until `now`, once for each entry.
    mutating func due(at now: Moment, among sessions: [ObjectIdentifier: SessionHandler]) -> [SessionHandler] {
        wheel.advance(to: now).compactMap { entry in
            sessions[entry.id].flatMap { $0.serial == entry.serial ? $0 : nil }
        }
    }
}
