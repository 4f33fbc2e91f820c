internal import Foundation

/// One of the relay's programs, run as a process of its own until the test ends.
public actor RelayProgram {
    /// Where the programs of this build are: beside the tests.
    public static var programsDirectory: String {
        // The test bundle runs out of the products' directory, or one below it.
        var folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            .deletingLastPathComponent()
        for _ in 0..<4 {
            if FileManager.default.isExecutableFile(atPath: folder.appendingPathComponent("martlet-edge").path) {
                break
            }
            folder = folder.deletingLastPathComponent()
        }
        return folder.path
    }

    /// The process's id.
    public private(set) var pid: Int32 = 0
    private let child: GuardedChild
    private let directory: String
    private let name: String

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - name: `martlet-edge`, `martlet-archiver` or `martlet`.
    ///   - arguments: its command line.
    ///   - environment: variables beside those of the tests.
    public init(_ name: String, _ arguments: [String], environment: [String: String] = [:]) async throws {
        self.name = name
        directory = try TemporaryDirectory.make("martlet-program")
        let variables = environment.map { "\($0)=\($1)" }
        child = try GuardedChild(
            command: ["/usr/bin/env"] + variables + ["\(Self.programsDirectory)/\(name)"] + arguments,
            output: "\(directory)/out", errorOutput: "\(directory)/err", doomedDirectory: directory)
        pid = Int32(try child.give("start")) ?? 0
    }

    /// What it has printed to standard output.
    public var output: String { (try? String(contentsOfFile: "\(directory)/out", encoding: .utf8)) ?? "" }

    /// What it has printed to standard error.
    public var errorOutput: String { (try? String(contentsOfFile: "\(directory)/err", encoding: .utf8)) ?? "" }

    /// Waits for a line on standard output that begins so, and returns it.
    public func line(beginning prefix: String, within limit: Duration = .seconds(60)) async throws -> String {
        var found: String?
        let happened = await condition(within: limit) {
            found = output.split(separator: "\n").map(String.init).first { $0.hasPrefix(prefix) }
            return found != nil
        }
        guard happened, let found else {
            throw NeverHappened(
                description:
                    "\(name) never printed a line that begins \"\(prefix)\"; it printed: \(output)\(errorOutput)")
        }
        return found
    }

    /// Sends SIGTERM and returns the exit status, 128 and more for a signal.
    @discardableResult
    public func stop() throws -> Int32 { Int32(try child.give("stop")) ?? -1 }

    /// Sends SIGINT and returns the exit status.
    @discardableResult
    public func interrupt() throws -> Int32 { Int32(try child.give("interrupt")) ?? -1 }

    /// Sends SIGKILL.
    public func kill() throws { try child.give("kill") }

    /// Waits until it ends by itself and returns the exit status.
    public func wait() throws -> Int32 { Int32(try child.give("wait")) ?? -1 }

    /// Sends SIGSTOP.
    public func pause() throws { try child.give("pause") }

    /// Sends SIGCONT.
    public func resume() throws { try child.give("resume") }
}
