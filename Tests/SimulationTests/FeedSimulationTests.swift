import Foundation
import RelayTestKit
import Testing

/// Run one again with `MARTLET_SIMULATION_SEED=n`; set the count with `MARTLET_SIMULATION_RUNS=n`.
@Suite("A room's feed in a world that loses, delays, repeats and forgets")
struct FeedSimulationTests {
    private static let runsDefault = 2000

    private static func setting(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    @Test("gives every reader a sequence without a hole, a repeat or a change of order, and comes to rest")
    func runs() {
        let seeds: Range<UInt64>
        if let seed = Self.setting("MARTLET_SIMULATION_SEED") {
            seeds = seed..<seed + 1
        } else {
            seeds = 0..<(Self.setting("MARTLET_SIMULATION_RUNS") ?? UInt64(Self.runsDefault))
        }
        var failures = 0
        for seed in seeds {
            var simulation = FeedSimulation(seed: seed)
            let violations = simulation.run()
            guard !violations.isEmpty else { continue }
            Issue.record(
                "MARTLET_SIMULATION_SEED=\(seed): \(violations.prefix(3).joined(separator: "; "))"
            )
            failures += 1
            // The first few say enough.
            if failures == 5 { break }
        }
    }

    @Test(
        "is noticed to be broken where the world breaks its promises",
        arguments: FeedSimulation.Mutation.allCases.filter { $0 != .none })
    func mutations(mutation: FeedSimulation.Mutation) {
        let caught = (0..<200).count { seed in
            var simulation = FeedSimulation(seed: UInt64(seed), mutation: mutation)
            return !simulation.run().isEmpty
        }
        #expect(caught > 5, "\(caught) of 200 runs noticed \(mutation)")
    }

    @Test("runs the same way again with the same seed")
    func repeats() {
        var first = FeedSimulation(seed: 7)
        var second = FeedSimulation(seed: 7)
        #expect(first.run() == second.run())
        #expect(first.readCount == second.readCount)
        #expect(first.stream.entries == second.stream.entries)
    }
}
