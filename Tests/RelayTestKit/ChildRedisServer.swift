<<<<<<< HEAD
/// A redis-server process that cannot outlive this one; its directory goes with it.
final class ChildRedisServer {
    private let child: GuardedChild

    init(configurationPath: String, directory: String) throws {
        let log = "\(directory)/redis.log"
        child = try GuardedChild(
            command: ["redis-server", configurationPath], output: log, errorOutput: log, doomedDirectory: directory)
    }

    /// Gives an order and returns the line it was answered with: see `GuardedChild`.
    @discardableResult
    func give(_ order: String) throws -> String { try child.give(order) }

    /// Ends the server and removes the directory; returns when both are done.
    func close() { child.close() }
=======
internal import Foundation

/// A redis-server process that cannot outlive this one, however this one ends.
///
/// A small shell stands between: it reads orders from a pipe, starts and signals the server, and answers each order
/// with a line. When the pipe ends, because of `close()` or because this process is gone, it kills the server with
/// SIGKILL, which also ends a stopped one, and removes the directory. It ignores the signals of a terminal, so Ctrl-C
/// on the tests does not leave the server behind.
///
/// All members block for the few milliseconds of an order; they are called from one owner, an actor.
final class ChildRedisServer {
    private static let shell = """
        trap '' INT TERM HUP
        child=
        while read -r order; do
            case "$order" in
            start) redis-server "$1" >>"$2/redis.log" 2>&1 </dev/null & child=$!; echo "$child" ;;
            kill) kill -9 "$child"; wait "$child"; child=; echo killed ;;
            stop) kill -15 "$child"; wait "$child"; child=; echo stopped ;;
            pause) kill -STOP "$child"; echo paused ;;
            resume) kill -CONT "$child"; echo resumed ;;
            esac
        done
        if [ -n "$child" ]; then kill -9 "$child"; wait "$child"; fi
        rm -rf "$2"
        """

    private let process = Process()
    private let orders = Pipe()
    private let answers = Pipe()
    private var isClosed = false

    init(configurationPath: String, directory: String) throws {
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", Self.shell, "martlet-test-redis", configurationPath, directory]
        process.standardInput = orders
        process.standardOutput = answers
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    deinit {
        close()
    }

    /// Gives an order and returns the line it was answered with.
    @discardableResult
    func give(_ order: String) throws -> String {
        guard !isClosed else { throw LocalRedisError(reason: "the redis-server of this test is stopped") }
        try orders.fileHandleForWriting.write(contentsOf: Data("\(order)\n".utf8))
        var line = Data()
        while let chunk = try answers.fileHandleForReading.read(upToCount: 1), let byte = chunk.first {
            guard byte != 0x0A else { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        throw LocalRedisError(reason: "the shell around redis-server ended")
    }

    /// Ends the server and removes the directory; returns when both are done.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        try? orders.fileHandleForWriting.close()
        // The end of the answers is the end of the shell. waitUntilExit would spin a run loop on this thread.
        while let chunk = try? answers.fileHandleForReading.read(upToCount: 256), !chunk.isEmpty {}
    }
>>>>>>> h2b
}
