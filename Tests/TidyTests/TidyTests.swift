import Testing

@Suite("The source tree keeps its own rules")
struct TidyTests {
    @Test("No file breaks a rule")
    func noFileBreaksARule() throws {
        let files = try SourceTree.files()
        // A walk that found nothing would find nothing wrong either.
        for path in ["Package.swift", "Tests/TidyTests/TidyTests.swift", "deploy/up", ".ci/run"] {
            #expect(files.contains { $0.path == path }, "\(path) was not looked at")
        }
        for target in Layers.byTarget.keys {
            #expect(files.contains { $0.target == target }, "no file of \(target) was looked at")
        }
        report(Rules.findings(in: files))
    }

    @Test("Nothing stands at the top level that does not belong there")
    func topLevelIsKept() async throws {
        let names = try await SourceTree.topLevelNames()
        #expect(names.contains("Package.swift"))
        report(TopLevelRule.findings(names: names))
    }

    /// One issue a finding, each on a line that an editor can follow.
    private func report(_ findings: [Finding]) {
        for finding in findings { Issue.record("\(finding)") }
    }
}
