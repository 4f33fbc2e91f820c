import NIOCore
import RelayCore
import RelayTestKit
import RelayWire
import Testing

@testable import RelayRedis

@Suite("Presence over two edges")
struct PresenceTests {
    private func event(_ kind: LiveEvent.Kind, _ user: String, edge: EdgeID) throws -> String {
        let event = LiveEvent(
            kind, room: try room(), user: UserID(user), name: DisplayName(user.uppercased()))
        return String(buffer: EventCoder.encode(event, edge: edge))
    }

    @Test("Join and leave are published once: not by the second edge, not in the grace, not by a restatement")
    func joinAndLeave() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            let (one, two) = (relays[0], relays[1])
            let room = try room()
            try await one.subscribe(room)
            // Someone has spoken: the room stays when all have left.
            _ = try await one.post(draft("x")).get()
            for relay in relays { _ = try await relay.beat().get() }
            #expect(
                try await one.announce([change("alice", sessions: 1), change("bob", sessions: 1)], room).get() == 2)
            let first = try await redis.cli("HGET", "chat:{general}:here", "edge-a/alice")
            #expect(first.hasPrefix("{\"name\":\"ALICE\",\"since\":1"))
            #expect(first.hasSuffix(",\"sessions\":1}"))
            #expect(try await two.announce([change("alice", sessions: 1)], room).get() == 2)
            #expect(try await one.announce([change("alice", sessions: 2)], room).get() == 2)
            let later = try await redis.cli("HGET", "chat:{general}:here", "edge-a/alice")
            #expect(later == first.dropLast(2) + "2}", "since stays")
            // Gone from one edge, there on the other; the grace; back within it; then gone for good.
            #expect(try await one.announce([change("alice", sessions: 0, isGone: true)], room).get() == 2)
            #expect(try await two.announce([change("alice", sessions: 0)], room).get() == 2)
            #expect(try await two.announce([change("alice", sessions: 1)], room).get() == 2)
            #expect(try await two.announce([change("alice", sessions: 0, isGone: true)], room).get() == 1)
            #expect(try await two.announce([change("alice", sessions: 0, isGone: true)], room).get() == 1)
            #expect(try await one.announce([change("bob", sessions: 0, isGone: true)], room).get() == 0)
            let expected = [
                try event(.join, "alice", edge: one.edge), try event(.join, "bob", edge: one.edge),
                try event(.leave, "alice", edge: two.edge), try event(.leave, "bob", edge: one.edge),
            ]
            try await eventually("all events are heard") { one.heard.count >= 1 + expected.count }
            #expect(one.heard.dropFirst().map(\.payload) == expected)
            #expect(try await redis.cli("EXISTS", "chat:{general}:meta") == "1")
        }
    }

    @Test("An edge that nobody knew yet counts as soon as it is on the list, and not when it is not")
    func unknownEdges() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            let room = try room()
            _ = try await relays[0].beat().get()
            try await redis.cli(
                "HSET", "chat:{general}:here", "forgotten/carol", "{\"name\":\"C\",\"since\":5,\"sessions\":1}")
            // edge-b starts after the last heartbeat of edge-a.
            _ = try await relays[1].beat().get()
            #expect(try await relays[1].announce([change("bob", sessions: 2)], room).get() == 1)
            #expect(try await relays[0].announce([change("alice", sessions: 1)], room).get() == 2)
            for relay in relays {
                let who = try await relay.who(room)
                #expect(who.map(\.user.description) == ["alice", "bob"])
                #expect(who.map(\.sessions) == [1, 2])
            }
        }
    }

    @Test("Who: one line a user over all edges, with the earliest time and all sessions; foreign fields are skipped")
    func who() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            let room = try room()
            for relay in relays { _ = try await relay.beat().get() }
            _ = try await relays[0].announce([change("bob", sessions: 1), change("alice", sessions: 2)], room).get()
            _ = try await relays[1].announce([change("alice", sessions: 3)], room).get()
            try await redis.cli("HSET", "chat:{general}:here", "edge-a/eve", "not json", "x", "y")
            let who = try await relays[1].who(room)
            #expect(who.map(\.user.description) == ["alice", "bob"])
            #expect(who.map(\.sessions) == [5, 1])
            #expect(try await relays[1].onLoop { $0.broker.faults["foreign_entry"] } == 2)
        }
    }

    @Test("Many users travel in as few calls as can be, and large rooms are counted by their fields")
    func many() async throws {
        try await withRelays { redis, relays in
            let room = try room()
            _ = try await relays[0].beat().get()
            let all = try (0..<2500).map { try change("user\($0)", sessions: 1) }
            #expect(try await relays[0].announce(all, room).get() == 2500)
            let gone = try (0..<2500).map { try change("user\($0)", sessions: 0, isGone: true) }
            #expect(try await relays[0].announce(gone, room).get() == 0)
            #expect(try await redis.cli("EXISTS", "chat:{general}:here") == "0")
        }
    }

    @Test("A room in which nothing was said is forgotten with the last one, one with a message is not")
    func forgotten() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            _ = try await relay.beat().get()
            let (silent, spoken) = (try room("silent"), try room("spoken"))
            for room in [silent, spoken] {
                try await relay.create(room)
                _ = try await relay.announce([change("alice", sessions: 1)], room).get()
            }
            #expect(try await redis.cli("ZCARD", "chat:rooms") == "2")
            _ = try await relay.post(draft("x", in: spoken)).get()
            for room in [silent, spoken] {
                #expect(try await relay.announce([change("alice", sessions: 0, isGone: true)], room).get() == 0)
            }
            try await eventually("the silent room is off the list") {
                try await redis.cli("ZRANGE", "chat:rooms", "0", "-1") == "spoken"
            }
            #expect(try await redis.cli("KEYS", "chat:{silent}*") == "")
            #expect(try await redis.cli("EXISTS", "chat:{spoken}:meta") == "1")
            // It comes back like any other.
            #expect(try await relay.post(draft("y", in: silent)).get().seq == 1)
            #expect(try await redis.cli("ZCARD", "chat:rooms") == "2")
        }
    }

    @Test("One that was made private is kept, whoever has left it; a conversation of two in which nobody spoke is not")
    func privateIsKept() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            _ = try await relay.beat().get()
            let (club, both) = (try room("club"), try room("dm:alice+bob"))
            for room in [club, both] {
                try await relay.create(room)
                try await redis.cli("HSET", "chat:{\(room)}:meta", "private", "1")
                _ = try await relay.announce([change("alice", sessions: 1)], room).get()
                _ = try await relay.announce([change("alice", sessions: 0, isGone: true)], room).get()
            }
            #expect(try await redis.cli("HGET", "chat:{club}:meta", "private") == "1")
            #expect(try await redis.cli("EXISTS", "chat:{dm:alice+bob}:meta") == "0")
            // Nor is it forgotten where the last ones go with their edge.
            try await redis.cli("HSET", "chat:{club}:here", "dead/bob", #"{"name":"Bob","since":5,"sessions":1}"#)
            #expect(try await relay.bury([EdgeID("dead")], club).get() == 0)
            #expect(try await redis.cli("HGET", "chat:{club}:meta", "private") == "1")
        }
    }

    @Test("A dead edge's people leave, once, but for those who are elsewhere")
    func burial() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            let (one, two) = (relays[0], relays[1])
            let room = try room()
            try await one.subscribe(room)
            for (field, name) in [("dead/carol", "Ca \\\"rol"), ("dead/alice", "ALICE"), ("gone/carol", "Carol")] {
                try await redis.cli(
                    "HSET", "chat:{general}:here", field, "{\"name\":\"\(name)\",\"since\":5,\"sessions\":1}")
            }
            _ = try await one.post(draft("x")).get()
            _ = try await one.beat().get()
            _ = try await one.announce([change("alice", sessions: 1)], room).get()
            let dead = [EdgeID("dead"), EdgeID("gone")]
            #expect(try await one.bury(dead, room).get() == 1)
            #expect(try await two.bury(dead, room).get() == 1)
            #expect(try await redis.cli("HKEYS", "chat:{general}:here") == "edge-a/alice")
            try await eventually("the leave is heard") { one.heard.contains { $0.payload.contains("leave") } }
            _ = try await one.post(draft("last")).get()
            try await eventually("all is heard") { one.heard.last?.payload.contains("last") == true }
            let leaves = one.heard.map(\.payload).filter { $0.contains("\"leave\"") }
            #expect(leaves.count == 1)
            // The order of fields in a hash is its own: carol was on two dead edges under two names.
            let names = ["Ca \"rol", "Carol"].map { name in
                let event = LiveEvent(
                    .leave, room: room, user: UserID("carol"), name: DisplayName(name))
                return String(buffer: EventCoder.encode(event, edge: one.edge))
            }
            #expect(names.contains(try #require(leaves.first)))
        }
    }

    @Test("In a large room people are told how many they are, at most once a second over all edges")
    func summary() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            let (one, two) = (relays[0], relays[1])
            let room = try room()
            try await one.subscribe(room)
            for relay in relays { _ = try await relay.beat().get() }
            _ = try await one.announce((1...200).map { try change("u\($0)", sessions: 1) }, room).get()
            try await eventually("each is told up to 200") { one.heard.count == 200 }
            // No second is over between these.
            try await redis.cli("SET", "chat:{general}:told", "99999999999999 5")
            #expect(try await two.owed([change("v1", sessions: 1)], room))
            #expect(try await one.owed([change("v2", sessions: 1)], room))
            try await redis.cli("DEL", "chat:{general}:told")
            #expect(try await !one.owed([], room))
            #expect(try await !two.owed([], room), "what one edge has told the other need not tell")
            try await eventually("the summary is heard") { one.heard.count == 201 }
            #expect(
                one.heard[200].payload == #"{"type":"join","room":"general","count":202,"edge":"edge-a"}"#)
            #expect(EventCoder.judge(ByteBuffer(string: one.heard[200].payload)) == .crowd(202, edge: one.edge))
            let occupants = try await one.who(room)
            #expect(occupants.count == 202 && occupants.allSatisfy { $0.idle != nil })
        }
    }
}
