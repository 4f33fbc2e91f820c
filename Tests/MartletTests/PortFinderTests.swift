import Testing

@testable import martlet

@Suite("The search for a free port")
struct PortFinderTests {
    @Test("From 0 on it finds one of the system's choice, and never 0 itself")
    func anyPort() async throws {
        let port = try #require(await PortFinder.free(from: 0, host: "127.0.0.1", taken: []))
        #expect(port >= 1024)
    }
}
