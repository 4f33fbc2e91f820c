import NIOCore
import RelayCore
import RelayTestKit
import Testing

@testable import RelayRedis

@Suite("What a dead edge leaves behind")
struct BurialTests {
    private let dead = EdgeID("dead")

    private func bury(_ relay: RelayHarness) async throws -> Refusal? {
        let dead = dead
        return try await relay.call { relay, done in relay.directory.bury(dead) { done($0) } }
    }

    private func note(_ change: OccupancyChange, _ relay: RelayHarness) async throws -> Refusal? {
        try await relay.call { relay, done in relay.directory.note(change) { done($0) } }
    }

    @Test("An edge says in which rooms it has people, and takes that away when it ends")
    func noted() async throws {
        try await withRelays { redis, relays in
            let rooms = Set(try (1...2500).map { try room("r\($0)") })
            #expect(try await note(OccupancyChange(occupied: rooms), relays[0]) == nil)
            #expect(try await redis.cli("SCARD", "chat:edge:edge-a:rooms") == "2500")
            let change = OccupancyChange(occupied: [try room("r1")], empty: rooms.subtracting([try room("r1")]))
            #expect(try await note(change, relays[0]) == nil)
            #expect(try await redis.cli("SMEMBERS", "chat:edge:edge-a:rooms") == "r1")
            _ = try await relays[0].beat().get()
            #expect((Int(try await redis.cli("TTL", "chat:edge:edge-a:rooms")) ?? 0) > 86_400)
            let isRetired: Bool = try await relays[0].call { relay, done in relay.directory.retire { done(true) } }
            #expect(isRetired)
            #expect(try await redis.cli("EXISTS", "chat:edge:edge-a:rooms") == "0")
        }
    }

    @Test("Its people are taken out of all rooms, open ones or not, however many, and by how many edges")
    func everywhere() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            for number in 1...250 {
                try await redis.cli(
                    "HSET", "chat:{r\(number)}:here", "dead/carol", #"{"name":"Carol","since":5,"sessions":1}"#)
                try await redis.cli("SADD", "chat:edge:dead:rooms", "r\(number)")
            }
            try await redis.cli("HSET", "chat:{r7}:here", "edge-a/bob", #"{"name":"Bob","since":5,"sessions":1}"#)
            async let first = bury(relays[0])
            async let second = bury(relays[1])
            #expect(try await [first, second] == [nil, nil])
            #expect(try await redis.cli("KEYS", "chat:{*}:here") == "chat:{r7}:here")
            #expect(try await redis.cli("HKEYS", "chat:{r7}:here") == "edge-a/bob")
            #expect(try await redis.cli("EXISTS", "chat:edge:dead:rooms") == "0")
        }
    }

    @Test("A room that cannot be looked after is kept for the next attempt")
    func again() async throws {
        try await withRelays { redis, relays in
            try await redis.cli("SET", "chat:{odd}:here", "a string")
            try await redis.cli("HSET", "chat:{r}:here", "dead/carol", #"{"name":"Carol","since":5,"sessions":1}"#)
            try await redis.cli("SADD", "chat:edge:dead:rooms", "odd", "r")
            #expect(try await bury(relays[0])?.code != nil)
            #expect(try await redis.cli("SMEMBERS", "chat:edge:dead:rooms") == "odd")
            #expect(try await redis.cli("EXISTS", "chat:{r}:here") == "0")
            try await redis.cli("DEL", "chat:{odd}:here")
            #expect(try await bury(relays[0]) == nil)
            #expect(try await redis.cli("EXISTS", "chat:edge:dead:rooms") == "0")
        }
    }

    @Test("It goes off the list a while after its burial, but not where it has come to life again")
    func offTheList() async throws {
        try await withRelays { redis, relays in
            try await redis.cli("ZADD", "chat:edges", "1000000000000", "back", "9000000000000", "alive")
            let now = Int(try await redis.cli("TIME").split(separator: "\n")[0]) ?? 0
            try await redis.cli("ZADD", "chat:edges", "\((now - 100) * 1000)", "dead")
            let dead = dead
            try await relays[0].onLoop { $0.directory.burials.ended(dead, now: RedisClock.now) }
            _ = try await relays[0].beat().get()
            #expect(try await redis.cli("ZSCORE", "chat:edges", "dead") != "", "others have not seen it there yet")
            #expect(try await redis.cli("ZSCORE", "chat:edges", "back") == "", "dead for a month")
            try await relays[0].onLoop { relay in
                let long = Moment(nanoseconds: RedisClock.now.nanoseconds - 61_000_000_000)
                for edge in [dead, EdgeID("alive")] {
                    relay.directory.burials.ended(edge, now: long)
                }
            }
            _ = try await relays[0].beat().get()
            #expect(try await redis.cli("ZSCORE", "chat:edges", "dead") == "")
            #expect(try await redis.cli("ZSCORE", "chat:edges", "alive") != "")
        }
    }
}
