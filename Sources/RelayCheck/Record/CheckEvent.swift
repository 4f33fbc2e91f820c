public import RelayCore

/// One thing that happened in a run, as the checker saw it: the record is a list of these, in order.
public struct CheckEvent: Sendable, Equatable {
    /// Milliseconds since the run began.
    public var at: UInt32
    /// Which of the run's rooms, counted from 0; nil where it is about a connection or the whole relay.
    public var room: Int?
    /// Which client, counted from 0; nil where it was seen in Redis, in the archive, or is a fault.
    public var client: Int?
    /// The number of the client's connection, unique in the run; 0 where there is none.
    public var session: UInt32
    /// What happened.
    public var fact: CheckFact

    /// An event of the given parts.
    public init(at: UInt32, room: Int? = nil, client: Int? = nil, session: UInt32 = 0, _ fact: CheckFact) {
        self.at = at
        self.room = room
        self.client = client
        self.session = session
        self.fact = fact
    }
}

/// What can happen in a run.
public enum CheckFact: Sendable, Equatable {
    // A connection.

    /// The connection to that edge stands.
    case opened(edge: Int)
    /// The connection is over.
    case closed(CloseCause)
    /// The client stopped reading.
    case stalled
    /// The client reads again.
    case resumed

    // What a client asks, and what it is answered.

    /// A send went out; `attempt` counts from 1 over all connections.
    case sent(SendKey, attempt: Int)
    /// It was acknowledged.
    case acknowledged(SendKey, Place, isDuplicate: Bool)
    /// It was refused.
    case refused(SendKey, ErrorCode)
    /// It had no answer although the connection stood.
    case unanswered(SendKey)
    /// A join went out.
    case joinAsked(JoinWish)
    /// It was answered; the messages of the answer follow as `heard`.
    case joined(JoinedFact)
    /// It was refused, or its connection ended.
    case joinFailed
    /// A leave went out.
    case leaveAsked

    // What a client hears.

    /// A message came, live or with a join.
    case heard(Sighting)
    /// `lagged` came.
    case lagged(from: UInt64, to: UInt64, count: UInt64)
    /// `rewound` came.
    case rewound(RewoundFact)
    /// A frame came that is none of the protocol's.
    case unreadable(String)

    // What stands elsewhere.

    /// A message stands in a page of history of that edge.
    case paged(Sighting, edge: Int)
    /// A message stands in the stream.
    case stored(Sighting)
    /// Everything below that number was gone from the stream by the time `asked`.
    case streamFloor(seq: UInt64, asked: UInt32)
    /// A message stands in the archive.
    case archived(Sighting)
    /// The archive has a line that says that these are missing.
    case archiveGap(from: UInt64, to: UInt64, reason: String)
    /// A line of the archive is neither.
    case archiveStrange(String)

    // What was done to the relay.

    /// A fault began; `target` is the number of the process or room that it is done to, from 0.
    case faultBegan(Fault, target: Int)
    /// It is over; the process runs again.
    case faultEnded(Fault, target: Int)
    /// An edge that was asked to end did so with that status.
    case edgeEnded(edge: Int, status: Int32)
}

/// Where a message stands in its room.
public struct Place: Sendable, Hashable {
    /// The id.
    public var id: MessageID
    /// The number.
    public var seq: UInt64

    /// A place of the given parts.
    public init(id: MessageID, seq: UInt64) {
        self.id = id
        self.seq = seq
    }
}

/// Which send of which client: what a message is known by, whatever place it has.
public struct SendKey: Sendable, Hashable, CustomStringConvertible {
    /// The client, from 0.
    public var client: UInt16
    /// Whether the send has a nonce, so that it may be tried again.
    public var hasNonce: Bool
    /// Counts the client's sends from 1.
    public var number: UInt32

    /// A key of the given parts.
    public init(client: Int, number: UInt32, hasNonce: Bool) {
        self.client = UInt16(clamping: client)
        self.number = number
        self.hasNonce = hasNonce
    }

    /// `c3n17` with a nonce, `c3p17` without.
    public var description: String { "c\(client)\(hasNonce ? "n" : "p")\(number)" }
}

/// A message as it was seen somewhere.
public struct Sighting: Sendable, Equatable {
    /// Where it stands.
    public var place: Place
    /// Who said it; nil where nobody of this run did.
    public var key: SendKey?
    /// A digest of the envelope's bytes.
    public var digest: UInt64
    /// Whether text, user or nonce are other ones than were sent.
    public var isAltered: Bool

    /// A sighting of the given parts.
    public init(place: Place, key: SendKey?, digest: UInt64, isAltered: Bool = false) {
        self.place = place
        self.key = key
        self.digest = digest
        self.isAltered = isAltered
    }
}

/// From where a client wants a room.
public enum JoinWish: Sendable, Equatable {
    /// The last so many.
    case history(Int)
    /// Everything after that message.
    case since(Place, epoch: UInt64)
}

/// What the answer to a join says.
public struct JoinedFact: Sendable, Equatable {
    /// The room's epoch.
    public var epoch: UInt64
    /// The number of the room's newest message.
    public var seq: UInt64
    /// Whether nothing is missing.
    public var isRecovered: Bool
    /// Whether Redis is said to have lost writes, rather than trimmed.
    public var isRewound: Bool
    /// Whether the rest follows as plain envelopes.
    public var more: Bool
    /// How many messages came with it.
    public var count: Int

    /// An answer of the given parts.
    public init(epoch: UInt64, seq: UInt64, isRecovered: Bool, isRewound: Bool, more: Bool, count: Int) {
        self.epoch = epoch
        self.seq = seq
        self.isRecovered = isRecovered
        self.isRewound = isRewound
        self.more = more
        self.count = count
    }
}

/// What `rewound` says.
public struct RewoundFact: Sendable, Equatable {
    /// Where the room stood.
    public var from: UInt64
    /// Where it stands.
    public var to: UInt64
    /// The new epoch.
    public var epoch: UInt64
    /// Messages that were put back as new ones. A notice that names any says nothing of where the reader stands.
    public var moved: [Move]

    /// A message that has a new place.
    public struct Move: Sendable, Equatable {
        /// Where it was acknowledged.
        public var from: Place
        /// Where it is now.
        public var to: Place

        /// A move of the given parts.
        public init(from: Place, to: Place) {
            self.from = from
            self.to = to
        }
    }

    /// A notice of the given parts.
    public init(from: UInt64, to: UInt64, epoch: UInt64, moved: [Move] = []) {
        self.from = from
        self.to = to
        self.epoch = epoch
        self.moved = moved
    }
}

/// Why a connection ended.
public enum CloseCause: Sendable, Equatable {
    /// The client closed or cut it.
    case own
    /// The relay sent a close frame with that code; 1005 where it had none.
    case relay(code: UInt16)
    /// It ended without a close frame.
    case lost
}
