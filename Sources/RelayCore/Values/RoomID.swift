/// The id of a room: `[A-Za-z0-9][A-Za-z0-9._:-]{0,63}`, case-sensitive, or the id of a direct conversation.
///
/// A direct conversation is the room `dm:A+B`, the two user ids sorted. No other id may begin with `dm:`.
public struct RoomID: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The id as it stands in keys, envelopes and paths.
    public let description: String

    /// Validates an id that came from outside; nil where it is not one.
    ///
    /// Of a `String` and not of any text: on the way of every post, and generic code of another module is not
    /// specialized (it was 7 % of what an edge does for a post).
    public init?(_ text: String) {
        if Self.isDirect(text) {
            // Cut by bytes: a combining mark would make one character of itself and the colon.
            let users = text.utf8.dropFirst(Self.directPrefix.utf8.count)
            guard let room = Self.direct(parsing: users) else { return nil }
            self = room
            return
        }
        guard Identifier.isValid(text.utf8, bytesMax: Limits.identifierBytesMax, alsoAllowed: Identifier.isRoomMark)
        else {
            return nil
        }
        description = text
    }

    /// Validates a part of a text that came from outside; nil where it is not an id.
    public init?(_ text: Substring) {
        self.init(String(text))
    }

    private init(unchecked text: String) {
        description = text
    }

    /// The room that is always there to be joined, also where no other comes into being by a join.
    public static let general = RoomID(unchecked: "general")

    /// The room in which `first` and `second` talk in private; the order of the two does not matter.
    public static func direct(_ first: UserID, _ second: UserID) -> RoomID {
        let (low, high) = first < second ? (first, second) : (second, first)
        return RoomID(unchecked: "\(directPrefix)\(low)+\(high)")
    }

    /// The two people of a direct conversation, sorted; nil for any other room.
    public var directUsers: (UserID, UserID)? {
        guard Self.isDirect(description) else { return nil }
        let users = description.dropFirst(Self.directPrefix.count).split(separator: "+")
        guard users.count == 2, let low = UserID(users[0]), let high = UserID(users[1]) else { return nil }
        return (low, high)
    }

    private static let directPrefix = "dm:"

    private static func isDirect(_ text: String) -> Bool {
        // The first byte settles it for nearly all.
        text.utf8.first == UInt8(ascii: "d") && text.utf8.starts(with: directPrefix.utf8)
    }

    private static func direct(parsing rest: Substring.UTF8View) -> RoomID? {
        let users = rest.split(separator: UInt8(ascii: "+"), omittingEmptySubsequences: false)
        guard users.count == 2, let low = UserID(Substring(users[0])), let high = UserID(Substring(users[1])),
            low < high
        else { return nil }
        return .direct(low, high)
    }

    /// By the bytes of the id.
    public static func < (left: RoomID, right: RoomID) -> Bool { left.description < right.description }
}
