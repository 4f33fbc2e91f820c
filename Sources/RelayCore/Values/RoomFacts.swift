/// What a room is: all of its `meta` but where it stands.
public struct RoomFacts: Sendable, Equatable {
    /// What people see as its name.
    public var name: String
    /// Who made it; nil where nobody in particular did.
    public var createdBy: UserID?
    /// When it was made, in ms.
    public var createdAt: UInt64
    /// What it is about; empty where nobody said.
    public var topic: String
    /// Whether it exists for its members only.
    public var isPrivate: Bool
    /// The users of a private room, at most `Limits.membersMax`; empty for any other.
    public var members: Set<UserID>

    /// Facts of the given parts.
    public init(
        name: String, createdBy: UserID?, createdAt: UInt64, topic: String = "", isPrivate: Bool = false,
        members: Set<UserID> = []
    ) {
        self.name = name
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.topic = topic
        self.isPrivate = isPrivate
        self.members = members
    }
}

/// A room that somebody wants to make.
public struct RoomPlan: Sendable, Equatable {
    /// Its id; never that of a direct conversation.
    public var room: RoomID
    /// What people are to see as its name; nil takes the id.
    public var name: DisplayName?
    /// Whether it is for its members only.
    public var isPrivate: Bool
    /// Its members beside its creator, who always is one.
    public var members: [UserID]
    /// What it is about; empty where nobody says.
    public var topic: String

    /// A plan of the given parts.
    public init(
        room: RoomID, name: DisplayName? = nil, isPrivate: Bool = false, members: [UserID] = [], topic: String = ""
    ) {
        self.room = room
        self.name = name
        self.isPrivate = isPrivate
        self.members = members
        self.topic = topic
    }
}

/// What is to become of a room; nil and empty leave things as they are.
///
/// A topic is no part of it: it is a message of type `topic`, which the room's history keeps.
public struct RoomChange: Sendable, Equatable {
    /// Its new name.
    public var name: DisplayName?
    /// Whether it is for its members only.
    public var isPrivate: Bool?
    /// Users to take in.
    public var added: [UserID]
    /// Users to put out; the creator stays.
    public var removed: [UserID]

    /// A change of the given parts.
    public init(
        name: DisplayName? = nil, isPrivate: Bool? = nil, added: [UserID] = [], removed: [UserID] = []
    ) {
        self.name = name
        self.isPrivate = isPrivate
        self.added = added
        self.removed = removed
    }

    /// Whether it changes nothing.
    public var isEmpty: Bool { name == nil && isPrivate == nil && added.isEmpty && removed.isEmpty }
}
