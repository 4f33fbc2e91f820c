import Foundation
import RelayTestKit
import Testing

/// What the commands of the archive hold in memory, as the kernel counts it.
@Suite(
    "The memory of `martlet archive`", .timeLimit(.minutes(20)),
    .disabled(if: FinishedCommand.isSanitized, "a sanitizer has memory of its own"))
struct ArchiveMemoryTests {
    /// Runs what follows and prints the most memory that it had, in KiB.
    private static let measure = """
        import resource, subprocess, sys
        subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
        """

    /// The memory of a proof of one day of so many lines.
    private static func proof(lines: Int) async throws -> Int {
        let directory = try TemporaryDirectory.make("martlet-memory")
        defer { TemporaryDirectory.remove(directory) }
        let folder = "\(directory)/general"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        // No line of it is one of an archive: each is read, and each is wrong.
        let day = Data(String(repeating: "x\n", count: lines).utf8)
        try day.write(to: URL(filePath: "\(folder)/2026-11-20.jsonl"))
        let martlet = "\(RelayProgram.programsDirectory)/martlet"
        let command = try await FinishedCommand.runAside(
            ["/usr/bin/env", "python3", "-c", measure, martlet, "archive", "verify", directory])
        let text = command.output.trimmingCharacters(in: .whitespacesAndNewlines)
        return try #require(Int(text), "\(command.errorOutput)")
    }

    @Test("A proof takes no more memory for a day of 400 000 lines than for one of a hundred")
    func verify() async throws {
        let small = try await Self.proof(lines: 100)
        let large = try await Self.proof(lines: 400_000)
        #expect(large - small < 8 * 1024, "\(small) KiB, then \(large) KiB")
    }
}
