import Foundation
import RelayTestKit
import Testing

@Suite("A room that is put back out of its files", .timeLimit(.minutes(20)))
struct ArchiveRestoreTests {
    /// What is to be the same before and after, as `redis-cli` prints it.
    private func stream(_ scene: ArchiverScene, _ room: String = "general") async throws -> String {
        try await scene.redis.cli("XRANGE", "chat:{\(room)}:stream", "-", "+")
    }

    private func meta(_ scene: ArchiverScene, _ field: String, of room: String = "general") async throws -> String {
        try await scene.redis.cli("HGET", "chat:{\(room)}:meta", field)
    }

    private func restore(_ scene: ArchiverScene, _ arguments: String...) throws -> FinishedCommand {
        try scene.martlet(["archive", "restore", scene.archive, "--redis-url", scene.redis.url] + arguments)
    }

    /// An archive of a room, over three days with a hole in the numbers, and a Redis that has lost it.
    private func lose(_ scene: ArchiverScene, private isPrivate: Bool = false) async throws {
        let start = 1_763_769_600_000
        try await scene.post(40, at: start - 20)
        try await scene.redis.cli("XDEL", "chat:{general}:stream", "\(start - 20 + 30)-31", "\(start - 20 + 31)-32")
        try await scene.post(10, at: start + 86_400_000)
        try await scene.redis.cli("HSET", "chat:{general}:meta", "topic", "birds \"and\" bees")
        if isPrivate {
            try await scene.redis.cli("HSET", "chat:{general}:meta", "private", "1")
            try await scene.redis.cli("SADD", "chat:{general}:members", "bob", "alice")
        }
        let archiver = try scene.start("writing", ["--keep", "1000"])
        try await scene.drained()
        try await eventually("days are closed") { scene.closedDays == scene.files().count }
        #expect(try await archiver.end(SIGTERM) == 0)
    }

    @Test(
        "Its stream is field for field what it was, and the archiver goes on in the same files",
        arguments: [true, false])
    func sameRoom(_ isArchiverRunning: Bool) async throws {
        try await ArchiverScene.run { scene in
            try await lose(scene)
            let (before, files) = (try await stream(scene), try scene.contents())
            #expect(files.count == 3)
            let first = isArchiverRunning ? try scene.start("before") : nil
            try await first?.waitUntilReady()
            try await scene.redis.cli("FLUSHALL")
            if first != nil { try await eventually("its lock is there again") { try await scene.isLocked } }
            let dry = try restore(scene, "general", "--dry-run")
            #expect(dry.exitCode == 0 && dry.output.hasPrefix("would restore general (public): 48 messages, from "))
            #expect(try await scene.redis.cli("KEYS", "*general*") == "")
            let done = try restore(scene, "general")
            #expect(done.exitCode == 0 && done.errorOutput.isEmpty, "\(done.errorOutput)")
            #expect(
                done.output.hasPrefix("restored general (public): 48 messages, from 1763769599980-1 (number 1) to "))
            #expect(done.output.contains("; 2 numbers have no message, `martlet archive verify` says why; "))
            #expect(done.output.contains("goes on with number 51, in epoch "))
            #expect(try await stream(scene) == before)
            for (field, value) in [
                ("name", "General"), ("created_by", "alice"), ("created_at", "5"), ("private", "0"), ("seq", "50"),
                ("topic", "birds \"and\" bees"), ("archived_seq", "50"),
            ] { #expect(try await meta(scene, field) == value, "\(field)") }
            #expect(try await UInt64(meta(scene, "epoch")) ?? 0 > 1_763_000_000_000)
            #expect(try await scene.redis.cli("ZSCORE", "chat:rooms", "general") != "")
            #expect(try await scene.redis.cli("KEYS", "*restore*") == "")
            #expect(try await scene.redis.cli("TTL", "chat:{general}:stream") == "-1")
            let archiver = try first ?? scene.start("after")
            try await scene.post(3)
            try await scene.drained()
            let after = try scene.contents()
            #expect(after.filter { files[$0.key] != nil } == files)
            #expect(try scene.lines().count == 48 + 1 + 3)
            #expect(try scene.lines().suffix(3).map { $0.contains("\"text\":\"message 5") } == [true, true, true])
            let record = try String(contentsOfFile: "\(scene.archive)/general/room.json", encoding: .utf8)
            #expect(record.contains("\"created_at\":5"))
            #expect(try await archiver.end(SIGTERM) == 0)
            let proof = try scene.martlet(["archive", "verify", scene.archive])
            #expect(
                proof.exitCode == 0 && proof.output.contains("missing, numbers 31 to 32 missing"), "\(proof.output)")
            #expect(proof.output.contains("1 gap recorded"))
        }
    }

    @Test("A room that was made again is put back as long as nothing was said in it; then it is left alone")
    func occupied() async throws {
        try await ArchiverScene.run { scene in
            try await lose(scene, private: true)
            let archiver = try scene.start("running")
            try await archiver.waitUntilReady()
            try await scene.redis.cli("FLUSHALL")
            // Somebody joins: the archiver raises what they made.
            try await scene.redis.cli(
                "HSET", "chat:{general}:meta", "seq", "0", "epoch", "9", "created_at", "99", "created_by", "mallory",
                "private", "0", "deleted_at", "7", "began_seq", "50")
            try await scene.redis.cli("HDEL", "chat:{general}:meta", "deleted_at")
            try await scene.redis.cli("ZADD", "chat:rooms", "9999999999999", "general")
            try await eventually("it is raised") { try await scene.number("seq") == 50 }
            let done = try restore(scene, "general", "--keep", "10")
            #expect(done.exitCode == 0, "\(done.errorOutput)")
            #expect(
                done.output.hasPrefix("restored general (private, 2 members): 10 messages, ")
                    && done.output.contains("(number 41) to ")
                    && done.output.contains("; older ones stay in the archive"))
            #expect(try await scene.redis.cli("SMEMBERS", "chat:{general}:members").split(separator: "\n").count == 2)
            // What was put back is this room's, and may be unread.
            let expected = [
                ("created_by", "alice"), ("created_at", "5"), ("private", "1"), ("seq", "50"), ("began_seq", ""),
            ]
            for (field, value) in expected {
                #expect(try await meta(scene, field) == value, "\(field)")
            }
            let now = try await stream(scene)
            for arguments in [["general"], ["general", "--all", "--dry-run"]] {
                let refused = try scene.martlet(
                    ["archive", "restore", scene.archive, "--redis-url", scene.redis.url] + arguments)
                #expect(refused.exitCode == 1 && refused.output.isEmpty)
                #expect(refused.errorOutput == "martlet: general has messages in Redis (10); nothing was changed\n")
            }
            #expect(try await stream(scene) == now)
            try await scene.post(2)
            try await scene.drained()
            #expect(try await archiver.end(SIGTERM) == 0)
            #expect(try scene.martlet(["archive", "verify", scene.archive]).exitCode == 0)
        }
    }

    @Test("What was deleted stays deleted, and a direct conversation keeps its fields")
    func fields() async throws {
        try await ArchiverScene.run { scene in
            let room = "dm:alice+bob"
            let key = "chat:{\(room)}:stream"
            let plain = ["type", "direct", "user", "alice", "name", "A", "to", "bob"]
            for (seq, more) in [
                (1, plain + ["text", "line\nbreak \u{1b} \"x\" \\"]), (2, plain + ["text", "ö", "nonce", "c-1"]),
                (3, ["type", "delete", "user", "alice", "name", "A", "text", "", "target", "1-0"]),
                (4, ["type", "action", "user", "bob", "name", "B", "text", "waves", "reply_to", "2-0"]),
            ] {
                try await scene.xadd([key, "\(seq)-0", "seq", "\(seq)"] + more)
            }
            try await scene.redis.cli("HSET", "chat:{\(room)}:meta", "seq", "4", "epoch", "7", "created_at", "5")
            try await scene.redis.cli("ZADD", "chat:rooms", "9999999999999", room)
            let archiver = try scene.start("writing")
            try await scene.drained(room)
            #expect(try await archiver.end(SIGTERM) == 0)
            let before = try await stream(scene, room)
            try await scene.redis.cli("FLUSHALL")
            #expect(try restore(scene, room, "--all").exitCode == 0)
            let fields = { (text: String) in text.split(separator: "\n").sorted() }
            #expect(try await fields(stream(scene, room)) == fields(before))
            #expect(try await scene.redis.cli("SMEMBERS", "chat:{\(room)}:deleted") == "1-0")
        }
    }

    @Test("Pruned days are not put back, and numbers go on above them")
    func pruned() async throws {
        try await ArchiverScene.run { scene in
            try await lose(scene)
            let prune = try scene.martlet(["archive", "prune", scene.archive, "--before", "2025-11-23"])
            #expect(prune.exitCode == 0 && prune.output.hasPrefix("removed 2 days of 1 room, 39 lines, "), "\(prune)")
            let cat = try scene.martlet(["archive", "cat", scene.archive, "general"])
            #expect(cat.output.split(separator: "\n").count == 10)
            #expect(cat.errorOutput == "martlet: general: pruned: 2 days, 2025-11-21 to 2025-11-22, 39 lines\n")
            try await scene.redis.cli("FLUSHALL")
            let some = try restore(scene, "general", "--all")
            #expect(some.output.hasPrefix("restored general (public): 10 messages, "))
            let again = try scene.martlet(["archive", "prune", scene.archive, "--before", "2026-01-01"])
            #expect(again.exitCode == 0 && again.output.hasPrefix("removed 1 day of 1 room, 10 lines, "), "\(again)")
            try await scene.redis.cli("FLUSHALL")
            let none = try restore(scene, "general")
            #expect(none.output.contains("no messages, since all of its days were pruned"), "\(none)")
            #expect(try await meta(scene, "seq") == "50")
            try await scene.post(1)
            let archiver = try scene.start("after")
            try await scene.drained()
            #expect(try await archiver.end(SIGTERM) == 0)
            let proof = try scene.martlet(["archive", "verify", scene.archive])
            #expect(proof.exitCode == 0 && proof.output.contains("3 days with 49 lines pruned"), "\(proof.output)")
        }
    }

    @Test("What cannot be put back is refused with one line, and nothing is changed")
    func refused() async throws {
        try await ArchiverScene.run { scene in
            try await lose(scene)
            try await scene.redis.cli("FLUSHALL")
            let none = try restore(scene, "other")
            #expect(none.exitCode == 1 && none.errorOutput.contains("no room other"))
            for arguments in [["--keep", "0"], ["--key-prefix", "a b"], ["--redis-url", "http://x"]] {
                let wrong = try scene.martlet(["archive", "restore", scene.archive, "general"] + arguments)
                #expect(wrong.exitCode == 64 && wrong.errorOutput.contains(arguments[0]))
            }
            let away = try scene.martlet(
                ["archive", "restore", scene.archive, "general", "--redis-url", "redis://127.0.0.1:1"])
            #expect(away.exitCode == 1 && away.errorOutput.split(separator: "\n").count == 1)
            try await scene.redis.cli("SADD", "chat:{general}:meta", "no hash")
            #expect(try restore(scene, "general").exitCode == 1)
            #expect(try await scene.redis.cli("KEYS", "chat:{*") == "chat:{general}:meta")
            try await scene.redis.cli("FLUSHALL")
            // A line that is no message any more, then a record that is none.
            let file = "\(scene.archive)/general/2025-11-22.jsonl"
            let text = try String(contentsOfFile: file, encoding: .utf8)
            try text.replacing("\"user\":\"alice\"", with: "\"user\":\"al ce\"", maxReplacements: 1)
                .write(toFile: file, atomically: true, encoding: .utf8)
            let damaged = try restore(scene, "general")
            #expect(damaged.exitCode == 1 && damaged.errorOutput.contains("the files are not as they were written"))
            #expect(damaged.errorOutput.contains("2025-11-22.jsonl") && damaged.errorOutput.contains("nothing was"))
            #expect(try restore(scene, "general", "--dry-run").exitCode == 1)
            #expect(try await scene.redis.cli("KEYS", "chat:{*") == "")
            let anyway = try restore(scene, "general", "--despite-findings")
            #expect(anyway.exitCode == 0 && anyway.output.contains(": 47 messages, "), "\(anyway)")
            #expect(anyway.errorOutput.contains("the files are not as they were written"))
            #expect(try await scene.redis.cli("XLEN", "chat:{general}:stream") == "47")
            // A text that was changed is a message like any, but not the one that was said.
            try await scene.redis.cli("FLUSHALL")
            try text.replacing("message 27\"", with: "massage 27\"")
                .write(toFile: file, atomically: true, encoding: .utf8)
            let changed = try restore(scene, "general")
            #expect(changed.exitCode == 1 && changed.errorOutput.contains("as they were written"), "\(changed)")
            try Data("{}".utf8).write(to: URL(filePath: "\(scene.archive)/general/room.json"))
            #expect(try restore(scene, "general").errorOutput.contains("room.json is missing or damaged"))
            #expect(try await scene.redis.cli("KEYS", "chat:{*") == "")
        }
    }
}

extension ArchiverScene {
    fileprivate var isLocked: Bool {
        get async throws { try await redis.cli("EXISTS", "chat:archiver:0/1:lock") == "1" }
    }

    fileprivate func xadd(_ arguments: [String]) async throws {
        let added = try FinishedCommand.run(["/usr/bin/env", "redis-cli", "-s", redis.socketPath, "XADD"] + arguments)
        #expect(added.exitCode == 0 && !added.output.contains("ERR"), "\(added.output)")
    }
}
