/// From where a reader wants a room.
public enum JoinPoint: Sendable, Equatable {
    /// The newest messages, so many.
    case history(limit: Int)
    /// Everything after an id; with the epoch that the reader knows, where it knows one.
    case since(MessageID, epoch: UInt64?)
    /// Everything after the last message that this session was given: a reader that catches up.
    case cursor(ReadCursor)

    /// The id above which messages are wanted; nil where that depends on the room.
    var lowerBound: MessageID? {
        switch self {
        case .history: nil
        case .since(let id, _): id
        case .cursor(let cursor): cursor.id
        }
    }
}

/// How far a reader has come in a room.
public struct ReadCursor: Sendable, Equatable {
    /// The last message it was given, or the id from which it recovers.
    public var id: MessageID
    /// That message's number; nil where no message was given yet.
    public var seq: UInt64?
    /// How often the room's feed had told of a rewind by then: a reader that stood still over one hears of it later.
    public var rewinds: UInt64

    /// A cursor of the given parts.
    public init(id: MessageID, seq: UInt64?, rewinds: UInt64 = 0) {
        self.id = id
        self.seq = seq
        self.rewinds = rewinds
    }
}

/// What a reader is given: a stretch of the room without a hole, a repeat or a change of order.
///
/// History alone may have a hole, where Redis lost numbers for good: it shows the newest messages that there are.
public struct Recovery: Sendable, Equatable {
    /// Why something is missing.
    public enum Shortfall: String, Sendable {
        /// Redis no longer holds it.
        case trimmed
        /// Redis lost writes, or the reader's epoch is another one.
        case rewound
    }

    /// Where the room stands.
    public var standing: RoomStanding
    /// The messages, ascending, at most `Limits.pageMessagesMax`.
    public var frames: [StoredFrame]
    /// Whether `frames` ends where the feed is: the reader gets the live ones from here. Otherwise it has to ask for
    /// the rest with its new cursor.
    public var isLive: Bool
    /// Why something is missing; nil where nothing is.
    public var shortfall: Shortfall?
    /// Numbers that are gone between the reader's cursor and the first frame.
    public var missed: ClosedRange<UInt64>?
    /// How far the reader is, once it has these frames.
    public var cursor: ReadCursor

    /// A recovery of the given parts.
    public init(
        standing: RoomStanding, frames: [StoredFrame], isLive: Bool, shortfall: Shortfall? = nil,
        missed: ClosedRange<UInt64>? = nil, cursor: ReadCursor
    ) {
        self.standing = standing
        self.frames = frames
        self.isLive = isLive
        self.shortfall = shortfall
        self.missed = missed
        self.cursor = cursor
    }
}
