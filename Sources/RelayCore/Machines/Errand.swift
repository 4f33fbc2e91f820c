/// What a typed command asks of the relay: all that a session cannot settle by itself.
public enum Errand: Sendable, Equatable {
    /// Who is in the room.
    case who(RoomID)
    /// Words for one user, who has to be connected.
    case direct(MessageDraft)
    /// Words for whoever wrote to this user last, who has to be connected.
    case reply(String, nonce: Nonce?)
    /// Rings at a user, who has to be connected; from a room, or from none.
    case page(UserID, in: RoomID?)
    /// Makes the session a member of the room.
    case enter(RoomID)
    /// Takes the session out of the room.
    case leave(RoomID)
    /// The rooms that this user may enter.
    case rooms
    /// What the room is about.
    case topic(RoomID)
    /// Sets what the room is about.
    case setTopic(RoomID, String, nonce: Nonce?)
    /// The room's last messages.
    case replay(RoomID, limit: Int)
}

/// What a typed command is answered with: lines for a person, in whatever format the session speaks.
public struct TypedAnswer: Sendable, Equatable {
    /// What the lines are made of.
    public enum Content: Sendable, Equatable {
        case help
        /// Who is in a room.
        case people([Occupant])
        /// The session is in the room: who else, and what was said last.
        case entered(RoomID, [Occupant], [StoredFrame])
        case left(RoomID)
        case rooms([RoomSummary])
        case topic(RoomID, String)
        /// The topic was set, which is a message too.
        case topicSet(RoomID, String)
        case messages(HistoryPage)
    }

    /// Which command.
    public var command: SlashCommand.Name
    /// Who typed it.
    public var reader: Identity
    /// The answer.
    public var content: Content

    /// An answer of the given parts.
    public init(_ command: SlashCommand.Name, for reader: Identity, _ content: Content) {
        self.command = command
        self.reader = reader
        self.content = content
    }
}

extension MessageDraft {
    /// Words of one user to another.
    public static func direct(_ text: String, to user: UserID, nonce: Nonce?, by identity: Identity) -> MessageDraft {
        MessageDraft(
            room: .direct(identity.user, user), type: .direct, user: identity.user, name: identity.name, text: text,
            nonce: nonce, to: user
        ).said(by: identity)
    }
}

extension Refusal {
    /// The user is not connected. The name as it was typed, which need not be anybody's id.
    public static func notInChat(_ name: String) -> Refusal {
        Refusal(.noSuchUser, "\(String(name.unicodeScalars.prefix(Limits.identifierBytesMax))) is not in chat")
    }

    /// The one to answer has gone.
    public static func noLongerInChat(_ user: UserID) -> Refusal {
        Refusal(.noSuchUser, "\(user) is no longer in chat")
    }

    /// Nobody has written to this user yet.
    public static let noOneToReplyTo = Refusal(.noSuchUser, "No one to reply to")

    /// One writes to others.
    public static let messageToOneself = Refusal(.badRequest, "Cannot message yourself")

    /// One rings at others.
    public static let pageToOneself = Refusal(.badRequest, "Cannot page yourself")
}

extension ListPage<UserID> {
    /// All who are there, at once: for lines that say how many they are and name the first few.
    public static var everybody: ListPage { ListPage(limit: .max) }
}
