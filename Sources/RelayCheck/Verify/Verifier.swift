/// Holds a whole run against the contract, event by event.
public struct Verifier: Sendable {
    /// The rooms of the run.
    public private(set) var rooms: [RoomVerifier]
    private var sessions: SessionWatch
    /// What was counted.
    public private(set) var tally = CheckTally()

    /// A verifier of a run that has not begun.
    public init(rooms: Int, edges: Int) {
        self.rooms = (0..<rooms).map { RoomVerifier(room: $0) }
        sessions = SessionWatch(edges: edges)
    }

    /// All that a record breaks, in the order in which it shows.
    public static func verify(
        _ events: [CheckEvent], rooms: Int, edges: Int, endings: [RoomVerifier.Ending]
    ) -> [Violation] {
        var verifier = Verifier(rooms: rooms, edges: edges)
        return events.flatMap { verifier.take($0) } + verifier.conclude(endings)
    }

    /// Takes the next event.
    public mutating func take(_ event: CheckEvent) -> [Violation] {
        tally.take(event)
        var found = sessions.take(event)
        if let room = event.room {
            if rooms.indices.contains(room) { found += rooms[room].take(event) }
            return found
        }
        guard let client = event.client else { return found }
        switch event.fact {
        case .closed: for room in rooms.indices { rooms[room].connectionEnded(client: client) }
        case .resumed: for room in rooms.indices { rooms[room].resumed(client: client, at: event.at) }
        default: break
        }
        return found
    }

    /// Looks at what is left open when all has come to rest.
    public func conclude(_ endings: [RoomVerifier.Ending]) -> [Violation] {
        zip(rooms, endings).flatMap { $0.conclude($1) }
    }

    /// The longest time between an ack and its delivery to a reader who was there, in ms.
    public var worstGap: UInt32 { rooms.map(\.worstGap).max() ?? 0 }
}

/// What a run counts.
public struct CheckTally: Sendable, Equatable {
    /// Faults by kind.
    public var faults: [Fault: Int] = [:]
    /// Sends that went out for the first time.
    public var sends = 0
    /// Sends that went out again.
    public var retries = 0
    /// Acks that came.
    public var acks = 0
    /// Acks that named an earlier send.
    public var duplicates = 0
    /// Sends that were refused.
    public var refusals = 0
    /// Messages that clients were given.
    public var deliveries = 0
    /// Joins that were answered.
    public var joins = 0
    /// Those of them that took up a room where it was left.
    public var recoveries = 0
    /// Notices of loss: `lagged`, `rewound`, and joins with `recovered:false`.
    public var declaredLosses = 0
    /// Connections that stood.
    public var connections = 0
    /// Times that a client stopped reading.
    public var stalls = 0
    /// Messages that were read in the streams.
    public var stored = 0
    /// Messages that were read in the archive.
    public var archived = 0
    /// Messages that were read in pages of history.
    public var paged = 0
    /// The longest time between an ack and its delivery, in ms.
    public var worstGap: UInt32 = 0

    /// Nothing yet.
    public init() {}

    mutating func take(_ event: CheckEvent) {
        switch event.fact {
        case .sent(_, attempt: 1): sends += 1
        case .sent: retries += 1
        case .acknowledged(_, _, let isDuplicate):
            acks += 1
            if isDuplicate { duplicates += 1 }
        case .refused: refusals += 1
        case .heard: deliveries += 1
        case .joinAsked(.since): recoveries += 1
        case .joined(let answer):
            joins += 1
            if !answer.isRecovered { declaredLosses += 1 }
        case .lagged, .rewound: declaredLosses += 1
        case .opened: connections += 1
        case .stalled: stalls += 1
        case .stored: stored += 1
        case .archived: archived += 1
        case .paged: paged += 1
        case .faultBegan(let fault, _): faults[fault, default: 0] += 1
        case .closed, .resumed, .unanswered, .joinAsked, .joinFailed, .leaveAsked, .unreadable, .streamFloor,
            .archiveGap, .archiveStrange, .faultEnded, .edgeEnded:
            break
        }
    }
}
