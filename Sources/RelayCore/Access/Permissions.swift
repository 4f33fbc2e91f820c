/// What a user may do in rooms, as the token says it.
///
/// Of rooms by name only: who is a member of a private room, or one of the two people of a direct conversation, is
/// known elsewhere, and is asked for besides.
public struct Permissions: Sendable, Equatable {
    /// Whether the user may do everything, everywhere; no pattern holds an admin.
    public var isAdmin: Bool
    /// The rooms to read and to write; nil is every room that is not private.
    public var write: [RoomPattern]?
    /// The rooms to read only, beside these.
    public var read: [RoomPattern]

    /// What anyone may do where nobody has to prove anything: every room that is not private.
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

    /// The rooms that may be written, and read.
    public var writable: RoomScope { write.map { .only($0) } ?? .every }

    /// The rooms that may be read.
    public var readable: RoomScope { write.map { .only($0 + read) } ?? .every }
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
