import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// An edge that hears of a loss when the others have put back what they had, and the archiver goes on.
@Suite("An edge that is late", .timeLimit(.minutes(20)))
struct LateEdgeTests {
    private static let fast = ["--rate", "100000", "--burst", "100000"]

    @Test("FLUSHALL: what was archived and trimmed is not put back by an edge that hears of it after the others did")
    func flushedAndHeardLate() async throws {
        try await RelayWorld.run(edges: [Self.fast, Self.fast]) { world, edges in
            let archive = try await world.startArchiver(["--keep", "5"])
            let alice = try await Talker.connect(edges[0], as: "alice")
            let bob = try await Talker.connect(edges[1], as: "bob")
            try await alice.join("general")
            for number in 1...10 { try await bob.say("\(number)", in: "general") }
            for number in 11...20 { try await alice.say("\(number)", in: "general") }
            func archived(_ seq: Int) async throws -> Bool {
                try await world.cli("HGET", "chat:{general}:meta", "archived_seq") == "\(seq)"
            }
            try await eventually("it is archived and trimmed") {
                let isArchived = try await archived(20)
                let length = try await world.cli("XLEN", "chat:{general}:stream")
                return isArchived && length == "5"
            }
            try await edges[1].program.pause()
            try await world.cli("FLUSHALL")
            try await eventually("what alice said is back, and she goes on") {
                (try? await alice.say("21", in: "general", nonce: "n21")) != nil
            }
            try await eventually("that is archived too") { try await archived(21) }
            try await edges[1].program.resume()
            // A post finds what its edge thinks is lost, before it is stored.
            try await eventually("bob's edge has looked") {
                (try? await bob.say("22", in: "general", nonce: "n22")) != nil
            }
            try await eventually("everything is archived") {
                let meta = try await world.pairs("HGETALL", "chat:{general}:meta")
                return meta["seq"] != nil && meta["archived_seq"] == meta["seq"]
            }
            #expect(try await world.cli("HGET", "chat:{general}:meta", "seq") == "22")
            #expect(try EdgeRestoreTests.lines(archive).map(\.text) == (1...22).map(String.init))
            #expect(alice.look { $0.events.allSatisfy { $0.event.moved.isEmpty } })
            try await eventually("alice has heard the last") { alice.texts.last == "22" }
            #expect(alice.texts == (1...22).map(String.init), "nothing comes twice")
        }
    }
}
