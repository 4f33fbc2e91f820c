public import RelayCore

/// The names of Redis keys and channels: a public interface, stable and readable.
///
/// The braces are literal: in a Cluster all keys of a room share a slot, so that one script may touch them together.
public struct KeySpace: Sendable, Equatable {
    /// What every key begins with, `chat` by default.
    public let prefix: String

    /// The keys under a prefix; nil where it is empty or holds anything but letters, digits, `.`, `_`, `:` and `-`.
    public init?(prefix: String) {
        let isAllowed = { (byte: UInt8) in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard (1...Limits.identifierBytesMax).contains(prefix.utf8.count), prefix.utf8.allSatisfy(isAllowed) else {
            return nil
        }
        self.prefix = prefix
    }

    /// The channel that carries every envelope of a room.
    public func channelName(of room: RoomID) -> String {
        // Without interpolation, which makes several strings of it: every post needs it.
        var name = prefix
        name.reserveCapacity(prefix.utf8.count + room.description.utf8.count + 3)
        name += ":{"
        name += room.description
        name += "}"
        return name
    }
    /// What the keys of a room that a post touches have behind the name of its channel, in the order of the script.
    static let postSuffixes = [":stream", ":meta", ":sent:", ":restore", ":members", ":deleted"]

    /// The stream of a room's messages; the entry ID is the message's id.
    public func stream(of room: RoomID) -> String { "\(prefix):{\(room)}:stream" }
    /// The hash that says what a room is and where it stands.
    public func meta(of room: RoomID) -> String { "\(prefix):{\(room)}:meta" }
    /// The set of a private room's users.
    public func members(of room: RoomID) -> String { "\(prefix):{\(room)}:members" }
    /// The hash of who is present: field `EDGE/USER`.
    public func here(in room: RoomID) -> String { "\(prefix):{\(room)}:here" }
    /// The hash of when those who are present did something there last, in ms: field `EDGE/USER`.
    public func active(in room: RoomID) -> String { "\(prefix):{\(room)}:active" }
    /// The set of deleted messages' ids.
    public func deleted(of room: RoomID) -> String { "\(prefix):{\(room)}:deleted" }
    /// What the hashes of sends already made begin with; the number of the ten-minute window follows.
    public func sentPrefix(of room: RoomID) -> String { "\(prefix):{\(room)}:sent:" }
    /// The hash of messages that Redis lost and that are about to be put back; gone once they are.
    public func restore(of room: RoomID) -> String { "\(prefix):{\(room)}:restore" }

    /// The string that says when those in a large room were told last how many they are, and how many; expires.
    public func told(in room: RoomID) -> String { "\(prefix):{\(room)}:told" }

    /// The channel of what is for one user alone.
    public func channelName(of user: UserID) -> String { "\(prefix):user:{\(user)}" }
    /// The hash of a user's conversation list: room to the id and the number of the last message read.
    public func rooms(of user: UserID) -> String { "\(prefix):user:{\(user)}:rooms" }
    /// Who wrote to a user directly last.
    public func reply(of user: UserID) -> String { "\(prefix):user:{\(user)}:reply" }
    /// How many rooms a user has made lately, and since when; expires.
    public func created(by user: UserID) -> String { "\(prefix):user:{\(user)}:created" }

    /// The sorted set of rooms by the ms of their last activity.
    public var rooms: String { "\(prefix):rooms" }
    /// The sorted set of edges by the ms of their last heartbeat.
    public var edges: String { "\(prefix):edges" }
    /// The hash of one edge's figures, and the channel on which it probes itself.
    public func edge(_ id: EdgeID) -> String { "\(prefix):edge:\(id)" }
    /// The set of the rooms in which an edge has people.
    public func rooms(of edge: EdgeID) -> String { "\(prefix):edge:\(edge):rooms" }
    /// The hash of one archiver's figures.
    public func archiver(shard: String) -> String { "\(prefix):archiver:\(shard)" }
    /// The lock of one archiver's shard.
    public func archiverLock(shard: String) -> String { "\(prefix):archiver:\(shard):lock" }
    /// Into how many shards the archivers that are at work divide the rooms; expires.
    public var archiverDivision: String { "\(prefix):archiver:division" }

    /// The channel of operators' commands.
    public var control: String { "\(prefix):control" }
    /// The channel on which edges tell each other who sends much.
    public var usage: String { "\(prefix):usage" }
    /// The sorted set of what operators imposed: `USER` or `USER ROOM` by the ms of its end.
    public func sanctions(_ kind: Sanction.Kind) -> String {
        switch kind {
        case .kick: "\(prefix):kicked"
        case .mute: "\(prefix):muted"
        }
    }

    /// The room whose channel this is; nil for any other channel.
    public func room(ofChannelName name: some StringProtocol) -> RoomID? {
        let opening = "\(prefix):{"
        guard name.hasPrefix(opening), name.hasSuffix("}") else { return nil }
        return RoomID(String(name.dropFirst(opening.count).dropLast()))
    }
}
