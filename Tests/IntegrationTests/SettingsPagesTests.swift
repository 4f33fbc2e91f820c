import Foundation
import RelayTestKit
import Testing

/// Pages that repeat the settings, held against the programs.
@Suite("What is written about the settings", .timeLimit(.minutes(20)))
struct SettingsPagesTests {
    /// A file of variables as systemd reads it; what is commented out counts where it is asked for.
    private struct EnvironmentFile {
        var given: [String: String] = [:]
        var shown: [String: String] = [:]

        init(_ name: String) throws {
            let path = "\(FinishedCommand.packageRoot)/deploy/systemd/\(name)"
            for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
                let isShown = line.hasPrefix("#MARTLET_")
                guard isShown || !line.hasPrefix("#") else { continue }
                let parts = line.drop { $0 == "#" }.split(separator: "=", maxSplits: 1).map(String.init)
                try #require(parts.count == 2, "\(name): \(line)")
                if isShown { shown[parts[0]] = parts[1] } else { given[parts[0]] = parts[1] }
            }
        }

        var all: [String: String] { given.merging(shown) { first, _ in first } }

        /// All of it, with what differs on this machine: the user is the file's own.
        func environment(_ user: GuardedRedis.User, on redis: LocalRedis) throws -> [String: String] {
            var environment = all
            let url = try #require(environment["MARTLET_REDIS_URL"])
            #expect(url.hasPrefix("redis://\(user.rawValue):PASSWORD@127.0.0.1:6379"))
            environment["MARTLET_REDIS_URL"] = url.replacing("PASSWORD", with: user.password)
                .replacing("6379", with: "\(redis.port)")
            return environment
        }

        /// Each flag has its variable, which shows the default where there is one.
        func compare(with help: HelpText, except others: Set<String>) {
            let names = Dictionary(
                uniqueKeysWithValues: help.flags.filter { !others.contains($0) }.map { flag in
                    ("MARTLET_" + flag.dropFirst(2).uppercased().replacing("-", with: "_"), flag)
                })
            #expect(Set(all.keys) == Set(names.keys))
            for (name, value) in shown {
                guard let flag = names[name], let usual = help.defaults[flag] else { continue }
                #expect(value == usual, "\(name)")
            }
        }
    }

    @Test("edge.env has every setting of the edge with its default, and the edge runs on all of it")
    func edge() async throws {
        let file = try EnvironmentFile("edge.env")
        file.compare(with: try HelpText(of: "martlet-edge"), except: [])
        #expect(file.shown["MARTLET_INSECURE"] == "off")
        try await RelayWorld.run(edges: []) { world, _ in
            var environment = try file.environment(.edge, on: world.redis)
            environment["MARTLET_LISTEN"] = "127.0.0.1:0"
            environment["MARTLET_ARCHIVE_DIR"] = world.directory
            environment["MARTLET_METRICS_LISTEN"] = "127.0.0.1:0"
            let files = ["MARTLET_TLS_CERT", "MARTLET_TLS_KEY"]
            let keys = ["MARTLET_JWT_SECRET_FILE", "MARTLET_JWT_KEY_FILE", "MARTLET_JWKS_FILE"]
            for name in files + keys { environment[name] = nil }
            let program = try await RelayProgram("martlet-edge", [], environment: environment)
            let line = try await program.line(beginning: "martlet-edge listening on http://127.0.0.1:")
            let port = try #require(line.split(separator: ":").last.flatMap { Int($0) })
            try await EdgeProcess(program: program, processID: await program.pid, port: port).waitUntilReady()
            #expect(try await program.stop() == 0)
        }
    }

    @Test("archiver.env has every setting of the archiver with its default, and the archiver runs on all of it")
    func archiver() async throws {
        let file = try EnvironmentFile("archiver.env")
        // The shard is in the name of the unit.
        file.compare(with: try HelpText(of: "martlet-archiver"), except: ["--shard"])
        try await RelayWorld.run(edges: []) { world, _ in
            var environment = try file.environment(.archiver, on: world.redis)
            environment["MARTLET_DIR"] = "\(world.directory)/archive"
            environment["MARTLET_METRICS_LISTEN"] = "127.0.0.1:0"
            let archiver = try await RelayProgram("martlet-archiver", ["--shard", "0/1"], environment: environment)
            _ = try await archiver.line(beginning: "martlet-archiver ready: shard 0/1")
            #expect(try await archiver.stop() == 0)
        }
    }

    /// The rows of the table below a heading of README.md, cell by cell.
    private func rows(below heading: String) throws -> [[String]] {
        let text = try String(contentsOfFile: "\(FinishedCommand.packageRoot)/README.md", encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0 == heading }, "\(heading)")
        let table = lines[(start + 1)...].prefix { !$0.hasPrefix("#") }.filter { $0.hasPrefix("| `") }
        return table.map { row in
            row.dropFirst().split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
        }
    }

    private func code(in cell: String) -> [String] { cell.matches(of: /`([^`]+)`/).map { String($0.1) } }

    @Test(
        "README.md names exactly the flags of the edge and the archiver, with their defaults",
        arguments: ["martlet-edge", "martlet-archiver"])
    func tables(program: String) throws {
        let help = try HelpText(of: program)
        let rows = try rows(below: "### \(program)")
        #expect(rows.flatMap { code(in: $0[0]) }.sorted() == help.flags.sorted())
        for row in rows {
            let flags = code(in: row[0])
            #expect(code(in: row[1]) == flags.compactMap { help.defaults[$0] }, "\(row[0])")
        }
    }

    @Test("README.md names exactly the commands of martlet, each with its flags")
    func commands() throws {
        var flags: [String: [String]] = [:]
        for command in try HelpText(of: "martlet").subcommands {
            let help = try HelpText(of: "martlet", [command])
            if help.subcommands.isEmpty { flags[command] = help.flags.sorted() }
            for part in help.subcommands {
                flags["\(command) \(part)"] = try HelpText(of: "martlet", [command, part]).flags.sorted()
            }
        }
        var named: [String: [String]] = [:]
        for row in try rows(below: "### martlet") {
            let words = try #require(code(in: row[0]).first).split(separator: " ").dropFirst()
            let command = words.prefix { $0.allSatisfy(\.isLowercase) }.joined(separator: " ")
            named[command] = code(in: row[1]).sorted()
        }
        #expect(named == flags)
    }
}
