import RelayCore
import RelayTestKit
import Testing

@testable import RelayRedis

@Suite("Conversation lists in Redis")
struct ConversationTests {
    private func said(_ text: String, by user: String, in name: String, _ relay: RelayHarness) async throws {
        let room = try room(name)
        let receipt = try await relay.post(draft(text, by: user, in: room)).get()
        let speaker = try #require(UserID(user))
        try await relay.onLoop { $0.markers.said(receipt, in: room, by: speaker) }
    }

    private func entered(_ name: String, by user: String, _ relay: RelayHarness) async throws {
        let room = try room(name)
        let user = try #require(UserID(user))
        try await relay.onLoop { $0.markers.entered(room, by: user) }
    }

    @Test("The newest conversation comes first, with its last message and what is unread")
    func list() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            for name in ["old", "new"] { try await entered(name, by: "bob", relay) }
            for number in 1...3 { try await said("\(number)", by: "alice", in: "old", relay) }
            // Two rooms whose last messages are of one ms stand by their names.
            let time = try await redis.cli("TIME")
            try await eventually("a moment has passed") { try await redis.cli("TIME") != time }
            try await said("4", by: "bob", in: "new", relay)
            try await said("5", by: "alice", in: "elsewhere", relay)
            let list = try await relay.conversations(of: "bob")
            #expect(list.conversations.map(\.summary.room.description) == ["new", "old"] && !list.more)
            #expect(list.conversations.map(\.unread) == [0, 3], "one's own words are read")
            #expect(list.conversations[1].summary.last?.seq == 3)
            #expect(try await redis.cli("HGET", "chat:user:{bob}:rooms", "old") == "0-0 0")
        }
    }

    @Test("A marker moves forward alone, and tells the user's sessions when it does")
    func marker() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            let bob = try #require(UserID("bob"))
            try await relay.onLoop { $0.broker.subscribe(user: bob) }
            try await eventually("bob is heard") { relay.personal.count == 1 }
            let high = ReadMarker(id: MessageID(milliseconds: 9, sequence: 10), seq: 7)
            let low = ReadMarker(id: MessageID(milliseconds: 9, sequence: 9), seq: 6)
            #expect(try await relay.mark(room(), at: low, by: "bob") == low)
            #expect(try await relay.mark(room(), at: high, by: "bob") == high)
            #expect(try await relay.mark(room(), at: low, by: "bob") == high)
            #expect(try await redis.cli("HGET", "chat:user:{bob}:rooms", "general") == "9-10 7")
            _ = try await relay.mark(room("other"), at: low, by: "bob")
            try await eventually("three moves are told") { relay.personal.count == 4 }
            #expect(relay.personal[2].contains("\"target\":\"9-10\",\"target_seq\":7"))
        }
    }

    @Test("Of a room that was made again nothing of the earlier one is unread, though its numbers go on")
    func madeAgain() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            let plan = RoomPlan(room: try room("club"), isPrivate: false, members: [])
            _ = try await relay.make(plan).get()
            for text in ["1", "2", "3"] { try await said(text, by: "alice", in: "club", relay) }
            try await redis.cli("HSET", "chat:{club}:meta", "archived_seq", "3")
            #expect(try await relay.remove(room("club"), by: "alice") == nil)
            try await redis.cli("DEL", "chat:{club}:stream")
            try await redis.cli("HSET", "chat:{club}:meta", "deleted_at", "1", "archived_seq", "3", "seq", "3")
            _ = try await relay.make(plan).get()
            // The archiver says where it is in the room's files, which are those of both.
            try await redis.cli("HSET", "chat:{club}:meta", "archived_seq", "3", "archived_id", "1000-0")
            let standing = try await relay.read(.latest(limit: 1), room("club")).get().standing
            #expect(standing?.lastSeq == 3 && standing?.lastID == nil)
            try await entered("club", by: "bob", relay)
            #expect(try await relay.conversations(of: "bob").conversations.map(\.unread) == [0])
            try await said("4", by: "alice", in: "club", relay)
            let list = try await relay.conversations(of: "bob").conversations
            #expect(list.map(\.summary.lastSeq) == [4] && list.map(\.unread) == [1])
        }
    }

    @Test("Rooms that are gone leave the list, and private ones show only to members")
    func gone() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            let bob = try #require(UserID("bob"))
            let club = try room("club")
            _ = try await relay.make(RoomPlan(room: club, isPrivate: true, members: [bob])).get()
            try await entered("never", by: "bob", relay)
            // Those who make a room do not wait until it is in everybody's list.
            try await eventually("both are in the list, and the one that is none is not shown") {
                let shown = try await relay.conversations(of: "bob").conversations.map(\.summary.room)
                return shown == [club]
            }
            try await eventually("the room that is none is out of the list") {
                _ = try await relay.conversations(of: "bob")
                return try await redis.cli("HKEYS", "chat:user:{bob}:rooms") == "club"
            }
            #expect(try await relay.change(RoomChange(removed: [bob]), of: club, by: "alice") == nil)
            #expect(try await relay.conversations(of: "bob").conversations.isEmpty)
        }
    }

    /// Calls of commands since the last reset, but for those that edges make in their own time.
    private func calls(_ redis: LocalRedis) async throws -> [String: Int] {
        let text = try await redis.cli("INFO", "commandstats")
        var calls: [String: Int] = [:]
        for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix("cmdstat_") {
            let name = line.dropFirst("cmdstat_".count).prefix { $0 != ":" }
            let count = line.split(separator: ":calls=").last?.prefix { $0 != "," }
            calls[String(name)] = count.flatMap { Int($0) }
        }
        for name in ["info", "config|resetstat", "ping", "publish", "zadd"] { calls[name] = nil }
        return calls
    }

    @Test("A list costs the same with ten and with ten thousand rooms of others, and asks for none of them")
    func cost() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            for number in 1...5 {
                try await entered("mine\(number)", by: "bob", relay)
                try await said("x", by: "alice", in: "mine\(number)", relay)
            }
            _ = try await relay.conversations(of: "bob")
            try await eventually("what alice said is told too") {
                try await redis.cli("HLEN", "chat:user:{alice}:rooms") == "5"
            }
            var costs: [[String: Int]] = []
            var made = 0
            for others in [10, 10_000] {
                try await redis.cli(
                    "EVAL",
                    """
                    for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do
                      local room = 'other' .. i
                      redis.call('HSET', 'chat:{' .. room .. '}:meta', 'seq', 1, 'epoch', 1, 'name', room, 'private', 0)
                      redis.call('XADD', 'chat:{' .. room .. '}:stream', '5-0', 'seq', 1, 'type', 'message', 'user',
                        'u' .. i, 'name', 'U', 'text', 'x')
                      redis.call('ZADD', 'chat:rooms', 5, room)
                      redis.call('HSET', 'chat:user:{u' .. i .. '}:rooms', room, '5-0 1')
                    end
                    """, "0", "\(made + 1)", "\(others)")
                made = others
                try await redis.cli("CONFIG", "RESETSTAT")
                #expect(try await relay.conversations(of: "bob").conversations.count == 5)
                costs.append(try await calls(redis))
            }
            #expect(costs[0] == costs[1])
            #expect(costs[1]["xrevrange"] == 5 && costs[1]["hgetall"] == 1 && costs[1]["evalsha"] == 5)
            #expect(costs[1]["zrange"] == nil && costs[1]["scan"] == nil)
        }
    }

    @Test("Saying much costs one marker a second, not one a message")
    func sayingMuch() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            try await said("first", by: "alice", in: "general", relay)
            try await redis.cli("CONFIG", "RESETSTAT")
            let clock = ContinuousClock()
            let start = clock.now
            for number in 1...200 { try await said("\(number)", by: "alice", in: "general", relay) }
            let last = try await redis.cli("XREVRANGE", "chat:{general}:stream", "+", "-", "COUNT", "1")
            let id = try #require(last.split(whereSeparator: \.isNewline).first)
            try await eventually("the marker is where the last word is") {
                try await redis.cli("HGET", "chat:user:{alice}:rooms", "general") == "\(id) 201"
            }
            let seconds = Int((clock.now - start) / .seconds(1)) + 2
            // One a post, and one a marker.
            #expect(try await calls(redis)["evalsha"] ?? 0 <= 200 + seconds)
        }
    }
}
