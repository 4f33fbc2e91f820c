/// What is told to those who are there now and kept nowhere.
public struct LiveEvent: Sendable, Equatable {
    /// The kinds of events that may pass on a room's channel without an id.
    public enum Kind: String, Sendable, CaseIterable {
        case join
        case leave
        case typing
        case read
        case page
        case notice
        case lagged
        case rewound
    }

    /// What happened.
    public var kind: Kind
    /// Where.
    public var room: RoomID
    /// Who did it; nil for what the relay itself says.
    public var user: UserID?
    /// That user's name as people see it.
    public var name: DisplayName?
    /// Words that go with it.
    public var text: String?
    /// Numbers that go with it, in the order in which they are written (`lagged`: `from_seq`, `to_seq`, `count`).
    public var figures: [Figure]
    /// The message that it is about (`read`).
    public var target: MessageID?
    /// What became of the room (`notice`).
    public var change: Change?
    /// Messages that have another place since Redis lost writes (`rewound`).
    public var moved: [MovedMessage] = []

    /// What became of a room.
    public enum Change: String, Sendable, CaseIterable {
        /// It has another name.
        case name
        /// It has other members, or is private, or no longer.
        case members
        /// It is gone.
        case deleted
    }

    /// One named number of an event.
    public struct Figure: Sendable, Equatable {
        /// The key in the JSON object.
        public let key: String
        /// Its value.
        public let value: UInt64

        /// A figure of the given parts.
        public init(_ key: String, _ value: UInt64) {
            self.key = key
            self.value = value
        }
    }

    /// An event of the given parts.
    public init(
        _ kind: Kind, room: RoomID, user: UserID? = nil, name: DisplayName? = nil, text: String? = nil,
        figures: [Figure] = []
    ) {
        self.kind = kind
        self.room = room
        self.user = user
        self.name = name
        self.text = text
        self.figures = figures
    }

    /// What is said to readers for whom messages are gone from history: exactly these, and how many.
    public static func lagged(room: RoomID, from: UInt64, to: UInt64) -> LiveEvent {
        LiveEvent(
            .lagged, room: room,
            figures: [Figure("from_seq", from), Figure("to_seq", to), Figure("count", to - from + 1)])
    }

    /// What is said to every session of a user whose marker moved.
    public static func read(_ marker: ReadMarker, in room: RoomID, by user: UserID) -> LiveEvent {
        var event = LiveEvent(.read, room: room, user: user, figures: [Figure("target_seq", marker.seq)])
        event.target = marker.id
        return event
    }

    /// What is said where a room has changed.
    public static func notice(_ change: Change, in room: RoomID, by user: UserID, text: String) -> LiveEvent {
        var event = LiveEvent(.notice, room: room, user: user, text: text)
        event.change = change
        return event
    }

    /// What is said of who comes and goes in a large room: how many are there.
    public static func crowd(_ count: Int, in room: RoomID) -> LiveEvent {
        LiveEvent(.join, room: room, figures: [Figure("count", UInt64(clamping: count))])
    }

    /// What is said where Redis lost writes: the room goes on from `seq` in `epoch`.
    public static func rewound(room: RoomID, from: UInt64, to: UInt64, epoch: UInt64) -> LiveEvent {
        LiveEvent(
            .rewound, room: room,
            figures: [Figure("from_seq", from), Figure("to_seq", to), Figure("epoch", epoch)])
    }
}

/// A message that Redis lost and whose place was taken by then: it is a new one.
public struct MovedMessage: Sendable, Equatable {
    /// The id that it had.
    public var id: MessageID
    /// The number that it had.
    public var seq: UInt64
    /// The id that it has.
    public var toID: MessageID
    /// The number that it has.
    public var toSeq: UInt64

    /// A move of the given parts.
    public init(id: MessageID, seq: UInt64, toID: MessageID, toSeq: UInt64) {
        self.id = id
        self.seq = seq
        self.toID = toID
        self.toSeq = toSeq
    }
}
