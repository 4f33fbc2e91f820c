import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// What an edge does when Redis forgets everything, and nobody says a word that would show it.
@Suite("Forgotten while nobody speaks")
struct EdgeForgottenTests {
    @Test("FLUSHALL in a quiet room: who is there is told within two heartbeats, and is still there")
    func quiet() async throws {
        try await RelayWorld.run(edges: [[], []]) { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            let bob = try await Talker.connect(edges[1], as: "bob")
            try await alice.join("general")
            try await bob.join("general")
            try await alice.say("one", in: "general")
            try await bob.hear(1)
            // The first heartbeat of both is over: from here on a missing one means a loss.
            try await eventually("both edges are on the list") {
                try await world.cli("ZCARD", "chat:edges") == "2"
            }
            try await world.cli("FLUSHALL")
            for talker in [alice, bob] {
                try await eventually("it is told") {
                    talker.look { $0.events.contains { $0.event.kind == .rewound } }
                }
            }
            try await eventually("both are there again") {
                guard case .who(_, let people, _) = try await bob.ask("who", #""room":"general""#) else { return false }
                return people.map(\.user.description).sorted() == ["alice", "bob"]
            }
            #expect(alice.look { $0.events.allSatisfy { $0.event.kind != .leave } })
            try await bob.say("two", in: "general")
            try await alice.hear(2)
            #expect(alice.texts == ["one", "two"])
        }
    }
}
