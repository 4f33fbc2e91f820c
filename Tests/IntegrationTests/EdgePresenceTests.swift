import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Who is there.
@Suite("Presence")
struct EdgePresenceTests {
    private static func who(_ talker: Talker, _ room: String) async throws -> [String] {
        guard case .who(_, let people, let more) = try await talker.ask("who", #""room":"\#(room)""#) else {
            throw NeverHappened(description: "who")
        }
        #expect(!more)
        return people.map { "\($0.user)" }.sorted()
    }

    @Test("A user with tabs on two edges comes once and goes once")
    func tabs() async throws {
        try await RelayWorld.run(edges: [[], []]) { _, edges in
            let bob = try await Talker.connect(edges[1], as: "bob")
            #expect(try await bob.join("general").here == 1)
            let tabs = [
                try await Talker.connect(edges[0], as: "alice"), try await Talker.connect(edges[0], as: "ALICE"),
                try await Talker.connect(edges[1], as: "alice"),
            ]
            for tab in tabs { #expect(try await tab.join("general").here == 2) }
            try await eventually("bob hears of alice") { bob.hasHeard(.join, of: "alice") }
            #expect(try await Self.who(bob, "general") == ["alice", "bob"])
            #expect(try await Self.who(tabs[0], "general") == ["alice", "bob"])
            for tab in tabs.dropLast() { try await tab.ask("leave", #""room":"general""#) }
            // Whatever the first two leaves brought is in front of this.
            try await bob.say("marker", in: "general")
            try await bob.hear(1)
            #expect(bob.count(.leave, of: "alice") == 0)
            #expect(try await Self.who(bob, "general") == ["alice", "bob"])
            try await tabs[2].ask("leave", #""room":"general""#)
            try await eventually("bob hears that she left", within: .seconds(2)) { bob.hasHeard(.leave, of: "alice") }
            #expect(bob.count(.join, of: "alice") == 1 && bob.count(.leave, of: "alice") == 1)
            #expect(try await Self.who(bob, "general") == ["bob"])
            // Who has left hears nothing more.
            try await bob.say("alone", in: "general")
            try await bob.hear(2)
            #expect(tabs.allSatisfy { !$0.texts.contains("alone") })
        }
    }

    @Test("A disconnect is a leave after the grace, and none at all for who is back by then, on whichever edge")
    func grace() async throws {
        let flags = ["--leave-grace", "2s"]
        try await RelayWorld.run(edges: [flags, flags]) { _, edges in
            let bob = try await Talker.connect(edges[1], as: "bob")
            try await bob.join("general")
            let carol = try await Talker.connect(edges[0], as: "carol")
            let dave = try await Talker.connect(edges[0], as: "dave")
            let erin = try await Talker.connect(edges[0], as: "erin")
            for talker in [carol, dave, erin] { try await talker.join("general") }
            let clock = ContinuousClock()
            let start = clock.now
            await dave.connection.cut()
            await erin.connection.cut()
            await carol.connection.cut()
            let daveAgain = try await Talker.connect(edges[0], as: "dave")
            try await daveAgain.join("general")
            let erinAgain = try await Talker.connect(edges[1], as: "erin")
            try await erinAgain.join("general")
            #expect(try await Self.who(bob, "general").contains("dave"))
            try await eventually("carol has left") { bob.hasHeard(.leave, of: "carol") }
            #expect(clock.now - start > .milliseconds(1900))
            // Frank comes and goes after all of them: what was to be said of them has been said by then.
            let frank = try await Talker.connect(edges[0], as: "frank")
            try await frank.join("general")
            await frank.connection.cut()
            try await eventually("frank has left") { bob.hasHeard(.leave, of: "frank") }
            for user in ["dave", "erin"] {
                #expect(bob.count(.leave, of: user) == 0 && bob.count(.join, of: user) == 1, "\(user)")
            }
            #expect(bob.count(.join, of: "carol") == 1 && bob.count(.leave, of: "carol") == 1)
            #expect(try await Self.who(bob, "general") == ["bob", "dave", "erin"])
        }
    }

    @Test("The hash of a room, the set of edges and an edge's figures can be read in Redis")
    func keys() async throws {
        try await RelayWorld.run(edges: [["--edge-id", "e1"], ["--edge-id", "e2"]]) { world, edges in
            let alice = try await Talker.connect(edges[0], as: nil)
            try await alice.ask("hello", #""user":"alice","name":"Alíce \"A\"""#)
            let tab = try await Talker.connect(edges[0], as: "alice&name=Al%C3%ADce%20%22A%22")
            let bob = try await Talker.connect(edges[1], as: "bob")
            for talker in [alice, tab, bob] { try await talker.join("general") }
            try await eventually("both edges are known to live") { try await world.cli("ZCARD", "chat:edges") == "2" }
            let names = try await world.cli("ZRANGE", "chat:edges", "0", "-1").split(separator: "\n").map(String.init)
            let first = try #require(names.first { $0.hasPrefix("e1-") })
            let second = try #require(names.first { $0.hasPrefix("e2-") })
            #expect(names.count == 2)
            try await eventually("both tabs are counted") {
                try await world.pairs("HGETALL", "chat:{general}:here")["\(first)/alice"]?.contains(#""sessions":2"#)
                    ?? false
            }
            let here = try await world.pairs("HGETALL", "chat:{general}:here")
            #expect(Set(here.keys) == ["\(first)/alice", "\(second)/bob"])
            let entry = try #require(here["\(first)/alice"])
            #expect(entry.hasPrefix(#"{"name":"Alíce \"A\"","since":"#), "\(entry)")
            try await alice.say("hello", in: "general")
            try await eventually("the figures come with a heartbeat") {
                let figures = try await world.pairs("HGETALL", "chat:edge:\(first)")
                return figures["sessions"] == "2" && figures["posts"] == "1"
            }
            let figures = try await world.pairs("HGETALL", "chat:edge:\(first)")
            #expect(figures["address"] == "http://\(edges[0].authority)" && figures["rooms"] == "1")
            #expect(figures["version"]?.isEmpty == false)
            #expect(figures["started"].flatMap { UInt64($0) } ?? 0 > 1_700_000_000_000, "the time of Redis")
            #expect(figures["deliveries"] != nil)
            #expect(Int(try await world.cli("TTL", "chat:edge:\(first)")) ?? -1 > 0)
            guard case .who(_, let people, _) = try await bob.ask("who", #""room":"general""#) else {
                Issue.record("no who")
                return
            }
            #expect(people.first { $0.user.description == "alice" }?.name == #"Alíce "A""#)
        }
    }
}
