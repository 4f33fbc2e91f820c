import Testing

@testable import martlet

@Suite("What `martlet up` is going to run")
struct UpPlanTests {
    @Test("The edges read the directory that the archiver writes")
    func archive() {
        let directory = DataDirectory(path: "/var/tmp/relay")
        let plan = UpPlan(
            programs: UpPlan.Programs(redis: "redis-server", edge: "martlet-edge", archiver: "martlet-archiver"),
            directory: directory, redisPort: 6390, listens: ["127.0.0.1:8080", "127.0.0.1:8081"], insecure: false,
            logLevel: "warning")
        let written = plan.command(of: .archiver).following("--dir")
        #expect(written == directory.archive)
        for number in 1...2 { #expect(plan.command(of: .edge(number)).following("--archive-dir") == written) }
    }
}

extension [String] {
    /// The word behind this one.
    fileprivate func following(_ word: String) -> String? {
        firstIndex(of: word).flatMap { $0 + 1 < count ? self[$0 + 1] : nil }
    }
}
