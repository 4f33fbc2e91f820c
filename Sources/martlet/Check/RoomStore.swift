import NIOCore
import RedisClient
import RedisProtocol
import RelayCheck
import RelayCore
import RelayRedis
import RelayWire
import NIOConcurrencyHelpers

/// The rooms of a run as they stand in Redis, read from there without the relay.
final class RoomStore: Sendable {
    private static let pause: Duration = .milliseconds(100)
    private static let pageEntries = 500

    private let redis: RedisClient
    private let keys: KeySpace
    private let rooms: [RoomID]
    private let speech: Speech
    private let recorder: CheckRecorder
    private let watched: NIOLockedValueBox<[Place?]>

    init(redis: RedisClient, keys: KeySpace, rooms: [RoomID], speech: Speech, recorder: CheckRecorder) {
        self.redis = redis
        self.keys = keys
        self.rooms = rooms
        self.speech = speech
        self.recorder = recorder
        watched = NIOLockedValueBox(rooms.map { _ in nil })
    }

    /// Follows all streams until it is cancelled, so that every message is seen there before it is trimmed.
    func watch() async {
        while !Task.isCancelled {
            for room in rooms.indices {
                // Redis may be away: then there is nothing to see.
                try? await follow(room)
                try? await lookAtFloor(room)
            }
            try? await Task.sleep(for: Self.pause)
        }
    }

    /// Whether the watch has come to this number.
    func hasWatched(_ room: Int, upTo seq: UInt64) -> Bool {
        watched.withLockedValue { ($0[room]?.seq ?? 0) >= seq }
    }

    /// The highest number that Redis has given; nil where it does not answer.
    func lastSeq(of room: Int) async -> UInt64? { await number("seq", of: room) }

    /// How far the archive says it is; nil where Redis does not answer.
    func archivedSeq(of room: Int) async -> UInt64? { await number("archived_seq", of: room) }

    private func number(_ field: String, of room: Int) async -> UInt64? {
        guard let reply = try? await redis.execute(RedisCommand("HGET", keys.meta(of: rooms[room]), field)) else {
            return nil
        }
        return reply.string.flatMap { UInt64($0) } ?? 0
    }

    private func follow(_ room: Int) async throws(RedisError) {
        while true {
            let last = watched.withLockedValue { $0[room] }
            let reply = try await redis.execute(
                RedisCommand(
                    "XRANGE", keys.stream(of: rooms[room]), last.map { "(\($0.id)" } ?? "-", "+", "COUNT",
                    "\(Self.pageEntries)"))
            let entries = reply.array ?? []
            for entry in entries {
                guard let message = message(entry, rooms[room]) else { continue }
                let sighting = speech.sighting(of: message, envelope: EnvelopeEncoder.envelope(of: message))
                recorder.record(room: room, .stored(sighting))
                watched.withLockedValue { $0[room] = sighting.place }
            }
            guard entries.count == Self.pageEntries else { return }
        }
    }

    private func lookAtFloor(_ room: Int) async throws(RedisError) {
        let asked = recorder.now
        let reply = try await redis.execute(
            RedisCommand("XRANGE", keys.stream(of: rooms[room]), "-", "+", "COUNT", "1"))
        guard let first = reply.array?.first, let message = message(first, rooms[room]) else { return }
        recorder.record(room: room, .streamFloor(seq: message.seq, asked: asked))
    }

    private func message(_ entry: RESPValue, _ room: RoomID) -> Message? {
        guard let parts = entry.array, parts.count == 2, let id = parts[0].string.flatMap({ MessageID($0) }),
            let flat = parts[1].array
        else { return nil }
        let fields = stride(from: 0, to: flat.count - 1, by: 2).map {
            (name: flat[$0].string ?? "", value: flat[$0 + 1].string ?? "")
        }
        return StreamFields.message(id: id, room: room, fields: fields)
    }

    /// Takes the rooms out of Redis when the clients have left them.
    func removeRooms() async {
        // Edges say that somebody left after a while, and touch the room by that.
        try? await Task.sleep(for: .seconds(1))
        for room in rooms {
            // Redis may be away; then they stay.
            try? await bury(room)
        }
    }

    /// Leaves nothing of a room but the word that it was deleted, for as long as edges could put it back: to them one
    /// that is merely gone is one that Redis has lost.
    private func bury(_ room: RoomID) async throws(RedisError) {
        let meta = keys.meta(of: room)
        let fields = try await redis.execute(RedisCommand("HKEYS", meta)).array ?? []
        // First the word: from now on nobody puts anything back.
        let time = try await redis.execute(RedisCommand("TIME")).array?.first?.int ?? 0
        _ = try await redis.execute(RedisCommand("HSET", meta, "deleted_at", "\(time * 1000)"))
        _ = try await redis.execute(RedisCommand("PEXPIRE", meta, "\(Limits.emptyTombstoneSpan.wholeMilliseconds)"))
        var removal = RedisCommand("HDEL", meta)
        removal.append(contentsOf: ["archived_id", "archived_seq"] + fields.compactMap(\.string))
        _ = try await redis.execute(removal)
        var command = RedisCommand("DEL")
        command.append(contentsOf: [
            keys.stream(of: room), keys.members(of: room), keys.here(in: room), keys.deleted(of: room),
            keys.restore(of: room),
        ])
        command.append(contentsOf: await sentWindows(of: room))
        _ = try await redis.execute(command)
        _ = try await redis.execute(RedisCommand("ZREM", keys.rooms, room.description))
    }

    /// The hashes of sends of this and the last twenty minutes and more: what is older has lapsed by itself.
    private func sentWindows(of room: RoomID) async -> [String] {
        let time = try? await redis.execute(RedisCommand("TIME"))
        let window = (time?.array?.first?.int ?? 0) / 600
        return (window - 3...window).map { "\(keys.sentPrefix(of: room))\($0)" }
    }
}
