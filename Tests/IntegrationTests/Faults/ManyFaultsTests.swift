import Foundation
import Glibc
import RelayCore
import RelayTestKit
import Testing

/// What happens to the archiver, and then everything that can happen, one after another.
@Suite("Fault: one after another", .timeLimit(.minutes(60)))
struct ManyFaultsTests {
    @Test("The archiver is killed again and again under load: each message is in the files once")
    func archiverKilled() async throws {
        try await FaultScene.run { scene in
            try await scene.underLoad {
                for _ in 0..<4 {
                    try await scene.progress(15)
                    try await scene.replaceArchiver()
                }
            }
        }
    }

    /// What may happen. Redis keeps its file in all of it.
    private enum Fault: CaseIterable {
        case redisKilled, redisRestarted, redisStopped, scriptsFlushed, commandsKilled, subscriptionsKilled
        case memoryFull, edgeKilled, edgeDrained, edgeStopped, archiverKilled

        func happen(in scene: FaultScene, _ random: inout SeededRandom) async throws {
            let redis = scene.world.redis
            let victim = Int.random(in: 0..<2, using: &random)
            switch self {
            case .redisKilled:
                try await redis.kill()
                try await redis.start()
            case .redisRestarted: try await redis.restart()
            case .redisStopped:
                try await redis.pause()
                let span = Duration.milliseconds(Int.random(in: 10...3000, using: &random))
                _ = await condition(within: span / patience) { false }
                try await redis.resume()
            case .scriptsFlushed: try await scene.world.cli("SCRIPT", "FLUSH")
            case .commandsKilled: try await scene.world.cli("CLIENT", "KILL", "TYPE", "normal")
            case .subscriptionsKilled: try await scene.world.cli("CLIENT", "KILL", "TYPE", "pubsub")
            case .memoryFull:
                let asker = try await scene.visitor("asker", at: victim)
                try await scene.world.cli("CONFIG", "SET", "maxmemory", "1")
                // Held until somebody is told of it; a name in another room, so that nobody here hears of it.
                try await eventually("a send is refused") {
                    try await asker.refusal("send", #""room":"elsewhere","text":"x""#)?.code == .unavailable
                }
                try await scene.world.cli("CONFIG", "SET", "maxmemory", "0")
            case .edgeKilled:
                try await scene.edges[victim].program.kill()
                try await scene.replace(victim)
            case .edgeDrained:
                let edge = scene.edges[victim]
                edge.signal(SIGTERM)
                #expect(try await edge.exitStatus(within: .seconds(60)) == 0)
                try await scene.replace(victim)
            case .edgeStopped:
                let edge = scene.edges[victim]
                edge.signal(SIGSTOP)
                let span = Duration.milliseconds(Int.random(in: 10...3000, using: &random))
                _ = await condition(within: span / patience) { false }
                edge.signal(SIGCONT)
            case .archiverKilled: try await scene.replaceArchiver()
            }
        }
    }

    @Test(
        "All of these at random, one upon the other under load: the room is whole, and nobody noticed more than a cut")
    func random() async throws {
        let given = ProcessInfo.processInfo.environment["MARTLET_SEED"].flatMap { UInt64($0) }
        let seed = given ?? UInt64.random(in: 1...1_000_000)
        var random = SeededRandom(seed: seed)
        var happened: [Fault] = []
        var options = FaultScene.Options()
        options.edgeFlags = ["--drain", "1s"]
        do {
            try await FaultScene.run(options) { scene in
                try await scene.underLoad {
                    for _ in 0..<(Campaign.isOn ? 200 : 8) {
                        guard let fault = Fault.allCases.randomElement(using: &random) else { return }
                        happened.append(fault)
                        try await fault.happen(in: scene, &random)
                        // Sometimes the next one comes before all is well again.
                        if random.chance(70) { try await scene.progress(Int.random(in: 1...40, using: &random)) }
                    }
                }
            }
        } catch {
            Issue.record("seed \(seed), after \(happened): \(error)")
        }
    }
}
