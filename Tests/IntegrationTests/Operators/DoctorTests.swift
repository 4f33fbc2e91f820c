import Foundation
import NIOCore
import NIOPosix
import RelayTestKit
import Testing

@Suite("`martlet doctor`", .timeLimit(.minutes(20)), .serialized)
struct DoctorTests {
    /// What it said.
    private struct Said {
        let exitCode: Int32
        let verdict: String
        /// State and words with remedy, by hop; of several findings the worst.
        private(set) var states: [String: String] = [:]
        private(set) var words: [String: String] = [:]

        init(_ finished: FinishedCommand) throws {
            exitCode = finished.exitCode
            let data = Data(finished.output.utf8)
            let object = try #require(
                try JSONSerialization.jsonObject(with: data) as? [String: Any], "\(finished.errorOutput)")
            verdict = object["verdict"] as? String ?? ""
            let order = ["skipped", "well", "note", "wrong", "unreachable"]
            for check in object["checks"] as? [[String: String]] ?? [] {
                let (hop, state) = (check["hop"] ?? "", check["state"] ?? "")
                let rank = { (state: String?) in state.flatMap { order.firstIndex(of: $0) } ?? -1 }
                if rank(state) > rank(states[hop]) { states[hop] = state }
                words[hop, default: ""] += "\(check["found"] ?? "") \(check["remedy"] ?? "") "
            }
        }
    }

    private static func ask(_ arguments: [String], environment: [String: String] = [:]) async throws -> Said {
        // A directory in which no `martlet up` runs.
        let variables = environment.merging(["MARTLET_DATA": "/nonexistent"]) { given, _ in given }
        return try Said(
            await FinishedCommand.runAside(
                ["\(RelayProgram.programsDirectory)/martlet", "doctor", "--json"] + arguments, environment: variables))
    }

    /// A Redis with what production has, and these lines more.
    private static func redis(_ lines: [String] = [], isAppendOnly: Bool = true, acl: [String] = []) async throws
        -> LocalRedis
    {
        try await LocalRedis.start(
            .init(
                isAppendOnly: isAppendOnly, accessControl: acl,
                configuration: ["client-output-buffer-limit pubsub 64mb 16mb 30"] + lines))
    }

    @Test("A relay that is well is said to be, hop by hop, and nothing of the look stays in Redis")
    func well() async throws {
        let options = RelayWorld.Options(
            isAppendOnly: true, redisConfiguration: ["client-output-buffer-limit pubsub 64mb 16mb 30"],
            isMostlyWaiting: true)
        try await RelayWorld.run(edges: [[]], options: options) { world, edges in
            let directory = try await world.startArchiver()
            try await eventually("the archiver says how it is") {
                try await world.cli("EXISTS", "chat:archiver:0/1") == "1"
            }
            let (user, tester) = (GuardedRedis.User.edge, GuardedRedis.User.tester)
            let login = ["MARTLET_REDIS_USERNAME": user.rawValue, "MARTLET_REDIS_PASSWORD": user.password]
            let admin = world.redis.url.replacing("://", with: "://\(tester.rawValue):\(tester.password)@")
            let arguments = [
                "--redis-url", world.redis.url, "--edge", "http://\(edges[0].authority)", "--archive-dir", directory,
                "--disk-min", "1B",
            ]
            let said = try await Self.ask(arguments + ["--admin-url", admin], environment: login)
            #expect(said.exitCode == 0 && said.verdict == "well", "\(said.words)")
            let hops = [
                "redis", "login", "version", "role", "memory", "persistence", "buffers", "rights", "clock", "script",
                "channel", "edges", "edge", "archiver", "disk",
            ]
            for hop in hops { #expect(said.states[hop] == "well", "\(hop): \(said.words[hop] ?? "")") }
            #expect(said.words["login"]?.contains("edge") == true)
            #expect(said.words["persistence"]?.contains("power loss") == true)
            #expect(try await world.cli("KEYS", "*doctor*") == "")
            #expect(try await world.cli("ZCARD", "chat:rooms") == "0")
            // The edge's own user may not ask for settings: that is said, and is nothing wrong.
            let alone = try await Self.ask(arguments, environment: login)
            #expect(alone.exitCode == 0)
            #expect(alone.states["buffers"] == "skipped" && alone.states["persistence"] == "note")
            // An edge whose Redis is gone knows which hop fails.
            try await world.redis.pause()
            let stuck = try await Self.ask(arguments, environment: login)
            try await world.redis.resume()
            #expect(stuck.exitCode == 69 && stuck.states["redis"] == "unreachable", "\(stuck.words)")
            #expect(stuck.states["edge"] == "wrong", "\(stuck.words["edge"] ?? "")")
        }
    }

    @Test("An edge behind TLS is asked over TLS; of a certificate that is not trusted it says what to do")
    func secure() async throws {
        let certificate = try await TestCertificate.make()
        try await RelayWorld.run(edges: [], options: .init(isAppendOnly: true, isMostlyWaiting: true)) { world, _ in
            let edge = try await world.startEdge([
                "--tls-cert", certificate.certificatePath, "--tls-key", certificate.keyPath,
            ])
            let arguments = [
                "--redis-url", world.redis.url, "--edge", "https://localhost:\(edge.port)", "--archive", "off",
            ]
            let login = [
                "MARTLET_REDIS_USERNAME": GuardedRedis.User.edge.rawValue,
                "MARTLET_REDIS_PASSWORD": GuardedRedis.User.edge.password,
            ]
            let trusting = try await Self.ask(arguments + ["--ca-file", certificate.authorityPath], environment: login)
            #expect(trusting.states["edge"] == "well", "\(trusting.words)")
            let doubting = try await Self.ask(arguments, environment: login)
            #expect(doubting.states["edge"] == "unreachable" && doubting.exitCode == 69)
            #expect(doubting.words["edge"]?.contains("--ca-file") == true, "\(doubting.words)")
        }
    }

    /// A Redis that is wrong in one way.
    struct Bad: CustomTestStringConvertible {
        var testDescription: String
        var lines: [String] = []
        var isAppendOnly = true
        var commands: [[String]] = []
        var arguments: [String] = []
        /// The hop that has to be wrong, and what has to stand in its words.
        var hop: String
        var words: String
    }

    static let bad: [Bad] = [
        Bad(
            testDescription: "eviction", lines: ["maxmemory-policy allkeys-lru"], hop: "memory",
            words: "CONFIG SET maxmemory-policy noeviction"),
        Bad(testDescription: "full", lines: ["maxmemory 1mb"], hop: "memory", words: "raise maxmemory"),
        Bad(testDescription: "full, script", lines: ["maxmemory 1mb"], hop: "script", words: "Redis is full"),
        Bad(testDescription: "no file", isAppendOnly: false, hop: "persistence", words: "CONFIG SET appendonly yes"),
        Bad(
            testDescription: "never synced", lines: ["appendfsync no"], hop: "persistence",
            words: "CONFIG SET appendfsync everysec"),
        Bad(
            testDescription: "no output limit", lines: ["client-output-buffer-limit pubsub 0 0 0"], hop: "buffers",
            words: "never cut"),
        Bad(
            testDescription: "small output limit", lines: ["client-output-buffer-limit pubsub 1mb 1mb 1"],
            hop: "buffers", words: "cut at 1 MiB"),
        Bad(testDescription: "replica", lines: ["replicaof 127.0.0.1 1"], hop: "role", words: "replica of 127.0.0.1:1"),
        Bad(testDescription: "password", lines: ["requirepass x"], hop: "login", words: "MARTLET_REDIS_PASSWORD"),
        Bad(testDescription: "no edge", hop: "edges", words: "start martlet-edge"),
        Bad(testDescription: "no archiver", hop: "archiver", words: "start martlet-archiver"),
        Bad(
            testDescription: "archiver behind", commands: [["HSET", "chat:archiver:0/1", "host", "h", "behind", "11"]],
            arguments: ["--behind-max", "10"], hop: "archiver", words: "11 messages behind"),
        Bad(
            testDescription: "archiver in trouble",
            commands: [["HSET", "chat:archiver:0/1", "behind", "1", "last_error", "no space left"]], hop: "archiver",
            words: "no space left"),
        Bad(
            testDescription: "half of the archivers", commands: [["HSET", "chat:archiver:1/2", "behind", "0"]],
            hop: "archiver", words: "nobody archives shard 0/2"),
        Bad(
            testDescription: "disk", arguments: ["--archive-dir", "/tmp", "--disk-min", "1000000000MiB"], hop: "disk",
            words: "martlet archive prune"),
        Bad(testDescription: "no disk", arguments: ["--archive-dir", "/nonexistent/a"], hop: "disk", words: "mounted"),
    ]

    @Test("Whatever is wrong is named, with what to do", arguments: bad)
    func wrong(_ bad: Bad) async throws {
        let redis = try await Self.redis(bad.lines, isAppendOnly: bad.isAppendOnly)
        for command in bad.commands { try await redis.cli(command) }
        let said = try await Self.ask(["--redis-url", redis.url] + bad.arguments)
        await redis.stop()
        #expect(said.exitCode == 1 && said.verdict == "wrong")
        #expect(said.states[bad.hop] == "wrong", "\(said.words)")
        #expect(said.words[bad.hop]?.contains(bad.words) == true, "\(said.words[bad.hop] ?? "")")
    }

    @Test("A user with too few rights is told which are missing")
    func rights() async throws {
        let edge = try #require(
            GuardedRedis.makeACL(["edge"]).output.split(separator: "\n").map(String.init).first {
                $0.hasPrefix("user edge ")
            })
        let cases = [
            (edge.replacing(" +hincrby", with: ""), "rights", "HINCRBY"),
            (edge.replacing(" &chat:*", with: ""), "channel", "&chat:*"),
            (edge.replacing(" +subscribe", with: ""), "channel", "SUBSCRIBE"),
            (edge.replacing("~chat:*", with: "~talk:*"), "script", "make-acl"),
            (edge.replacing(" +info", with: ""), "rights", "make-acl"),
        ]
        let login = ["MARTLET_REDIS_USERNAME": "edge", "MARTLET_REDIS_PASSWORD": GuardedRedis.User.edge.password]
        for (line, hop, words) in cases {
            let redis = try await Self.redis(acl: ["user default on nopass ~* &* +@all", line])
            let said = try await Self.ask(["--redis-url", redis.url], environment: login)
            await redis.stop()
            #expect(said.exitCode == 1)
            #expect(said.states[hop] == "wrong" && said.words[hop]?.contains(words) == true, "\(hop): \(said.words)")
        }
    }

    @Test("Edges that died are told, and one that cannot be reached ends with 69")
    func edges() async throws {
        let redis = try await Self.redis()
        try await redis.cli("ZADD", "chat:edges", "1", "edge-1-dead")
        let said = try await Self.ask(["--redis-url", redis.url, "--edge", "http://127.0.0.1:1"])
        await redis.stop()
        #expect(said.words["edges"]?.contains("edge-1-dead") == true)
        #expect(said.states["edge"] == "unreachable" && said.exitCode == 69)
    }

    @Test("A clock that is off is told, by how much and which way", arguments: [(100, "ahead of"), (-100, "behind")])
    func clock(seconds: Int, words: String) async throws {
        let redis = try await Self.redis()
        let forwarder = try await ClockForwarder.open(to: redis.port, secondsOff: seconds)
        let said = try await Self.ask(["--redis-url", "redis://127.0.0.1:\(forwarder.port)"])
        forwarder.close()
        await redis.stop()
        #expect(said.states["clock"] == "wrong" && said.exitCode == 1)
        let text = said.words["clock"] ?? ""
        #expect(text.contains(words) && text.contains("timedatectl"), "\(text)")
        // As far as the answer was under way, the clock may seem to be off by more or by less.
        #expect((90...110).contains { text.contains("\($0) s") }, "\(text)")
    }

    @Test("A Redis that is away ends with 69; one that is too old is wrong")
    func away() async throws {
        let gone = try await Self.ask(["--redis-url", "redis://127.0.0.1:1"])
        #expect(gone.exitCode == 69 && gone.verdict == "unreachable" && gone.states["redis"] == "unreachable")
        #expect(gone.states["script"] == "skipped")
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(OldRedisHandler())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        let old = try await Self.ask(["--redis-url", "redis://127.0.0.1:\(port)"])
        try await server.close()
        #expect(old.exitCode == 1 && old.states["version"] == "wrong", "\(old.words)")
        #expect(old.words["version"]?.contains("6.2.1") == true)
    }

    @Test("People read a table, without colours where it is piped")
    func table() async throws {
        let finished = try await FinishedCommand.runAside(
            [
                "\(RelayProgram.programsDirectory)/martlet", "doctor", "--redis-url", "redis://127.0.0.1:1",
                "--archive", "off",
            ])
        #expect(finished.exitCode == 69)
        #expect(finished.output.hasPrefix("redis        UNREACHABLE  redis://127.0.0.1:1/0: "), "\(finished.output)")
        #expect(finished.output.contains("\n                          -> is Redis running there"))
        #expect(!finished.output.contains("\u{1b}"))
    }
}
