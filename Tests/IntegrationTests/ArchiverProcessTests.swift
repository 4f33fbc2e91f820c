import Foundation
import Glibc
import NIOCore
import NIOPosix
import RedisClient
import RedisProtocol
import RelayCore
import RelayTestKit
import RelayWire
import Testing

@Suite("The archiver as a process", .timeLimit(.minutes(20)), .serialized)
struct ArchiverProcessTests {
    /// A server, a connection to it, and a directory with a folder for each process's output.
    private struct Scene {
        let redis: LocalRedis
        let client: RedisClient
        let directory: String
        var archive: String { directory + "/archive" }

        static func run(_ body: (Scene) async throws -> Void) async throws {
            try await Turns.busy.take { try await play(body) }
        }

        private static func play(_ body: (Scene) async throws -> Void) async throws {
            let redis = try await LocalRedis.start()
            let client = try RedisClient(
                configuration: RedisConfiguration(address: .unix(path: redis.socketPath)),
                eventLoop: MultiThreadedEventLoopGroup.singleton.next(), logger: LogCapture().logger())
            let directory = try TemporaryDirectory.make("martlet-archiver")
            let outcome: Result<Void, any Error>
            do {
                try await client.waitUntilReady(deadline: .seconds(10))
                outcome = .success(
                    try await body(Scene(redis: redis, client: client, directory: directory)))
            } catch {
                outcome = .failure(error)
            }
            await client.close()
            await redis.stop()
            TemporaryDirectory.remove(directory)
            try outcome.get()
        }

        func start(_ name: String, _ arguments: [String] = []) throws -> ArchiverProcess {
            let folder = "\(directory)/\(name)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            let base = ["--dir", archive, "--redis-url", redis.url, "--keep", "20", "--interval", "2ms"]
            return try ArchiverProcess(base + arguments, folder: folder)
        }

        private static let posting = RedisScript(
            name: "post",
            source: """
                for index = 1, tonumber(ARGV[1]) do
                  local seq = redis.call('HINCRBY', KEYS[2], 'seq', 1)
                  if seq == 1 then redis.call('HSET', KEYS[2], 'epoch', '7', 'created_at', '5') end
                  redis.call('XADD', KEYS[1], '*', 'seq', seq, 'type', 'message', 'user', 'alice', 'name', 'Alice',
                    'text', 'message ' .. seq)
                end
                return redis.call('TIME')
                """)

        func post(_ count: Int, in room: String) async throws {
            let reply = try await client.evaluate(
                Self.posting, keys: ["chat:{\(room)}:stream", "chat:{\(room)}:meta"], arguments: [String(count)])
            let seconds = reply.array?.first?.int ?? 0
            _ = try await client.execute(RedisCommand("ZADD", "chat:rooms", "\(seconds * 1000)", room))
        }

        func number(_ field: String, of room: String) async throws -> Int {
            try await client.execute(RedisCommand("HGET", "chat:{\(room)}:meta", field)).int ?? 0
        }

        /// All lines of a room, over all days.
        func lines(of room: String) throws -> [ByteBuffer] {
            let folder = "\(archive)/\(room)"
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return try names.filter { $0.hasPrefix("20") }.sorted().flatMap { name in
                try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
                    .split(separator: "\n").map { ByteBuffer(substring: $0) }
            }
        }

        func archivedBytes(_ rooms: [String]) -> Int {
            rooms.reduce(0) { sum, room in
                let folder = "\(archive)/\(room)"
                let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
                return sum
                    + names.reduce(0) { sum, name in
                        let attributes = try? FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")
                        return sum + (attributes?[.size] as? Int ?? 0)
                    }
            }
        }
    }

    @Test("Killed at random while people talk, it archives every message exactly once and in order")
    func killedAtRandom() async throws {
        try await Scene.run { scene in
            let rooms = ["general", "a.b", "quiet"]
            let poster = Task {
                var count = 0
                while !Task.isCancelled {
                    try await scene.post(1 + count % 40, in: rooms[count % 2])
                    if count % 50 == 0 { try await scene.post(1, in: rooms[2]) }
                    count += 1
                    // People do not outrun the archiver without end: what it has left to do at the end is bounded.
                    try await eventually("the archiver keeps up", within: .seconds(60)) {
                        guard !Task.isCancelled else { return true }
                        let room = rooms[count % 2]
                        let seq = try await scene.number("seq", of: room)
                        return try await seq - scene.number("archived_seq", of: room) < 4000
                    }
                }
            }
            for kill in 0..<15 {
                let archiver = try scene.start("run-\(kill)")
                try await archiver.waitUntilReady()
                let target = scene.archivedBytes(rooms) + Int.random(in: 1...400_000)
                try await eventually("it writes on", within: .seconds(60)) { scene.archivedBytes(rooms) >= target }
                #expect(try await archiver.end(SIGKILL) == 128 + SIGKILL)
            }
            poster.cancel()
            try await poster.value
            let archiver = try scene.start("last")
            for room in rooms {
                let seq = try await scene.number("seq", of: room)
                try await eventually("\(room) is archived", within: .seconds(30)) {
                    try await scene.number("archived_seq", of: room) == seq
                }
                let lines = try scene.lines(of: room)
                let heads = lines.compactMap { EnvelopeHead($0) }
                #expect(heads.count == lines.count, "no gap lines, nothing torn")
                #expect(heads.map(\.seq) == Array(1...UInt64(seq)))
                #expect(zip(heads, heads.dropFirst()).allSatisfy { $0.id < $1.id })
                for (head, line) in zip(heads, lines) {
                    let text = String(buffer: line)
                    #expect(text.hasSuffix("\"name\":\"Alice\",\"text\":\"message \(head.seq)\"}"))
                }
                let kept = try await scene.client.execute(RedisCommand("XLEN", "chat:{\(room)}:stream")).int ?? 0
                #expect(kept == min(20, seq))
            }
            #expect(try await archiver.end(SIGTERM) == 0)
        }
    }

    @Test("A second one on the directory or on the shard ends with 75 and says why; the first works on")
    func secondOne() async throws {
        try await Scene.run { scene in
            let first = try scene.start("first")
            try await first.waitUntilReady()
            #expect(first.output == "martlet-archiver ready: shard 0/1, \(scene.archive)\n")
            let sameDirectory = try scene.start("second")
            #expect(try await sameDirectory.exitStatus() == 75)
            #expect(sameDirectory.errors.contains("another archiver works on shard 0/1 of \(scene.archive)"))
            let elsewhere = try scene.start("third", ["--dir", scene.directory + "/elsewhere"])
            #expect(try await elsewhere.exitStatus() == 75)
            #expect(elsewhere.errors.contains("another archiver holds shard 0/1 in Redis"))
            let divided = try scene.start("fourth", ["--dir", scene.directory + "/half", "--shard", "0/2"])
            #expect(try await divided.exitStatus() == 75)
            #expect(divided.errors.contains("into 1 shard, which lapses with the last of them"))
            #expect(sameDirectory.output.isEmpty && elsewhere.output.isEmpty && divided.output.isEmpty)
            try await scene.post(3, in: "general")
            try await eventually("it works on") { try await scene.number("archived_seq", of: "general") == 3 }
            let status = try await scene.client.execute(RedisCommand("HGET", "chat:archiver:0/1", "lines"))
            #expect(status.int != nil)
            #expect(try await first.end(SIGINT) == 0)
            let lock = try await scene.client.execute(RedisCommand("EXISTS", "chat:archiver:0/1:lock"))
            #expect(lock.int == 0, "the shard is given up")
        }
    }

    @Test("Redis that is down at the start is waited for, said once, and told to stop it ends with 0")
    func redisDown() async throws {
        try await Scene.run { scene in
            try await scene.redis.shutDown()
            let archiver = try scene.start("first")
            try await eventually("it says so") { archiver.errors.contains("Redis does not answer") }
            #expect(archiver.output.isEmpty)
            try await scene.redis.start()
            try await archiver.waitUntilReady()
            #expect(archiver.errors.components(separatedBy: "Redis does not answer").count == 2)
            #expect(try await archiver.end(SIGTERM) == 0)
            try await scene.redis.shutDown()
            let waiting = try scene.start("second")
            try await eventually("it says so") { waiting.errors.contains("Redis does not answer") }
            #expect(try await waiting.end(SIGTERM) == 0)
        }
    }

    @Test("Where the list of rooms is something else, it says what Redis refuses, once, and goes on when it is right")
    func noList() async throws {
        try await Scene.run { scene in
            let archiver = try scene.start("first")
            try await archiver.waitUntilReady()
            _ = try await scene.client.execute(RedisCommand("SET", "chat:rooms", "x"))
            try await eventually("it says so") { archiver.errors.contains("Redis refuses what the archiver asks") }
            #expect(archiver.errors.contains("WRONGTYPE") && !archiver.errors.contains("does not answer"))
            _ = try await scene.client.execute(RedisCommand("DEL", "chat:rooms"))
            try await scene.post(3, in: "general")
            try await eventually("it works on") { try await scene.number("archived_seq", of: "general") == 3 }
            #expect(archiver.errors.components(separatedBy: "Redis refuses what").count == 2)
            #expect(try await archiver.end(SIGTERM) == 0)
        }
    }

    @Test(
        "A wrong setting ends it with 64 and one line that names the setting",
        arguments: [
            (["--keep", "many"], "--keep"), (["--keep", "-1"], "--keep"), (["--shard", "1/1"], "--shard"),
            (["--interval", "5"], "--interval"), (["--interval", "2h"], "--interval"),
            (["--redis-url", "http://x"], "--redis-url"), (["--key-prefix", "a b"], "--key-prefix"),
            (["--fsync", "maybe"], "--fsync"), (["--log-level", "loud"], "--log-level"),
            (["--metrics-listen", "here"], "--metrics-listen"), (["--dir", ""], "--dir"), ([], "--dir"),
            (["--dir", "/etc/hostname"], "--dir"), (["--dir", "/etc/hostname/archive"], "--dir"),
            (["--dir", "/proc/archive"], "--dir"),
        ])
    func wrongSetting(_ given: (arguments: [String], name: String)) async throws {
        let directory = try TemporaryDirectory.make("martlet-archiver")
        defer { TemporaryDirectory.remove(directory) }
        let base = given.name == "--dir" ? [] : ["--dir", directory + "/archive"]
        let archiver = try ArchiverProcess(base + given.arguments, folder: directory)
        #expect(try await archiver.exitStatus() == 64)
        #expect(archiver.errors.contains(given.name) && archiver.errors.split(separator: "\n").count == 1)
        #expect(archiver.output.isEmpty)
    }

    @Test("Metrics whose port is taken end it with 69 before it says that it is ready")
    func takenPort() async throws {
        try await Scene.run { scene in
            let taken = "127.0.0.1:\(scene.redis.port)"
            let archiver = try scene.start("first", ["--metrics-listen", taken])
            #expect(try await archiver.exitStatus() == 69)
            #expect(archiver.output.isEmpty)
            let complaints = archiver.errors.split(separator: "\n").filter { $0.hasPrefix("martlet-archiver: ") }
            #expect(
                complaints == ["martlet-archiver: --metrics-listen: cannot listen on \(taken): Address already in use"],
                "\(archiver.errors)")
        }
    }

    @Test("Settings come from the environment too, and the metrics name no room")
    func environmentAndMetrics() async throws {
        try await Scene.run { scene in
            let port = try FreePort.find()
            let archiver = try ArchiverProcess(
                [],
                environment: [
                    "MARTLET_DIR": scene.archive, "MARTLET_REDIS_URL": scene.redis.url, "MARTLET_SHARD": "0/1",
                    "MARTLET_METRICS_LISTEN": "127.0.0.1:\(port)", "MARTLET_LOG_FORMAT": "json",
                ], folder: scene.directory)
            try await archiver.waitUntilReady()
            try await scene.post(4, in: "general")
            let metrics = try await { () async throws -> String in
                var text = ""
                try await eventually("the metrics count the lines") {
                    text = try FinishedCommand.run(["curl", "-s", "http://127.0.0.1:\(port)/metrics"]).output
                    return text.contains("martlet_archiver_lines_total 4\n")
                }
                return text
            }()
            #expect(!metrics.contains("general"))
            // Whoever connects and says nothing does not keep a descriptor.
            let silent = try await RawSocket.connect(port: port)
            try await eventually("it is closed", within: .seconds(60)) { silent.isClosed }
            #expect(try await archiver.end(SIGTERM) == 0)
        }
    }
}
