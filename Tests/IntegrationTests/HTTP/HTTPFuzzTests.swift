import RelayTestKit
import Testing

/// The HTTP interface as schemathesis tries it by its description: `deploy/fuzz-http`, for a while.
@Suite("The HTTP interface under a fuzzer", .timeLimit(.minutes(10)))
struct HTTPFuzzTests {
    @Test("No request that its description allows, or forbids, is answered in a way that it does not name")
    func fuzz() async throws {
        try await RelayWorld.run(edges: [["--rate", "100000", "--burst", "100000"]]) { _, edges in
            let edge = edges[0]
            let span = Campaign.isOn ? "10m" : "40s"
            // Always the same one: others are for `deploy/fuzz-http`, and for who looks at what it says.
            let seed = Campaign.isOn ? String(Int.random(in: 0...999_999_999)) : "1"
            let run = try FinishedCommand.run(
                [
                    "\(FinishedCommand.packageRoot)/deploy/fuzz-http", "--url", "http://\(edge.authority)", "--for",
                    span, "--seed", seed,
                ], environment: ["HOME": "/nonexistent", "LC_ALL": "C.UTF-8"])
            #expect(run.exitCode == 0, "\(run.errorOutput)")
            #expect(run.errorOutput.contains("passed") && run.errorOutput.contains("nothing found"))
            #expect(try await edge.ask("GET", "/health/ready").status == 200)
        }
    }
}
