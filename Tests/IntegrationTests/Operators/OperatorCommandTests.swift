import Foundation
import RelayTestKit
import Testing

@Suite("Commands that people and scripts use", .timeLimit(.minutes(20)), .serialized)
struct OperatorCommandTests {
    private static func martlet(_ arguments: [String], _ environment: [String: String] = [:]) async throws
        -> FinishedCommand
    {
        let variables = environment.merging(["MARTLET_DATA": "/nonexistent"]) { given, _ in given }
        return try await FinishedCommand.runAside(
            ["\(RelayProgram.programsDirectory)/martlet"] + arguments, environment: variables)
    }

    private static func objects(_ text: String) throws -> [[String: Any]] {
        try text.split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    @Test("Every command has examples and says what its exit codes mean")
    func help() async throws {
        let root = try await Self.martlet(["--help"]).output
        #expect(root.contains("Examples:") && root.contains("Exit codes:") && root.contains("--generate-completion"))
        for command in try HelpText(of: "martlet").subcommands {
            let parts = try HelpText(of: "martlet", [command]).subcommands
            for words in [[command]] + parts.map({ [command, $0] }) {
                let text = try await Self.martlet(words + ["--help"]).output
                #expect(text.contains("Example"), "\(words)")
                #expect(text.contains("Exit codes:"), "\(words)")
                #expect(text.contains("  martlet \(words[0])"), "\(words)")
            }
        }
    }

    @Test("Completion scripts come for each shell, and bash can read its own", arguments: ["bash", "zsh", "fish"])
    func completion(shell: String) async throws {
        let script = try await Self.martlet(["--generate-completion-script", shell])
        #expect(script.exitCode == 0 && script.errorOutput.isEmpty)
        for word in ["doctor", "archive", "redis-url", "token-file"] {
            #expect(script.output.contains(word), "\(word)")
        }
        guard shell == "bash" else { return }
        let directory = try TemporaryDirectory.make("martlet-completion")
        defer { TemporaryDirectory.remove(directory) }
        try script.output.write(toFile: "\(directory)/martlet.bash", atomically: true, encoding: .utf8)
        // As a shell has it when somebody types `martlet do` and Tab.
        let asking = """
            source '\(directory)/martlet.bash'
            COMP_WORDS=(martlet do) COMP_CWORD=1 COMP_LINE='martlet do' COMP_POINT=10 COMP_TYPE=9
            _martlet martlet do martlet
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        let reply = try await FinishedCommand.runAside(["/bin/bash", "-c", asking])
        #expect(reply.output.contains("doctor"), "\(reply.output)\(reply.errorOutput)")
    }

    @Test("What was said is told as a table, as JSON, and from ten minutes ago on")
    func conversation() async throws {
        try await RelayWorld.run(options: .init(isMostlyWaiting: true)) { world, edges in
            let url = "ws://\(edges[0].authority)"
            let said = try await Self.martlet(["say", "tea", "one", "--nonce", "n-1", "--url", url, "--json"])
            let again = try await Self.martlet(["say", "tea", "one", "--nonce", "n-1", "--url", url, "--json"])
            let (first, second) = (try Self.objects(said.output)[0], try Self.objects(again.output)[0])
            #expect(first["seq"] as? Int == 1 && first["room"] as? String == "tea")
            #expect(first["duplicate"] as? Bool == false && second["duplicate"] as? Bool == true)
            #expect(first["nonce"] as? String == "n-1" && first["id"] as? String == second["id"] as? String)

            for since in ["10m", first["id"] as? String ?? "", "1000h"] {
                let tail = try await RelayProgram(
                    "martlet", ["tail", "tea", "--since", since, "--json", "--url", url, "--user", "reader"])
                _ = try await Self.martlet(["say", "tea", "after \(since)", "--url", url])
                try await eventually("the newest line is there") {
                    await tail.output.contains("\"text\":\"after \(since)\"")
                }
                let texts = try Self.objects(await tail.output).compactMap { $0["text"] as? String }
                #expect(texts.contains("one") == (since.hasSuffix("m") || since.hasSuffix("h")), "\(since): \(texts)")
                #expect(try await tail.interrupt() == 0)
            }

            let login = [
                "MARTLET_REDIS_USERNAME": GuardedRedis.User.operator.rawValue,
                "MARTLET_REDIS_PASSWORD": GuardedRedis.User.operator.password,
            ]
            let rooms = ["rooms", "--redis-url", world.redis.url]
            try await eventually("the room is listed") {
                let listed = try await Self.martlet(rooms + ["--json"], login)
                if !listed.errorOutput.isEmpty { throw NeverHappened(description: listed.errorOutput) }
                return listed.output.contains("\"tea\"")
            }
            let row = try Self.objects(await Self.martlet(rooms + ["--json"], login).output)[0]
            #expect(row["room"] as? String == "tea" && row["messages"] as? Int == 4)
            #expect((row["last"] as? Double ?? 0) > 1.7e12 && row["here"] as? Int != nil)
            let table = try await Self.martlet(rooms, login)
            #expect(table.output.hasPrefix("ROOM  LAST ACTIVITY") && !table.output.contains("\u{1b}"))
            // Whoever writes into Redis by hand may write what is no time.
            for (room, score) in [("never", "-5"), ("always", "inf"), ("late", "1e30")] {
                try await world.cli("ZADD", "chat:rooms", score, room)
            }
            let odd = try await Self.martlet(rooms + ["--json"], login)
            #expect(odd.exitCode == 0 && odd.output.contains("\"tea\""), "\(odd)")
        }
    }

    @Test("What cannot be reached ends with 69 and one line")
    func unreachable() async throws {
        for arguments in [
            ["rooms", "--redis-url", "redis://127.0.0.1:1"], ["kick", "bob", "--redis-url", "redis://127.0.0.1:1"],
            ["say", "tea", "x", "--url", "ws://127.0.0.1:1", "--timeout", "1"],
        ] {
            let ended = try await Self.martlet(arguments)
            #expect(ended.exitCode == 69 && ended.output.isEmpty, "\(arguments): \(ended.errorOutput)")
            #expect(ended.errorOutput.split(separator: "\n").count == 1, "\(ended.errorOutput)")
        }
    }

    @Test(
        "A wrong token file or authority is exit 64 and one line that names the flag",
        arguments: [
            (["--token-file", "/nonexistent"], "--token-file"), (["--ca-file", "/etc/hostname"], "--ca-file"),
        ])
    func files(flags: [String], name: String) async throws {
        let ended = try await Self.martlet(["say", "tea", "x"] + flags)
        #expect(ended.exitCode == 64 && ended.errorOutput.contains(name), "\(ended.errorOutput)")
        #expect(ended.errorOutput.split(separator: "\n").count == 1)
    }

    private static func terminal(_ arguments: [String], _ more: [String: String] = [:]) throws -> TerminalSession {
        let variables = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "TERM": "xterm-256color",
            "MARTLET_DATA": "/nonexistent", "HOME": "/nonexistent",
        ]
        return try TerminalSession(
            arguments,
            environment: variables.merging(more) { _, given in given }
                .merging(FinishedCommand.sanitizerOptions) { given, _ in given })
    }

    @Test("On a terminal a table has looks and keeps to the width, unless NO_COLOR is set")
    func looks() async throws {
        let doctor = ["\(RelayProgram.programsDirectory)/martlet", "doctor", "--redis-url", "redis://127.0.0.1:1"]
        let colored = try Self.terminal(doctor)
        #expect(try await colored.end() == 69)
        #expect(colored.look { $0.look(of: "UNREACHABLE", inRow: 0) } == "31", "\(colored.lines)")
        #expect(colored.lines.contains { $0.hasPrefix("                          -> is Redis running there") })
        let plain = try Self.terminal(doctor, ["NO_COLOR": "1"])
        #expect(try await plain.end() == 69)
        #expect(plain.lines == colored.lines && !plain.look { $0.hasLooks })
    }

    @Test("Long work says on the terminal how far it is, and takes the row away")
    func progress() async throws {
        let directory = try TemporaryDirectory.make("martlet-progress")
        defer { TemporaryDirectory.remove(directory) }
        try FileManager.default.createDirectory(atPath: "\(directory)/general", withIntermediateDirectories: false)
        let text = String(repeating: "x", count: 300)
        let lines = (1...5000).map { number in
            let time = 1_763_691_000_000 + number
            return #"{"id":"\#(time)-0","seq":\#(number),"ts":\#(time),"room":"general","type":"message","user":"a","#
                + #""name":"a","text":"\#(text)"}"# + "\n"
        }
        try lines.joined().write(
            toFile: "\(directory)/general/2025-11-21.jsonl", atomically: true, encoding: .utf8)
        // Whoever reads takes their time, and so does the command.
        let script = """
            '\(RelayProgram.programsDirectory)/martlet' archive cat '\(directory)' general --limit 5000 \
            | (sleep 3; head -c 800000 >/dev/null; while [ ! -e '\(directory)/go' ]; do sleep 0.1; done; wc -l)
            echo over
            """
        let terminal = try Self.terminal(["/bin/sh", "-c", script])
        defer { terminal.close() }
        try await terminal.sees("how far it is") { lines in
            lines[0].hasPrefix("[####") && lines[0].contains(" %, ") && lines[0].contains(" messages, up to 17636910")
        }
        try Data().write(to: URL(filePath: "\(directory)/go"))
        try await terminal.sees("over")
        #expect(!terminal.lines.contains { $0.contains(" %, ") }, "\(terminal.lines)")
    }
}
