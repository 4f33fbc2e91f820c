import RelayTestKit
import Testing

/// The HTTP interface as schemathesis tries it by its description: `deploy/fuzz-http`, for a while.
@Suite("The HTTP interface under a fuzzer", .timeLimit(.minutes(20)))
struct HTTPFuzzTests {
    @Test("No request that its description allows, or forbids, is answered in a way that it does not name")
    func fuzz() async throws {
        try await RelayWorld.run(edges: [["--rate", "100000", "--burst", "100000"]]) { _, edges in
            let edge = edges[0]
            // Always the same requests: others are for who looks at what they find.
            let extent = Campaign.isOn ? ["--for", "10m"] : ["--examples", "40"]
            let run = try await FinishedCommand.runAside(
                [
                    "\(FinishedCommand.packageRoot)/deploy/fuzz-http", "--url", "http://\(edge.authority)",
                ] + extent, environment: ["HOME": "/nonexistent", "LC_ALL": "C.UTF-8"])
            #expect(run.exitCode == 0, "\(run.errorOutput)")
            #expect(run.errorOutput.contains("passed") && run.errorOutput.contains("nothing found"))
            #expect(try await edge.ask("GET", "/health/ready").status == 200)
        }
    }
}
