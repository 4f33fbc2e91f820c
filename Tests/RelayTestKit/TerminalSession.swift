internal import Foundation
internal import Glibc
internal import NIOConcurrencyHelpers
internal import RelayProcess

/// A program under a terminal of its own: what a person types goes in, what the terminal shows is read.
///
/// The terminal is the program's controlling one, so that a new size reaches it as SIGWINCH, and the end of the test as
/// SIGHUP.
public final class TerminalSession: Sendable {
    private let master: Int32
    private let process: SpawnedProcess
    private let model: NIOLockedValueBox<TerminalModel>
    private let state = NIOLockedValueBox((isClosed: false, status: Int32?.none))

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - command: its path and its arguments.
    ///   - environment: all of its variables.
    public init(
        _ command: [String], environment: [String: String], columns: Int = 80, rows: Int = 24
    ) throws {
        guard let wrapper = Executable.path(of: "setsid") else {
            throw LocalRedisError(reason: "setsid is not on the PATH: install the package util-linux")
        }
        var (master, slave) = (Int32(0), Int32(0))
        var size = winsize(
            ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
        // C's interface to pseudo-terminals: everything that it points to is ours.
        guard unsafe openpty(&master, &slave, nil, nil, &size) == 0 else {
            throw LocalRedisError(reason: "no pseudo-terminal is to be had")
        }
        process = try SpawnedProcess(
            [wrapper, "--ctty", "--wait"] + command, environment: environment, input: slave, output: slave,
            errorOutput: slave)
        Glibc.close(slave)
        self.master = master
        model = NIOLockedValueBox(TerminalModel(columns: columns, rows: rows))
        Thread.detachNewThread { [self] in readOutput() }
    }

    private func readOutput() {
        var bytes = [UInt8](repeating: 0, count: 4096)
        // A terminal that is being read from is not gone when it is closed: hence the look at times.
        while !state.withLockedValue({ $0.isClosed }) {
            var question = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
            // One structure, and it is ours.
            guard unsafe poll(&question, 1, 50) > 0 else { continue }
            // The array is ours, and as long as is said.
            let count = unsafe read(master, &bytes, bytes.count)
            // EIO: nobody has the other side any more.
            guard count > 0 else { break }
            model.withLockedValue { $0.written(bytes[..<count]) }
        }
        Glibc.close(master)
        let end = process.waitForEnd()
        process.reap()
        state.withLockedValue { $0.status = end.status }
    }

    // MARK: A person

    /// Types a text.
    public func type(_ text: String) {
        let bytes = Array(text.utf8)
        // The array is ours, and as long as is said.
        _ = unsafe write(master, bytes, bytes.count)
    }

    /// Makes the terminal larger or smaller.
    public func resize(columns: Int, rows: Int) {
        model.withLockedValue { $0.resize(columns: columns, rows: rows) }
        var size = winsize(
            ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
        // The structure is ours.
        _ = unsafe ioctl(master, UInt(TIOCSWINSZ), &size)
    }

    /// What is shown.
    public func look<Value: Sendable>(_ read: (TerminalModel) -> Value) -> Value {
        model.withLockedValue { read($0) }
    }

    /// The rows of the screen.
    public var lines: [String] { look { $0.lines } }

    /// Waits until the screen is so; throws with what it shows where it does not become so.
    public func sees(
        _ what: String, within limit: Duration = .seconds(60), _ holds: ([String]) -> Bool
    ) async throws {
        guard await condition(within: limit, { holds(lines) }) else {
            throw NeverHappened(
                description: "within \(limit) the terminal never showed \(what):\n\(lines.joined(separator: "\n"))")
        }
    }

    /// Waits until a text stands somewhere on the screen.
    public func sees(_ text: String, within limit: Duration = .seconds(60)) async throws {
        try await sees("\"\(text)\"", within: limit) { lines in lines.contains { $0.contains(text) } }
    }

    /// Waits for the end of the program, and returns its exit status.
    public func end(within limit: Duration = .seconds(60)) async throws -> Int32 {
        try await eventually("the program ends", within: limit) { state.withLockedValue { $0.status } != nil }
        return state.withLockedValue { $0.status } ?? -1
    }

    /// Takes the terminal away: the program is told by SIGHUP, if it still runs.
    public func close() { state.withLockedValue { $0.isClosed = true } }
}
