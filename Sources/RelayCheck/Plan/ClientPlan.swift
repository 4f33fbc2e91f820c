public import RelayCore

/// What one client of a run is like.
public struct ClientPlan: Sendable {
    /// Its number, from 0.
    public var number: Int
    /// The seed of the run.
    public var seed: UInt64
    /// How many edges it may choose from.
    public var edges: Int
    /// The rooms of the run.
    public var rooms: [RoomID]
    /// What it says.
    public var speech: Speech
    /// Ops in a thousand beats: at 40 beats a second, 600 are 24 a second, as far as the edge allows.
    public var opsPerMille = 600

    /// A client of the given parts.
    public init(number: Int, seed: UInt64, edges: Int, rooms: [RoomID], speech: Speech) {
        self.number = number
        self.seed = seed
        self.edges = edges
        self.rooms = rooms
        self.speech = speech
    }
}

/// What a client orders its shell to do.
public enum ClientAction: Sendable, Equatable {
    /// Connect to that edge; answered by `opened` or `openFailed`.
    case open(edge: Int)
    /// Send an op.
    case send(ClientCommand, ref: Int64)
    /// Close with a close frame; `closed` follows.
    case close
    /// End the socket without a word; `closed` follows.
    case cut
    /// Stop reading.
    case pause
    /// Read again.
    case resume
    /// Put this into the record.
    case record(room: Int?, CheckFact)
}

/// How often a client may ask: what an edge allows a session, less a tenth.
struct OpBudget: Sendable {
    private var tokens: Double
    private var last: Moment
    private static let burst = 34.0
    private static let perSecond = 17.0

    init(now: Moment) {
        tokens = Self.burst
        last = now
    }

    mutating func take(_ cost: Int, now: Moment) -> Bool {
        tokens = min(Self.burst, tokens + Double((now - last).wholeMilliseconds) / 1000 * Self.perSecond)
        last = now
        guard tokens >= Double(cost) else { return false }
        tokens -= Double(cost)
        return true
    }
}

/// How one client stands in one room.
struct RoomStand: Sendable {
    enum State: Equatable {
        /// Exits: joining.
        case away
        /// Exits: joined, away.
        case joining
        /// Exits: leaving, away.
        case joined
        /// Exits: away.
        case leaving
    }

    var state = State.away
    /// The newest message that it heard.
    var last: Place?
    var epoch: UInt64 = 0
    /// Whether it ever was in the room, and so wants all of it in the end.
    var wasThere = false
    var notBefore = Moment(nanoseconds: 0)
}
