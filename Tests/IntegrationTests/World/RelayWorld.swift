import Foundation
import Glibc
import RelayTestKit
import NIOConcurrencyHelpers

/// A relay of one's own: a redis-server under the ACL file of `deploy/redis`, edges, and an archiver where one is
/// wanted.
///
/// The programs log in as the users of production and have no more rights than these; `cli` asks as a user who may do
/// everything. Only a few worlds stand at a time, so that tests that run side by side do not wait for the processor.
/// A time limit of a test counts the wait for its world too.
final class RelayWorld: Sendable {
    /// What a world is like.
    struct Options {
        var isAppendOnly = false
        /// More lines for redis.conf.
        var redisConfiguration: [String] = []
        var certificate: TestCertificate?
        /// How edges reach Redis; nil for TCP.
        var makeURL: (@Sendable (LocalRedis) -> String)?
        /// More of the edges' environment.
        var environment: [String: String] = [:]
        /// Whether the test does little but wait: such worlds stand beside those that are busy.
        var isMostlyWaiting = false
    }

    let redis: LocalRedis
    /// For the test's own files; it goes with the world.
    let directory: String
    private let url: String
    private let environment: [String: String]
    private let running = NIOLockedValueBox<[RelayProgram]>([])
    private let archiver = NIOLockedValueBox<RelayProgram?>(nil)

    private init(_ options: Options) async throws {
        let rules = try GuardedRedis.makeACL().output.split(separator: "\n").map(String.init)
        let tester = "user tester on >\(GuardedRedis.User.tester.password) ~* &* +@all"
        redis = try await LocalRedis.start(
            LocalRedis.Options(
                isAppendOnly: options.isAppendOnly, accessControl: rules + [tester], certificate: options.certificate,
                configuration: options.redisConfiguration))
        directory = try TemporaryDirectory.make("martlet-world")
        url = options.makeURL?(redis) ?? redis.url
        environment = options.environment
    }

    /// Makes a world with an edge for each list of flags, waits until all are ready, and takes it down when the body
    /// is at its end.
    static func run(
        edges: [[String]] = [[]], options: Options = Options(),
        _ body: (RelayWorld, [EdgeProcess]) async throws -> Void
    ) async throws {
        let turns = options.isMostlyWaiting ? Turns.waiting : Turns.busy
        let outcome: Result<Void, any Error> = await turns.take {
            do {
                let world = try await RelayWorld(options)
                return await world.live(edges: edges, body)
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
    }

    private func live(
        edges flags: [[String]], _ body: (RelayWorld, [EdgeProcess]) async throws -> Void
    ) async -> Result<Void, any Error> {
        let outcome: Result<Void, any Error>
        do {
            var edges: [EdgeProcess] = []
            for arguments in flags {
                let edge = try await startEdge(arguments)
                edges.append(edge)
                try await edge.waitUntilReady()
            }
            outcome = .success(try await body(self, edges))
        } catch {
            outcome = .failure(error)
        }
        for program in running.withLockedValue({ $0 }) { await program.end() }
        await redis.stop()
        TemporaryDirectory.remove(directory)
        return outcome
    }

    /// Starts one more edge and returns when it listens.
    func startEdge(_ arguments: [String] = []) async throws -> EdgeProcess {
        let program = try await startProgram("martlet-edge", ["--listen", "127.0.0.1:0"] + arguments, as: .edge)
        let line = try await program.line(beginning: "martlet-edge listening on http")
        guard let port = line.split(separator: ":").last.flatMap({ Int($0) }) else {
            throw NeverHappened(description: "a port in \(line)")
        }
        return EdgeProcess(program: program, processID: await program.pid, port: port)
    }

    /// Starts an archiver into `directory/archive` and returns that path when it is ready.
    func startArchiver(_ arguments: [String] = []) async throws -> String {
        let archive = directory + "/archive"
        let program = try await startProgram(
            "martlet-archiver", ["--dir", archive, "--interval", "10ms"] + arguments, as: .archiver)
        _ = try await program.line(beginning: "martlet-archiver ready")
        archiver.withLockedValue { $0 = program }
        return archive
    }

    /// Sends SIGKILL to the archiver that was started last.
    func killArchiver() async throws { try await archiver.withLockedValue { $0 }?.kill() }

    private func startProgram(
        _ name: String, _ arguments: [String], as user: GuardedRedis.User
    ) async throws -> RelayProgram {
        var variables = environment
        variables["MARTLET_REDIS_USERNAME"] = user.rawValue
        variables["MARTLET_REDIS_PASSWORD"] = user.password
        let program = try await RelayProgram(name, ["--redis-url", url] + arguments, environment: variables)
        running.withLockedValue { $0.append(program) }
        return program
    }

    /// What redis-cli prints for a command of the user who may do everything.
    @discardableResult
    func cli(_ command: String...) async throws -> String { try await cli(command) }

    /// What redis-cli prints for a command in a list.
    @discardableResult
    func cli(_ command: [String]) async throws -> String {
        let tester = GuardedRedis.User.tester
        let login = ["--user", tester.rawValue, "--pass", tester.password, "--no-auth-warning", "-s", redis.socketPath]
        let result = try FinishedCommand.run(["/usr/bin/env", "redis-cli"] + login + command)
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The fields of a hash, or of any reply that alternates names and values.
    func pairs(_ command: String...) async throws -> [String: String] {
        let tester = GuardedRedis.User.tester
        let login = ["--user", tester.rawValue, "--pass", tester.password, "--no-auth-warning", "-s", redis.socketPath]
        let result = try FinishedCommand.run(["/usr/bin/env", "redis-cli"] + login + command)
        let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var pairs: [String: String] = [:]
        for index in stride(from: 0, to: lines.count - 1, by: 2) { pairs[lines[index]] = lines[index + 1] }
        return pairs
    }

    /// A connection to Redis that listens to a channel, as `redis-cli SUBSCRIBE` does; returns when it is subscribed.
    func listen(to channel: String) async throws -> RawSocket {
        let socket = try await RawSocket.connect(port: redis.port)
        let tester = GuardedRedis.User.tester
        try await socket.send("AUTH \(tester.rawValue) \(tester.password)\r\nSUBSCRIBE \(channel)\r\n")
        try await socket.waitFor(":1\r\n")
        return socket
    }
}

extension RelayProgram {
    /// Kills it where it still runs; one that has ended already is none the worse.
    fileprivate func end() {
        try? resume()
        try? kill()
    }
}
