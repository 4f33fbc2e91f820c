import NIOCore
import RelayCore
import RelayTestKit
import Testing

@testable import RelayRedis

/// What a room is comes back with it; above all that it is private.
@Suite("What a room is, after Redis lost it")
struct RoomNatureTests {
    private static let meta = "chat:{general}:meta"
    private static let names = ["name", "created_by", "created_at", "topic", "private"]

    /// Makes a private room of another day with a topic, in which nothing was said.
    private func makePrivate(_ redis: LocalRedis) async throws {
        try await redis.cli(
            "HSET", Self.meta, "seq", "0", "epoch", "7", "name", "Tea", "created_by", "alice", "created_at", "5",
            "topic",
            "green", "private", "1")
    }

    private func nature(_ redis: LocalRedis) async throws -> [String] {
        var values: [String] = []
        for name in Self.names { values.append(try await redis.cli("HGET", Self.meta, name)) }
        return values
    }

    private func texts(_ relay: RelayHarness) async throws -> [String] {
        try await relay.read(.latest(limit: 50), room()).get().frames.map { String(buffer: $0.envelope) }
            .compactMap { $0.split(separator: #""text":""#).last?.split(separator: "\"").first.map(String.init) }
    }

    @Test("An edge that posted there, and never read, puts back what the room is before anything new is said")
    func posted() async throws {
        try await withRelays { redis, relays in
            try await makePrivate(redis)
            let before = try await nature(redis)
            for number in 1...3 { _ = try await relays[0].post(draft("\(number)")).get() }
            // By the connection on which it asked what the room is: the answer to that was there before.
            _ = try await relays[0].who(room())
            try await redis.cli("FLUSHALL")
            #expect(try await relays[0].store(draft("4")).seq == 4)
            #expect(try await nature(redis) == before)
            #expect(try await texts(relays[0]) == ["1", "2", "3", "4"])
        }
    }

    @Test("An edge that has only read there and posts first makes no other room: others put back what they have")
    func onlyRead() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            try await makePrivate(redis)
            let before = try await nature(redis)
            for number in 1...3 { _ = try await relays[0].post(draft("\(number)")).get() }
            for relay in relays {
                try await relay.subscribe(room())
                _ = try await relay.read(.latest(limit: 5), room()).get()
            }
            try await redis.cli("FLUSHALL")
            try await relays[0].onLoop { $0.broker.lossSuspected(in: try room()) }
            // What comes later than a second after the first is put back too, but behind.
            try await eventually("the other edge has begun") {
                try await redis.cli("EXISTS", "chat:{general}:restore") == "1"
            }
            #expect(try await relays[1].store(draft("4")).seq == 4)
            #expect(try await nature(redis) == before)
            #expect(try await texts(relays[1]) == ["1", "2", "3", "4"])
        }
    }

    @Test("An edge in which the room is open, but that posted nothing, puts back at least what it is")
    func nothingPosted() async throws {
        try await withRelays { redis, relays in
            try await makePrivate(redis)
            let before = try await nature(redis)
            try await relays[0].subscribe(room())
            _ = try await relays[0].read(.latest(limit: 5), room()).get()
            try await redis.cli("FLUSHALL")
            try await relays[0].onLoop { $0.broker.lossSuspected(in: try room()) }
            try await eventually("it is back") { try await nature(redis) == before }
            try await redis.cli("FLUSHALL")
            try await relays[0].create(room())
            #expect(try await nature(redis) == before)
        }
    }

    @Test("A private room that somebody made anew meanwhile is private, and what was said before does not come into it")
    func madeAnew() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            try await makePrivate(redis)
            for number in 1...3 { _ = try await relays[0].post(draft("\(number)")).get() }
            _ = try await relays[0].read(.latest(limit: 5), room()).get()
            try await redis.cli("FLUSHALL")
            // This edge has never heard of the room.
            #expect(try await relays[1].post(draft("mine", by: "mallory")).get().seq == 1)
            #expect(try await redis.cli("HGET", Self.meta, "private") == "0")
            _ = try await relays[0].store(draft("4"))
            #expect(try await redis.cli("HGET", Self.meta, "private") == "1")
            #expect(try await redis.cli("HGET", Self.meta, "created_by") == "alice")
            #expect(try await redis.cli("HGET", Self.meta, "created_at") != "5", "it is another room to the archive")
            #expect(try await texts(relays[0]) == ["mine", "4"])
        }
    }

    @Test("A private room that somebody opened by hand is private again where the edge finds a loss")
    func openedByHand() async throws {
        try await withRelays { redis, relays in
            try await makePrivate(redis)
            for number in 1...3 { _ = try await relays[0].post(draft("\(number)")).get() }
            _ = try await relays[0].read(.latest(limit: 5), room()).get()
            try await redis.cli("HDEL", Self.meta, "private")
            try await relays[0].onLoop { $0.broker.lossSuspected(in: try room()) }
            try await eventually("it is private") { try await redis.cli("HGET", Self.meta, "private") == "1" }
            #expect(try await texts(relays[0]) == ["1", "2", "3"])
        }
    }

    @Test("Where members outlived the meta, the room was private, also to an edge that never heard of it")
    func membersOutlived() async throws {
        try await withRelays { redis, relays in
            for name in ["posted", "created"] { try await redis.cli("SADD", "chat:{\(name)}:members", "alice") }
            _ = try await relays[0].post(draft("1", in: room("posted"))).get()
            _ = try await relays[0].create(room("created"))
            for name in ["posted", "created"] {
                #expect(try await redis.cli("HGET", "chat:{\(name)}:meta", "private") == "1", "\(name)")
            }
            _ = try await relays[0].post(draft("1", in: room("plain"))).get()
            #expect(try await redis.cli("HGET", "chat:{plain}:meta", "private") == "0")
        }
    }

    @Test(
        "A private room that was forgotten gives its maker nothing of the next one of its name",
        arguments: [true, false])
    func forgotten(wasOpen: Bool) async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            try await makePrivate(redis)
            if wasOpen { try await relays[0].subscribe(room()) }
            _ = try await relays[0].read(.latest(limit: 5), room()).get()
            if wasOpen { try await relays[0].onLoop { $0.broker.unsubscribe(try room()) } }
            // As presence.lua does when the last one leaves and nothing was said.
            try await redis.cli("DEL", Self.meta)
            #expect(try await relays[1].post(draft("1", by: "bob")).get().seq == 1)
            _ = try await relays[0].post(draft("2", by: "carol")).get()
            for relay in relays { try await relay.onLoop { $0.broker.lossSuspected(in: try room()) } }
            #expect(try await relays[0].store(draft("3", by: "carol")).seq == 3)
            #expect(try await redis.cli("HGET", Self.meta, "private") == "0")
            #expect(try await redis.cli("HGET", Self.meta, "created_by") == "bob")
        }
    }

    @Test("A public room that nobody has open any more is not the same when somebody makes it again")
    func left() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            try await redis.cli("HSET", Self.meta, "seq", "0", "epoch", "7", "created_at", "5", "private", "0")
            try await relay.subscribe(room())
            _ = try await relay.read(.latest(limit: 5), room()).get()
            try await relay.onLoop { $0.broker.unsubscribe(try room()) }
            try await redis.cli("FLUSHALL")
            #expect(try await relay.post(draft("1")).get().seq == 1)
            #expect(try await redis.cli("HGET", Self.meta, "created_at") != "5")
        }
    }

    @Test("A room that was deleted is not put back as what it was")
    func deleted() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            try await makePrivate(redis)
            _ = try await relay.read(.latest(limit: 5), room()).get()
            try await redis.cli("HSET", Self.meta, "deleted_at", "9")
            _ = try await relay.read(.latest(limit: 5), room()).get()
            try await redis.cli("DEL", Self.meta)
            #expect(try await relay.post(draft("1")).get().seq == 1)
            #expect(try await redis.cli("HGET", Self.meta, "private") == "0")
        }
    }
}
