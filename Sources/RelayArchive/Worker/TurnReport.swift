internal import RelayCore

/// What came of a room's turn.
enum TurnOutcome {
    /// The files hold what the stream holds.
    case drained
    /// Something was done, and it seems to be all.
    case wrote
    /// There is more.
    case hasMore
}

/// Why a turn ended before its end.
enum TurnFailure {
    /// Redis is away, for all rooms.
    case unavailable(StreamSourceError)
    /// It concerns the room alone, and is to be tried again.
    case room(String)
}

/// What a room's turn did, for the worker to count.
struct TurnReport: Sendable {
    var outcome = TurnOutcome.drained
    var failure: TurnFailure?
    /// Whether somebody else holds the shard.
    var isClaimLost = false
    /// At what time the files held all that the stream held; nil where they did not.
    var drainedAt: UInt64?
    /// Whether the room has lines in its files.
    var hasLines = false
    /// Messages in the stream that are not in the files; nil where nothing was seen of the stream.
    var behind: UInt64?

    var lines: UInt64 = 0
    var bytes: UInt64 = 0
    var gaps: UInt64 = 0
    var skipped: UInt64 = 0
    var rewinds: UInt64 = 0
}
