import Foundation
import RelayClient
import RelayTestKit
import Testing

/// The README's commands, pasted into a shell.
@Suite("The README", .timeLimit(.minutes(20)))
struct ReadmeTests {
    private static let text =
        (try? String(contentsOfFile: FinishedCommand.packageRoot + "/README.md", encoding: .utf8)) ?? ""

    /// The lines of shell blocks below a heading, without comments.
    private static func commands(below heading: String) throws -> [String] {
        let section = try #require(text.range(of: "\n## \(heading)\n")).upperBound
        let rest = text[section...]
        let end = rest.range(of: "\n## ")?.lowerBound ?? rest.endIndex
        var commands: [String] = []
        var isShell = false
        for line in rest[..<end].split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                isShell = line == "```sh"
            } else if isShell, !line.isEmpty, !line.hasPrefix("#") {
                commands.append(String(line))
            }
        }
        return commands
    }

    @Test("Every command of the first conversation and of the recipes does what it says")
    func recipes() async throws {
        let directory = try TemporaryDirectory.make("martlet-readme")
        defer { TemporaryDirectory.remove(directory) }
        let up = try await RelayProgram("martlet", ["up", "--data", directory, "--listen", "127.0.0.1:0"])
        _ = try await up.line(beginning: "Martlet is up", within: .seconds(60))
        let redis = try await up.line(beginning: "  redis").split(separator: " ").last.map(String.init) ?? ""
        var ports: [String] = []
        for edge in ["  edge-1", "  edge-2"] {
            let url = try await up.line(beginning: edge).split(separator: " ")[1]
            ports.append(String(url.split(separator: ":")[2]))
        }
        func run(_ command: String) throws -> FinishedCommand {
            let here = command.replacing("-p 6390", with: "-p \(redis)").replacing(":8080", with: ":\(ports[0])")
                .replacing(":8081", with: ":\(ports[1])").replacing("~/.local/state/martlet", with: directory)
            return try FinishedCommand.run(["/bin/sh", "-ec", here])
        }
        let first = try Self.commands(below: "A first conversation")
        #expect(first.count == 3)
        #expect(try run(first[0]).output.contains("\"seq\":1,"))
        #expect(try run(first[1]).output.contains("\"text\":\"from a script\""))
        try await eventually("the message is in the archive") {
            try run(first[2]).output.contains("\"text\":\"from a script\"")
        }
        // What a part of the command promises; the first that fits counts.
        let expected = [
            ("XREVRANGE", "from a script"), ("EVAL", "0"), ("PUBLISH", "2"), ("chat:edge:$edge", "deliveries"),
            (":meta'", "archived_seq"), ("chat:rooms", "general"), ("chat:edges", "edge-"),
            ("chat:archiver", "behind"), ("chat:kicked", "mallory"), (":here'", "alice"),
        ]
        // Somebody is there on each edge: a recipe about people shows them, and a notice has two edges to reach.
        let people = try await Self.people(on: ports)
        let recipes = try Self.commands(below: "Watching it with `redis-cli`")
        #expect(recipes.count >= 9)
        for recipe in recipes {
            let done = try run(recipe)
            #expect(done.exitCode == 0 && done.errorOutput.isEmpty, "\(recipe): \(done.errorOutput)")
            let wanted = try #require(expected.first { recipe.contains($0.0) }?.1, "\(recipe)")
            #expect(done.output.contains(wanted), "\(recipe): \(done.output)")
        }
        for person in people { await person.close() }
        #expect(try await up.interrupt() == 0)
    }

    private static func people(on ports: [String]) async throws -> [RelayConnection] {
        var people: [RelayConnection] = []
        for (user, port) in zip(["alice", "bob"], ports) {
            let url = try #require(RelayURL("ws://127.0.0.1:\(port)/v1/ws?user=\(user)"))
            let person = try await RelayConnection.open(RelayConnectionConfiguration(url: url))
            try await person.send(#"{"op":"join","room":"general"}"#)
            _ = await person.next(within: .seconds(60))
            people.append(person)
        }
        return people
    }

    @Test("Its conversation in three ways goes as it is written down")
    func transcript() async throws {
        let transcript = try Transcript(below: "## Three ways in", in: Self.text)
        #expect(transcript.steps.count > 30)
        try await RelayWorld.run(edges: [[], []], options: .init(isMostlyWaiting: true)) { _, edges in
            try await transcript.play(on: edges)
        }
    }

    @Test("Every file and folder that it names is there")
    func links() throws {
        for match in Self.text.matches(of: /\]\(([^)#:]+)\)|`((?:Sources|Tests|deploy)\/[A-Za-z0-9_\/.-]+)`/) {
            let path = String(match.output.1 ?? match.output.2 ?? "")
            #expect(FileManager.default.fileExists(atPath: FinishedCommand.packageRoot + "/" + path), "\(path)")
        }
    }
}
