import Foundation
import RelayTestKit
import Testing

/// `deploy/mutations` applies these patches, builds, and runs what must find them; that takes long. What can rot
/// between two such runs is looked at here.
@Suite("The patches that break the source on purpose")
struct MutationTests {
    private struct Patch {
        let name: String
        let path: String
        /// By key, in order.
        let head: [(key: Substring, value: Substring)]

        func values(_ key: String) -> [Substring] { head.filter { $0.key == key }.map(\.value) }
    }

    private static func patches() throws -> [Patch] {
        let folder = SourceTree.root.appending(path: "Tests/Mutations")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { file in
            let path = folder.appending(path: file).path
            let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            let head = lines.prefix { !$0.hasPrefix("diff --git ") }.compactMap { line in
                line.firstRange(of: ": ").map { (line[..<$0.lowerBound], line[$0.upperBound...]) }
            }
            return Patch(name: file, path: path, head: head)
        }
    }

    @Test("apply to the tree as it is")
    func apply() async throws {
        for patch in try Self.patches() {
            await #expect(throws: Never.self, "\(patch.name)") {
                _ = try await Executable.run(
                    "git", ["-c", "safe.directory=*", "-C", SourceTree.root.path, "apply", "--check", patch.path])
            }
        }
    }

    @Test("say what they break and what must find it, and that is there")
    func heads() throws {
        let patches = try Self.patches()
        for name in ["gap-repair-off", "duplicate-check-off", "fsync-off"] {
            #expect(patches.contains { $0.name == "\(name).patch" })
        }
        let tests = try SourceTree.files().filter(\.isTest)
        for patch in patches {
            #expect(patch.name.hasSuffix(".patch"))
            #expect(patch.values("Breaks").count == 1, "\(patch.name)")
            #expect(!patch.values("Found-by").isEmpty, "\(patch.name)")
            for finder in patch.values("Found-by") {
                let words = finder.split(separator: " ")
                #expect(words.count > 1 && ["test", "check"].contains(words[0]), "\(patch.name): \(finder)")
                guard words.first == "test", let suite = words.dropFirst().first else { continue }
                #expect(
                    tests.contains { $0.lines.contains { $0.hasPrefix("struct \(suite)") } },
                    "\(patch.name): there is no suite \(suite)")
            }
        }
    }
}
