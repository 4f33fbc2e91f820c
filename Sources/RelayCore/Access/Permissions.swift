/// What an identity may do by who vouches for it, whatever the rooms themselves say.
///
/// Without authentication everybody has the standard permissions; a token narrows or widens them.
public struct Permissions: Sendable, Equatable {
    /// Whether this is an operator: may enter every room but direct conversations, and touch what others said.
    public var isAdmin: Bool
    /// The rooms to read and to write; nil is every room that is not private.
    public var write: [RoomPattern]?
    /// The rooms to read only, beside these.
    public var read: [RoomPattern]

    /// What everybody has who needs no token.
    public static let standard = Permissions(isAdmin: false, rooms: nil, read: nil)

    /// Permissions as a token claims them.
    ///
    /// - Parameters:
    ///   - isAdmin: the claim `admin`.
    ///   - rooms: the claim `rooms`, patterns to read and to write; nil where it is absent: every room, or none where
    ///     `read` is there.
    ///   - read: the claim `read`, patterns to read only; nil where it is absent.
    public init(isAdmin: Bool, rooms: [RoomPattern]?, read: [RoomPattern]?) {
        self.isAdmin = isAdmin
        write = rooms ?? (read == nil ? nil : [])
        self.read = read ?? []
    }

    /// Where it may write. Whoever may write somewhere may read there too.
    public var writable: RoomScope { write.map { .only($0) } ?? .every }

    /// Where it may read.
    public var readable: RoomScope { write.map { .only(read.isEmpty ? $0 : $0 + read) } ?? .every }
}

/// A set of rooms, by their ids.
public enum RoomScope: Sendable, Equatable {
    /// All of them.
    case every
    /// Those that one of these covers.
    case only([RoomPattern])

    /// Whether the room is one of them.
    public func contains(_ room: RoomID) -> Bool {
        switch self {
        case .every: true
        case .only(let patterns): patterns.contains { $0.covers(room) }
        }
    }
}
