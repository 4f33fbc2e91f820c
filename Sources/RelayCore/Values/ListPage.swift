/// Which part of a list is asked for, by what the part before it ended with.
public struct ListPage<Cursor: Sendable & Equatable>: Sendable, Equatable {
    /// What was shown last; nil for the beginning.
    public var after: Cursor?
    /// How many are shown at most.
    public var limit: Int

    /// A page of the given parts.
    public init(after: Cursor? = nil, limit: Int) {
        self.after = after
        self.limit = limit
    }
}

/// A part of who is in a room, by their ids.
public typealias OccupantPage = ListPage<UserID>

extension ListPage<UserID> {
    /// The first, as long as it may be.
    public static var first: ListPage { ListPage(limit: Limits.whoMax) }

    /// Cuts the page out of all who are there, sorted by user.
    public func cut(from occupants: [Occupant]) -> (shown: [Occupant], more: Bool) {
        let rest = occupants.drop { occupant in after.map { occupant.user <= $0 } ?? false }
        return (Array(rest.prefix(limit)), rest.count > limit)
    }
}

/// A part of a user's conversation list, the newest first.
public typealias ConversationPage = ListPage<ConversationPlace>

extension ListPage<ConversationPlace> {
    /// The first, as long as it may be.
    public static var first: ListPage { ListPage(limit: Limits.conversationsListed) }

    /// Cuts the page out of the whole list, the newest first.
    public func cut(from conversations: [Conversation]) -> ConversationList {
        let rest = conversations.drop { conversation in after.map { conversation.place >= $0 } ?? false }
        return ConversationList(conversations: Array(rest.prefix(limit)), more: rest.count > limit)
    }
}

/// Where a conversation stands in its list: by its activity, then by its room. Written as `ID ROOM`.
///
/// One in which something is said between two pages has moved up, and is not shown with the second.
public struct ConversationPlace: Sendable, Equatable, Comparable, CustomStringConvertible {
    /// When something was said last.
    public var activity: MessageID
    /// Its room.
    public var room: RoomID

    /// A place of the given parts.
    public init(activity: MessageID, room: RoomID) {
        self.activity = activity
        self.room = room
    }

    /// Reads a place as it was written; nil where it is none.
    public init?(_ text: String) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, let activity = MessageID(String(parts[0])), let room = RoomID(String(parts[1])) else {
            return nil
        }
        self.init(activity: activity, room: room)
    }

    /// The place as it is written.
    public var description: String { "\(activity) \(room)" }

    /// The older one stands below.
    public static func < (left: ConversationPlace, right: ConversationPlace) -> Bool {
        (left.activity, left.room) < (right.activity, right.room)
    }
}
