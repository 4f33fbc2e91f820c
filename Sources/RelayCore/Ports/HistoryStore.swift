/// Where a room's messages are read from.
///
/// Every call and completion happens on the one event loop that owns the store.
public protocol HistoryStore: AnyObject {
    /// Reads a span of a room, together with where the room stands, in one atomic look.
    func read(_ span: HistorySpan, of room: RoomID, completion: @escaping (Result<HistoryPage, Refusal>) -> Void)
}

/// Which messages to read. All answers are in ascending order.
public enum HistorySpan: Sendable, Equatable {
    /// The newest `limit` messages.
    case latest(limit: Int)
    /// The oldest `limit` messages above an id.
    case after(MessageID, limit: Int)
    /// The newest `limit` messages below an id.
    case before(MessageID, limit: Int)
}

/// One look at a room's stream and at its counter.
public struct HistoryPage: Sendable, Equatable {
    /// Where the room stands; nil where it does not exist.
    public var standing: RoomStanding?
    /// The messages, ascending by id.
    public var frames: [StoredFrame]
    /// Whether the stream holds more in the direction that was asked for.
    public var more: Bool

    /// A page of the given parts.
    public init(standing: RoomStanding?, frames: [StoredFrame], more: Bool) {
        self.standing = standing
        self.frames = frames
        self.more = more
    }
}

/// Where a room stands.
public struct RoomStanding: Sendable, Equatable {
    /// The time in ms at which the room's counter was made; another one means that numbers start anew.
    public var epoch: UInt64
    /// The number of the newest message; 0 before the first.
    public var lastSeq: UInt64
    /// The id of the newest message; nil before the first.
    public var lastID: MessageID?
    /// The number of the oldest message that the stream still holds; nil where it holds none.
    public var oldestSeq: UInt64?

    /// A standing of the given parts.
    public init(epoch: UInt64, lastSeq: UInt64, lastID: MessageID?, oldestSeq: UInt64?) {
        self.epoch = epoch
        self.lastSeq = lastSeq
        self.lastID = lastID
        self.oldestSeq = oldestSeq
    }
}
