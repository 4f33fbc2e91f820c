import Foundation
import Glibc
import RedisProtocol
import RelayTestKit
import Testing

@Suite("The archiver under faults of its surroundings", .timeLimit(.minutes(20)), .serialized)
struct ArchiverFaultTests {
    private static let midnight = 1_763_769_600_000

    @Test("Stopped until another one has taken its shard, it acknowledges nothing more and ends with 75")
    func lockLostWhileStopped() async throws {
        try await ArchiverScene.run { scene in
            let other = scene.directory + "/other"
            let first = try scene.start("first")
            try await first.waitUntilReady()
            try await scene.post(5)
            try await scene.drained()
            _ = kill(first.identifier, SIGSTOP)
            // As after ten seconds.
            try await scene.redis.cli("DEL", "chat:archiver:0/1:lock")
            let second = try scene.start("second", directory: other)
            try await second.waitUntilReady()
            try await scene.post(5)
            try await scene.drained()
            _ = kill(second.identifier, SIGSTOP)
            try await scene.post(5)
            _ = kill(first.identifier, SIGCONT)
            #expect(try await first.exitStatus() == 75)
            #expect(first.errors.contains("another archiver holds shard 0/1"))
            #expect(try await scene.number("archived_seq") == 10, "nobody has told Redis of the last five")
            _ = kill(second.identifier, SIGCONT)
            try await scene.drained()
            #expect(try await second.end(SIGTERM) == 0)
            try scene.expectWhole(15, in: other)
        }
    }

    @Test("Of several started at once exactly one works, on one directory and on several")
    func startedAtOnce() async throws {
        try await ArchiverScene.run { scene in
            try await scene.post(10)
            for attempt in 0..<3 {
                let all = try (0..<4).map { index in
                    try scene.start(
                        "run-\(attempt)-\(index)", directory: index < 2 ? nil : "\(scene.directory)/other-\(index)")
                }
                try await eventually("three have ended", within: .seconds(30)) { all.count { $0.hasEnded } == 3 }
                let winner = try #require(all.first { !$0.hasEnded })
                try await winner.waitUntilReady()
                for loser in all where loser.identifier != winner.identifier {
                    #expect(try await loser.exitStatus() == 75)
                    #expect(loser.output.isEmpty && loser.errors.contains("another archiver"))
                }
                #expect(try await winner.end(SIGTERM) == 0)
            }
            let last = try scene.start("last")
            try await scene.post(1)
            try await scene.drained()
            #expect(try await last.end(SIGTERM) == 0)
            try scene.expectWhole(11)
        }
    }

    @Test("A Redis that is full is emptied, and takes posts again")
    func fullRedis() async throws {
        try await ArchiverScene.run { scene in
            try await scene.post(3000, text: String(repeating: "z", count: 1000))
            let used = try await scene.redis.cli("INFO", "memory").split(whereSeparator: \.isNewline)
                .first { $0.hasPrefix("used_memory:") }?.split(separator: ":").last.flatMap { Int($0) }
            try await scene.redis.cli("CONFIG", "SET", "maxmemory", "\((used ?? 0) - 100_000)")
            await #expect(throws: RedisError.self) { try await scene.post(1) }
            let archiver = try scene.start("emptying")
            try await scene.drained(within: .seconds(60))
            try await scene.post(5)
            try await scene.drained()
            #expect(try await archiver.end(SIGTERM) == 0)
            try scene.expectWhole(3005)
        }
    }

    @Test("A directory that goes away and comes back is waited for, and not made anew")
    func directoryGone() async throws {
        try await ArchiverScene.run { scene in
            let archiver = try scene.start("first")
            try await archiver.waitUntilReady()
            try await scene.post(5)
            try await scene.drained()
            try FileManager.default.moveItem(atPath: scene.archive, toPath: scene.archive + "~")
            try await scene.post(5)
            try await eventually("it says so") { archiver.errors.contains("is gone or is another one") }
            #expect(!FileManager.default.fileExists(atPath: scene.archive))
            #expect(try await scene.number("archived_seq") == 5)
            // Another directory in its place is none of its own either.
            try FileManager.default.createDirectory(atPath: scene.archive, withIntermediateDirectories: false)
            try await scene.post(5)
            try FileManager.default.removeItem(atPath: scene.archive)
            try FileManager.default.moveItem(atPath: scene.archive + "~", toPath: scene.archive)
            try await scene.drained()
            #expect(try await archiver.end(SIGTERM) == 0)
            try scene.expectWhole(15)
        }
    }

    @Test("Around midnight every message is in the file of its id's day, and days that are over are closed")
    func midnight() async throws {
        try await ArchiverScene.run { scene in
            // The last and the first millisecond, several in each, then day after day. All of it before the archiver
            // looks: these days are over, and a day that it has closed takes no more ids.
            try await scene.post(3, at: Self.midnight - 1, step: 0)
            try await scene.post(3, at: Self.midnight, step: 0)
            try await scene.post(6, at: Self.midnight + 86_400_000 - 3)
            try await scene.post(1, at: Self.midnight + 3 * 86_400_000)
            let archiver = try scene.start("first")
            try await archiver.waitUntilReady()
            try await scene.drained()
            try await eventually("all days are closed") { scene.closedDays == 4 }
            let counts = try scene.contents().mapValues { $0.split(separator: "\n").count }
            #expect(
                counts == [
                    "2025-11-21.jsonl": 3, "2025-11-22.jsonl": 6, "2025-11-23.jsonl": 3, "2025-11-25.jsonl": 1,
                ])
            // Redis gives no id of a closed day any more, though its clock may be set back.
            await #expect(throws: RedisError.self) { try await scene.post(1, at: Self.midnight + 3 * 86_400_000 + 5) }
            #expect(try await archiver.end(SIGTERM) == 0)
        }
    }

    @Test("A room that is deleted is drained before its stream goes; one whose keys are gone stays in the files")
    func deletedRooms() async throws {
        try await ArchiverScene.run { scene in
            for room in ["buried", "torn"] { try await scene.post(1500, in: room) }
            // By hand, and no message: it does not keep the stream.
            try await scene.redis.cli("XADD", "chat:{buried}:stream", "*", "hello", "world")
            try await scene.redis.cli("HSET", "chat:{buried}:meta", "deleted_at", "1795251097526")
            let archiver = try scene.start("first")
            try await eventually("something of the other is archived") {
                try await scene.number("archived_seq", of: "torn") > 0
            }
            try await scene.redis.cli("DEL", "chat:{torn}:stream", "chat:{torn}:meta")
            try await eventually("the stream of the deleted room goes") {
                try await scene.redis.cli("EXISTS", "chat:{buried}:stream") == "0"
            }
            try scene.expectWhole(1500, of: "buried")
            #expect(try await scene.redis.cli("ZSCORE", "chat:rooms", "buried") == "")
            #expect(try await scene.redis.cli("HGET", "chat:{buried}:meta", "archived_seq") == "1500")
            // Made again by somebody: its numbers go on above what the files hold, behind a line that says so.
            let before = try scene.lines(of: "torn").count
            #expect(before > 0)
            try await scene.post(3, in: "torn")
            try await eventually("it goes on") { try scene.lines(of: "torn").count == before + 4 }
            try await eventually("it is raised") { try await scene.number("seq", of: "torn") >= before }
            let proof = try scene.martlet(["archive", "verify", scene.archive])
            #expect(proof.exitCode == 0 && proof.output.contains("torn/"), "\(proof.output)")
            #expect(try await archiver.end(SIGTERM) == 0)
        }
    }
}
