public import RedisClient
internal import RedisProtocol
public import RelayCore

/// The archiver's view of Redis: rooms' streams, read and acknowledged through scripts.
public struct RedisStreamSource: StreamSource {
    private let client: RedisClient
    private let keys: KeySpace

    /// A source on a connection of its own.
    public init(client: RedisClient, keys: KeySpace) {
        self.client = client
        self.keys = keys
    }

    /// Takes the shard with the lock key, which Redis lets lapse, where all archivers divide the rooms alike: that is
    /// a key of its own, which lapses with the last of them.
    public func claim(
        _ shard: ShardID, as holder: ShardHolder, lapse: Duration
    ) async throws(StreamSourceError) -> ShardClaim {
        if let other = try await otherDivision(than: shard, lapse: lapse) { return .divided(other) }
        let lock = [keys.archiverLock(shard: shard.description)]
        let reply = try await client.asked(
            ArchiveScripts.claim, lock, [holder.place + "\n", holder.text, lapse.millisecondsText])
        guard let other = reply.string else { return .claimed }
        return .held(by: other.split(separator: "\n").first.map(String.init) ?? other)
    }

    /// Prolongs the lock where it is still the holder's.
    public func renew(
        _ shard: ShardID, as holder: ShardHolder, lapse: Duration
    ) async throws(StreamSourceError) -> Bool {
        let lock = [keys.archiverLock(shard: shard.description)]
        guard try await client.asked(ArchiveScripts.renew, lock, [holder.text, lapse.millisecondsText]).int == 1 else {
            return false
        }
        return try await otherDivision(than: shard, lapse: lapse) == nil
    }

    /// Says for a time into how many shards rooms are divided; answers what is said there where that is not so.
    private func otherDivision(
        than shard: ShardID, lapse: Duration
    ) async throws(StreamSourceError) -> String? {
        let words = Self.division(of: shard)
        return try await client.asked(
            ArchiveScripts.claim, [keys.archiverDivision], [words, words, lapse.millisecondsText]
        ).string
    }

    private static func division(of shard: ShardID) -> String { "\(shard.count) shard\(shard.count == 1 ? "" : "s")" }

    /// Deletes the lock where it is still the holder's.
    public func release(_ shard: ShardID, as holder: ShardHolder) async throws(StreamSourceError) {
        let isReleased = try await client.asked(
            ArchiveScripts.release, [keys.archiverLock(shard: shard.description)], [holder.text])
        // Of several nobody knows which is the last one.
        guard shard == .whole, isReleased.int == 1 else { return }
        _ = try await client.asked(ArchiveScripts.release, [keys.archiverDivision], [Self.division(of: shard)])
    }

    /// Reads stream and `meta` by plain commands that leave together, and where these are not of one moment, in one
    /// script: Lua takes apart every entry of a page, which costs Redis five times as much as the page itself.
    public func look(
        at room: RoomID, from id: MessageID, limit: Int
    ) async throws(StreamSourceError) -> StreamLook {
        let (stream, meta) = (keys.stream(of: room), keys.meta(of: room))
        let outcomes = await client.execute(
            together: StreamLookReplies.commands(stream: stream, meta: meta, from: id, limit: limit))
        do {
            if let look = try StreamLookReplies(outcomes)?.look(of: room, from: id, limit: limit) { return look }
        } catch {
            throw StreamSourceError(error)
        }
        let reply = try await client.asked(ArchiveScripts.look, [stream, meta], [id.description, String(limit)])
        guard let look = StreamLookDecoder(room: room).decode(reply) else {
            throw .refused("the answer about \(room) is not a look at a stream")
        }
        return look
    }

    /// Reads the set of members, and then whether it was still that room's: Redis may have lost both meanwhile.
    public func members(of room: RoomID, createdAt: UInt64) async throws(StreamSourceError) -> [UserID]? {
        let reply = try await client.asked(RedisCommand("SMEMBERS", keys.members(of: room)))
        let made = try await client.asked(RedisCommand("HGET", keys.meta(of: room), "created_at"))
        guard made.unsigned == createdAt else { return nil }
        return (reply.array ?? []).compactMap { $0.string.flatMap { UserID($0) } }.sorted()
    }

    /// Raises `seq`, the stream's last id and the epoch in one script.
    public func raise(
        _ room: RoomID, toSeq seq: UInt64, id: MessageID, knownEpoch: UInt64?, under claim: HeldShard
    ) async throws(StreamSourceError) -> RaiseOutcome {
        let reply = try await change(
            ArchiveScripts.raise, room, claim, [String(seq), id.description, knownEpoch.map(String.init) ?? ""])
        if let values = reply.array, values.count == 2, let epoch = values[0].unsigned, let seq = values[1].unsigned {
            return .raised(epoch: epoch, seq: seq)
        }
        return try outcome(reply) == .lockLost ? .lockLost : .gone
    }

    /// Trims, then sets `archived_id` and `archived_seq`, and `rewound_id` where it is lower, in one script.
    public func acknowledge(
        _ room: RoomID, _ position: ArchivePosition, trimmed: MessageID?, keep: Int, under claim: HeldShard
    ) async throws(StreamSourceError) -> AcknowledgeOutcome {
        try outcome(
            try await change(
                ArchiveScripts.acknowledge, room, claim,
                [position.id.description, String(position.seq), String(keep), trimmed?.description ?? ""]))
    }

    /// Sets the stream's last id where it is lower.
    public func passMidnight(
        _ room: RoomID, milliseconds: UInt64, under claim: HeldShard
    ) async throws(StreamSourceError) -> AcknowledgeOutcome {
        try outcome(try await change(ArchiveScripts.passMidnight, room, claim, ["\(milliseconds)-0"]))
    }

    /// Unlinks the stream and takes the room out of `chat:rooms`.
    public func drop(
        _ room: RoomID, through end: MessageID, under claim: HeldShard
    ) async throws(StreamSourceError) -> AcknowledgeOutcome {
        let done = try outcome(try await change(ArchiveScripts.drop, room, claim, [end.description]))
        // Another slot in a Cluster, hence a command of its own.
        if done == .done { _ = try await client.asked(RedisCommand("ZREM", keys.rooms, room.description)) }
        return done
    }

    /// Writes the hash `chat:archiver:SHARD`.
    public func report(
        _ figures: ArchiverFigures, for shard: ShardID, lifetime: Duration
    ) async throws(StreamSourceError) {
        _ = try await client.asked(
            ArchiveScripts.report, [keys.archiver(shard: shard.description)],
            [
                lifetime.millisecondsText, "host", figures.host, "started", String(figures.started), "rooms",
                String(figures.rooms), "lines", String(figures.lines), "bytes", String(figures.bytes), "behind",
                String(figures.behind), "last_error", figures.lastError,
            ])
    }

    private func change(
        _ script: RedisScript, _ room: RoomID, _ claim: HeldShard, _ arguments: [String]
    ) async throws(StreamSourceError) -> RESPValue {
        let lock = keys.archiverLock(shard: claim.shard.description)
        return try await client.asked(
            script, [keys.stream(of: room), keys.meta(of: room), lock], [claim.holder.text] + arguments)
    }

    private func outcome(_ reply: RESPValue) throws(StreamSourceError) -> AcknowledgeOutcome {
        switch reply.string {
        case "done": .done
        case "lost": .lockLost
        case "gone": .gone
        default: throw .refused("a script answered what it never says")
        }
    }
}

extension RedisStreamSource {
    /// Rooms in one reply of `chat:rooms`; the rest is asked for again, from the last score on.
    private static let roomsPerReply = 10_000

    /// Reads `chat:rooms` by score.
    public func roomsActive(since milliseconds: UInt64) async throws(StreamSourceError) -> ActiveRooms {
        let time = try await client.asked(RedisCommand("TIME"))
        guard let parts = time.array, parts.count == 2, let seconds = parts[0].unsigned, let micros = parts[1].unsigned
        else { throw .refused("the answer to TIME is no time") }
        var rooms: [RoomActivity] = []
        var low = String(milliseconds)
        var offset = 0
        while true {
            let reply = try await client.asked(
                RedisCommand(
                    "ZRANGEBYSCORE", keys.rooms, low, "+inf", "WITHSCORES", "LIMIT", String(offset),
                    String(Self.roomsPerReply)))
            let values = reply.array ?? []
            for index in stride(from: 0, to: values.count - 1, by: 2) {
                guard let name = values[index].string, let room = RoomID(name) else { continue }
                let score = values[index + 1].string.flatMap(Double.init) ?? 0
                rooms.append(RoomActivity(room: room, milliseconds: UInt64(max(0, min(score, 9e15)))))
            }
            guard values.count == Self.roomsPerReply * 2, let last = values.last?.string else { break }
            // From the last score on, not by rank: a room that moves up meanwhile shifts the ranks of others.
            offset = last == low ? offset + Self.roomsPerReply : 0
            low = last
        }
        return ActiveRooms(now: seconds * 1000 + micros / 1000, rooms: rooms)
    }
}

extension RedisStreamSource {
    /// Whether Redis answers, or does so within the time.
    ///
    /// - Throws: `StreamSourceError.refused` where waiting does not help, because the server is too old.
    public func isUsable(deadline: Duration) async throws(StreamSourceError) -> Bool {
        do {
            try await client.waitUntilReady(deadline: deadline)
            return true
        } catch {
            guard case .unsupportedVersion = error else { return false }
            throw .refused("\(error)")
        }
    }
}

extension StreamSourceError {
    /// Errors about one room's data are refusals; all others concern the whole of Redis.
    init(_ error: RedisError) {
        if case .serverError(let code, let message) = error, code == "WRONGTYPE" || code == "ERR" {
            self = .refused(message)
        } else {
            self = .unavailable("\(error)")
        }
    }
}

extension ShardHolder {
    /// As it stands in the lock: the place in the first line, the run in the second.
    var text: String { "\(place)\n\(run)" }
}

extension Duration {
    var millisecondsText: String {
        let (seconds, attoseconds) = components
        return String(seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }
}
