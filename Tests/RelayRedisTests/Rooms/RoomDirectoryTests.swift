import NIOCore
import RelayCore
import RelayTestKit
import RelayWire
import Testing

@testable import RelayRedis

@Suite("Rooms in Redis")
struct RoomDirectoryTests {
    private func plan(_ name: String = "club", isPrivate: Bool = true) throws -> RoomPlan {
        RoomPlan(
            room: try room(name), name: DisplayName("The Club"), isPrivate: isPrivate,
            members: isPrivate ? [try #require(UserID("bob"))] : [], topic: "tea")
    }

    @Test("A room that is made stands in its keys, and cannot be made twice")
    func make() async throws {
        try await withRelays { redis, relays in
            let facts = try await relays[0].make(plan()).get()
            #expect(facts.members == [try #require(UserID("alice")), try #require(UserID("bob"))])
            let meta = try await redis.cli(
                "HMGET", "chat:{club}:meta", "name", "created_by", "topic", "private", "seq")
            #expect(meta == "The Club\nalice\ntea\n1\n0")
            #expect(try await redis.cli("HGET", "chat:{club}:meta", "created_at") == "\(facts.createdAt)")
            #expect(try await redis.cli("SORT", "chat:{club}:members", "ALPHA") == "alice\nbob")
            #expect(try await redis.cli("ZSCORE", "chat:rooms", "club") != "")
            #expect(try await relays[0].make(plan(), by: "carol").refusal?.code == .exists)
            let page = try await relays[0].read(.latest(limit: 1), room("club")).get()
            #expect(page.facts == facts)
        }
    }

    @Test("A private room is none for strangers, also where they post, and open for an admin")
    func privacy() async throws {
        try await withRelays { _, relays in
            _ = try await relays[0].make(plan()).get()
            let club = try room("club")
            #expect(try await relays[0].post(draft("x", by: "bob", in: club)).get().seq == 1)
            // In one call, so that a refusal does not take the others with it.
            let outcomes = try await relays[0].post([
                draft("y", by: "carol", in: club), draft("z", by: "alice", in: club),
            ])
            #expect(outcomes[0].refusal?.code == .noSuchRoom)
            #expect(try outcomes[1].get().seq == 2)
            var byAdmin = try draft("w", by: "root", in: club)
            byAdmin.isPrivileged = true
            #expect(try await relays[0].post(byAdmin).get().seq == 3)
            #expect(try await relays[0].publicRooms().isEmpty)
            let change = RoomChange(name: DisplayName("Mine"))
            #expect(try await relays[0].change(change, of: club, by: "carol")?.code == .noSuchRoom)
            #expect(try await relays[0].remove(club, by: "carol")?.code == .noSuchRoom)
        }
    }

    @Test("Only the creator and admins change a room, and every edge that has it is told")
    func change() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            _ = try await relays[0].make(plan()).get()
            let club = try room("club")
            try await relays[1].subscribe(club)
            let change = RoomChange(
                name: DisplayName("Ours"), added: [try #require(UserID("carol"))],
                removed: [try #require(UserID("bob"))])
            #expect(try await relays[0].change(change, of: club, by: "bob")?.code == .forbidden)
            #expect(try await relays[0].change(change, of: club, by: "alice") == nil)
            #expect(try await redis.cli("HGET", "chat:{club}:meta", "name") == "Ours")
            #expect(try await redis.cli("SORT", "chat:{club}:members", "ALPHA") == "alice\ncarol")
            var last = change
            last.removed = [try #require(UserID("carol")), try #require(UserID("alice"))]
            #expect(try await relays[0].change(last, of: club, by: "alice")?.code == .badRequest, "its creator stays")
            #expect(try await redis.cli("SORT", "chat:{club}:members", "ALPHA") == "alice\ncarol")
            try await eventually("both notices are heard") { relays[1].heard.count == 2 }
            let verdicts = relays[1].heard.map { EventCoder.judge(.init(string: $0.payload)) }
            #expect(
                verdicts == [.changed(.name, edge: relays[0].edge), .changed(.members, edge: relays[0].edge)])
            #expect(
                try await relays[0].change(RoomChange(isPrivate: false), of: club, by: "root", isAdmin: true) == nil)
            #expect(try await relays[0].post(draft("x", by: "dave", in: club)).get().seq == 1)
        }
    }

    @Test("A deleted room exists for nobody; its stream waits for the archiver, and without one it is gone at once")
    func removal() async throws {
        try await withRelays { redis, relays in
            let club = try room("club")
            _ = try await relays[0].make(plan()).get()
            _ = try await relays[0].post(draft("x", nonce: "n", in: club)).get()
            #expect(try await relays[0].remove(club, by: "bob")?.code == .forbidden)
            #expect(try await relays[0].remove(club, by: "alice") == nil)
            #expect(try await relays[0].post(draft("y", nonce: "n", in: club)).refusal?.code == .noSuchRoom)
            let page = try await relays[0].read(.latest(limit: 1), club).get()
            #expect(page.standing == nil && page.isDeleted && page.frames.isEmpty)
            #expect(try await redis.cli("XLEN", "chat:{club}:stream") == "1")
            // Whoever drains it takes it off the list, and no score comes behind: all that waits is told here.
            try await redis.cli("ZREM", "chat:rooms", "club")
            try await relays[0].onLoop { $0.directory.list.tell() }
            _ = try await relays[0].beat().get()
            #expect(try await redis.cli("ZSCORE", "chat:rooms", "club") == "")
            #expect(try await relays[0].make(plan()).refusal?.code == .exists)
            await #expect(throws: Refusal.noSuchRoom) { try await relays[0].create(club) }
            // The archiver has drained it.
            try await redis.cli("HSET", "chat:{club}:meta", "archived_id", "1-0", "archived_seq", "1")
            try await redis.cli("DEL", "chat:{club}:stream")
            let facts = try await relays[0].make(plan(isPrivate: false), by: "carol").get()
            #expect(facts.createdBy == UserID("carol"))
            #expect(try await redis.cli("EXISTS", "chat:{club}:members") == "0")
            let receipt = try await relays[0].post(draft("z", nonce: "n", in: club)).get()
            #expect(!receipt.isDuplicate && receipt.seq == 2, "its numbers go on above what the files hold")
        }
        try await withRelays(configured: { $0.keep = 1000 }) { redis, relays in
            let club = try room("club")
            _ = try await relays[0].make(plan()).get()
            _ = try await relays[0].post(draft("x", in: club)).get()
            #expect(try await relays[0].remove(club, by: "alice") == nil)
            #expect(try await redis.cli("EXISTS", "chat:{club}:stream", "chat:{club}:members") == "0")
            #expect(Int(try await redis.cli("PTTL", "chat:{club}:meta")) ?? 0 > 0)
            try await eventually("it is off the list") { try await redis.cli("ZSCORE", "chat:rooms", "club") == "" }
            #expect(try await relays[0].make(plan()).get().createdBy == UserID("alice"))
        }
    }

    @Test("What is said to a room that is not made leaves nothing on the list; a room that was there is not counted")
    func nothingMade() async throws {
        try await withRelays(configured: { $0.isAutoCreating = false }) { redis, relays in
            let relay = relays[0]
            #expect(try await relay.post(draft("x", in: room("none"))).refusal?.code == .noSuchRoom)
            try await eventually("it is off the list") { try await redis.cli("ZSCORE", "chat:rooms", "none") == "" }
            #expect(try await relay.make(RoomPlan(room: room("r"))).refusal == nil)
            #expect(try await relay.make(RoomPlan(room: room("r"))).refusal?.code == .exists)
            try await eventually("one is counted") {
                try await redis.cli("GET", "chat:user:{alice}:created").hasPrefix("1 ")
            }
        }
    }

    @Test(
        "A room whose keys hold something else is missing on lists, and no other is",
        arguments: [["SET", "chat:{torn}:meta", "x"], ["HSET", "chat:{torn}:meta", "seq", "many"]])
    func broken(_ command: [String]) async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            let alice = try #require(UserID("alice"))
            for name in ["whole", "torn"] {
                _ = try await relay.make(plan(name, isPrivate: false)).get()
                let room = try room(name)
                try await relay.onLoop { $0.markers.entered(room, by: alice) }
            }
            try await eventually("both are listed") {
                let own = try await relay.conversations(of: "alice").conversations.count
                let all = try await relay.publicRooms().count
                return own == 2 && all == 2
            }
            if command[0] == "SET" { try await redis.cli("DEL", "chat:{torn}:meta") }
            try await redis.cli(command)
            #expect(try await relay.publicRooms().map(\.room) == [room("whole")])
            #expect(try await relay.conversations(of: "alice").conversations.map(\.summary.room) == [room("whole")])
            #expect(try await redis.cli("HEXISTS", "chat:user:{alice}:rooms", "torn") == "1", "it is not forgotten")
        }
    }

    @Test("A direct conversation that a join makes is private, and its two are its members")
    func directByJoin() async throws {
        try await withRelays { redis, relays in
            let direct = RoomID.direct(try #require(UserID("alice")), try #require(UserID("bob")))
            #expect(try await relays[0].create(direct))
            #expect(try await redis.cli("HGET", "chat:{\(direct)}:meta", "private") == "1")
            let members = try await redis.cli("SMEMBERS", "chat:{\(direct)}:members").split(separator: "\n").sorted()
            #expect(members == ["alice", "bob"])
        }
    }

    @Test("A user makes twenty rooms an hour, over all edges")
    func quota() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            for number in 1...20 {
                let plan = RoomPlan(room: try room("r\(number)"))
                #expect(try await relays[number % 2].make(plan).refusal == nil, "\(number)")
            }
            let refusal = try #require(try await relays[0].make(RoomPlan(room: room("r21"))).refusal)
            #expect(refusal.code == .rateLimited)
            let wait = try #require(refusal.retryAfter)
            #expect(wait > .seconds(3500) && wait <= .seconds(3600))
            #expect(try await relays[1].make(RoomPlan(room: room("r21")), by: "bob").refusal == nil)
            #expect(Int(try await redis.cli("PTTL", "chat:user:{alice}:created")) ?? 0 > 3_500_000)
            // An hour later.
            try await redis.cli("SET", "chat:user:{alice}:created", "20 1")
            #expect(try await relays[0].make(RoomPlan(room: room("r22"))).refusal == nil)
        }
    }
}
