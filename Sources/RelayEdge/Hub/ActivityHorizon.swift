import RelayCore

/// Up to which time, in ms by Redis's clock, the list of rooms was looked at for what this edge has not heard of.
///
/// Redis's clock may be set back, and a score may be written by hand: a score ahead of the clock is no reason to pass
/// over those that follow.
struct ActivityHorizon {
    /// 0 before the first heartbeat.
    private(set) var checked: UInt64 = 0

    /// A heartbeat brought Redis's time. Where that has gone back, what was said since the last heartbeats is below
    /// what was looked at.
    mutating func beaten(now: UInt64) {
        if checked == 0 {
            checked = now
        } else if now < checked {
            checked = now - min(now, UInt64(Limits.heartbeatLifetime.wholeMilliseconds))
        }
    }

    /// A room was seen with that score.
    mutating func seen(_ score: UInt64, now: UInt64) {
        checked = max(checked, min(score, now))
    }
}
