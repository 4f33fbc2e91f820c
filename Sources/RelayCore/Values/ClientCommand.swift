/// What a client asks for: one op of the contract.
public enum ClientCommand: Sendable, Equatable {
    /// Says who this is.
    case hello(HelloClaim)
    /// Wants a room's messages from a point on.
    case join(RoomID, from: JoinPoint)
    /// Wants no more of a room.
    case leave(RoomID)
    /// Says something.
    case send(Utterance)
    /// Says something to one user alone.
    case direct(DirectUtterance)
    /// Replaces the text of a message.
    case edit(Amendment)
    /// Takes a message away.
    case delete(Amendment)
    /// Is about to say something.
    case typing(RoomID)
    /// Has read up to a message.
    case read(RoomID, MessageID)
    /// Wants its conversation list.
    case rooms(ConversationPage = .first)
    /// Makes a room.
    case create(RoomPlan)
    /// Wants older messages.
    case history(RoomID, HistorySpan)
    /// Wants to know who is there.
    case who(RoomID, OccupantPage = .first)
    /// Rings at a user, who is to look at the room.
    case page(RoomID, to: UserID)
    /// Sends a user away, from a room or off the relay, and keeps them away for so long. For admins.
    case kick(UserID, room: RoomID?, reason: String, span: Duration?)
    /// Lets a user send nothing for so long, in a room or anywhere. For admins.
    case mute(UserID, room: RoomID?, span: Duration)
    /// Lifts what was imposed on a user, in a room or everywhere. For admins.
    case pardon(UserID, room: RoomID?)
    /// Wants a sign of life.
    case ping

    /// The names of the ops, as clients write them.
    public enum Name: String, Sendable, CaseIterable {
        case hello
        case join
        case leave
        case send
        case direct
        case edit
        case delete
        case typing
        case read
        case rooms
        case create
        case history
        case who
        case page
        case kick
        case mute
        case pardon
        case ping
    }

    /// The op's name.
    public var name: Name {
        switch self {
        case .hello: .hello
        case .join: .join
        case .leave: .leave
        case .send: .send
        case .direct: .direct
        case .edit: .edit
        case .delete: .delete
        case .typing: .typing
        case .read: .read
        case .rooms: .rooms
        case .create: .create
        case .history: .history
        case .who: .who
        case .page: .page
        case .kick: .kick
        case .mute: .mute
        case .pardon: .pardon
        case .ping: .ping
        }
    }

    /// What a `join` with `since` counts as beside itself, as long as nobody knows what it brings.
    public static let sinceCost = Limits.pageMessagesMax / 50

    /// How many ops of the rate this counts as: one, and one more for every 50 messages that it may bring. What a list
    /// of rooms costs is known with its answer, and so is what a `join` with `since` has brought:
    /// `SessionStateMachine.roomsListed` and `joinAnswered`.
    public var cost: Int {
        switch self {
        case .join(_, from: .history(let limit)): 1 + limit / 50
        case .join: 1 + Self.sinceCost
        case .history(_, .latest(let limit)), .history(_, .after(_, let limit)), .history(_, .before(_, let limit)):
            1 + limit / 50
        case .send(let utterance): utterance.cost
        case .hello, .leave, .page, .who, .ping, .direct, .edit, .delete, .typing, .read, .create, .rooms, .kick, .mute,
            .pardon:
            1
        }
    }
}

/// Who a client says it is.
public struct HelloClaim: Sendable, Equatable {
    /// The user id, where no token is asked for.
    public var user: UserID?
    /// The name that people are to see.
    public var name: DisplayName?
    /// The token, where one is asked for.
    public var token: String?

    /// A claim of the given parts.
    public init(user: UserID?, name: DisplayName?, token: String? = nil) {
        self.user = user
        self.name = name
        self.token = token
    }
}

/// What a client says in a room, before it is known who said it.
public struct Utterance: Sendable, Equatable {
    /// Where.
    public var room: RoomID
    /// `message` or `action`.
    public var type: MessageType
    /// The words, as they came.
    public var text: String
    /// The sender's own mark.
    public var nonce: Nonce?
    /// What it answers.
    public var replyTo: MessageID?

    /// A command may bring messages, and counts for as much; plain words count as one.
    var cost: Int {
        type == .message && text.utf8.first == UInt8(ascii: "/") ? SlashCommand(typed: text).cost : 1
    }

    /// An utterance of the given parts.
    public init(room: RoomID, type: MessageType, text: String, nonce: Nonce?, replyTo: MessageID?) {
        self.room = room
        self.type = type
        self.text = text
        self.nonce = nonce
        self.replyTo = replyTo
    }
}

/// What a client says to one user alone.
public struct DirectUtterance: Sendable, Equatable {
    /// To whom.
    public var to: UserID
    /// The words.
    public var text: String
    /// The sender's own mark.
    public var nonce: Nonce?

    /// An utterance of the given parts.
    public init(to: UserID, text: String, nonce: Nonce?) {
        self.to = to
        self.text = text
        self.nonce = nonce
    }
}

/// What is to become of a message that was said.
public struct Amendment: Sendable, Equatable {
    /// Where it was said.
    public var room: RoomID
    /// Which message.
    public var target: MessageID
    /// Its new text; empty where it is taken away.
    public var text: String
    /// The sender's own mark.
    public var nonce: Nonce?

    /// An amendment of the given parts.
    public init(room: RoomID, target: MessageID, text: String = "", nonce: Nonce? = nil) {
        self.room = room
        self.target = target
        self.text = text
        self.nonce = nonce
    }
}

/// What a client gave an op to know its answer by; it comes back as it was.
public enum Reference: Sendable, Hashable {
    case string(String)
    case integer(Int64)
}

/// A user as the relay knows them.
public struct Identity: Sendable, Equatable {
    /// The id.
    public var user: UserID
    /// The name that people see.
    public var name: DisplayName
    /// What the user may do in rooms, by who vouches for them.
    public var permissions: Permissions

    /// An identity of the given parts.
    public init(user: UserID, name: DisplayName, permissions: Permissions = .standard) {
        self.user = user
        self.name = name
        self.permissions = permissions
    }
}
