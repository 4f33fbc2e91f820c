import Foundation
import NIOPosix
import RedisClient
import RedisProtocol
import RelayTestKit
import Testing

@Suite("`martlet archive` as a process", .timeLimit(.minutes(20)))
struct ArchiveCommandProcessTests {
    /// An archive of two rooms as the archiver left it: three days that are closed, and today.
    private struct Scene {
        let directory: String
        let archive: String

        static let rooms = ["general", "random"]
        static let days = ["2025-11-21", "2025-11-22", "2025-11-23"]
        /// 2025-11-21 10:00 UTC.
        static let start = 1_763_719_200_000
        static let messagesPerDay = 5

        static func run(_ body: (Scene) throws -> Void) async throws {
            let directory = try TemporaryDirectory.make("martlet-archive")
            defer { TemporaryDirectory.remove(directory) }
            let scene = Scene(directory: directory, archive: directory + "/archive")
            let redis = try await LocalRedis.start()
            let client = try RedisClient(
                configuration: RedisConfiguration(address: .unix(path: redis.socketPath)),
                eventLoop: MultiThreadedEventLoopGroup.singleton.next(), logger: LogCapture().logger())
            let outcome: Result<Void, any Error>
            do {
                try await client.waitUntilReady(deadline: .seconds(10))
                for room in rooms { try await post(in: room, to: client) }
                try await scene.write(from: redis)
                outcome = .success(try body(scene))
            } catch {
                outcome = .failure(error)
            }
            await client.close()
            await redis.stop()
            try outcome.get()
        }

        private static func post(in room: String, to client: RedisClient) async throws {
            var seq = 0
            for day in 0...days.count {
                for message in 0..<messagesPerDay {
                    seq += 1
                    let id = day < days.count ? "\(start + day * 86_400_000 + message)-0" : "*"
                    _ = try await client.execute(
                        RedisCommand(
                            "XADD", "chat:{\(room)}:stream", id, "seq", "\(seq)", "type", "message", "user", "alice",
                            "name", "Alice", "text", "message \(seq) of \(room)"))
                }
            }
            _ = try await client.execute(
                RedisCommand("HSET", "chat:{\(room)}:meta", "seq", "\(seq)", "epoch", "7", "created_at", "5"))
            let now = Int(Date.now.timeIntervalSince1970 * 1000)
            _ = try await client.execute(RedisCommand("ZADD", "chat:rooms", "\(now)", room))
        }

        /// Runs an archiver until all is written and the days are closed.
        private func write(from redis: LocalRedis) async throws {
            let archiver = try ArchiverProcess(
                ["--dir", archive, "--redis-url", redis.url, "--interval", "2ms"], folder: directory)
            try await archiver.waitUntilReady()
            try await eventually("the days are closed", within: .seconds(30)) {
                try Self.rooms.allSatisfy { room in
                    let manifest = "\(archive)/\(room)/manifest.jsonl"
                    guard FileManager.default.fileExists(atPath: manifest) else { return false }
                    return try String(contentsOfFile: manifest, encoding: .utf8).split(separator: "\n").count
                        >= Self.days.count && Self.files(of: room, in: archive).count > Self.days.count
                }
            }
            #expect(try await archiver.end(SIGTERM) == 0)
        }

        static func files(of room: String, in archive: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: "\(archive)/\(room)").filter { $0.hasPrefix("20") }
                .sorted()
        }

        func martlet(_ arguments: [String]) throws -> FinishedCommand {
            try FinishedCommand.run(["\(RelayProgram.programsDirectory)/martlet", "archive"] + arguments)
        }

        /// Verifies a copy to which something was done.
        func verify(_ change: (_ archive: String) throws -> Void) throws -> FinishedCommand {
            let copy = directory + "/copy"
            try FileManager.default.copyItem(atPath: archive, toPath: copy)
            defer { TemporaryDirectory.remove(copy) }
            try change(copy)
            return try martlet(["verify", copy])
        }
    }

    private func edit(_ path: String, _ change: (inout Data) -> Void) throws {
        var data = try #require(FileManager.default.contents(atPath: path))
        change(&data)
        try data.write(to: URL(filePath: path))
    }

    private func swap(_ one: String, _ other: String) throws {
        try FileManager.default.moveItem(atPath: one, toPath: one + "~")
        try FileManager.default.moveItem(atPath: other, toPath: one)
        try FileManager.default.moveItem(atPath: one + "~", toPath: other)
    }

    private func expect(_ ended: FinishedCommand, names findings: [String], at line: SourceLocation = #_sourceLocation)
    {
        #expect(ended.exitCode == 1, sourceLocation: line)
        #expect(ended.errorOutput.isEmpty, sourceLocation: line)
        for finding in findings {
            #expect(
                ended.output.split(separator: "\n").contains { $0.hasPrefix(finding) },
                "\(finding) is not in: \(ended.output)", sourceLocation: line)
        }
        #expect(ended.output.contains(" finding"), sourceLocation: line)
    }

    @Test("What was done to an archive is named, whatever it was; an untouched one is accounted for")
    func verify() async throws {
        try await Scene.run { scene in
            let sound = try scene.verify { _ in }
            #expect(sound.exitCode == 0 && sound.errorOutput.isEmpty)
            #expect(sound.output.hasPrefix("all is accounted for: 2 rooms, "), "\(sound.output)")
            #expect(sound.output.contains("40 lines") && sound.output.contains("0 gaps recorded"))
            let json = try scene.martlet(["verify", scene.archive, "--json"])
            #expect(
                json.exitCode == 0 && json.output.contains(#""findings":[]"#) && json.output.contains(#""rooms":2"#))

            let first = "general/2025-11-21.jsonl"
            let flipped = try scene.verify { archive in
                try edit("\(archive)/\(first)") { $0[$0.count / 2] ^= 1 }
            }
            expect(flipped, names: ["\(first): changed since it was closed: 5 lines"])

            let cut = try scene.verify { archive in try edit("\(archive)/\(first)") { $0.removeLast(10) } }
            expect(
                cut,
                names: [
                    "\(first): changed since it was closed", "\(first) line 5: neither a message nor a gap",
                    "general/2025-11-22.jsonl line 1: number 6 follows on 4",
                ])

            let missing = try scene.verify { try FileManager.default.removeItem(atPath: "\($0)/\(first)") }
            expect(missing, names: ["\(first): missing: the manifest closes it"])

            let today = "general/\(try #require(try Scene.files(of: "general", in: scene.archive).last))"
            for (file, found) in [(first, "number 3 follows on 1"), (today, "number 18 follows on 16")] {
                let removed = try scene.verify { archive in
                    try edit("\(archive)/\(file)") { data in
                        var lines = data.split(separator: UInt8(ascii: "\n"))
                        lines.remove(at: 1)
                        data = Data(lines.joined(separator: [UInt8(ascii: "\n")]) + [UInt8(ascii: "\n")])
                    }
                }
                expect(removed, names: ["\(file) line 2: \(found)"])
            }
        }
    }

    @Test("So are files that changed places, between days and between rooms, and a manifest that is gone")
    func places() async throws {
        try await Scene.run { scene in
            let (first, second) = ("general/2025-11-21.jsonl", "general/2025-11-22.jsonl")
            let days = try scene.verify { try swap("\($0)/\(first)", "\($0)/\(second)") }
            expect(
                days,
                names: [first, second].flatMap { ["\($0): changed since it was closed", "\($0) line 1: the id "] })

            let rooms = try scene.verify { archive in
                let file = try #require(try Scene.files(of: "general", in: archive).last)
                try swap("\(archive)/general/\(file)", "\(archive)/random/\(file)")
            }
            let today = try #require(try Scene.files(of: "general", in: scene.archive).last)
            expect(rooms, names: Scene.rooms.map { "\($0)/\(today) line 1: no message of this room" })

            let manifest = try scene.verify {
                try FileManager.default.removeItem(atPath: "\($0)/general/manifest.jsonl")
            }
            expect(manifest, names: Scene.days.map { "general/\($0).jsonl: not in the manifest" })

            let folders = try scene.verify { try swap("\($0)/general/room.json", "\($0)/random/room.json") }
            #expect(folders.exitCode == 1 && folders.output.contains("random/room.json: says that the room is another"))
        }
    }

    @Test("A room is printed as it stands in the files, or a part of it; `head` ends it quietly")
    func cat() async throws {
        try await Scene.run { scene in
            let lines = try Scene.files(of: "general", in: scene.archive).flatMap { file in
                try String(contentsOfFile: "\(scene.archive)/general/\(file)", encoding: .utf8)
                    .split(separator: "\n").map { "\($0)\n" }
            }
            #expect(lines.count == 20)
            func cat(_ arguments: String...) throws -> String {
                let ended = try scene.martlet(["cat", scene.archive, "general"] + arguments)
                #expect(ended.exitCode == 0 && ended.errorOutput.isEmpty)
                return ended.output
            }
            #expect(try cat() == lines.joined())
            #expect(try cat("--limit", "7") == lines.prefix(7).joined())
            let (since, until) = ("\(Scene.start + 2)-0", "\(Scene.start + 86_400_000 + 1)-0")
            #expect(try cat("--since", since) == lines.dropFirst(3).joined())
            #expect(try cat("--until", until) == lines.prefix(7).joined())
            #expect(try cat("--since", since, "--until", until, "--limit", "2") == lines[3..<5].joined())

            // A line that is gone, from what is printed and from what is not.
            let second = "\(scene.archive)/general/2025-11-22.jsonl"
            try edit(second) { data in data = Data(lines[5].utf8) + Data(lines[7..<10].joined().utf8) }
            let holed = try scene.martlet(["cat", scene.archive, "general"])
            #expect(holed.exitCode == 0 && holed.output == (lines[..<6] + lines[7...]).joined())
            #expect(
                holed.errorOutput
                    == "martlet: general: number 7 has no message, `martlet archive verify` says why\n")
            #expect(try cat("--limit", "6") == lines[..<6].joined())
            let found = try scene.martlet(["verify", scene.archive, "general"])
            #expect(found.exitCode == 1 && found.output.contains("2025-11-22.jsonl"), "\(found)")
            let other = try scene.martlet(["verify", scene.archive, "random"])
            #expect(other.exitCode == 0 && other.output.contains(": 1 room, 4 days"), "\(other)")
            try edit(second) { data in data = Data(lines[5..<10].joined().utf8) }

            let martlet = "\(RelayProgram.programsDirectory)/martlet"
            // Without a reader from the start, by the signal and without it; far more than a pipe holds.
            try edit("\(scene.archive)/general/2025-11-21.jsonl") { data in
                let day = data
                for _ in 0..<300 { data += day }
            }
            for (trap, codes) in [("trap '' PIPE", ["0"]), (":", ["0", "141"])] {
                let script =
                    "\(trap); { '\(martlet)' archive cat '\(scene.archive)' general; echo $? >&2; } | head -n 1"
                let piped = try FinishedCommand.run(["/bin/sh", "-c", script])
                #expect(piped.output == lines[0])
                #expect(codes.contains(piped.errorOutput.trimmingCharacters(in: .newlines)), "\(piped.errorOutput)")
            }
        }
    }

    @Test("A wrong directory is 64, a room that is not there 1, each with one line")
    func wrong() async throws {
        let directory = try TemporaryDirectory.make("martlet-archive")
        defer { TemporaryDirectory.remove(directory) }
        let martlet = "\(RelayProgram.programsDirectory)/martlet"
        for (arguments, code, named) in [
            (["verify", directory + "/none"], 64, "DIR"), (["verify"], 64, "<DIR>"),
            (["verify", "/etc/passwd"], 64, "DIR"), (["cat", directory + "/none", "general"], 64, "DIR"),
            (["cat", directory, "a/b"], 64, "ROOM"), (["cat", directory, "general", "--limit", "0"], 64, "--limit"),
            (["cat", directory, "general", "--until", "x"], 64, "--until"),
            (["cat", directory, "general"], 1, "general"), (["verify", directory, "general"], 1, "general"),
        ] as [([String], Int32, String)] {
            let ended = try FinishedCommand.run([martlet, "archive"] + arguments)
            #expect(ended.exitCode == code, "\(arguments): \(ended.errorOutput)")
            #expect(ended.output.isEmpty)
            #expect(ended.errorOutput.contains(named), "\(ended.errorOutput)")
            #expect(ended.errorOutput.split(separator: "\n").count == 1, "\(ended.errorOutput)")
        }
    }
}
