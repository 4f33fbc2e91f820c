import RelayCore
import RelayTestKit
import NIOConcurrencyHelpers
import Testing

@testable import RelayRedis

@Suite("What conversation lists cost, and what they survive")
struct ListCostTests {
    /// Gives bob a list of so many rooms; the higher its number, the newer a room, by so many ms. Every third score
    /// comes late by so many.
    private func makeList(
        of count: Int, every step: Int = 10_000, late: Int = 0, _ redis: LocalRedis
    ) async throws {
        try await redis.cli(
            "EVAL",
            """
            for i = 1, tonumber(ARGV[1]) do
              local room = 'r' .. i
              redis.call('HSET', 'chat:{' .. room .. '}:meta', 'seq', 1, 'epoch', 1, 'name', room, 'private', 0)
              redis.call('XADD', 'chat:{' .. room .. '}:stream', i * ARGV[2] .. '-0', 'seq', 1, 'type', 'message',
                'user', 'u', 'name', 'U', 'text', 'x')
              redis.call('ZADD', 'chat:rooms', i * ARGV[2] - (i % 3 == 0 and ARGV[3] or 0), room)
              redis.call('HSET', 'chat:user:{bob}:rooms', room, '0-0 0')
            end
            """, "0", "\(count)", "\(step)", "\(late)")
        try await redis.cli("CONFIG", "RESETSTAT")
    }

    private func calls(of command: String, _ redis: LocalRedis) async throws -> Int {
        let line = try await redis.cli("INFO", "commandstats").split(whereSeparator: \.isNewline)
            .first { $0.hasPrefix("cmdstat_\(command):") }
        return line?.split(separator: ":calls=").last.flatMap { Int($0.prefix { $0 != "," }) } ?? 0
    }

    @Test("Of a long list only the newest rooms are looked at, as many as are shown")
    func longList() async throws {
        try await withRelays { redis, relays in
            try await makeList(of: 2000, redis)
            let list = try await relays[0].conversations(of: "bob")
            let newest = (1501...2000).reversed().map { "r\($0)" }
            #expect(list.conversations.map(\.summary.room.description) == newest && list.more)
            #expect(try await calls(of: "evalsha", redis) <= Limits.conversationsListed + 5)
        }
    }

    @Test("Page after page shows every room once, the newest first, also where scores come late")
    func pages() async throws {
        try await withRelays { redis, relays in
            try await makeList(of: 40, every: 500, late: 3000, redis)
            for limit in [1, 3, 7, 40] {
                var shown: [String] = []
                var page: ConversationPage? = ConversationPage(after: nil, limit: limit)
                while let asked = page {
                    let list = try await relays[0].conversations(of: "bob", asked)
                    #expect(list.conversations.count == min(limit, 40 - shown.count))
                    shown += list.conversations.map(\.summary.room.description)
                    page = list.more ? ConversationPage(after: list.conversations.last?.place, limit: limit) : nil
                    try #require(shown.count <= 40)
                }
                #expect(shown == (1...40).reversed().map { "r\($0)" }, "\(limit)")
            }
        }
    }

    @Test("Those who ask for one list at the same time share a read or two")
    func shared() async throws {
        try await withRelays { redis, relays in
            try await makeList(of: 200, redis)
            let bob = try #require(UserID("bob"))
            let answers = NIOLockedValueBox(0)
            try await relays[0].onLoop { relay in
                for _ in 0..<40 {
                    relay.rooms.conversations(of: bob) { result in
                        if case .success(let list) = result, list.conversations.count == 200 {
                            answers.withLockedValue { $0 += 1 }
                        }
                    }
                }
            }
            try await eventually("all are answered") { answers.withLockedValue { $0 } == 40 }
            #expect(try await calls(of: "evalsha", redis) <= 2 * 200 + 10)
        }
    }

    @Test("A room that Redis would not take into a list is in it once Redis takes it")
    func refusedMarkers() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            let bob = try #require(UserID("bob"))
            let room = try room()
            _ = try await relay.post(draft("x")).get()
            try await redis.cli("CONFIG", "SET", "maxmemory", "1")
            try await relay.onLoop { $0.markers.entered(room, by: bob) }
            try await eventually("it is refused") { try await relay.onLoop { $0.broker.faults["OOM"] ?? 0 } > 0 }
            try await redis.cli("CONFIG", "SET", "maxmemory", "0")
            try await eventually("it is in the list") {
                try await redis.cli("HGET", "chat:user:{bob}:rooms", "general") == "0-0 0"
            }
        }
    }

    @Test("While Redis is away nothing piles up of what is refused, and nobody's list is written to for it")
    func away() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            let alice = try #require(UserID("alice"))
            try await redis.kill()
            try await eventually("Redis is away") { try await relay.onLoop { $0.state != .ready } }
            let victims = try (0..<5000).map { try #require(UserID("victim\($0)")) }
            try await relay.onLoop { relay in
                for victim in victims {
                    relay.directs.conversationOpened(in: .direct(alice, victim), from: alice, to: victim)
                }
            }
            try await redis.start()
            try await relay.ready()
            let bob = try #require(UserID("bob"))
            try await relay.onLoop { $0.directs.conversationOpened(in: .direct(alice, bob), from: alice, to: bob) }
            try await eventually("bob's list is written") {
                try await redis.cli("EXISTS", "chat:user:{bob}:rooms") == "1"
            }
            // What waited would have gone in front of it, by the same connection.
            #expect(try await redis.cli("KEYS", "chat:user:*victim*") == "")
            #expect(try await redis.cli("HLEN", "chat:user:{alice}:rooms") == "1")
        }
    }
}
