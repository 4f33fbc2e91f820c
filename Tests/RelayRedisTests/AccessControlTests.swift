import RelayCore
import RelayTestKit
import Testing

@testable import RelayRedis

@Suite("What the adapters may do by an access control list")
struct AccessControlTests {
    /// Every command that the adapters of an edge send, those of scripts included, and no other.
    static let commands = [
        "ping", "info", "time", "select", "client|setname", "evalsha", "script|load", "multi", "exec", "xadd", "xrange",
        "xrevrange", "xlen", "hget", "hset", "hmget", "hgetall", "hkeys", "hdel", "hsetnx", "hlen", "zadd", "zrem",
        "zrange", "zrangebyscore", "zremrangebyscore", "zscore", "zmscore", "del", "exists", "pexpire", "publish",
        "subscribe",
        "unsubscribe", "wait", "xinfo|stream", "xsetid", "sadd", "srem", "scard", "smembers", "sismember", "smismember",
        "get", "set", "pubsub|numsub",
    ]

    private func options(channels: String) -> LocalRedis.Options {
        let rights = Self.commands.map { "+\($0)" }.joined(separator: " ")
        return LocalRedis.Options(accessControl: [
            "user default on nopass ~* &* +@all",
            "user edge on >secret resetchannels ~chat:* \(channels) -@all \(rights)",
        ])
    }

    @Test("The listed commands are enough for all that an edge does")
    func enough() async throws {
        let redis = try await LocalRedis.start(options(channels: "&chat:*"))
        let relay = try await RelayHarness(redis, url: "redis://edge:secret@127.0.0.1:\(redis.port)") {
            $0.keep = 100
            $0.ackReplicas = 1
        }
        try await relay.ready()
        let room = try room()
        try await relay.create(room)
        try await relay.subscribe(room)
        _ = try await relay.beat().get()
        _ = try await relay.announce([change("alice", sessions: 1)], room).get()
        _ = try await relay.announce([change("alice", sessions: 0, isGone: true)], room).get()
        _ = try await relay.announce([change("alice", sessions: 1)], room).get()
        _ = try await relay.post(draft("x", nonce: "n")).get()
        #expect(try await relay.post(draft("x", nonce: "n")).get().isDuplicate)
        _ = try await relay.read(.latest(limit: 5), room).get()
        _ = try await relay.read(.after(.zero, limit: 5), room).get()
        let said = try await relay.post(draft("y", nonce: "m")).get()
        _ = try await relay.post(amendment(.delete, of: said.id, by: "alice")).get()
        let bob = try #require(UserID("bob"))
        let club = try RelayRedisTests.room("club")
        _ = try await relay.make(RoomPlan(room: club, isPrivate: true, members: [bob])).get()
        #expect(try await relay.change(RoomChange(isPrivate: true, added: [bob]), of: club, by: "alice") == nil)
        #expect(try await relay.change(RoomChange(removed: [bob]), of: club, by: "alice") == nil)
        _ = try await relay.mark(room, at: ReadMarker(id: said.id, seq: said.seq), by: "alice")
        #expect(try await relay.conversations(of: "alice").conversations.count == 2)
        // So many that their scores are asked for.
        var command = ["HSET", "chat:user:{carol}:rooms"]
        for number in 0...Limits.conversationsListed { command += ["none\(number)", "0-0 0"] }
        try await redis.cli(command)
        #expect(try await relay.conversations(of: "carol").conversations.isEmpty)
        _ = try await relay.publicRooms()
        let online: Result<Bool, Refusal> = try await relay.call { relay, done in
            relay.directs.isOnline(bob) { done($0) }
        }
        #expect(try !online.get())
        try await relay.onLoop { $0.directs.conversationOpened(in: room, from: bob, to: bob) }
        #expect(try await relay.remove(club, by: "alice") == nil)
        try await redis.cli("DEL", "chat:{general}:stream")
        #expect(try await relay.store(draft("z")).seq == 4)
        #expect(try await redis.cli("XLEN", "chat:{general}:stream") == "4")
        try await redis.cli("HSET", "chat:{general}:here", "dead/bob", "x", "unknown/carol", "y")
        #expect(try await relay.bury([EdgeID("dead")], room).get() == 2)
        #expect(try await relay.who(room).map(\.user.description) == ["alice"])
        let active: Result<[RoomActivity], Refusal> = try await relay.call { relay, done in
            relay.directory.roomsActive(since: 0) { done($0) }
        }
        #expect(try active.get().count >= 1)
        try await eventually("a probe passes") { try await relay.probe() == .passed }
        try await relay.onLoop { $0.broker.unsubscribe(try RelayRedisTests.room()) }
        let _: Bool = try await relay.call { relay, done in relay.directory.retire { done(true) } }
        #expect(try await relay.onLoop { $0.broker.faults } == ["foreign_entry": 1])
        let denied = try await redis.cli("INFO", "errorstats")
        #expect(!denied.contains("NOPERM"))
        try await relay.stop()
        await redis.stop()
    }

    @Test("Without the right to publish a stored message is still acknowledged, and the log says what is missing")
    func noPublish() async throws {
        let redis = try await LocalRedis.start(options(channels: "&chat:edge:*"))
        let relay = try await RelayHarness(redis, url: "redis://edge:secret@127.0.0.1:\(redis.port)")
        try await relay.ready()
        #expect(try await relay.post(draft("x")).get().seq == 1)
        #expect(try await relay.post(draft("y")).get().seq == 2)
        let line = try #require(relay.log.lines.first { $0.message == "Redis refuses" })
        #expect(line.metadata["code"] == "NOPERM")
        #expect(line.metadata["doing"] == "publishing")
        try await relay.stop()
        await redis.stop()
    }
}
