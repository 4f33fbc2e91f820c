import Foundation
import RelayTestKit
import RelayWire
import Testing

/// What is written about the HTTP interface, held against an edge.
@Suite("The pages about HTTP", .timeLimit(.minutes(20)))
struct HTTPPageTests {
    /// Commands of the page, and what they print.
    private struct Example {
        var script: String
        var output: String
    }

    private static func page(_ path: String) throws -> String {
        try String(contentsOfFile: "\(FinishedCommand.packageRoot)/\(path)", encoding: .utf8)
    }

    private static let path = "Sources/RelayEdge/RelayEdge.docc/HTTP.md"

    /// Each block of shell with the block that follows it.
    private static func examples() throws -> [Example] {
        let parts = try page(path).components(separatedBy: "\n```")
        var examples: [Example] = []
        for (index, part) in parts.enumerated() where part.hasPrefix("sh\n") {
            let output = try #require(index + 2 < parts.count ? parts[index + 2] : nil)
            try #require(
                output.hasPrefix("json\n") || output.hasPrefix("text\n"), "\(part) is not followed by what it prints")
            examples.append(Example(script: String(part.dropFirst(3)), output: String(output.dropFirst(5))))
        }
        return examples
    }

    /// Without what differs from run to run.
    private static func steady(_ text: String) -> String {
        text.replacing(/[0-9]{13}/, with: "TIME").replacing(/TIME-[0-9]+/, with: "ID")
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test("Every example prints what the page says")
    func curl() async throws {
        let examples = try Self.examples()
        #expect(examples.count >= 10)
        try await RelayWorld.run { _, edges in
            for example in examples {
                let here = example.script.replacing("127.0.0.1:8080", with: edges[0].authority)
                let run = try await FinishedCommand.runAside(["/bin/sh", "-ec", here])
                #expect(run.exitCode == 0 && run.errorOutput.isEmpty, "\(example.script): \(run.errorOutput)")
                #expect(Self.steady(run.output) == Self.steady(example.output), "\(example.script)")
            }
        }
    }

    @Test("The tables have every request, and no other", arguments: [path, "README.md"])
    func tables(path: String) async throws {
        let text = try Self.page(path)
        let start = try #require(text.range(of: "| request | does |")?.upperBound)
        let rows = text[start...].split(separator: "\n").prefix { $0.hasPrefix("|") }
        let named = rows.flatMap { row in
            row.split(separator: "|").first?.matches(of: /`([A-Z]+ \/[^`]*)`/).map { String($0.output.1) } ?? []
        }
        try await RelayWorld.run { _, edges in
            let answer = try await edges[0].ask("GET", "/v1/openapi.json")
            let paths = try #require(try JSONReader.object(from: answer.body, depthMax: 64)["paths"]?.object)
            var described: [String] = []
            for path in paths.keys {
                let shown = path.replacing("{room}", with: "ROOM").replacing("{to}", with: "USER")
                    .replacing("{message}", with: "ID")
                for method in paths[path]?.object?.keys ?? [] { described.append("\(method.uppercased()) \(shown)") }
            }
            #expect(named.sorted() == described.sorted())
        }
    }
}
