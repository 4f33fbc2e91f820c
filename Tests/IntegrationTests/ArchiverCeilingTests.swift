import Foundation
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

@Suite("No archiver for long", .timeLimit(.minutes(20)))
struct ArchiverCeilingTests {
    @Test("Past the ceiling posts are refused as full, and go again when an archiver has drained the room")
    func ceiling() async throws {
        try await RelayWorld.run(edges: [["--ceiling", "30", "--rate", "1000", "--burst", "1000"]]) { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            try await alice.join("general")
            for number in 1...30 { try await alice.say("message \(number)", in: "general") }
            for _ in 0..<3 {
                #expect(try await alice.refusal("send", #""room":"general","text":"too much""#)?.code == .full)
            }
            // What was refused is nowhere: not in the stream, not in the numbers.
            #expect(try await world.cli("XLEN", "chat:{general}:stream") == "30")
            let archive = try await world.startArchiver(["--keep", "5"])
            try await eventually("the room is drained") {
                try await world.cli("XLEN", "chat:{general}:stream") == "5"
            }
            let receipt = try await alice.say("after", in: "general")
            #expect(receipt.seq == 31)
            try await eventually("all is archived") {
                try await world.cli("HGET", "chat:{general}:meta", "archived_seq") == "31"
            }
            let martlet = "\(RelayProgram.programsDirectory)/martlet"
            let cat = try FinishedCommand.run([martlet, "archive", "cat", archive, "general"])
            #expect(cat.output.split(separator: "\n").count == 31)
            #expect(try FinishedCommand.run([martlet, "archive", "verify", archive]).exitCode == 0)
        }
    }
}
