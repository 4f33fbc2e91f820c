/// What an identity may do by who vouches for it, whatever the rooms themselves say.
///
/// Without authentication everybody has the standard permissions; a token narrows or widens them.
public struct Permissions: Sendable, Equatable {
    /// Whether this is an operator: may enter every room but direct conversations, and touch what others said.
    public var isAdmin: Bool
    /// Where it may write. Whoever may write somewhere may read there too.
    public var writable: RoomScope
    /// Where it may read.
    public var readable: RoomScope

    /// What everybody has who needs no token.
    public static let standard = Permissions(isAdmin: false, rooms: nil, read: nil)

    /// Permissions as a token claims them.
    ///
    /// - Parameters:
    ///   - isAdmin: the claim `admin`.
    ///   - rooms: the claim `rooms`, patterns to read and write; nil where it is absent: every room, or none where
    ///     `read` is there.
    ///   - read: the claim `read`, patterns to read only; nil where it is absent.
    public init(isAdmin: Bool, rooms: [RoomPattern]?, read: [RoomPattern]?) {
        self.isAdmin = isAdmin
        guard rooms != nil || read != nil else {
            (writable, readable) = (.every, .every)
            return
        }
        writable = .only(rooms ?? [])
        readable = .only((rooms ?? []) + (read ?? []))
    }
}

/// A set of rooms, by their ids.
public enum RoomScope: Sendable, Equatable {
    /// All of them.
    case every
    /// Those that match one of these.
    case only([RoomPattern])

    /// Whether the room is one of them.
    public func contains(_ room: RoomID) -> Bool {
        switch self {
        case .every: true
        case .only(let patterns): patterns.contains { $0.matches(room) }
        }
    }
}

/// A pattern of room ids: `*` stands for any run of characters, all else for itself (`appointment:*`).
public struct RoomPattern: Sendable, Hashable, CustomStringConvertible {
    /// The pattern as it was given.
    public let description: String

    /// A pattern; nil where it is empty or longer than `Limits.patternBytesMax`.
    public init?(_ text: String) {
        guard (1...Limits.patternBytesMax).contains(text.utf8.count) else { return nil }
        description = text
    }

    /// Whether the id is one that the pattern stands for. Takes at most the product of both lengths in steps.
    public func matches(_ room: RoomID) -> Bool {
        let pattern = Array(description.utf8)
        let text = Array(room.description.utf8)
        var (at, position) = (0, 0)
        // Where the last star stood, and how much of the text it stands for so far.
        var star: (pattern: Int, text: Int)?
        while position < text.count {
            if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
                star = (at, position)
                at += 1
            } else if at < pattern.count, pattern[at] == text[position] {
                at += 1
                position += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                at = last.pattern + 1
                position = last.text + 1
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
