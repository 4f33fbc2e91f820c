import RelayCore
import RelayTestKit
import Testing

@testable import RelayRedis

@Suite("Heartbeats, figures and the list of rooms")
struct DirectoryTests {
    @Test("A heartbeat is on the list by the clock of Redis, with figures that expire; retiring takes both away")
    func heartbeat() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            try await redis.cli("ZADD", "chat:edges", "5", "ancient")
            _ = try await relays[1].beat().get()
            let census = try await relays[0].beat().get()
            #expect(census.living.map(\.description) == ["edge-b", "edge-a"])
            #expect(census.dead == [])
            #expect(try await redis.cli("ZSCORE", "chat:edges", "edge-a") == "\(census.now)")
            #expect(try await redis.cli("ZSCORE", "chat:edges", "ancient") == "", "off the list after a month")
            // The first ones follow on the first answer.
            try await eventually("the figures are there") {
                try await redis.cli("HMGET", "chat:edge:edge-a", "address", "version", "sessions", "lag")
                    == "127.0.0.1:8080\n1.2.3\n3\n0"
            }
            let started = try #require(UInt64(try await redis.cli("HGET", "chat:edge:edge-a", "started")))
            #expect(started <= census.now && started > census.now - 60_000)
            let life = try #require(Int(try await redis.cli("PTTL", "chat:edge:edge-a")))
            #expect((50_000...60_000).contains(life))
            let _: Bool = try await relays[0].call { relay, done in relay.directory.retire { done(true) } }
            #expect(try await redis.cli("EXISTS", "chat:edge:edge-a") == "0")
            #expect(try await redis.cli("ZRANGE", "chat:edges", "0", "-1") == "edge-b")
        }
    }

    @Test("Nobody is dead to an edge whose own heartbeats have not gone through for 15 s")
    func trust() {
        let own = EdgeID("own")
        let stale = EdgeID("stale")
        var ledger = EdgeCensusLedger(own: own)
        let told = EdgeCensus(now: 1, living: [own], dead: [stale])
        func beat(_ seconds: Int64) -> EdgeCensus {
            ledger.beatSucceeded(now: Moment(nanoseconds: seconds * 1_000_000_000), told)
        }
        #expect(beat(0).dead == [])
        #expect(ledger.others == [stale], "its people are present")
        #expect(beat(5).dead == [])
        #expect(beat(10).dead == [])
        #expect(beat(15).dead == [stale])
        #expect(ledger.others == [])
        #expect(beat(20).dead == [stale])
        // Redis was away for more than 10 s: the others may not have got through either.
        #expect(beat(31).dead == [])
        #expect(beat(36).dead == [])
        #expect(beat(46).dead == [stale])
    }

    @Test("Rooms are listed before their first post, and their scores follow within a second")
    func activity() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            var last = MessageID.zero
            for number in 1...20 { last = try await relay.post(draft("\(number)")).get().id }
            try await eventually("the score has followed", within: .seconds(2)) {
                try await redis.cli("ZSCORE", "chat:rooms", "general") == "\(last.milliseconds)"
            }
            let calls =
                try await redis.cli("INFO", "commandstats").split(separator: "\n")
                .first { $0.contains("cmdstat_zadd:") }.map(String.init) ?? ""
            #expect(["calls=2,", "calls=3,"].contains { calls.contains($0) }, "one NX, then one a second: \(calls)")
            try await redis.cli("ZADD", "chat:rooms", "5", "old", "99", "not/a room")
            let since = last.milliseconds
            let active: Result<[RoomActivity], Refusal> = try await relay.call { relay, done in
                relay.directory.roomsActive(since: since) { done($0) }
            }
            #expect(try active.get() == [RoomActivity(room: room(), milliseconds: since)])
            let all: Result<[RoomActivity], Refusal> = try await relay.call { relay, done in
                relay.directory.roomsActive(since: 0) { done($0) }
            }
            #expect(try all.get().map(\.room.description) == ["old", "general"])
        }
    }
}
