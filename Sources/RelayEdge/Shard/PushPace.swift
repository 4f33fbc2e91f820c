import RelayCore

/// When what came in for the members of a room is written to them: at once after a quiet spell, and where the room is
/// busy a little later, together with what comes until then.
///
/// A write costs a socket nearly the same for one message as for ten, so what waits together is paid for once. A room
/// with few members costs little either way, and two programs that answer each other are not to be slowed.
struct PushPace {
    private var lastPush: Moment?

    /// Something came in.
    ///
    /// - Parameters:
    ///   - members: how many sockets it is for.
    ///   - window: how long it may wait at most; zero for not at all.
    /// - Returns: until when it waits; nil where it is written now.
    func deadline(now: Moment, members: Int, window: Duration) -> Moment? {
        guard window > .zero, members >= Limits.heldMembersMin, let lastPush else { return nil }
        let isQuiet = now >= lastPush + window + window
        return isQuiet ? nil : min(now + window, lastPush + window + window)
    }

    /// What came in is being written.
    mutating func pushed(now: Moment) { lastPush = now }
}
