import RelayCore
import RelayTestKit
import Testing

@testable import RelayRedis

@Suite("The counter of a room that somebody has set back")
struct CounterTests {
    @Test("Meta deleted or restored older: no number twice, and a new epoch")
    func setBack() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            for number in 1...5 { _ = try await relays[0].post(draft("\(number)")).get() }
            let first = try await relays[0].read(.latest(limit: 0), room()).get().standing
            try await redis.cli("DEL", "chat:{general}:meta")
            #expect(try await relays[1].post(draft("6")).get().seq == 6)
            let second = try await relays[0].read(.latest(limit: 0), room()).get().standing
            #expect(try #require(second).epoch > #require(first).epoch)
            try await redis.cli("HSET", "chat:{general}:meta", "seq", "3")
            #expect(try await relays[1].post(draft("7")).get().seq == 7)
            let third = try await relays[0].read(.latest(limit: 0), room()).get().standing
            #expect(try #require(third).epoch > #require(second).epoch)
            #expect(try #require(third).lastSeq == 7)
        }
    }

    @Test("A stream that lost its end goes on above what this edge has acknowledged, in a new epoch")
    func lostWrites() async throws {
        try await withRelays { redis, relays in
            var last = MessageID.zero
            for number in 1...5 { last = try await relays[0].post(draft("\(number)")).get().id }
            let before = try await relays[0].read(.latest(limit: 0), room()).get().standing
            try await redis.cli("XDEL", "chat:{general}:stream", "\(last)")
            try await redis.cli("HSET", "chat:{general}:meta", "seq", "4")
            let next = try await relays[0].store(draft("6"))
            #expect(next.seq == 6)
            #expect(next.id > last)
            let after = try await relays[0].read(.latest(limit: 0), room()).get().standing
            #expect(try #require(after).epoch > #require(before).epoch)
        }
    }

    @Test("FLUSHALL: an edge that knows the room goes on above it, one that does not from 1")
    func flushed() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            for number in 1...3 { _ = try await relays[0].post(draft("\(number)")).get() }
            try await redis.cli("FLUSHALL")
            #expect(try await relays[0].store(draft("4")).seq == 4)
            try await redis.cli("FLUSHALL")
            #expect(try await relays[1].post(draft("1")).get().seq == 1)
            // The four of the first edge find their places taken and come behind.
            #expect(try await relays[0].store(draft("2")).seq == 6)
        }
    }
}
