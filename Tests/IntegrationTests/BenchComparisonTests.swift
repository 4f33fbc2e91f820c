import Foundation
import RelayTestKit
import Testing

@Suite("What `martlet bench` compares", .timeLimit(.minutes(20)), .serialized)
struct BenchComparisonTests {
    @Test("Compression makes a delivery smaller on the wire, and a relay that does not compress is refused")
    func deflate() async throws {
        try await RelayWorld.run(edges: [BenchedRun.edgeFlags, ["--deflate", "off"]]) { world, edges in
            let load = [
                "--clients", "60", "--rooms", "2", "--rate", "40", "--duration", "1s", "--warm-up", "100ms", "--bytes",
                "512",
            ]
            var bytes: [Double] = []
            for flags in [[], ["--deflate"]] {
                let outcome = try BenchedRun(try await world.bench(ports: [edges[0].port], load + flags))
                #expect(outcome.exitCode == 0, "\(outcome.report)")
                #expect(outcome.count("posts") == 40)
                #expect(outcome.count("deliveries") == 1200)
                for name in ["lost", "repeated", "out_of_order", "drops"] {
                    #expect(outcome.count(name) == 0, "\(name)")
                }
                #expect(outcome.report["deflate"] as? Bool == !flags.isEmpty)
                bytes.append(outcome.number("wire_bytes_per_delivery"))
            }
            // The text, the envelope around it, and little else.
            #expect((620...740).contains(bytes[0]) && (0.4...0.8).contains(bytes[1] / bytes[0]), "\(bytes)")
            let refused = try await world.bench(ports: [edges[1].port], load + ["--deflate"])
            #expect(refused.exitCode == 64)
            #expect(refused.errorOutput.contains("--deflate") && refused.errorOutput.contains("permessage-deflate"))
        }
    }

    @Test("The floor through Redis delivers the same, and Redis's cost there is told too")
    func floorRedis() async throws {
        try await RelayWorld.run(edges: [BenchedRun.edgeFlags]) { world, edges in
            let redis = try await world.pairsOfInfo("server")["process_id"] ?? ""
            let outcome = try BenchedRun(
                try await world.bench(
                    ports: edges.map(\.port),
                    [
                        "--clients", "60", "--rooms", "3", "--rate", "60", "--duration", "1s", "--warm-up", "100ms",
                        "--deflate", "--floor", "redis", "--pid", "edge:\(edges[0].processID)", "--pid", redis,
                    ]))
            #expect(outcome.exitCode == 0, "\(outcome.report)")
            for run in [outcome.report, outcome.floor] {
                #expect(run["posts"] as? Int == 60)
                #expect(run["deliveries"] as? Int == 1200)
                for name in ["lost", "repeated", "out_of_order", "unanswered"] {
                    #expect(run[name] as? Int == 0, "\(name)")
                }
                #expect((run["redis_cpu_us_per_post"] as? NSNumber)?.doubleValue ?? 0 > 0)
            }
            #expect(outcome.floor["mode"] as? String == "redis")
            let names = (outcome.floor["processes"] as? [[String: Any]])?.compactMap { $0["name"] as? String }
            #expect(names == ["floor", "redis-server"])
            for name in ["cpu_over_floor", "p50_over_floor", "redis_cpu_per_post_over_floor"] {
                #expect(outcome.number(name) > 0, "\(name)")
            }
            // Nobody else would hear its rooms, and it keeps nothing.
            #expect(
                try await world.cli("KEYS", "martlet-floor*").trimmingCharacters(in: .whitespacesAndNewlines).isEmpty)
        }
    }

    @Test("A floor needs no more descriptors than the relay before it, whose readers have gone by then")
    func floorDescriptors() async throws {
        try await RelayWorld.run(edges: [BenchedRun.edgeFlags]) { world, edges in
            let outcome = try BenchedRun(
                try await world.bench(
                    ports: edges.map(\.port),
                    [
                        "--clients", "200", "--rate", "20", "--duration", "500ms", "--warm-up", "0s", "--floor",
                        "--pid", "edge:\(edges[0].processID)",
                    ], descriptors: 240))
            #expect(outcome.exitCode == 0, "\(outcome.errorOutput)")
            for run in [outcome.report, outcome.floor] { #expect(run["deliveries"] as? Int == 2000) }
        }
    }

    @Test("A floor keeps to the processors that the relay may use, and the report says where everybody may run")
    func floorPlacement() async throws {
        try await RelayWorld.run(edges: [BenchedRun.edgeFlags]) { world, edges in
            let own = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            let list = own.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }?.dropFirst(18)
            let all = try #require(list).trimmingCharacters(in: .whitespaces)
            let last = try #require(all.split { !$0.isNumber }.last.map(String.init))
            _ = try await Executable.run("taskset", ["-acp", last, "\(edges[0].processID)"])
            let outcome = try BenchedRun(
                try await world.bench(
                    ports: edges.map(\.port),
                    [
                        "--clients", "20", "--rate", "20", "--duration", "500ms", "--warm-up", "0s", "--floor",
                        "--pid", "edge:\(edges[0].processID)",
                    ]))
            #expect(outcome.exitCode == 0, "\(outcome.errorOutput)")
            for run in [outcome.report, outcome.floor] {
                #expect((run["processes"] as? [[String: Any]])?.map { $0["processors"] as? String } == [last])
                #expect((run["generator"] as? [String: Any])?["processors"] as? String == all)
            }
        }
    }

    @Test("A floor that fails fails the bench, which says all the same what came of the relay")
    func floorFails() async throws {
        try await RelayWorld.run(edges: [BenchedRun.edgeFlags]) { world, edges in
            // Redis does not let edges subscribe to the floor's channels.
            let outcome = try BenchedRun(
                try await world.bench(
                    ports: edges.map(\.port),
                    [
                        "--clients", "20", "--rate", "20", "--duration", "500ms", "--warm-up", "0s", "--floor",
                        "redis",
                    ], as: .edge))
            #expect(outcome.exitCode == 69)
            #expect(outcome.errorOutput.contains("the floor: "), "\(outcome.errorOutput)")
            #expect(outcome.count("deliveries") == 200)
            #expect(outcome.floor.isEmpty)
        }
    }

    @Test("The script alone stores as many posts, in the same rooms and under the next numbers, for nobody")
    func floorScript() async throws {
        try await RelayWorld.run(edges: [BenchedRun.edgeFlags]) { world, edges in
            let redis = try await world.pairsOfInfo("server")["process_id"] ?? ""
            let outcome = try BenchedRun(
                try await world.bench(
                    ports: edges.map(\.port),
                    [
                        "--clients", "0", "--rooms", "2", "--rate", "60", "--duration", "1s", "--warm-up", "0s",
                        "--floor", "script", "--pid", "edge:\(edges[0].processID)", "--pid", redis,
                    ]))
            #expect(outcome.exitCode == 0, "\(outcome.report)")
            for run in [outcome.report, outcome.floor] {
                #expect(run["posts"] as? Int == 60)
                #expect(run["refused"] as? Int == 0 && run["unanswered"] as? Int == 0)
                #expect(run["deliveries"] as? Int == 0)
                #expect((run["posts_per_s"] as? NSNumber)?.doubleValue ?? 0 > 30)
            }
            let ratio =
                outcome.number("redis_cpu_us_per_post")
                / outcome.floorNumber("redis_cpu_us_per_post")
            #expect(abs(outcome.number("redis_cpu_per_post_over_floor") / ratio - 1) < 0.01)
            #expect(outcome.number("posts_over_floor") > 0)
            // No number was given twice, and none was left out, so that no position led the script astray.
            for room in 1...2 {
                let words = try await world.cli("HMGET", "chat:{bench:\(room)}:meta", "seq", "rewinds")
                #expect(words.split(whereSeparator: \.isNewline).first == "60", "\(words)")
                let count = try await world.cli("XLEN", "chat:{bench:\(room)}:stream")
                #expect(count.trimmingCharacters(in: .whitespacesAndNewlines) == "60")
            }
        }
    }

    @Test("Unpaced, the script alone is called with right positions though many calls are under way")
    func scriptPositions() async throws {
        try await RelayWorld.run(edges: []) { world, _ in
            let outcome = try BenchedRun(
                try await world.bench(
                    ports: [],
                    [
                        "--clients", "0", "--via", "redis", "--unpaced", "--window", "32", "--duration", "300ms",
                        "--warm-up", "100ms",
                    ]))
            #expect(outcome.exitCode == 0, "\(outcome.report)")
            let posts = outcome.count("posts")
            #expect(posts > 32 && outcome.count("refused") == 0)
            // Where the position was wrong the script has looked at the stream's end, which is how it begins too.
            let calls = try await world.pairsOfInfo("commandstats")["cmdstat_xrevrange"] ?? ""
            let looks = calls.split(separator: ",").first.flatMap { Int($0.split(separator: "=").last ?? "") } ?? -1
            #expect((1...64).contains(looks), "\(calls) for \(posts) posts")
        }
    }
}
