import Foundation
import Glibc

/// A program that was run to its end, and what came of it.
///
/// Not Foundation's `Process`: that learns of the end from a descriptor, and one that another test starts at the same
/// moment may inherit it, and hold it open for as long as it runs. Here files take the output and `waitpid` tells the
/// end, so no other process matters.
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
        let status = try spawn(["/bin/sh", "-c", script, folder] + arguments, variables.map { "\($0)=\($1)" })
        func text(_ name: String) throws -> String {
            try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
        }
        // The low seven bits are the signal that ended it; as in a shell, that counts as 128 and more.
        let exitCode = status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + status & 0x7f
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

    /// Returns the status as `waitpid` has it.
    private static func spawn(_ arguments: [String], _ environment: [String]) throws -> Int32 {
        // posix_spawn takes lists of C strings that end with a null; they live until the child has its own copies.
        let argv = unsafe arguments.map { unsafe strdup($0) } + [nil]
        let envp = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer {
            // Made by strdup above, and nobody else has them.
            unsafe (argv + envp).forEach { unsafe free($0) }
        }
        var child: pid_t = 0
        // Both lists outlive the call, and `child` is written before it returns.
        let failure = unsafe posix_spawn(&child, arguments[0], nil, nil, argv, envp)
        guard failure == 0 else { throw POSIXError(POSIXErrorCode(rawValue: failure) ?? .EINVAL) }
        var status: Int32 = 0
        // `status` is a variable of ours.
        while unsafe waitpid(child, &status, 0) == -1 {
            guard errno == EINTR else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EINVAL) }
        }
        return status
    }
}
