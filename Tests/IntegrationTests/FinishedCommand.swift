import Foundation
import RelayProcess

/// A program that was run to its end, and what came of it.
///
/// Not Foundation's `Process`: that learns of the end from a descriptor, and one that another test starts at the same
/// moment may inherit it, and hold it open for as long as it runs. Here files take the output and the system tells the
/// end, so no other process matters; and it has nothing open that other tests have.
struct FinishedCommand {
    let exitCode: Int32
    let output: String
    let errorOutput: String

    /// The root of the package that these tests were compiled from.
    static let packageRoot = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// What a sanitizer is told, where the tests run under one: the programs that they start were built with it too.
    static let sanitizerOptions = ProcessInfo.processInfo.environment.filter { name, _ in
        ["TSAN_OPTIONS", "ASAN_OPTIONS"].contains(name)
    }

    /// Whether programs are larger than they are to users, by several times, so that no bound of memory holds.
    static let isSanitized = !sanitizerOptions.isEmpty

    /// About how many times slower than to users programs are: what is expected of them within a time is so much less.
    static let slowness = isSanitized ? 10 : 1

    /// Runs a program with nothing to read, and with `PATH` and the given variables as its whole environment, so that
    /// what the person who runs the tests has set does not matter.
    static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> FinishedCommand {
        let folder = "/tmp/martlet-command-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let variables = environment.merging(["PATH": path]) { given, _ in given }
            .merging(sanitizerOptions) { given, _ in given }
        let script = #"exec "$@" >"$0/output" 2>"$0/error" </dev/null"#
        let process = try SpawnedProcess(["/bin/sh", "-c", script, folder] + arguments, environment: variables)
        defer { process.reap() }
        let exitCode = process.waitForEnd().status
        func text(_ name: String) throws -> String {
            try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
        }
        return FinishedCommand(exitCode: exitCode, output: try text("output"), errorOutput: try text("error"))
    }

    /// The same for what takes long, on a thread of its own: tests share as many threads as there are processors, and
    /// all of them would wait with this one.
    static func runAside(_ arguments: [String], environment: [String: String] = [:]) async throws -> FinishedCommand {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try run(arguments, environment: environment) })
            }
        }
    }
}
