/// What the archiver needs of the store in which the rooms' streams are.
///
/// Every call is one atomic look or one atomic change. A call that throws `unavailable` may or may not have been done:
/// all of them can be repeated without harm.
public protocol StreamSource: Sendable {
    /// Takes the shard, or takes it over from an earlier run on the same machine and directory. The claim lapses by
    /// itself `lapse` after the last renewal.
    func claim(_ shard: ShardID, as holder: ShardHolder, lapse: Duration) async throws(StreamSourceError) -> ShardClaim

    /// Prolongs the claim; false where it is lost.
    func renew(_ shard: ShardID, as holder: ShardHolder, lapse: Duration) async throws(StreamSourceError) -> Bool

    /// Gives the shard up. Nothing happens where it is not held any more.
    func release(_ shard: ShardID, as holder: ShardHolder) async throws(StreamSourceError)

    /// The rooms with activity at or after that time in ms, with the store's own time; 0 asks for all rooms.
    func roomsActive(since milliseconds: UInt64) async throws(StreamSourceError) -> ActiveRooms

    /// Where the room stands and its entries from `id` on, itself included, at most `limit`.
    func look(at room: RoomID, from id: MessageID, limit: Int) async throws(StreamSourceError) -> StreamLook

    /// The users of the private room that was made at `createdAt`, sorted; nil where that room is there no more.
    func members(of room: RoomID, createdAt: UInt64) async throws(StreamSourceError) -> [UserID]?

    /// Raises the room's counter and last id to at least what the files hold, and gives it a new epoch where one of
    /// them had to be raised, or where the epoch is still `knownEpoch`, so that every edge and client hears of it.
    func raise(
        _ room: RoomID, toSeq seq: UInt64, id: MessageID, knownEpoch: UInt64?, under claim: HeldShard
    ) async throws(StreamSourceError) -> RaiseOutcome

    /// Trims what is archived down to the newest `keep`, then writes down how far the archive reaches; and, where the
    /// room was trimmed up to `trimmed` before it was lost and put back, that nothing up to there has to be put back.
    func acknowledge(
        _ room: RoomID, _ position: ArchivePosition, trimmed: MessageID?, keep: Int, under claim: HeldShard
    ) async throws(StreamSourceError) -> AcknowledgeOutcome

    /// Moves the stream's last id to at least `milliseconds`-0, so that no lower id can follow.
    func passMidnight(
        _ room: RoomID, milliseconds: UInt64, under claim: HeldShard
    ) async throws(StreamSourceError) -> AcknowledgeOutcome

    /// Takes away the stream of a deleted room of which all up to `end` was seen; nothing happens where it has grown.
    func drop(
        _ room: RoomID, through end: MessageID, under claim: HeldShard
    ) async throws(StreamSourceError) -> AcknowledgeOutcome

    /// Publishes what the archiver says of itself, for `lifetime`.
    func report(_ figures: ArchiverFigures, for shard: ShardID, lifetime: Duration) async throws(StreamSourceError)
}

/// Why the store did not do what it was asked.
public enum StreamSourceError: Error, Sendable, Equatable, CustomStringConvertible {
    /// It cannot be reached, or did not answer in time.
    case unavailable(String)
    /// It answered with an error, or with something that is no answer to the question.
    case refused(String)

    /// One line for the log.
    public var description: String {
        switch self {
        case .unavailable(let reason): "Redis is unavailable: \(reason)"
        case .refused(let reason): "Redis refused: \(reason)"
        }
    }
}

/// Who holds a shard.
public struct ShardHolder: Sendable, Equatable {
    /// The machine and the directory; a later run of the same place takes over at once.
    public let place: String
    /// One run.
    public let run: String

    /// A holder; neither part may hold a line break.
    public init(place: String, run: String) {
        self.place = place
        self.run = run
    }
}

/// A shard together with who believes to hold it: changes are refused where that is not true any more.
public struct HeldShard: Sendable, Equatable {
    /// Which shard.
    public let shard: ShardID
    /// Who holds it.
    public let holder: ShardHolder

    /// A claim of the given parts.
    public init(shard: ShardID, holder: ShardHolder) {
        self.shard = shard
        self.holder = holder
    }
}

/// Whether a shard was to be had.
public enum ShardClaim: Sendable, Equatable {
    /// It is the caller's.
    case claimed
    /// Somebody else holds it.
    case held(by: String)
    /// Archivers are at work that divide the rooms otherwise, and would take each other's messages from the streams;
    /// says into what.
    case divided(String)
}

/// Rooms with recent activity.
public struct ActiveRooms: Sendable, Equatable {
    /// The store's time in ms.
    public var now: UInt64
    /// The rooms, in no order. Members of the set that are no room ids are left out.
    public var rooms: [RoomActivity]

    /// Rooms of the given parts.
    public init(now: UInt64, rooms: [RoomActivity]) {
        self.now = now
        self.rooms = rooms
    }
}

/// One look at a room's stream.
public struct StreamLook: Sendable, Equatable {
    /// The store's time in ms.
    public var now: UInt64
    /// What the room's `meta` says; nil where there is none.
    public var standing: ArchiveStanding?
    /// The entries, ascending.
    public var entries: [StreamEntry]
    /// The first entry of the whole stream; nil where it is empty.
    public var oldestID: MessageID?
    /// The id above which the next one will be; nil where there is no stream.
    public var lastID: MessageID?

    /// A look of the given parts.
    public init(
        now: UInt64, standing: ArchiveStanding?, entries: [StreamEntry], oldestID: MessageID?, lastID: MessageID?
    ) {
        self.now = now
        self.standing = standing
        self.entries = entries
        self.oldestID = oldestID
        self.lastID = lastID
    }
}

/// One entry of a stream.
public enum StreamEntry: Sendable, Equatable {
    /// A message.
    case frame(StoredFrame)
    /// Something that the relay did not write, or that is no message any more.
    case unreadable(MessageID)

    /// The entry ID.
    public var id: MessageID {
        switch self {
        case .frame(let frame): frame.id
        case .unreadable(let id): id
        }
    }
}

/// What a room's `meta` says, as far as the archiver asks.
public struct ArchiveStanding: Sendable, Equatable {
    /// When the counter was made, in ms; nil before the first message.
    public var epoch: UInt64?
    /// The counter; 0 before the first message.
    public var seq: UInt64
    /// How far the archive reaches; nil before the first acknowledgement.
    public var archived: ArchivePosition?
    /// When the room was created, in ms; nil where `meta` does not say.
    public var createdAt: UInt64?
    /// Whether the room is for its members alone.
    public var isPrivate: Bool
    /// Whether the room was deleted, and only waits to be drained.
    public var isDeleted: Bool
    /// The name that people see; nil where `meta` does not say.
    public var name: String?
    /// Who made the room; nil where `meta` does not say.
    public var createdBy: String?
    /// What the room is about; nil where `meta` does not say.
    public var topic: String?
    /// Whether the room was put back out of its archive, and the files are its own.
    public var isRestored = false

    /// A standing of the given parts; the rest is unknown.
    public init(
        epoch: UInt64?, seq: UInt64, archived: ArchivePosition?, createdAt: UInt64?, isPrivate: Bool = false,
        isDeleted: Bool = false
    ) {
        self.epoch = epoch
        self.seq = seq
        self.archived = archived
        self.createdAt = createdAt
        self.isPrivate = isPrivate
        self.isDeleted = isDeleted
    }
}

/// How far the archive of a room reaches.
public struct ArchivePosition: Sendable, Hashable {
    /// The last archived id.
    public var id: MessageID
    /// Its number.
    public var seq: UInt64

    /// A position of the given parts.
    public init(id: MessageID, seq: UInt64) {
        self.id = id
        self.seq = seq
    }
}

/// What came of a change that only the holder of the shard may make.
public enum AcknowledgeOutcome: Sendable, Equatable {
    /// It is done.
    case done
    /// The shard is not the caller's any more; nothing was changed.
    case lockLost
    /// The room or its stream is gone, or is not as the caller thought; look again.
    case gone
}

/// What came of raising a room.
public enum RaiseOutcome: Sendable, Equatable {
    /// Where the room stands now.
    case raised(epoch: UInt64, seq: UInt64)
    /// The shard is not the caller's any more; nothing was changed.
    case lockLost
    /// The room is gone.
    case gone
}

/// What an archiver says of itself.
public struct ArchiverFigures: Sendable, Equatable {
    /// The machine.
    public var host: String
    /// When it started, in ms.
    public var started: UInt64
    /// Rooms with files.
    public var rooms: Int
    /// Lines written since the start.
    public var lines: UInt64
    /// Bytes written since the start.
    public var bytes: UInt64
    /// Messages that are in the streams and not yet in the files.
    public var behind: UInt64
    /// What went wrong and still does; empty where all is well.
    public var lastError: String

    /// Figures of the given parts.
    public init(
        host: String, started: UInt64, rooms: Int = 0, lines: UInt64 = 0, bytes: UInt64 = 0, behind: UInt64 = 0,
        lastError: String = ""
    ) {
        self.host = host
        self.started = started
        self.rooms = rooms
        self.lines = lines
        self.bytes = bytes
        self.behind = behind
        self.lastError = lastError
    }
}
