/// Who is where, which rooms there are and which edges live.
///
/// Every call and completion happens on the one event loop that owns the directory.
public protocol Directory: AnyObject {
    /// Makes the room where it does not exist yet, and says whether it did.
    func create(_ room: RoomID, by user: UserID, completion: @escaping (Result<Bool, Refusal>) -> Void)

    /// Writes what changed of the people of one room on this edge, and publishes the joins and leaves that are news to
    /// the whole relay. Many users travel in one call. Answers how many users are there now, over all edges.
    ///
    /// In a room with more than `Limits.presenceToldMax` people the summary goes out instead, at most once a second
    /// over all edges; where it does not, the answer says that one is owed: call again in a second, with no changes.
    func announce(
        _ changes: [PresenceChange], in room: RoomID, completion: @escaping (Result<PresenceTold, Refusal>) -> Void)

    /// Writes in which rooms this edge has people: should it die, those rooms are rid of them. Comes before what is
    /// announced of rooms that have got their first, and after what is announced of rooms that have lost their last.
    func note(_ change: OccupancyChange, completion: @escaping (Refusal?) -> Void)

    /// Who is in the room, over all living edges.
    func who(_ room: RoomID, completion: @escaping (Result<[Occupant], Refusal>) -> Void)

    /// Says that this edge lives, and with what figures; answers which edges live and which have died.
    func beat(_ figures: EdgeFigures, completion: @escaping (Result<EdgeCensus, Refusal>) -> Void)

    /// Takes the entries of dead edges out of a room and announces who left with them.
    /// Answers how many users are there now.
    func bury(_ edges: [EdgeID], in room: RoomID, completion: @escaping (Result<Int, Refusal>) -> Void)

    /// Does so in all rooms in which a dead edge had people, whether or not anybody has them open: the edges that call
    /// this share the work.
    func bury(_ edge: EdgeID, completion: @escaping (Refusal?) -> Void)

    /// The rooms with anything said since that time in ms, with the ms of it.
    func roomsActive(since: UInt64, completion: @escaping (Result<[RoomActivity], Refusal>) -> Void)

    /// Takes this edge off the list: it ends.
    func retire(completion: @escaping () -> Void)
}

/// The id of one run of one edge: `--edge-id` and a suffix of its own for each start.
public struct EdgeID: Hashable, Sendable, CustomStringConvertible {
    /// The id as it stands in keys.
    public let description: String

    /// An id; the caller guarantees that it holds no `/`, no blank and no control character.
    public init(_ text: String) {
        description = text
    }
}

/// A change of one user's presence on this edge.
public struct PresenceChange: Sendable, Equatable {
    /// Whose.
    public var user: UserID
    /// The name as people see it.
    public var name: DisplayName
    /// Open sessions of the user in the room on this edge; 0 with `isGone` false is the grace after a disconnect.
    public var sessions: Int
    /// Whether the entry goes.
    public var isGone: Bool
    /// How long ago the user did something there.
    public var idle: Duration = .zero

    /// A change of the given parts.
    public init(user: UserID, name: DisplayName, sessions: Int, isGone: Bool) {
        self.user = user
        self.name = name
        self.sessions = sessions
        self.isGone = isGone
    }
}

/// Rooms in which this edge has people now and had none before, or the other way round.
public struct OccupancyChange: Sendable, Equatable {
    /// Rooms with anybody of this edge in them.
    public var occupied: Set<RoomID>
    /// Rooms with nobody of this edge in them any more.
    public var empty: Set<RoomID>

    /// A change of the given parts.
    public init(occupied: Set<RoomID> = [], empty: Set<RoomID> = []) {
        self.occupied = occupied
        self.empty = empty
    }

    /// Whether nothing changed.
    public var isNone: Bool { occupied.isEmpty && empty.isEmpty }
}

/// What came of an announcement.
public struct PresenceTold: Sendable, Equatable {
    /// How many users are there now, over all edges.
    public var here: Int
    /// Whether those who are there have still to be told how many they are.
    public var owesSummary: Bool

    /// An outcome of the given parts.
    public init(here: Int, owesSummary: Bool = false) {
        self.here = here
        self.owesSummary = owesSummary
    }
}

/// One user in a room, over all edges.
public struct Occupant: Sendable, Equatable {
    /// Who.
    public var user: UserID
    /// The name as people see it.
    public var name: String
    /// Since when, in ms.
    public var since: UInt64
    /// Open sessions over all edges.
    public var sessions: Int
    /// How long the user has done nothing there; nil where nobody knows.
    public var idle: Duration?

    /// An occupant of the given parts.
    public init(user: UserID, name: String, since: UInt64, sessions: Int, idle: Duration? = nil) {
        self.idle = idle
        self.user = user
        self.name = name
        self.since = since
        self.sessions = sessions
    }
}

/// What an edge says of itself with each heartbeat.
public struct EdgeFigures: Sendable, Equatable {
    /// Where it listens.
    public var address: String
    /// Open sessions.
    public var sessions: Int
    /// Rooms with members here.
    public var rooms: Int
    /// Messages that its clients posted since the start.
    public var posts: UInt64
    /// Envelopes handed to sockets since the start.
    public var deliveries: UInt64
    /// Messages by which the feed that is furthest behind lags.
    public var lag: UInt64

    /// Figures of the given parts.
    public init(address: String, sessions: Int, rooms: Int, posts: UInt64, deliveries: UInt64, lag: UInt64) {
        self.address = address
        self.sessions = sessions
        self.rooms = rooms
        self.posts = posts
        self.deliveries = deliveries
        self.lag = lag
    }
}

/// Which edges there are.
public struct EdgeCensus: Sendable, Equatable {
    /// The time of Redis in ms.
    public var now: UInt64
    /// Edges with a heartbeat of the last 15 s.
    public var living: [EdgeID]
    /// Edges whose heartbeat is over.
    public var dead: [EdgeID]
    /// Whether an earlier heartbeat of this edge was still there. Not so with its first one, and where the relay has
    /// lost what it held.
    public var wasKnown: Bool

    /// A census of the given parts.
    public init(now: UInt64, living: [EdgeID], dead: [EdgeID], wasKnown: Bool = true) {
        self.now = now
        self.living = living
        self.dead = dead
        self.wasKnown = wasKnown
    }
}

/// A room and when something happened in it last.
public struct RoomActivity: Sendable, Equatable {
    /// Which room.
    public var room: RoomID
    /// When, in ms.
    public var milliseconds: UInt64

    /// An activity of the given parts.
    public init(room: RoomID, milliseconds: UInt64) {
        self.room = room
        self.milliseconds = milliseconds
    }
}
