import Foundation
import Testing

/// The page of faults names tests; a page that names what is not there would be worse than none.
@Suite("The page of faults")
struct FaultPageTests {
    private static let page = FinishedCommand.packageRoot + "/Sources/RelayEdge/RelayEdge.docc/Faults.md"

    /// The rows of all matrices, as cells.
    private static func rows() throws -> [[String]] {
        try String(contentsOfFile: page, encoding: .utf8).split(separator: "\n")
            .filter { $0.hasPrefix("| ") && !$0.hasPrefix("| fault ") }
            .map { row in
                row.dropFirst().dropLast().split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            }
    }

    /// What is in backticks in a cell.
    private static func names(in cell: String) -> [String] {
        cell.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { !$0.offset.isMultiple(of: 2) }.map { String($0.element) }
    }

    /// The suites with the names of their tests, from the sources.
    private static func tests() throws -> [String: Set<String>] {
        let root = FinishedCommand.packageRoot + "/Tests"
        let files = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        var tests: [String: Set<String>] = [:]
        for file in files where file.hasSuffix(".swift") {
            let text = try String(contentsOfFile: "\(root)/\(file)", encoding: .utf8)
            var suite: String?
            var isTest = false
            for line in text.split(separator: "\n") {
                if let match = line.firstMatch(of: /^(?:final )?(?:struct|class|extension) (\w+)/) {
                    suite = String(match.output.1)
                }
                if line.contains("@Test") { isTest = true }
                if isTest, let suite, let match = line.firstMatch(of: /^ +func (\w+)/) {
                    tests[suite, default: []].insert(String(match.output.1))
                    isTest = false
                }
            }
        }
        return tests
    }

    @Test("Every cell names tests that are there, or says why there is none")
    func cells() throws {
        let tests = try Self.tests()
        let rows = try Self.rows()
        #expect(rows.count >= 30)
        var named = Set<String>()
        for row in rows {
            try #require(row.count == 8, "\(row)")
            for cell in row.dropFirst() {
                let names = Self.names(in: cell)
                let isReason = cell.hasPrefix("– ") && cell.count > 4
                #expect(!names.isEmpty || isReason, "\(row[0]): \(cell)")
                for name in names {
                    let parts = name.split(separator: "/").map(String.init)
                    try #require(parts.count == 2, "\(row[0]): \(name)")
                    #expect(tests[parts[0]]?.contains(parts[1]) == true, "\(row[0]): there is no test \(name)")
                    named.insert(parts[0])
                }
            }
        }
        #expect(named.count > 15)
    }

    @Test("Every test of the folder of faults has its place on the page")
    func complete() throws {
        let text = try String(contentsOfFile: Self.page, encoding: .utf8)
        let folder = FinishedCommand.packageRoot + "/Tests/IntegrationTests/Faults"
        let files = try FileManager.default.contentsOfDirectory(atPath: folder)
        let suites = files.map { $0.replacing(".swift", with: "") }
        let tests = try Self.tests()
        #expect(suites.count > 5)
        for suite in suites where suite != "FaultPageTests" && suite != "RoomOracleTests" {
            for test in tests[suite] ?? [] { #expect(text.contains("`\(suite)/\(test)`"), "\(suite)/\(test)") }
        }
    }
}
