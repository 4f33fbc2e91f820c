public import NIOCore
public import RelayCore

/// What a client receives: a message, a live event, or the answer to an op.
public enum ServerFrame: Sendable, Equatable {
    /// A message of a room.
    case message(ReceivedMessage)
    /// Something that is told now and kept nowhere.
    case event(ReceivedEvent)
    /// Something that operators say to everybody, whatever room they are in.
    case notice(String, edge: String?)
    /// The answer to the op with that `ref`; an answer without one belongs to no op that had one.
    case answer(ServerAnswer, ref: Reference?)
}

/// A message as a client receives it.
public struct ReceivedMessage: Sendable, Equatable {
    /// The message itself.
    public var message: Message
    /// Whether it was deleted: then its text is empty. Only history answers show such messages.
    public var isDeleted: Bool
    /// The envelope's own bytes, which are the same in the archive and on the room's Redis channel.
    public var envelope: ByteBuffer

    /// A message of the given parts.
    public init(message: Message, isDeleted: Bool, envelope: ByteBuffer) {
        self.message = message
        self.isDeleted = isDeleted
        self.envelope = envelope
    }
}

/// A live event as a client receives it.
public struct ReceivedEvent: Sendable, Equatable {
    /// What happened, where and by whom; `figures` are in the order of the contract.
    public var event: LiveEvent
    /// The edge that says it; nil where none does.
    public var edge: String?
    /// Whether somebody published it by hand.
    public var isForeign: Bool
    /// The event's own bytes.
    public var json: ByteBuffer

    /// An event of the given parts.
    public init(event: LiveEvent, edge: String?, isForeign: Bool, json: ByteBuffer) {
        self.event = event
        self.edge = edge
        self.isForeign = isForeign
        self.json = json
    }

    /// The number of that name; nil where the event has none.
    public func figure(_ key: String) -> UInt64? {
        event.figures.first { $0.key == key }?.value
    }
}

/// The answer to an op.
public enum ServerAnswer: Sendable, Equatable {
    /// To `hello`.
    case welcome(Welcome)
    /// To `join`.
    case joined(JoinAnswer)
    /// To `leave`.
    case left(RoomID)
    /// To `send`.
    case acknowledged(Acknowledgement)
    /// To `history`.
    case history(HistoryAnswer)
    /// To `who`.
    case who(RoomID, [Occupant], more: Bool)
    /// To `read`: where the marker stands now.
    case marked(RoomID, ReadMarker)
    /// To `rooms`.
    case rooms([ListedRoom], more: Bool)
    /// To `create`.
    case created(ListedRoom)
    /// To `page`.
    case paged(RoomID, UserID)
    /// To `kick`, `mute` and `pardon`: all edges are told.
    case ordered(String, UserID?, room: RoomID?)
    /// To `ping`, with the time in ms.
    case pong(milliseconds: UInt64)
    /// To a command that was typed: lines for a person.
    case output(command: String, lines: [String])
    /// To anything that was refused.
    case refused(Refusal)
}

/// What a room answers to a join.
public struct JoinAnswer: Sendable, Equatable {
    /// The room.
    public var room: RoomID
    /// When the room's counter was made, in ms; another epoch means that numbers start anew.
    public var epoch: UInt64
    /// The id of the room's newest message; nil before the first.
    public var last: MessageID?
    /// The number of that message; 0 before the first.
    public var seq: UInt64
    /// How many users are present.
    public var here: Int
    /// Whether nothing is missing between what was asked for and what is given.
    public var isRecovered: Bool
    /// Why something is missing: `trimmed` or `rewound`; nil where nothing is.
    public var reason: String?
    /// Whether further old messages follow as plain envelopes.
    public var more: Bool
    /// The messages, ascending.
    public var messages: [ReceivedMessage]

    /// An answer of the given parts.
    public init(
        room: RoomID, epoch: UInt64, last: MessageID?, seq: UInt64, here: Int, isRecovered: Bool, reason: String?,
        more: Bool, messages: [ReceivedMessage]
    ) {
        self.room = room
        self.epoch = epoch
        self.last = last
        self.seq = seq
        self.here = here
        self.isRecovered = isRecovered
        self.reason = reason
        self.more = more
        self.messages = messages
    }
}

/// The relay's word that it has a message.
public struct Acknowledgement: Sendable, Equatable {
    /// The room.
    public var room: RoomID
    /// The message's id.
    public var id: MessageID
    /// Its number in the room.
    public var seq: UInt64
    /// The sender's own mark, where there was one.
    public var nonce: Nonce?
    /// Whether an earlier send with the same nonce had already been stored.
    public var isDuplicate: Bool
    /// How many replicas of Redis have it too; nil where the edge does not ask (`--ack-replicas`).
    public var replicas: Int?
    /// Whether the other one has a session, of a direct message.
    public var isOnline: Bool?

    /// An acknowledgement of the given parts.
    public init(room: RoomID, id: MessageID, seq: UInt64, nonce: Nonce?, isDuplicate: Bool, replicas: Int? = nil) {
        self.room = room
        self.id = id
        self.seq = seq
        self.nonce = nonce
        self.isDuplicate = isDuplicate
        self.replicas = replicas
    }
}

/// A room as answers show it.
public struct ListedRoom: Sendable, Equatable {
    /// Its id.
    public var room: RoomID
    /// What people see as its name.
    public var name: String
    /// What it is about; empty where nobody said.
    public var topic: String
    /// Whether it is for its members only.
    public var isPrivate: Bool
    /// Its newest message; nil where there is none.
    public var last: ReceivedMessage?
    /// Messages that were not read; nil in an answer that does not say.
    public var unread: UInt64?

    /// A room of the given parts.
    public init(
        room: RoomID, name: String, topic: String, isPrivate: Bool, last: ReceivedMessage?, unread: UInt64?
    ) {
        self.room = room
        self.name = name
        self.topic = topic
        self.isPrivate = isPrivate
        self.last = last
        self.unread = unread
    }
}

/// A page of a room's history.
public struct HistoryAnswer: Sendable, Equatable {
    /// The room.
    public var room: RoomID
    /// The messages, ascending.
    public var messages: [ReceivedMessage]
    /// Whether there is more in the direction that was asked for.
    public var more: Bool
    /// Where they come from: `stream`, `archive` or `both`.
    public var source: String

    /// A page of the given parts.
    public init(room: RoomID, messages: [ReceivedMessage], more: Bool, source: String) {
        self.room = room
        self.messages = messages
        self.more = more
        self.source = source
    }
}
