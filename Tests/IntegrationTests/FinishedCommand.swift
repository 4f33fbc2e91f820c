import Foundation

/// A program that was run to its end, and what came of it.
struct FinishedCommand {
    let exitCode: Int32
    let output: String
    let errorOutput: String

    /// The root of the package that these tests were compiled from.
    static let packageRoot = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// Runs a program with nothing to read, and with `PATH` and the given variables as its whole environment, so that
    /// what the person who runs the tests has set does not matter.
    static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> FinishedCommand {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        process.environment = environment.merging(["PATH": path]) { given, _ in given }
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        // A file, not a second pipe: reading one pipe to its end while the other fills up would hang.
        let errorPath = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID()).err")
        try Data().write(to: errorPath)
        defer { try? FileManager.default.removeItem(at: errorPath) }
        process.standardError = try FileHandle(forWritingTo: errorPath)
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return FinishedCommand(
            exitCode: process.terminationStatus,
            output: String(decoding: data, as: UTF8.self),
            errorOutput: String(decoding: try Data(contentsOf: errorPath), as: UTF8.self))
    }
}
