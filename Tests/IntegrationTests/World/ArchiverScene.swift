import Foundation
import NIOCore
import NIOPosix
import RedisClient
import RedisProtocol
import RelayTestKit
import RelayWire
import Testing

/// A redis-server, a connection to it, and a directory for an archive and for what each process prints.
struct ArchiverScene {
    let redis: LocalRedis
    let client: RedisClient
    let directory: String
    var archive: String { directory + "/archive" }

    static func run(
        _ options: LocalRedis.Options = .init(), _ body: (ArchiverScene) async throws -> Void
    ) async throws {
        try await Turns.busy.take { try await play(options, body) }
    }

    private static func play(
        _ options: LocalRedis.Options, _ body: (ArchiverScene) async throws -> Void
    ) async throws {
        let redis = try await LocalRedis.start(options)
        let client = try RedisClient(
            configuration: RedisConfiguration(address: .unix(path: redis.socketPath)),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(), logger: LogCapture().logger())
        let directory = try TemporaryDirectory.make("martlet-scene")
        let outcome: Result<Void, any Error>
        do {
            try await client.waitUntilReady(deadline: .seconds(10))
            outcome = .success(try await body(ArchiverScene(redis: redis, client: client, directory: directory)))
        } catch {
            outcome = .failure(error)
        }
        await client.close()
        await redis.stop()
        TemporaryDirectory.remove(directory)
        try outcome.get()
    }

    /// Starts an archiver on the archive, or on another directory, under another program where one is named.
    func start(
        _ name: String, _ arguments: [String] = [], directory other: String? = nil, under wrapper: [String] = [],
        environment: [String: String] = [:]
    ) throws -> ArchiverProcess {
        let folder = "\(directory)/\(name)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        let base = ["--dir", other ?? archive, "--redis-url", redis.url, "--keep", "20", "--interval", "2ms"]
        return try ArchiverProcess(base + arguments, environment: environment, folder: folder, under: wrapper)
    }

    /// Posts as `post.lua` numbers: the first id is the time in ms or `*`, later ones go up by `step`.
    private static let posting = RedisScript(
        name: "post-at",
        source: """
            for index = 1, tonumber(ARGV[1]) do
              local seq = redis.call('HINCRBY', KEYS[2], 'seq', 1)
              if seq == 1 then
                redis.call('HSET', KEYS[2], 'epoch', '7', 'created_at', '5', 'name', 'General', 'created_by', 'alice',
                  'private', '0')
              end
              local id = '*'
              if ARGV[2] ~= '*' then
                id = string.format('%.0f', tonumber(ARGV[2]) + (index - 1) * tonumber(ARGV[3])) .. '-' .. seq
              end
              redis.call('XADD', KEYS[1], id, 'seq', seq, 'type', 'message', 'user', 'alice', 'name', 'Älice',
                'text', ARGV[4] .. seq)
            end
            return redis.call('TIME')
            """)

    func post(
        _ count: Int, in room: String = "general", at first: Int? = nil, step: Int = 1, text: String = "message "
    ) async throws {
        let reply = try await client.evaluate(
            Self.posting, keys: ["chat:{\(room)}:stream", "chat:{\(room)}:meta"],
            arguments: [String(count), first.map(String.init) ?? "*", String(step), text])
        let seconds = reply.array?.first?.int ?? 0
        _ = try await client.execute(RedisCommand("ZADD", "chat:rooms", "\(seconds * 1000)", room))
    }

    func number(_ field: String, of room: String = "general") async throws -> Int {
        try await client.execute(RedisCommand("HGET", "chat:{\(room)}:meta", field)).int ?? 0
    }

    /// Waits until everything that was said is acknowledged by the archiver.
    func drained(_ room: String = "general", within limit: Duration = .seconds(30)) async throws {
        try await eventually("\(room) is archived", within: limit) {
            try await number("archived_seq", of: room) == number("seq", of: room)
        }
    }

    func files(of room: String = "general", in archive: String? = nil) -> [String] {
        let folder = "\(archive ?? self.archive)/\(room)"
        return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasPrefix("20") }
            .sorted()
    }

    /// All lines of a room, over all days.
    func lines(of room: String = "general", in archive: String? = nil) throws -> [String] {
        try files(of: room, in: archive).flatMap { name in
            try String(contentsOfFile: "\(archive ?? self.archive)/\(room)/\(name)", encoding: .utf8)
                .split(separator: "\n").map(String.init)
        }
    }

    /// The files as they are, by name.
    func contents(of room: String = "general") throws -> [String: String] {
        Dictionary(
            uniqueKeysWithValues: try files(of: room).map { name in
                (name, try String(contentsOfFile: "\(archive)/\(room)/\(name)", encoding: .utf8))
            })
    }

    /// Every message from the first to `count` once, in order, nothing else, and the proof passes.
    func expectWhole(
        _ count: Int, of room: String = "general", in archive: String? = nil,
        at location: SourceLocation = #_sourceLocation
    ) throws {
        let lines = try lines(of: room, in: archive)
        let heads = lines.compactMap { EnvelopeHead(ByteBuffer(string: $0)) }
        #expect(heads.count == lines.count, "no gap lines, nothing torn", sourceLocation: location)
        #expect(heads.map(\.seq) == (count == 0 ? [] : Array(1...UInt64(count))), sourceLocation: location)
        #expect(zip(heads, heads.dropFirst()).allSatisfy { $0.id < $1.id }, sourceLocation: location)
        let proof = try martlet(["archive", "verify", archive ?? self.archive])
        #expect(proof.exitCode == 0, "\(proof.output)", sourceLocation: location)
    }

    func martlet(_ arguments: [String]) throws -> FinishedCommand {
        try FinishedCommand.run(["\(RelayProgram.programsDirectory)/martlet"] + arguments)
    }
}

/// Faults that the kernel is told to make, by `strace`.
enum InjectedFault {
    /// Whether there is a strace that may trace here.
    static let isPossible: Bool = {
        let tried = try? FinishedCommand.run(
            ["/usr/bin/env", "strace", "-o", "/dev/null", "-e", "inject=fsync:error=EIO", "true"])
        return tried?.exitCode == 0
    }()

    /// What to start a program under. The traced program keeps its own process id, and its calls are counted on one
    /// thread.
    static func wrapper(_ injection: String, paths: [String] = []) -> [String] {
        ["/usr/bin/env", "LIBDISPATCH_COOPERATIVE_POOL_STRICT=1", "strace", "-f", "-D", "-qq", "-o", "/dev/null"]
            + paths.flatMap { ["-P", $0] } + ["-e", "inject=\(injection)"]
    }
}
