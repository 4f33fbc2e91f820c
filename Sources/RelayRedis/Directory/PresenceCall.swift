internal import NIOCore
internal import RedisClient
internal import RedisProtocol
internal import RelayCore
internal import RelayWire

/// The arguments and the replies of `presence.lua` and `bury.lua`.
///
/// `presence.lua`:
///
/// | ARGV | is |
/// |---|---|
/// | 1 | the edge that calls |
/// | 2 | `PUBLISH` or `SPUBLISH` |
/// | 3 | fields up to which `here` is looked through |
/// | 4 | 1 where an edge in neither list is dead, else 0 |
/// | 5 | people up to whom each coming and going is told |
/// | 6 7 | the event that says how many there are, up to the number and from there |
/// | 8 | how many other edges live, then their ids |
/// | … | how many are dead, then their ids |
/// | … | seven for each user: user, 1 gone or 0, the entry up to `since`, the rest of it, join event, leave event, |
/// | | for how many ms the user has done nothing there |
///
/// `bury.lua`: the edge that calls, `PUBLISH` or `SPUBLISH`, the room, the three of the summary as above, then the ids
/// of the dead edges.
enum PresenceCall {
    /// Fields of `here` up to which the number of people is exact; in a larger room a user on two edges counts twice.
    static let walkedMax = 2000
    /// Users in one call; the rest is the next call.
    static let changesMax = 250

    static func keys(of room: RoomID, in keys: KeySpace) -> [String] {
        [
            keys.here(in: room), keys.meta(of: room), keys.channelName(of: room), keys.stream(of: room),
            keys.members(of: room), keys.deleted(of: room), keys.told(in: room), keys.active(in: room),
        ]
    }

    /// What is known of the edges when a call is made.
    struct Edges {
        var own: EdgeID
        var living: Set<EdgeID>
        var dead: Set<EdgeID>
        /// Whether an edge in neither set is dead.
        var isSettled: Bool
    }

    static func announcing(
        _ changes: some Collection<PresenceChange>, in room: RoomID, edges: Edges, publishCommand: String
    ) -> RedisArguments {
        var arguments = RedisArguments(capacity: 256 + changes.count * 512)
        arguments.append(edges.own.description)
        arguments.append(publishCommand)
        arguments.append(walkedMax)
        arguments.append(edges.isSettled ? 1 : 0)
        appendSummary(of: room, by: edges.own, to: &arguments)
        arguments.append(edges.living.count)
        arguments.append(contentsOf: edges.living.lazy.map(\.description))
        arguments.append(edges.dead.count)
        arguments.append(contentsOf: edges.dead.lazy.map(\.description))
        for change in changes {
            let event = { (kind: LiveEvent.Kind) in
                EventCoder.encode(
                    LiveEvent(kind, room: room, user: change.user, name: change.name), edge: edges.own)
            }
            var opening = ByteBuffer(string: "{\"name\":")
            opening.writeJSONString(change.name.description)
            opening.writeString(",\"since\":")
            arguments.append(change.user.description)
            arguments.append(change.isGone ? 1 : 0)
            arguments.append(opening)
            arguments.append(",\"sessions\":\(change.sessions)}")
            arguments.append(event(.join))
            arguments.append(event(.leave))
            arguments.append(Int(clamping: max(0, change.idle.wholeMilliseconds)))
        }
        return arguments
    }

    static func burying(_ dead: [EdgeID], in room: RoomID, own: EdgeID, publishCommand: String) -> RedisArguments {
        var arguments = RedisArguments([own.description, publishCommand, room.description])
        appendSummary(of: room, by: own, to: &arguments)
        arguments.append(contentsOf: dead.lazy.map(\.description))
        return arguments
    }

    private static func appendSummary(of room: RoomID, by edge: EdgeID, to arguments: inout RedisArguments) {
        arguments.append(Limits.presenceToldMax)
        arguments.append("{\"type\":\"join\",\"room\":\"\(room)\",\"count\":")
        arguments.append(",\"edge\":\"\(edge)\"}")
    }

    enum Reply: Equatable {
        /// An edge that is not known has people there: read the list of edges and call again.
        case unknownEdge
        case told(present: Int, isForgotten: Bool, owesSummary: Bool)

        init?(_ value: RESPValue) {
            guard let parts = value.array, parts.count == 3 else { return nil }
            if parts[0].string == "UNKNOWN" {
                self = .unknownEdge
            } else if let present = parts[0].int {
                self = .told(present: present, isForgotten: parts[1].int == 1, owesSummary: parts[2].int == 1)
            } else {
                return nil
            }
        }
    }
}

/// The entries of `here`.
enum PresenceEntries {
    /// One field: who, on which edge, and what is said of them.
    struct Entry {
        let edge: EdgeID
        let user: UserID
        let name: String
        let since: UInt64
        let sessions: Int
        /// When the user did something there last, in ms; nil where nobody knows.
        var active: UInt64?
    }

    /// The same, with what `HGETALL` gives of when each did something last.
    static func read(
        _ flat: [RESPValue], active: [RESPValue]
    ) -> (entries: [Entry], foreignCount: Int) {
        var times: [String: UInt64] = [:]
        for index in stride(from: 0, to: active.count - 1, by: 2) {
            if let field = active[index].string { times[field] = active[index + 1].string.flatMap { UInt64($0) } }
        }
        let (bare, foreignCount) = read(flat)
        let entries = bare.map { entry in
            var entry = entry
            entry.active = times["\(entry.edge)/\(entry.user)"]
            return entry
        }
        return (entries, foreignCount)
    }

    /// Reads what `HGETALL` gives; fields that somebody wrote by hand and that cannot be read are left out.
    static func read(_ flat: [RESPValue]) -> (entries: [Entry], foreignCount: Int) {
        var entries: [Entry] = []
        var foreignCount = 0
        for index in stride(from: 0, to: flat.count - 1, by: 2) {
            if let entry = entry(flat[index], flat[index + 1]) { entries.append(entry) } else { foreignCount += 1 }
        }
        return (entries, foreignCount)
    }

    /// One occupant a user, sorted by id: the earliest `since`, the sessions of all edges.
    ///
    /// - Parameter now: the time of Redis in ms, for how long each has done nothing.
    static func occupants(_ entries: some Sequence<Entry>, now: UInt64) -> [Occupant] {
        var found: [UserID: Occupant] = [:]
        for entry in entries {
            let idle = entry.active.map { Duration.milliseconds(now > $0 ? now - $0 : 0) }
            if var occupant = found[entry.user] {
                if entry.since < occupant.since {
                    occupant.since = entry.since
                    occupant.name = entry.name
                }
                occupant.sessions += entry.sessions
                if let idle { occupant.idle = min(occupant.idle ?? idle, idle) }
                found[entry.user] = occupant
            } else {
                found[entry.user] = Occupant(
                    user: entry.user, name: entry.name, since: entry.since, sessions: entry.sessions,
                    idle: idle)
            }
        }
        return found.values.sorted { $0.user < $1.user }
    }

    private static func entry(_ field: RESPValue, _ value: RESPValue) -> Entry? {
        guard let field = field.string, let slash = field.lastIndex(of: "/"),
            let user = UserID(field[field.index(after: slash)...]),
            let bytes = value.bytes, let object = try? JSONReader.object(from: bytes, depthMax: 2),
            let name = (try? object.string("name")).flatMap({ $0 }),
            let since = (try? object.integer("since")).flatMap({ $0 }).flatMap({ UInt64(exactly: $0) }),
            let sessions = (try? object.integer("sessions")).flatMap({ $0 }).flatMap({ Int(exactly: $0) }),
            (0...1_000_000).contains(sessions)
        else { return nil }
        return Entry(
            edge: EdgeID(String(field[..<slash])), user: user, name: name, since: since, sessions: sessions)
    }
}
