import Glibc
import RelayClient
import RelayCore
import RelayTestKit
import Testing

/// Edges that are told to end while people talk.
@Suite("Fault: edges are restarted", .timeLimit(.minutes(20)))
struct RollingRestartTests {
    @Test("Two edges one after the other, under load: no hole, no repeat, no send in vain, exit 0 within the drain")
    func rolling() async throws {
        var options = FaultScene.Options()
        options.edgeFlags = ["--drain", "2s"]
        options.talkers = 4
        try await FaultScene.run(options) { scene in
            try await scene.underLoad {
                for index in 0..<2 {
                    let edge = scene.edges[index]
                    let start = ContinuousClock.now
                    edge.signal(SIGTERM)
                    #expect(try await edge.exitStatus(within: .seconds(60)) == 0)
                    #expect(ContinuousClock.now - start < .seconds(6) * patience)
                    try await scene.replace(index)
                    try await scene.progress(50)
                }
            }
            for resident in scene.people {
                let (welcomes, closings) = resident.look { ($0.welcomes, $0.closings) }
                #expect(welcomes >= 2 && closings.allSatisfy { $0 == 4000 }, "\(welcomes) \(closings)")
            }
        }
    }

    @Test("Few sessions are sent away over the whole time of --drain, one by one")
    func paced() async throws {
        // By the clock of the clients, which a busy machine holds up: it has to be seen in one of four drains. An edge
        // that sends all away at once, or the first ones late, shows it in none.
        var seen: [[Duration]] = []
        for _ in 0..<4 where !seen.contains(where: Self.isPaced) { seen.append(try await Self.drainMoments()) }
        #expect(seen.contains(where: Self.isPaced), "\(seen)")
    }

    /// Drains an edge with eight sessions over four seconds; when each was told to go.
    private static func drainMoments() async throws -> [Duration] {
        var moments: [Duration] = []
        try await RelayWorld.run(edges: [["--drain", "4s"]]) { _, edges in
            var talkers: [Talker] = []
            for number in 0..<8 { talkers.append(try await Talker.connect(edges[0], as: "user\(number)")) }
            let start = ContinuousClock.now
            edges[0].signal(SIGTERM)
            for talker in talkers { #expect(try await talker.ending().code == 4000) }
            moments = talkers.compactMap { $0.look { $0.closedAt } }.sorted().map { $0 - start }
            #expect(try await edges[0].exitStatus(within: .seconds(60)) == 0)
        }
        try #require(moments.count == 8)
        return moments
    }

    private static func isPaced(_ moments: [Duration]) -> Bool {
        guard moments[0] < .seconds(1.5), moments[7] > .seconds(3), moments[7] < .seconds(5) else { return false }
        return zip(moments, moments.dropFirst()).allSatisfy { earlier, later in
            later - earlier > .milliseconds(100) && later - earlier < .seconds(1.5)
        }
    }

    @Test("A second SIGTERM or SIGINT ends an edge at once, with 0", arguments: [SIGTERM, SIGINT])
    func secondSignal(_ signal: Int32) async throws {
        try await RelayWorld.run(edges: [["--drain", "60s"]]) { _, edges in
            var talkers: [Talker] = []
            for number in 0..<10 { talkers.append(try await Talker.connect(edges[0], as: "user\(number)")) }
            edges[0].signal(SIGTERM)
            try await eventually("it takes no new connection") {
                guard let probe = try? await RawSocket.connect(port: edges[0].port) else { return true }
                probe.close()
                return false
            }
            #expect(talkers.contains { $0.closing == nil }, "the drain is over already")
            let start = ContinuousClock.now
            edges[0].signal(signal)
            #expect(try await edges[0].exitStatus(within: .seconds(60)) == 0)
            #expect(ContinuousClock.now - start < .seconds(3) * patience)
        }
    }

    @Test("Readers who are stuck, with all that their sockets take unread, do not hold up the end")
    func stuckReaders() async throws {
        let flags = ["--rate", "100000", "--burst", "100000", "--slow-budget", "64KiB", "--drain", "1s"]
        try await RelayWorld.run(edges: [flags, flags]) { _, edges in
            let stuck = try await StuckReaders.connect(100, to: edges[0], room: "crowd")
            let writer = try await Talker.connect(edges[1], as: "writer")
            let text = String(repeating: "x", count: 4000)
            try await eventually("all are stuck", within: .seconds(30)) {
                for _ in 0..<10 { try await writer.say(text, in: "crowd") }
                return try await edges[0].metric("martlet_edge_fell_behind_total") >= 100
            }
            let start = ContinuousClock.now
            edges[0].signal(SIGTERM)
            #expect(try await edges[0].exitStatus(within: .seconds(60)) == 0)
            #expect(ContinuousClock.now - start < .seconds(5) * patience)
            await stuck.close()
        }
    }

    /// A state of Redis in which an edge is told to end, and the way out of it.
    struct Trouble: CustomTestStringConvertible {
        let testDescription: String
        let begin: @Sendable (RelayWorld) async throws -> Void
        let end: @Sendable (RelayWorld) async throws -> Void

        static func commands(_ begin: [String], _ end: [String]) -> Trouble {
            Trouble(testDescription: begin.joined(separator: " ")) { world in
                try await world.cli(begin)
            } end: { world in
                try await world.cli(end)
            }
        }

        static let all = [
            Trouble(testDescription: "killed") {
                try await $0.redis.kill()
            } end: {
                try await $0.redis.start()
            },
            Trouble(testDescription: "stopped") {
                try await $0.redis.pause()
            } end: {
                try await $0.redis.resume()
            },
            .commands(["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]),
            .commands(["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]),
            .commands(["SET", "chat:edges", "wrong"], ["DEL", "chat:edges"]),
            .commands(["SET", "chat:{general}:here", "wrong"], ["DEL", "chat:{general}:here"]),
            .commands(["CLIENT", "KILL", "TYPE", "normal"], ["PING"]),
            .commands(["CLIENT", "KILL", "TYPE", "pubsub"], ["PING"]),
            .commands(["SCRIPT", "FLUSH"], ["PING"]),
        ]
    }

    @Test("While Redis loads its file, an edge that is told to end sends its sessions away and ends with 0")
    func whileRedisLoads() async throws {
        let options = RelayWorld.Options(isAppendOnly: true, redisConfiguration: ["key-load-delay 400"])
        try await RelayWorld.run(edges: [["--drain", "200ms"]], options: options) { world, edges in
            try await world.cli("EVAL", "for i = 1, 8000 do redis.call('SADD', KEYS[1], i) end", "1", "ballast")
            let talker = try await Talker.connect(edges[0], as: "alice")
            try await talker.join("general")
            try await world.redis.kill()
            async let started: Void = world.redis.start()
            try await eventually("Redis loads") {
                try await world.cli("PING").contains("LOADING")
            }
            edges[0].signal(SIGTERM)
            #expect(try await talker.ending().code == 4000)
            #expect(try await edges[0].exitStatus(within: .seconds(7)) == 0)
            try await started
        }
    }

    @Test("Where Redis never was there, an edge that is told to end sends its sessions away and ends with 0")
    func withoutRedis() async throws {
        try await RelayWorld.run(edges: [], options: RelayWorld.Options(isAppendOnly: true)) { world, _ in
            try await world.redis.kill()
            let edge = try await world.startEdge(["--drain", "200ms"])
            let talker = try await Talker.connect(edge, as: "alice")
            #expect(try await talker.refusal("join", #""room":"general""#)?.code == .unavailable)
            edge.signal(SIGTERM)
            #expect(try await talker.ending().code == 4000)
            #expect(try await edge.exitStatus(within: .seconds(7)) == 0)
            try await world.redis.start()
        }
    }

    @Test("Whatever Redis does, an edge that is told to end sends its sessions away and ends with 0")
    func withRedisInTrouble() async throws {
        let options = RelayWorld.Options(isAppendOnly: true)
        try await RelayWorld.run(edges: [], options: options) { world, _ in
            for trouble in Trouble.all {
                let edge = try await world.startEdge(["--drain", "200ms"])
                try await edge.waitUntilReady()
                let talker = try await Talker.connect(edge, as: "alice")
                try await talker.join("general")
                try await talker.say("\(trouble.testDescription)", in: "general")
                try await trouble.begin(world)
                let start = ContinuousClock.now
                edge.signal(SIGTERM)
                #expect(try await talker.ending().code == 4000, "\(trouble.testDescription)")
                #expect(try await edge.exitStatus(within: .seconds(60)) == 0, "\(trouble.testDescription)")
                #expect(ContinuousClock.now - start < .seconds(7) * patience, "\(trouble.testDescription)")
                try await trouble.end(world)
            }
        }
    }
}
