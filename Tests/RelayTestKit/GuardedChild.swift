internal import Foundation
internal import RelayProcess

/// A child process that cannot outlive this one, however this one ends.
///
/// A small shell stands between: it reads orders from a pipe, starts and signals the program, and answers each order
/// with a line. When the pipe ends, because of `close()` or because this process is gone, it kills the program with
/// SIGKILL, which also ends a stopped one, and removes the directory where it is told to. It ignores the signals of a
/// terminal, so Ctrl-C on the tests does not leave the program behind, and SIGPIPE, so that it gets to its end when
/// nobody hears its answer.
///
/// The program's standard output and error go to files, which can be read at any time.
///
/// All members block for the few milliseconds of an order; they are called from one owner.
final class GuardedChild {
    private static let script = """
        trap '' INT TERM HUP PIPE
        out=$1; err=$2; doomed=$3; shift 3
        child=
        while read -r order; do
            case "$order" in
            start) (trap - INT TERM HUP PIPE; exec "$@") >>"$out" 2>>"$err" </dev/null & child=$!; echo "$child" ;;
            kill) kill -9 "$child"; wait "$child"; echo $?; child= ;;
            stop) kill -15 "$child"; wait "$child"; echo $?; child= ;;
            interrupt) kill -2 "$child"; wait "$child"; echo $?; child= ;;
            wait) wait "$child"; echo $?; child= ;;
            pause) kill -STOP "$child"; echo paused ;;
            resume) kill -CONT "$child"; echo resumed ;;
            quit) break ;;
            esac
        done
        if [ -n "$child" ]; then kill -9 "$child"; wait "$child"; fi
        if [ -n "$doomed" ]; then rm -rf "$doomed"; fi
        echo bye
        """

    private let shell: SpawnedProcess
    private let orders = Pipe()
    private let answers = Pipe()
    private var isClosed = false

    /// - Parameters:
    ///   - command: the program's path and its arguments.
    ///   - output: the file that standard output is appended to.
    ///   - errorOutput: the file that standard error is appended to.
    ///   - doomedDirectory: removed when the child is closed.
    init(command: [String], output: String, errorOutput: String, doomedDirectory: String?) throws {
        shell = try SpawnedProcess(
            ["/bin/sh", "-c", Self.script, "martlet-test-guard", output, errorOutput, doomedDirectory ?? ""] + command,
            input: orders.fileHandleForReading.fileDescriptor,
            output: answers.fileHandleForWriting.fileDescriptor)
        // From here on the ends of the pipes tell that the shell has ended.
        try orders.fileHandleForReading.close()
        try answers.fileHandleForWriting.close()
    }

    deinit {
        close()
    }

    /// Gives an order and returns the line it was answered with.
    @discardableResult
    func give(_ order: String) throws -> String {
        guard !isClosed else { throw LocalRedisError(reason: "the program of this test is stopped") }
        return try exchange(order)
    }

    /// Ends the program and removes the directory; returns when both are done.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        _ = try? exchange("quit")
        _ = shell.waitForEnd()
        shell.reap()
    }

    private func exchange(_ order: String) throws -> String {
        try orders.fileHandleForWriting.write(contentsOf: Data("\(order)\n".utf8))
        var line = Data()
        while let chunk = try answers.fileHandleForReading.read(upToCount: 1), let byte = chunk.first {
            guard byte != 0x0A else { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        throw LocalRedisError(reason: "the shell around a program ended")
    }
}
