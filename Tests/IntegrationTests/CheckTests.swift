import Foundation
import Glibc
import RelayTestKit
import RelayWire
import Testing

@Suite("`martlet check` as a process", .timeLimit(.minutes(20)), .serialized)
struct CheckTests {
    /// What a run printed with `--json`.
    private struct Outcome {
        let exitCode: Int32
        let errorOutput: String
        let report: [String: Any]

        init(exitCode: Int32, output: String, errorOutput: String) throws {
            self.exitCode = exitCode
            self.errorOutput = errorOutput
            let line = output.split(separator: "\n").last.map(String.init) ?? ""
            report = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
        }

        func count(_ key: String) -> Int { report[key] as? Int ?? 0 }
        var faults: [String: Int] { report["faults"] as? [String: Int] ?? [:] }
        var violations: [[String: Any]] { report["violations"] as? [[String: Any]] ?? [] }
        var rules: Set<String> { Set(violations.compactMap { $0["rule"] as? String }) }
        var brokenGuarantees: Set<Int> { Set(violations.compactMap { $0["guarantee"] as? Int }) }

        /// The lines that show the first violation of a rule.
        func history(of rule: String) -> [String] {
            violations.first { $0["rule"] as? String == rule }?["history"] as? [String] ?? []
        }
    }

    private static func start(_ arguments: [String], _ environment: [String: String] = [:]) async throws -> RelayProgram
    {
        try await RelayProgram("martlet", ["check", "--json"] + arguments, environment: environment)
    }

    private static func outcome(of program: RelayProgram) async throws -> Outcome {
        let code = try await program.wait()
        return try Outcome(exitCode: code, output: await program.output, errorOutput: await program.errorOutput)
    }

    /// Runs on a relay of the test's own, through whatever stands before its edges.
    private static func check(
        _ world: RelayWorld, ports: [Int], _ arguments: [String]
    ) async throws -> RelayProgram {
        let edges = ports.map { "http://127.0.0.1:\($0)" }.joined(separator: ",")
        let tester = GuardedRedis.User.tester
        return try await start(
            ["--redis-url", world.redis.url, "--edges", edges] + arguments,
            ["MARTLET_REDIS_USERNAME": tester.rawValue, "MARTLET_REDIS_PASSWORD": tester.password])
    }

    @Test("Everything of its own is broken for eight seconds, and nothing is lost")
    func ownRelay() async throws {
        let outcome = try await Turns.busy.take {
            // In a slow build a client takes seconds to come back.
            let duration = FinishedCommand.isSanitized ? "40s" : "8s"
            let program = try await Self.start(["--own", "--duration", duration, "--seed", "1"])
            return try await Self.outcome(of: program)
        }
        #expect(outcome.exitCode == 0, "\(outcome.report)")
        #expect(outcome.count("seed") == 1)
        #expect(outcome.count("acks") > 100 / FinishedCommand.slowness)
        #expect(outcome.count("deliveries") > 500 / FinishedCommand.slowness)
        #expect(outcome.count("stored") > 100 / FinishedCommand.slowness)
        #expect(outcome.count("archived") >= outcome.count("stored"))
        #expect(outcome.count("paged") >= outcome.count("stored"))
        #expect(outcome.count("recoveries") > 10 / FinishedCommand.slowness)
        #expect(outcome.faults.count >= 3, "\(outcome.faults)")
    }

    @Test("On a relay that is given, it causes what it may over Redis, and takes its rooms away")
    func givenRelay() async throws {
        try await RelayWorld.run(edges: [[], []], options: RelayWorld.Options(isAppendOnly: true)) { world, edges in
            let archive = try await world.startArchiver()
            let program = try await Self.check(
                world, ports: edges.map(\.port),
                [
                    "--archive-dir", archive, "--duration", "5s", "--clients", "8", "--rooms", "2", "--seed", "77",
                    "--faults", "all",
                ])
            let outcome = try await Self.outcome(of: program)
            #expect(outcome.exitCode == 0, "\(outcome.report)")
            #expect(outcome.count("acks") > 30 / FinishedCommand.slowness)
            #expect(outcome.count("archived") >= outcome.count("stored"))
            #expect(
                Set(outcome.faults.keys) == [
                    "kill-connections", "script-flush", "pause", "output-buffer", "lost-publish",
                ])
            for room in ["check:77:1", "check:77:2"] {
                #expect(try await world.cli("EXISTS", "chat:{\(room)}:stream", "chat:{\(room)}:here") == "0")
                #expect(try await world.cli("HKEYS", "chat:{\(room)}:meta") == "deleted_at")
                // For longer than edges remember what they posted.
                let left = Int(try await world.cli("PTTL", "chat:{\(room)}:meta")) ?? 0
                #expect((301_000...360_000).contains(left), "\(left)")
                #expect(try await world.cli("ZSCORE", "chat:rooms", room) == "")
            }
            try await Self.expectGoneForGood(["check:77:1", "check:77:2"], world, edges)
            // The setting that a fault changes for a moment is as it was.
            let limits = try await world.pairs("CONFIG", "GET", "client-output-buffer-limit")
            #expect(limits["client-output-buffer-limit"]?.contains("pubsub 33554432 8388608 60") == true, "\(limits)")
        }
    }

    /// After a reconnect edges put back what Redis has lost: a room that is merely gone, but not these.
    private static func expectGoneForGood(_ rooms: [String], _ world: RelayWorld, _ edges: [EdgeProcess]) async throws {
        var streams: [String] = []
        for (number, edge) in edges.enumerated() {
            try await Talker.connect(edge, as: "witness").say("x", in: "witness\(number)")
            streams.append("chat:{witness\(number)}:stream")
            try await world.cli("DEL", "chat:{witness\(number)}:stream", "chat:{witness\(number)}:meta")
        }
        try await world.cli("CLIENT", "KILL", "TYPE", "pubsub")
        try await world.cli("CLIENT", "KILL", "TYPE", "normal")
        for stream in streams {
            try await eventually("\(stream) is put back") { try await world.cli("XLEN", stream) == "1" }
        }
        let isBack = try await condition(within: .seconds(1)) {
            for room in rooms where try await world.cli("EXISTS", "chat:{\(room)}:stream") != "0" { return true }
            return false
        }
        #expect(!isBack)
    }

    @Test("A run that cannot read the archive ends with 69, and takes its rooms away all the same")
    func unreadableArchive() async throws {
        try await RelayWorld.run(edges: [[]]) { world, edges in
            let archive = "\(world.directory)/archive-of-nothing"
            let folder = "\(archive)/check%3A78%3A1"
            // A file where a room's folder would have a day, which nobody can read as one.
            try FileManager.default.createDirectory(
                atPath: "\(folder)/2026-11-20.jsonl", withIntermediateDirectories: true)
            let program = try await Self.check(
                world, ports: edges.map(\.port),
                [
                    "--archive-dir", archive, "--duration", "1s", "--clients", "2", "--rooms", "1", "--seed", "78",
                ])
            // The archiver is said to have come so far that the files are read at once.
            let pretended = try await condition(within: .seconds(60)) {
                if try await world.cli("EXISTS", "chat:{check:78:1}:stream") == "1" {
                    try await world.cli("HSET", "chat:{check:78:1}:meta", "archived_seq", "1000000")
                    return true
                }
                return false
            }
            #expect(pretended)
            #expect(try await program.wait() == 69)
            #expect(try await world.cli("EXISTS", "chat:{check:78:1}:stream") == "0")
            #expect(try await world.cli("HKEYS", "chat:{check:78:1}:meta") == "deleted_at")
        }
    }

    @Test("An edge that loses, repeats or swaps a message is found out", arguments: FaultyForwarder.Fault.allCases)
    func withoutRepair(fault: FaultyForwarder.Fault) async throws {
        try await RelayWorld.run(edges: [[], []]) { world, edges in
            let forwarder = try await FaultyForwarder.start(to: edges[0].port, fault)
            let program = try await Self.check(
                world, ports: [forwarder.port, edges[1].port],
                ["--duration", "\(5 * FinishedCommand.slowness)s", "--clients", "6", "--rooms", "1", "--seed", "5"])
            let outcome = try await Self.outcome(of: program)
            await forwarder.close()
            #expect(forwarder.harmed > 0)
            #expect(outcome.exitCode == 1)
            switch fault {
            case .leaveOut: #expect(outcome.rules == ["hole"])
            case .giveTwice: #expect(outcome.rules == ["repeated"])
            case .swap: #expect(outcome.rules == ["hole", "repeated"])
            }
            #expect(outcome.brokenGuarantees == (fault == .leaveOut ? [3] : fault == .giveTwice ? [1] : [1, 3]))
            let rule = fault == .giveTwice ? "repeated" : "hole"
            let history = outcome.history(of: rule)
            #expect((2...24).contains(history.count), "\(history)")
            #expect(history.contains { $0.contains("hears number") })
        }
    }

    @Test("A Redis that forgets nonces is found out: a send tried again is two messages")
    func withoutNonces() async throws {
        try await RelayWorld.run(edges: [[], []]) { world, edges in
            let program = try await Self.check(
                world, ports: edges.map(\.port),
                ["--duration", "6s", "--clients", "6", "--rooms", "2", "--seed", "9", "--faults", "kill-connections"])
            let forget = "for _, key in ipairs(redis.call('KEYS', '*:sent:*')) do redis.call('DEL', key) end return 1"
            _ = try await condition(within: .seconds(60)) {
                try await world.cli("EVAL", forget, "0")
                return !(await program.output.isEmpty)
            }
            let outcome = try await Self.outcome(of: program)
            #expect(outcome.exitCode == 1)
            #expect(outcome.rules.contains("nonce"), "\(outcome.report)")
            #expect(outcome.brokenGuarantees == [2])
            #expect(outcome.history(of: "nonce").contains { $0.contains("attempt") })
        }
    }

    @Test("An archiver that forgot to sync before Redis was trimmed is found out after a power cut")
    func withoutSync() async throws {
        try await RelayWorld.run(edges: [[], []]) { world, edges in
            let directory = "\(world.directory)/archive"
            let archiver = { () async throws -> RelayProgram in
                let user = GuardedRedis.User.archiver
                let program = try await RelayProgram(
                    "martlet-archiver",
                    [
                        "--redis-url", world.redis.url, "--dir", directory, "--interval", "10ms", "--keep", "1",
                        "--fsync", "off",
                    ], environment: ["MARTLET_REDIS_USERNAME": user.rawValue, "MARTLET_REDIS_PASSWORD": user.password])
                _ = try await program.line(beginning: "martlet-archiver ready")
                return program
            }
            let first = try await archiver()
            let program = try await Self.check(
                world, ports: edges.map(\.port),
                ["--archive-dir", directory, "--duration", "6s", "--clients", "6", "--rooms", "1", "--seed", "3"])
            let folder = "\(directory)/check%3A3%3A1"
            var file = ""
            try await eventually("some messages are archived, and gone from Redis", within: .seconds(30)) {
                let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
                file = names.first { $0.hasPrefix("2") }.map { "\(folder)/\($0)" } ?? ""
                let lines = (try? String(contentsOfFile: file, encoding: .utf8))?.split(separator: "\n").count ?? 0
                let archived = try await world.cli("HGET", "chat:{check:3:1}:meta", "archived_seq")
                return lines >= 20 && Int(archived) ?? 0 >= 20
            }
            try await first.kill()
            // What the kernel had not written yet is gone.
            let handle = try FileHandle(forUpdating: URL(fileURLWithPath: file))
            try handle.truncate(atOffset: try handle.seekToEnd() / 2)
            try handle.close()
            let second = try await archiver()
            let outcome = try await Self.outcome(of: program)
            try await second.kill()
            #expect(outcome.exitCode == 1)
            #expect(outcome.rules.contains("unarchived"), "\(outcome.report)")
            #expect(outcome.brokenGuarantees == [1])
        }
    }

    @Test(
        "A wrong setting is exit 64 and one line that names it, and a relay that is not there is 69",
        arguments: [
            (["--clients", "0"], 64, "--clients"), (["--rooms", "x"], 64, "--rooms"),
            (["--faults", "rain"], 64, "--faults"), (["--faults", "kill-edge"], 64, "--faults"),
            (["--own", "--edges", "http://127.0.0.1:1"], 64, "--edges"), (["--edges", "foo"], 64, "--edges"),
            (["--duration", "5"], 64, "--duration"), (["--redis-url", "redis://127.0.0.1:1"], 64, "--edges"),
            (["--redis-url", "redis://127.0.0.1:1", "--edges", "http://127.0.0.1:1"], 69, "127.0.0.1:1"),
        ])
    func settings(arguments: [String], code: Int, name: String) async throws {
        let command = try await FinishedCommand.runAside(
            ["\(RelayProgram.programsDirectory)/martlet", "check"] + arguments, environment: ["HOME": "/nonexistent"])
        #expect(command.exitCode == Int32(code))
        #expect(command.output.isEmpty)
        let lines = command.errorOutput.split(separator: "\n").filter { !$0.contains("check: seed") }
        #expect(lines.count == 1 && lines[0].contains(name), "\(command.errorOutput)")
    }
}
