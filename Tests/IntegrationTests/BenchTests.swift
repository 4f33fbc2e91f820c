import Foundation
import RelayTestKit
import Testing

@Suite("`martlet bench` as a process", .timeLimit(.minutes(20)), .serialized)
struct BenchTests {
    @Test(
        "Every post comes to every reader of its room once and in order, however it is posted",
        arguments: ["ws", "http", "redis"])
    func routes(route: String) async throws {
        try await RelayWorld.run(edges: [BenchedRun.edgeFlags, BenchedRun.edgeFlags]) { world, edges in
            let plot = "\(world.directory)/bench.svg"
            let redis = try await world.pairsOfInfo("server")["process_id"] ?? ""
            let outcome = try BenchedRun(
                try await world.bench(
                    ports: edges.map(\.port),
                    [
                        "--clients", "300", "--rooms", "3", "--rate", "60", "--duration", "2s", "--warm-up", "300ms",
                        "--via", route, "--bytes", "200", "--plot", plot, "--pid", "one:\(edges[0].processID)",
                        "--pid", "two:\(edges[1].processID)", "--pid", redis,
                    ]))
            #expect(outcome.exitCode == 0, "\(outcome.report)")
            #expect(outcome.count("posts") == 120)
            #expect(outcome.count("expected") == 12_000)
            #expect(outcome.count("deliveries") == 12_000)
            for name in ["refused", "unanswered", "lost", "repeated", "out_of_order", "foreign", "drops", "lagged"] {
                #expect(outcome.count(name) == 0, "\(name)")
            }
            let latency = try #require(outcome.report["latency_us"] as? [String: Double])
            let curve = try ["p50", "p99", "p99.9", "max"].map { try #require(latency[$0]) }
            #expect(curve == curve.sorted() && (curve.first ?? 0) > 0)
            #expect(outcome.number("deliveries_per_s") > 100)
            #expect(outcome.number("cpu_us_per_delivery") > 0)
            #expect(outcome.number("redis_cpu_us_per_delivery") > 0)
            #expect(outcome.processes.compactMap { $0["name"] as? String } == ["one", "two", "redis-server"])
            #expect(outcome.processes.compactMap { $0["redis"] as? Bool } == [false, false, true])
            let generator = try #require(outcome.report["generator"] as? [String: Any])
            #expect((generator["cpu_us_per_delivery"] as? NSNumber)?.doubleValue ?? 0 > 0)
            let picture = try String(contentsOfFile: plot, encoding: .utf8)
            #expect(picture.hasPrefix("<svg") && picture.split(separator: "<polyline").count == 3)
        }
    }

    @Test(
        "The same load on the floor delivers the same, and the costs are compared", arguments: ["plain", "coalesced"])
    func floor(mode: String) async throws {
        try await RelayWorld.run(edges: [BenchedRun.edgeFlags]) { world, edges in
            let outcome = try BenchedRun(
                try await world.bench(
                    ports: edges.map(\.port),
                    [
                        "--clients", "200", "--rooms", "2", "--unpaced", "--window", "16", "--duration", "1s",
                        "--warm-up", "200ms", "--floor", mode, "--pid", "edge:\(edges[0].processID)",
                    ]))
            #expect(outcome.exitCode == 0, "\(outcome.report)")
            for run in [outcome.report, outcome.floor] {
                let posts = run["posts"] as? Int ?? 0
                #expect(posts > 10)
                #expect(run["expected"] as? Int == posts * 100)
                #expect(run["deliveries"] as? Int == posts * 100)
                for name in ["lost", "repeated", "out_of_order"] { #expect(run[name] as? Int == 0, "\(name)") }
            }
            #expect(outcome.floor["mode"] as? String == mode)
            let ratio =
                outcome.number("cpu_us_per_delivery")
                / outcome.floorNumber("cpu_us_per_delivery")
            #expect(abs(outcome.number("cpu_over_floor") / ratio - 1) < 0.01)
            #expect(outcome.number("rate_over_floor") > 0)
            // The floor has gone with the bench.
            let floor = (outcome.floor["processes"] as? [[String: Any]])?.first?["pid"] as? Int ?? 0
            #expect(floor > 0 && !FileManager.default.fileExists(atPath: "/proc/\(floor)"))
        }
    }

    @Test("Readers that are cut off all at once, and such as leave and join again, get everything they missed")
    func storms() async throws {
        try await RelayWorld.run(edges: [BenchedRun.edgeFlags]) { world, edges in
            let outcome = try BenchedRun(
                try await world.bench(
                    ports: edges.map(\.port),
                    [
                        "--clients", "100", "--rooms", "2", "--rate", "40", "--duration", "3s", "--warm-up", "200ms",
                        "--storm", "1s", "--joins", "30",
                    ]))
            #expect(outcome.exitCode == 0, "\(outcome.report)")
            #expect(outcome.count("deliveries") == outcome.count("posts") * 50)
            #expect(outcome.count("posts") == 120)
            let storms = try #require(outcome.report["storms"] as? [[String: Any]])
            #expect(storms.count >= 1)
            #expect(storms.allSatisfy { ($0["clients"] as? Int ?? 0) > 50 && ($0["seconds"] as? Double ?? 0) > 0 })
            #expect(outcome.count("returns") > 100)
            #expect(outcome.count("unrecovered") == 0)
        }
    }

    @Test("Idle connections are counted and cost memory, and nothing is posted")
    func idle() async throws {
        try await RelayWorld.run(edges: [[]]) { world, edges in
            let outcome = try BenchedRun(
                try await world.bench(
                    ports: edges.map(\.port),
                    ["--clients", "400", "--rate", "0", "--duration", "500ms", "--pid", "\(edges[0].processID)"]))
            #expect(outcome.exitCode == 0)
            #expect(outcome.count("posts") == 0 && outcome.count("deliveries") == 0)
            #expect((outcome.processes.first?["rss_bytes_per_connection"] as? NSNumber)?.doubleValue ?? 0 > 500)
            #expect(outcome.processes.first?["name"] as? String == "martlet-edge")
        }
    }

    @Test("A relay that loses, repeats or swaps messages is found out", arguments: FaultyForwarder.Fault.allCases)
    func faults(fault: FaultyForwarder.Fault) async throws {
        try await RelayWorld.run(edges: [BenchedRun.edgeFlags]) { world, edges in
            let forwarder = try await FaultyForwarder.start(to: edges[0].port, fault)
            let outcome = try BenchedRun(
                try await world.bench(
                    ports: [forwarder.port],
                    ["--clients", "20", "--rate", "50", "--duration", "1s", "--warm-up", "0s"]))
            await forwarder.close()
            #expect(forwarder.harmed > 0)
            #expect(outcome.exitCode == 1)
            let counts = ["lost", "repeated", "out_of_order"].map { outcome.count($0) }
            switch fault {
            case .leaveOut: #expect(counts == [forwarder.harmed, 0, 0])
            case .giveTwice: #expect(counts == [0, forwarder.harmed, 0])
            case .swap: #expect(counts == [0, 0, forwarder.harmed])
            }
        }
    }

    @Test("An edge that limits posts is named as the reason, and what was refused is not expected")
    func limited() async throws {
        try await RelayWorld.run(edges: [["--rate", "5", "--burst", "5"]]) { world, edges in
            let outcome = try BenchedRun(
                try await world.bench(
                    ports: edges.map(\.port),
                    ["--clients", "20", "--rate", "100", "--posters", "2", "--duration", "1s", "--warm-up", "0s"]))
            #expect(outcome.exitCode == 0, "\(outcome.report)")
            #expect(outcome.count("refused") > 50)
            // Who goes on posting all the same is cut off, and what was on its way then is never answered.
            let unanswered = outcome.count("unanswered")
            #expect(outcome.count("posts") + outcome.count("refused") + unanswered == 100)
            #expect(outcome.count("expected") == outcome.count("posts") * 20)
            #expect(
                (outcome.count("expected")...outcome.count("expected") + unanswered * 20)
                    .contains(outcome.count("deliveries")))
            let warnings = outcome.report["warnings"] as? [String] ?? []
            #expect(warnings.contains { $0.contains("rate_limited") && $0.contains("--burst") }, "\(warnings)")
        }
    }

    @Test("A bench in which nothing was stored has shown nothing, and fails")
    func vain() async throws {
        try await RelayWorld.run(edges: [["--max-text", "100"]]) { world, edges in
            let outcome = try BenchedRun(
                try await world.bench(
                    ports: edges.map(\.port),
                    ["--clients", "20", "--rate", "20", "--duration", "1s", "--warm-up", "0s"]))
            #expect(outcome.exitCode == 1, "\(outcome.report)")
            #expect(outcome.count("posts") == 0 && outcome.count("refused") == 20)
            let warnings = outcome.report["warnings"] as? [String] ?? []
            #expect(warnings.contains { $0.contains("nothing was stored") }, "\(warnings)")
        }
    }

    @Test("Every post that was due is accounted for, also such as no poster could take in time")
    func notMade() async throws {
        try await RelayWorld.run(edges: [BenchedRun.edgeFlags]) { world, edges in
            // One request after another, and a microsecond for each.
            let outcome = try BenchedRun(
                try await world.bench(
                    ports: edges.map(\.port),
                    [
                        "--clients", "0", "--via", "http", "--posters", "1", "--rate", "1000000", "--duration", "1s",
                        "--warm-up", "0s",
                    ]))
            #expect(outcome.exitCode == 0, "\(outcome.report)")
            #expect(outcome.count("not_made") > 0 && outcome.count("posts") > 0)
            let made = ["posts", "refused", "unanswered"].map { outcome.count($0) }.reduce(0, +)
            #expect(made + outcome.count("not_made") == 1_000_000)
            let warnings = outcome.report["warnings"] as? [String] ?? []
            #expect(warnings.contains { $0.contains("were due and not made") }, "\(warnings)")
        }
    }

    @Test(
        "A wrong setting is exit 64 and one line that names it, and a relay that is not there is 69",
        arguments: [
            (["--clients", "x"], 64, "--clients"), (["--clients", "0", "--rate", "0"], 64, "--clients"),
            (["--clients", "0", "--deflate"], 64, "--deflate"), (["--floor", "script", "--rate", "0"], 64, "--floor"),
            (["--floor", "redis", "--redis-url", "rediss://h"], 64, "--redis-url"),
            (["--floor", "script", "--redis-url", "unix:///run/redis.sock"], 64, "--redis-url"),
            (["--floor", "redis", "--redis-url", "redis://127.0.0.1:1"], 69, "127.0.0.1:1"),
            (["--clients", "1000000"], 64, "--clients"),
            (["--rooms", "x"], 64, "--rooms"), (["--rate", "-1"], 64, "--rate"), (["--bytes", "8"], 64, "--bytes"),
            (["--unpaced", "--rate", "5"], 64, "--unpaced"), (["--unpaced", "--window", "0"], 64, "--window"),
            (["--duration", "48h"], 64, "--duration"), (["--pid", "edge:x"], 64, "--pid"),
            (["--pid", "2147483600"], 64, "--pid"), (["--url", "wss://h"], 64, "--url"),
            (["--url", "foo"], 64, "--url"), (["--via", "mail"], 64, "--via"), (["--floor", "flat"], 64, "flat"),
            (["--floor", "--storm", "1s"], 64, "--floor"), (["--posters", "0"], 64, "--posters"),
            (["--url", "ws://127.0.0.1:1"], 69, "127.0.0.1:1"),
            (["--via", "redis", "--redis-url", "redis://127.0.0.1:1"], 69, "127.0.0.1:1"),
        ])
    func settings(arguments: [String], code: Int, name: String) async throws {
        let command = try await FinishedCommand.runAside(
            ["\(RelayProgram.programsDirectory)/martlet", "bench"] + arguments, environment: ["HOME": "/nonexistent"])
        #expect(command.exitCode == Int32(code), "\(command.errorOutput)")
        #expect(command.output.isEmpty)
        let lines = command.errorOutput.split(separator: "\n").filter { !$0.contains("bench: connecting") }
        #expect(lines.count == 1 && lines[0].contains(name), "\(command.errorOutput)")
    }

    @Test("Too few file descriptors are said, with the command that grants more")
    func descriptors() async throws {
        let program = "\(RelayProgram.programsDirectory)/martlet"
        let command = try await FinishedCommand.runAside(
            ["/bin/sh", "-c", "ulimit -n 256; exec \(program) bench --clients 1000 --url ws://127.0.0.1:1"],
            environment: ["HOME": "/nonexistent"])
        #expect(command.exitCode == 64)
        #expect(command.errorOutput.contains("--clients") && command.errorOutput.contains("ulimit -n 1037"))
    }
}
