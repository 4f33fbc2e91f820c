import NIOCore
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Rooms over HTTP, seen from both sides and from two edges.
@Suite("Rooms over HTTP", .timeLimit(.minutes(20)))
struct HTTPRoomTests {
    private static func object(_ answer: HTTPAnswer) throws -> JSONObject { try JSONReader.object(from: answer.body) }

    private static func members(_ answer: HTTPAnswer) throws -> [String] {
        try object(answer)["members"]?.elements?.compactMap(\.string) ?? []
    }

    @Test("A room is made, read, changed and deleted, by its creator alone, and WebSockets are told")
    func life() async throws {
        try await RelayWorld.run(edges: [[], []]) { _, edges in
            let (here, there) = (edges[0], edges[1])
            let plan = #"{"room":"club","name":"The Club","topic":"tea","private":true,"members":["bob"]}"#
            let made = try await here.ask("POST", "/v1/rooms?user=Alice", json: plan)
            #expect(made.status == 201 && made.headers["location"] == "/v1/rooms/club", "\(made.text)")
            #expect(try Self.members(made) == ["alice", "bob"])
            #expect(try await there.ask("POST", "/v1/rooms?user=eve", json: plan).status == 409)
            let bob = try await Talker.connect(there, as: "bob")
            try await bob.join("club")

            let read = try await there.ask("GET", "/v1/rooms/club?user=bob")
            #expect(try read.status == 200 && Self.members(read) == ["alice", "bob"])
            for query in ["", "?user=eve"] {
                #expect(try await there.ask("GET", "/v1/rooms/club" + query).status == 404)
            }
            let change = #"{"name":"Club","topic":"coffee","members":["bob","carol"]}"#
            #expect(try await there.ask("PATCH", "/v1/rooms/club?user=bob", json: change).status == 403)
            #expect(try await there.ask("PATCH", "/v1/rooms/club?user=eve", json: change).status == 404)
            let changed = try await there.ask("PATCH", "/v1/rooms/club?user=alice", json: change)
            #expect(try changed.status == 200 && Self.members(changed) == ["alice", "bob", "carol"])
            #expect(try Self.object(changed)["name"]?.string == "Club")
            #expect(try Self.object(changed)["topic"]?.string == "coffee")
            try await bob.hear(1)
            #expect(bob.messages.map(\.message.draft.type) == [.topic])
            try await eventually("bob is told of the name") { bob.count(.notice, of: "alice") >= 1 }

            let without = try await here.ask(
                "PATCH", "/v1/rooms/club?user=alice", json: #"{"remove":["bob"],"add":["dan"]}"#)
            #expect(try Self.members(without) == ["alice", "carol", "dan"])
            try await eventually("bob is put out") {
                bob.look { $0.unmarked.contains { if case .left = $0 { true } else { false } } }
            }
            let creator = try await here.ask(
                "PATCH", "/v1/rooms/club?user=alice", json: #"{"remove":["dan","alice"]}"#)
            #expect(creator.status == 400 && creator.text.contains("creator stays"))
            #expect(
                try await Self.members(here.ask("GET", "/v1/rooms/club?user=alice")) == ["alice", "carol", "dan"])
            let both = try await here.ask("PATCH", "/v1/rooms/club?user=alice", json: #"{"members":[],"add":["x"]}"#)
            #expect(both.status == 400)
            let open = try await here.ask("PATCH", "/v1/rooms/club?user=alice", json: #"{"private":false}"#)
            #expect(open.status == 200 && !open.text.contains("members"))
            #expect(try await there.ask("GET", "/v1/rooms/club").status == 200)

            #expect(try await there.ask("DELETE", "/v1/rooms/club?user=eve").status == 403)
            let gone = try await there.ask("DELETE", "/v1/rooms/club?user=alice")
            #expect(gone.status == 204 && gone.body.readableBytes == 0)
            #expect(try await here.ask("GET", "/v1/rooms/club?user=alice").status == 404)
            #expect(try await here.ask("DELETE", "/v1/rooms/club?user=alice").status == 404)
        }
    }

    @Test(
        "The list has one's own rooms with what is unread, the marker moves it, and the other list has the public ones")
    func lists() async throws {
        try await RelayWorld.run(edges: [[], []]) { world, edges in
            let edge = edges[0]
            let alice = try await Talker.connect(edge, as: "alice")
            let bob = try await Talker.connect(edge, as: "bob")
            try await bob.join("general")
            let first = try await alice.say("1", in: "general").id
            let last = try await alice.say("2", in: "general").id
            #expect(
                try await edge.ask("POST", "/v1/rooms?user=bob", json: #"{"room":"den","private":true}"#).status == 201)
            func rooms(_ query: String) async throws -> [JSONObject] {
                let answer = try await edge.ask("GET", "/v1/rooms?" + query)
                try #require(answer.status == 200, "\(answer.text)")
                return try Self.object(answer)["rooms"]?.elements?.compactMap(\.object) ?? []
            }
            try await eventually("both rooms are in bob's list") { try await rooms("user=bob").count == 2 }
            let general = try #require(try await rooms("user=bob").first { $0["room"]?.string == "general" })
            #expect(general["unread"]?.integer == 2 && general["last"]?.object?["text"]?.string == "2")
            let marked = try await edge.ask("PUT", "/v1/rooms/general/read?user=bob", json: #"{"id":"\#(first)"}"#)
            #expect(try marked.status == 200 && Self.object(marked)["seq"]?.integer == 1)
            try await eventually("bob's session is told") { bob.count(.read, of: "bob") == 1 }
            #expect(try await rooms("user=bob").first { $0["room"]?.string == "general" }?["unread"]?.integer == 1)
            _ = try await edge.ask("PUT", "/v1/rooms/general/read?user=bob", json: #"{"id":"\#(last)"}"#)
            let back = try await edge.ask("PUT", "/v1/rooms/general/read?user=bob", json: #"{"id":"0-1"}"#)
            #expect(try Self.object(back)["seq"]?.integer == 2, "a marker never goes back")
            for query in ["scope=public", "scope=public&user=eve", "scope=public&limit=1"] {
                #expect(try await rooms(query).compactMap { $0["room"]?.string } == ["general"], "\(query)")
            }
            let part = try Self.object(try await edge.ask("GET", "/v1/rooms?user=bob&limit=1"))
            let next = try #require(part["next"]?.string?.replacing(" ", with: "%20"))
            #expect(try await rooms("user=bob&limit=1&after=\(next)").count == 1)
            #expect(try await rooms("user=bob&limit=5&after=\(next)").count == 1)
            for query in ["limit=0", "after=x"] {
                #expect(try await edge.ask("GET", "/v1/rooms?user=bob&" + query).status == 400, "\(query)")
            }
            try await alice.join("general")
            let people = try Self.object(try await edge.ask("GET", "/v1/rooms/general/members?limit=1"))
            #expect(people["next"]?.string == "alice")
            let rest = try await edge.ask("GET", "/v1/rooms/general/members?after=alice").text
            #expect(rest.contains(#""user":"bob""#) && !rest.contains(#""user":"alice""#))
            #expect(try await edge.ask("GET", "/v1/rooms").status == 401)
            // One person on two edges is one.
            let elsewhere = try await Talker.connect(edges[1], as: "bob")
            try await elsewhere.join("general")
            try await eventually("bob is there twice") {
                try await world.cli("HLEN", "chat:{general}:here") == "3"
            }
            #expect(try Self.object(try await edge.ask("GET", "/v1/rooms/general"))["here"]?.integer == 2)
            #expect(try await rooms("scope=public").first?["here"]?.integer == 2)
            #expect(try await edge.ask("GET", "/v1/rooms?user=bob&scope=all").status == 400)
        }
    }
}
