/// How far a user has read in a room.
public struct ReadMarker: Sendable, Equatable {
    /// The last message that was read; zero where none was.
    public var id: MessageID
    /// That message's number; 0 where none was read.
    public var seq: UInt64

    /// Nothing was read yet.
    public static let none = ReadMarker(id: .zero, seq: 0)

    /// A marker of the given parts.
    public init(id: MessageID, seq: UInt64) {
        self.id = id
        self.seq = seq
    }

    /// How many messages of a room are unread: by its numbers, not by counting.
    ///
    /// A marker from before the room was made is one of an earlier room of that name, and so are the numbers up to
    /// `formerSeq`.
    public func unread(upTo lastSeq: UInt64, createdAt: UInt64, formerSeq: UInt64 = 0) -> UInt64 {
        let read = max(id.milliseconds >= createdAt ? seq : 0, formerSeq)
        return lastSeq > read ? lastSeq - read : 0
    }
}

/// A room as its list shows it.
public struct RoomSummary: Sendable, Equatable {
    /// Which.
    public var room: RoomID
    /// What it is.
    public var facts: RoomFacts
    /// The number of its newest message; 0 before the first.
    public var lastSeq: UInt64
    /// The last number of an earlier room of that name, from which this one's go on; 0 where there was none.
    public var formerSeq: UInt64 = 0
    /// Its newest message; nil where the stream holds none.
    public var last: StoredFrame?
    /// How many are there, where that was asked for; in a crowd of over 200 a user on two edges counts twice.
    public var here: Int?

    /// A summary of the given parts.
    public init(room: RoomID, facts: RoomFacts, lastSeq: UInt64, last: StoredFrame?, here: Int? = nil) {
        self.room = room
        self.facts = facts
        self.lastSeq = lastSeq
        self.last = last
        self.here = here
    }
}

/// A room of a user's conversation list.
public struct Conversation: Sendable, Equatable {
    /// The room.
    public var summary: RoomSummary
    /// How far the user has read.
    public var marker: ReadMarker

    /// A conversation of the given parts.
    public init(summary: RoomSummary, marker: ReadMarker) {
        self.summary = summary
        self.marker = marker
    }

    /// How many messages the user has not read.
    public var unread: UInt64 {
        marker.unread(
            upTo: summary.lastSeq, createdAt: summary.facts.createdAt, formerSeq: summary.formerSeq)
    }

    /// When something was said last, or the room was made: the newest conversation first.
    public var activity: MessageID {
        summary.last?.id ?? MessageID(milliseconds: summary.facts.createdAt, sequence: 0)
    }

    /// Where it stands in the list.
    public var place: ConversationPlace { ConversationPlace(activity: activity, room: summary.room) }
}

/// A user's conversation list.
public struct ConversationList: Sendable, Equatable {
    /// The newest first, at most `Limits.conversationsListed`.
    public var conversations: [Conversation]
    /// Whether there are more.
    public var more: Bool

    /// After what the next page begins; nil where there is none.
    public var next: ConversationPlace? { more ? end : nil }

    /// Where the page ends, whatever of it is shown.
    private let end: ConversationPlace?

    /// A list of the given parts.
    public init(conversations: [Conversation], more: Bool) {
        self.conversations = conversations
        self.more = more
        end = conversations.last?.place
    }

    /// What of the list somebody may read: a token may cover less than what its user is a member of.
    public func readable(by identity: Identity) -> ConversationList {
        var list = self
        list.conversations.removeAll {
            RoomPolicy.verdict(.read, in: $0.summary.room, by: identity) != .allowed
        }
        return list
    }
}
