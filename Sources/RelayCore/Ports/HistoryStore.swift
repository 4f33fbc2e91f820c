/// Where a room's messages are read from.
///
/// Every call and completion happens on the one event loop that owns the store.
public protocol HistoryStore: AnyObject {
    /// Reads a span of a room, together with where the room stands, in one atomic look.
    func read(_ span: HistorySpan, of room: RoomID, completion: @escaping (Result<HistoryPage, Refusal>) -> Void)

    /// Reads as `read` does, unless the look at the room says that somebody may not have it: then no archive is read,
    /// and how long the answer takes tells nothing.
    func read(
        _ span: HistorySpan, of room: RoomID, unless refused: @escaping (HistoryPage) -> Refusal?,
        completion: @escaping (Result<HistoryPage, Refusal>) -> Void)

    /// Which of these messages were deleted.
    func deleted(
        among ids: [MessageID], of room: RoomID, completion: @escaping (Result<Set<MessageID>, Refusal>) -> Void)

    /// What the store has counted since the start.
    var figures: HistoryFigures { get }
}

extension HistoryStore {
    /// Nothing: most stores have no archive.
    public var figures: HistoryFigures { HistoryFigures() }

    /// Reads all, and then asks: most stores have no archive.
    public func read(
        _ span: HistorySpan, of room: RoomID, unless refused: @escaping (HistoryPage) -> Refusal?,
        completion: @escaping (Result<HistoryPage, Refusal>) -> Void
    ) {
        read(span, of: room) { result in
            completion(result.flatMap { page in refused(page).map { .failure($0) } ?? .success(page) })
        }
    }
}

/// What a store has counted of its archive.
public struct HistoryFigures: Sendable, Equatable {
    /// Reads of the archive's files. Those who want the same page at the same time share one.
    public var archiveReads: UInt64 = 0
    /// Reads that failed or took too long: their pages hold what the stream does, and say so.
    public var archiveFailures: UInt64 = 0

    /// Figures that begin at zero.
    public init() {}
}

/// Which messages to read. All answers are in ascending order.
public enum HistorySpan: Sendable, Hashable {
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
    /// Whether there is more in the direction that was asked for.
    public var more: Bool
    /// Where the messages are from.
    public var source: HistorySource
    /// Whether nothing is missing between the id asked for and the first message, by the word of an archive. False
    /// also where nobody can tell: a stream does not say what it was trimmed of.
    public var isFollowingOn: Bool
    /// Why an archive that may have older ones has no part in this; nil where it has, or where there is none. What is
    /// missing now may be there the next time.
    public var shortening: Shortening?
    /// What the room is; nil where it does not exist, or where the store does not know.
    public var facts: RoomFacts?
    /// Whether the room was deleted: it exists for nobody, and its messages wait to be archived.
    public var isDeleted = false
    /// Whether any message of the room was deleted: then `deleted(among:)` says which.
    public var hasDeletions = false
    /// Which messages of `frames`, and of those that they edit, were deleted; answers show them without their text.
    public var deleted: Set<MessageID> = []

    /// A page of the given parts.
    public init(
        standing: RoomStanding?, frames: [StoredFrame], more: Bool, source: HistorySource = .stream,
        isFollowingOn: Bool = false
    ) {
        self.standing = standing
        self.frames = frames
        self.more = more
        self.source = source
        self.isFollowingOn = isFollowingOn
    }
}

/// Why a page has only what the stream holds.
public enum Shortening: Sendable {
    /// The archive did not answer in time. It is there, so what is missing here is not lost.
    case late
    /// The archive cannot be read: nobody knows what it has.
    case unreadable
}

/// Where messages of a page are from.
public enum HistorySource: String, Sendable {
    /// The room's stream alone.
    case stream
    /// The archive's files alone.
    case archive
    /// The older ones from the files, the newer ones from the stream.
    case both
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
    /// The id of that message.
    public var oldestID: MessageID?
    /// When the room was created, in ms: an archive belongs to the room with the same one. Nil where nobody knows, and
    /// for a room that was deleted.
    public var createdAt: UInt64?

    /// A standing of the given parts.
    public init(
        epoch: UInt64, lastSeq: UInt64, lastID: MessageID?, oldestSeq: UInt64?, oldestID: MessageID? = nil,
        createdAt: UInt64? = nil
    ) {
        self.epoch = epoch
        self.lastSeq = lastSeq
        self.lastID = lastID
        self.oldestSeq = oldestSeq
        self.oldestID = oldestID
        self.createdAt = createdAt
    }
}
