import Foundation
import Glibc
import RelayTestKit
import NIOConcurrencyHelpers

/// A `martlet-archiver` of one's own, as a process that can be killed. What it prints goes to files.
///
/// Not Foundation's `Process`, for the reason that `FinishedCommand` gives.
final class ArchiverProcess: Sendable {
    struct NotStarted: Error {
        let code: Int32
    }

    let identifier: Int32
    private let folder: String
    private let status = NIOLockedValueBox<Int32?>(nil)

    /// Starts the program that was built beside the tests, as an argument of another one where one is named. Its output
    /// goes to files in `folder`.
    init(
        _ arguments: [String], environment: [String: String] = [:], folder: String, under wrapper: [String] = []
    ) throws {
        let program = RelayProgram.programsDirectory + "/martlet-archiver"
        let script = #"exec "$@" >"$0/out" 2>"$0/err" </dev/null"#
        let command = ["/bin/sh", "-c", script, folder] + wrapper + [program] + arguments
        // Lists of C strings that end with a null, for posix_spawn; they live until the child has its own copies.
        let argv = unsafe command.map { unsafe strdup($0) } + [nil]
        let variables = environment.merging(FinishedCommand.sanitizerOptions) { given, _ in given }
        let envp = unsafe variables.map { unsafe strdup("\($0.key)=\($0.value)") } + [nil]
        defer { unsafe (argv + envp).forEach { unsafe free($0) } }
        // Threads that run tests block signals; the program is to hear them.
        var attributes = posix_spawnattr_t()
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var identifier: pid_t = 0
        let code = unsafe posix_spawn(&identifier, "/bin/sh", nil, &attributes, argv, envp)
        guard code == 0 else { throw NotStarted(code: code) }
        self.identifier = identifier
        self.folder = folder
    }

    deinit {
        guard !hasEnded else { return }
        _ = kill(identifier, SIGKILL)
        _ = waitpid(identifier, nil, 0)
    }

    var output: String { (try? String(contentsOfFile: folder + "/out", encoding: .utf8)) ?? "" }
    var errors: String { (try? String(contentsOfFile: folder + "/err", encoding: .utf8)) ?? "" }

    /// Returns when the program has said that it is ready.
    func waitUntilReady() async throws {
        try await eventually("martlet-archiver is ready") {
            output.hasPrefix("martlet-archiver ready: ")
        }
    }

    /// Sends the signal and answers the exit status: the code, or 128 and the signal.
    func end(_ signal: Int32) async throws -> Int32 {
        _ = kill(identifier, signal)
        return try await exitStatus()
    }

    /// Waits for the end.
    func exitStatus() async throws -> Int32 {
        try await eventually("martlet-archiver ends") { hasEnded }
        let status = status.withLockedValue { $0 } ?? 0
        return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + status & 0x7f
    }

    /// Whether it has ended.
    var hasEnded: Bool {
        status.withLockedValue { status in
            if status != nil { return true }
            var ended: Int32 = 0
            // `ended` is a variable of ours.
            guard unsafe waitpid(identifier, &ended, WNOHANG) == identifier else { return false }
            status = ended
            return true
        }
    }
}
