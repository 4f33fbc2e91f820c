import Foundation
import Logging
import NIOCore
import RelayCore
import RelayTestKit
import Testing

@testable import RelayArchive

@Suite("The archiver at work", .timeLimit(.minutes(20)))
struct ArchiveWorkerTests {
    private func frames(_ range: ClosedRange<UInt64>) -> [StoredFrame] { range.map { Frames.frame($0) } }
    private func text(_ range: ClosedRange<UInt64>) -> [String] {
        range.map { String(buffer: Frames.frame($0).envelope) }
    }

    @Test("Every message is written once, acknowledged, and trimmed down to what is kept")
    func drains() async throws {
        let bench = try WorkerBench()
        await bench.streams.post(frames(1...30))
        let direct = try #require(RoomID("dm:alice+bob"))
        await bench.streams.post([Frames.frame(1, in: direct)], in: direct)
        try await bench.run { worker in
            try await bench.archived(upTo: Frames.position(30))
            await bench.streams.post(frames(31...33))
            try await bench.archived(upTo: Frames.position(33))
            try await bench.archived(upTo: Frames.position(1), in: direct)
            #expect(await bench.streams.rooms[Frames.room]?.entries.count == 2)
            try await eventually("the status says so") { await bench.streams.figures?.lines == 34 }
            #expect(await bench.streams.figures?.behind == 0)
            #expect(await worker.counters.lines == 34)
        }
        #expect(bench.lines() == text(1...33))
        #expect(bench.lines(of: "dm%3Aalice%2Bbob").count == 1)
        #expect(await bench.streams.isShardFree)
        // A second run has nothing to add.
        try await bench.run { worker in
            try await eventually("it looked at both rooms") { await worker.counters.rooms == 2 }
        }
        #expect(bench.lines() == text(1...33))
    }

    @Test(
        "With files that cannot be written nothing is acknowledged, and nothing is lost or doubled when they can",
        arguments: [FaultySinks.Fault.write, .sync])
    func faultyFiles(_ fault: FaultySinks.Fault) async throws {
        let bench = try WorkerBench()
        await bench.streams.post(frames(1...3))
        try await bench.run { worker in
            try await bench.archived(upTo: Frames.position(3))
            bench.sinks.fail(fault)
            await bench.streams.post(frames(4...9))
            try await eventually("it failed twice") { bench.sinks.failureCount >= 2 }
            #expect(await bench.streams.rooms[Frames.room]?.archived == Frames.position(3))
            #expect(await worker.counters.lastError.contains("No space left"))
            try await eventually("the status says so") {
                await bench.streams.figures?.lastError.contains("No space left") == true
            }
            bench.sinks.fail(nil)
            try await bench.archived(upTo: Frames.position(9))
            try await eventually("the error is over") { await worker.counters.lastError.isEmpty }
        }
        #expect(bench.lines() == text(1...9))
        #expect(bench.log.count(of: "Nothing is acknowledged until this is mended") == 1)
    }

    @Test("A failure of one room does not hold up another")
    func oneBadRoom() async throws {
        let bench = try WorkerBench()
        try FileManager.default.createDirectory(
            atPath: "\(bench.directory)/general/2026-11-21.jsonl", withIntermediateDirectories: true)
        let other = try #require(RoomID("other"))
        await bench.streams.post(frames(1...2))
        await bench.streams.post([Frames.frame(1, in: other)], in: other)
        try await bench.run { worker in
            try await bench.archived(upTo: Frames.position(1), in: other)
            try await eventually("the bad room is tried") { await !worker.counters.lastError.isEmpty }
        }
        #expect(await bench.streams.rooms[Frames.room]?.archived == nil)
    }

    @Test("A file beside the rooms' folders is no room, and no error")
    func strayFile() async throws {
        let bench = try WorkerBench()
        try "read me".write(toFile: "\(bench.directory)/README", atomically: true, encoding: .utf8)
        await bench.streams.post(frames(1...2))
        try await bench.run { worker in
            try await bench.archived(upTo: Frames.position(2))
            #expect(await worker.counters.errors == 0)
        }
        #expect(bench.log.count(of: "Nothing is acknowledged until this is mended") == 0)
    }

    @Test("A directory that is gone is not made anew, and work goes on when it is back")
    func directoryGone() async throws {
        let bench = try WorkerBench()
        let other = try #require(RoomID("other"))
        await bench.streams.post(frames(1...3))
        try await bench.run { worker in
            try await bench.archived(upTo: Frames.position(3))
            try FileManager.default.moveItem(atPath: bench.directory, toPath: bench.directory + ".away")
            await bench.streams.post(frames(4...5))
            try await eventually("it says so") { await worker.counters.lastError.contains("is gone") }
            #expect(!FileManager.default.fileExists(atPath: bench.directory))
            #expect(await bench.streams.rooms[Frames.room]?.archived == Frames.position(3))
            // It has no turns, and says how far it is behind all the same, also of rooms that are new.
            await bench.streams.post([Frames.frame(1, in: other)], in: other)
            try await eventually("it says how far it is behind") { await bench.streams.figures?.behind == 3 }
            try FileManager.default.moveItem(atPath: bench.directory + ".away", toPath: bench.directory)
            try await bench.archived(upTo: Frames.position(5))
            try await eventually("it is not behind") { await bench.streams.figures?.behind == 0 }
        }
        #expect(bench.lines() == text(1...5))
    }

    @Test("Redis coming and going loses and doubles nothing")
    func redisFails() async throws {
        let bench = try WorkerBench()
        await bench.streams.post(frames(1...40))
        try await bench.run { _ in
            for count in [1, 2, 1, 3, 1] { await bench.streams.failNextCalls(count) }
            await bench.streams.failNextCalls(2)
            try await bench.archived(upTo: Frames.position(40))
        }
        #expect(bench.lines() == text(1...40))
    }

    @Test("A hole in the numbers is a line, a log line and a counter")
    func hole() async throws {
        let bench = try WorkerBench()
        await bench.streams.post(frames(1...2) + frames(6...6))
        try await bench.run { worker in
            try await bench.archived(upTo: Frames.position(6))
            try await eventually("it is counted") { await worker.counters.gaps == 1 }
        }
        let gap =
            "{\"type\":\"gap\",\"room\":\"general\",\"from_seq\":3,\"to_seq\":5,"
            + "\"reason\":\"missing\",\"ts\":\(Frames.midnight)}"
        #expect(bench.lines() == text(1...2) + [gap] + text(6...6))
        #expect(bench.log.count(of: "Messages are missing") == 1)
    }

    @Test("One at the end of a stream is logged once, and is a line before the next message")
    func holeAtTheEnd() async throws {
        let bench = try WorkerBench()
        let words = "A stream lacks its last messages; a line says so before the next one"
        await bench.streams.post(frames(1...2))
        await bench.streams.update { $0.seq = 4 }
        try await bench.run { worker in
            try await eventually("it is said") { bench.log.count(of: words) == 1 }
            #expect(bench.lines() == text(1...2))
            await bench.streams.post(frames(5...5))
            try await bench.archived(upTo: Frames.position(5))
        }
        #expect(bench.log.count(of: words) == 1)
        #expect(bench.lines().count == 4 && bench.lines()[2].contains(#""from_seq":3,"to_seq":4"#))
    }

    @Test("After a flush the room is raised above the files, and what was said meanwhile is archived behind a gap line")
    func flush() async throws {
        let bench = try WorkerBench()
        await bench.streams.post(frames(1...5))
        try await bench.run { _ in try await bench.archived(upTo: Frames.position(5)) }
        await bench.streams.flush()
        let later = [Frames.frame(1, at: Frames.midnight + 60_000), Frames.frame(2, at: Frames.midnight + 61_000)]
        await bench.streams.post(later)
        await bench.streams.update { $0.epoch = 50 }
        let end = ArchivePosition(id: later[1].id, seq: 2)
        try await bench.run { worker in
            try await bench.archived(upTo: end)
            #expect(await worker.counters.rewinds == 1)
        }
        #expect(await bench.streams.rooms[Frames.room]?.seq == 5)
        #expect(bench.lines().count == 8)
        #expect(bench.lines()[5].contains("\"reason\":\"rewound\""))
        // A restart does not settle it again.
        try await bench.run { worker in
            try await eventually("it looked") { await worker.counters.rooms == 1 }
            await bench.streams.post([Frames.frame(6, at: Frames.midnight + 62_000)])
            try await bench.archived(upTo: Frames.position(6, at: Frames.midnight + 62_000))
        }
        #expect(await bench.streams.raises == 1)
        #expect(bench.lines().count == 10)
        #expect(bench.lines()[8].contains("\"reason\":\"rewound\""))
    }

    @Test("A private room keeps its members in room.json where Redis loses them while they are read")
    func membersLost() async throws {
        let bench = try WorkerBench()
        let alice = try #require(UserID("alice"))
        await bench.streams.post(frames(1...2))
        await bench.streams.update { ($0.isPrivate, $0.members) = (true, [alice]) }
        func record() -> String {
            (try? String(contentsOfFile: "\(bench.directory)/general/room.json", encoding: .utf8)) ?? ""
        }
        try await bench.run { _ in
            try await bench.archived(upTo: Frames.position(2))
            try await eventually("the members are written down") { record().contains(#"["alice"]"#) }
            await bench.streams.flushBeforeMembers()
            await bench.streams.update { _ in }
            try await eventually("all is lost") { await bench.streams.rooms.isEmpty }
            await bench.streams.post(frames(3...3))
            await bench.streams.update { $0.createdAt = 78 }
            try await bench.archived(upTo: Frames.position(3))
        }
        #expect(record().contains(#"["alice"]"#) && record().contains(#""private":true"#), "\(record())")
    }

    @Test("What a rewound Redis gave lower ids is found in the stream and put in its place, once")
    func rewindWithLowerIDs() async throws {
        let bench = try WorkerBench()
        await bench.streams.post(frames(1...5))
        try await bench.run(bench.worker { $0.keep = 10 }) { _ in
            try await bench.archived(upTo: Frames.position(5))
        }
        // Back to 3, then two new messages by a clock that is behind.
        let late = (4...5 as ClosedRange<UInt64>).map {
            Frames.frame($0, at: Frames.frame(3).id.milliseconds + $0, text: "late \($0)")
        }
        let kept = frames(1...3)
        await bench.streams.flush()
        await bench.streams.post(kept + late)
        for _ in 0..<2 {
            try await bench.run { _ in
                try await eventually("it is settled") { await bench.streams.rooms[Frames.room]?.seq == 5 }
                try await bench.archived(upTo: Frames.position(5))
            }
        }
        let messages = bench.lines().filter { !$0.contains("\"type\":\"gap\"") }
        #expect(messages == text(1...3) + late.map { String(buffer: $0.envelope) } + text(4...5))
        #expect(bench.lines().count == 8)
    }

    @Test("A day that is over is closed by the clock of Redis, and no id of it can follow")
    func closesDays() async throws {
        let bench = try WorkerBench()
        await bench.streams.post(frames(1...3))
        try await bench.run { _ in
            try await bench.archived(upTo: Frames.position(3))
            #expect(bench.lines("manifest.jsonl").isEmpty)
            await bench.streams.setClock(Frames.midnight + 86_400_000)
            try await eventually("the day is closed") { bench.lines("manifest.jsonl").count == 1 }
            #expect(await bench.streams.rooms[Frames.room]?.lastID.milliseconds == Frames.midnight + 86_400_000)
            let next = Frames.frame(4, at: Frames.midnight + 86_400_001)
            await bench.streams.post([next])
            try await bench.archived(upTo: ArchivePosition(id: next.id, seq: 4))
        }
        #expect(bench.lines("2026-11-22.jsonl").count == 1)
    }

    @Test("A second archiver on the directory, or with another division of it, is refused; other shards are not")
    func secondRefused() async throws {
        let bench = try WorkerBench()
        try await bench.run { _ in
            try await eventually("it is ready") { await !bench.streams.isShardFree }
            await #expect(throws: ArchiveRefusal.self) { try await bench.worker().run() }
            let half = try #require(ShardID("0/2"))
            await #expect(throws: ArchiveRefusal.self) { try await bench.worker { $0.shard = half }.run() }
            #expect(throws: DirectoryLock.Failure.self) { try DirectoryLock(directory: bench.directory, shard: .whole) }
        }
        let halves = try ["0/2", "1/2"].map {
            try DirectoryLock(directory: bench.directory, shard: try #require(ShardID($0)))
        }
        #expect(halves.count == 2)
        #expect(throws: DirectoryLock.Failure.self) { try DirectoryLock(directory: bench.directory, shard: .whole) }
    }

    @Test("An archiver whose shard is taken over in Redis acknowledges nothing more and ends")
    func shardTaken() async throws {
        let bench = try WorkerBench()
        await bench.streams.post(frames(1...2))
        let worker = bench.worker()
        let task = Task { try await worker.run() }
        try await bench.archived(upTo: Frames.position(2))
        await bench.streams.takeShardAway()
        await bench.streams.post(frames(3...4))
        await #expect(throws: ArchiveRefusal.self) { try await task.value }
        #expect(await bench.streams.rooms[Frames.room]?.archived == Frames.position(2))
    }

    @Test("A shard archives its own rooms and no other's")
    func shards() async throws {
        let bench = try WorkerBench()
        let rooms = try (0..<20).map { try #require(RoomID("room-\($0)")) }
        for room in rooms { await bench.streams.post([Frames.frame(1, in: room)], in: room) }
        let shard = try #require(ShardID("1/2"))
        let own = rooms.filter { shard.owns($0) }
        #expect(!own.isEmpty && own.count < rooms.count)
        try await bench.run(bench.worker { $0.shard = shard }) { worker in
            try await eventually("all of its rooms are archived") { await worker.counters.lines == UInt64(own.count) }
        }
        let folders = try FileManager.default.contentsOfDirectory(atPath: bench.directory).filter { $0 != ".archiver" }
        #expect(Set(folders) == Set(own.map(\.description)))
    }
}
