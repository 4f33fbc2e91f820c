import Foundation
import NIOConcurrencyHelpers
import RelayCore
import RelayTestKit
import ServiceLifecycle
import Testing

@testable import RelayArchive

@Suite("Which rooms have their turns, and when", .timeLimit(.minutes(20)))
struct ArchiveTurnsTests {
    private func frames(_ range: ClosedRange<UInt64>) -> [StoredFrame] { range.map { Frames.frame($0) } }

    @Test(
        "A deleted room goes with what is no message behind its last one, or with nothing but that",
        arguments: [0, 3])
    func deletedRoom(_ messages: UInt64) async throws {
        let bench = try WorkerBench()
        await bench.streams.update {
            if messages > 0 { $0.entries = (1...messages).map { .frame(Frames.frame($0)) } }
            // More than a page of it, and exactly two.
            $0.entries += (11...18).map { .unreadable(Frames.frame($0).id) }
            ($0.seq, $0.lastID, $0.isDeleted) = (messages, Frames.frame(18).id, true)
        }
        try await bench.run { worker in
            try await eventually("the stream is gone") { await bench.streams.rooms[Frames.room]?.hasStream == false }
            try await eventually("each was counted") { await worker.counters.skipped == 8 }
        }
        #expect(bench.lines().count == Int(messages))
    }

    @Test("A stream that could not be dropped is not asked for again at once")
    func notDropped() async throws {
        let bench = try WorkerBench()
        await bench.streams.update {
            ($0.entries, $0.seq, $0.lastID) = ([.frame(Frames.frame(1))], 1, Frames.frame(1).id)
            $0.isDeleted = true
        }
        let work = try await bench.work(on: Frames.room)
        #expect(await work.turn().outcome == .wrote)
        // Somebody writes to it between the look and the drop.
        let streams = bench.streams
        await streams.writeBeforeDrop(Frames.frame(2))
        #expect(await work.turn().outcome == .drained)
        #expect(await streams.rooms[Frames.room]?.hasStream == true)
    }

    @Test("A room that is spoken in while another is never drained has its turn", arguments: [1, 4])
    func spokenInMeanwhile(_ turnsMax: Int) async throws {
        let bench = try WorkerBench()
        let late = try #require(RoomID("late"))
        await bench.streams.keepBusy(Frames.room, with: 8)
        await bench.streams.post(frames(1...8))
        let worker = bench.worker {
            $0.turnPagesMax = 2
            // Rooms are looked at because they were spoken in, and for no other reason.
            $0.walkInterval = .seconds(3600)
            $0.turnsMax = turnsMax
            $0.turnsSpan = .milliseconds(10)
        }
        try await bench.run(worker) { worker in
            try await eventually("one is busy") { await worker.counters.lines >= 40 }
            await bench.streams.post([Frames.frame(1, in: late)], in: late)
            try await bench.archived(upTo: Frames.position(1), in: late)
        }
    }

    @Test("It is not asked for each turn which rooms have something")
    func askedSeldom() async throws {
        let bench = try WorkerBench()
        await bench.streams.keepBusy(Frames.room, with: 8)
        await bench.streams.post(frames(1...8))
        let worker = bench.worker {
            $0.turnPagesMax = 1
            $0.walkInterval = .seconds(3600)
            $0.turnsSpan = .seconds(3600)
        }
        try await bench.run(worker) { worker in
            try await eventually("many turns are over") { await worker.counters.lines >= 400 }
            #expect(await bench.streams.listings == 1)
        }
    }

    @Test("All rooms are looked at while one of them is never drained")
    func walkGoesOn() async throws {
        let bench = try WorkerBench()
        let rooms = try (0..<20).map { try #require(RoomID("room-\($0)")) }
        for room in rooms { await bench.streams.post([Frames.frame(1, in: room)], in: room) }
        await bench.streams.keepBusy(rooms[19], with: 8)
        let worker = bench.worker {
            $0.turnPagesMax = 1
            $0.walkRoomsMax = 3
            // Found by the walk alone.
            $0.walkInterval = .seconds(3600)
            $0.turnsSpan = .zero
        }
        await bench.streams.post((2...8).map { Frames.frame($0, in: rooms[19]) }, in: rooms[19])
        await bench.streams.passTime()
        try await bench.run(worker) { _ in
            for room in rooms.dropLast() { try await bench.archived(upTo: Frames.position(1), in: room) }
        }
    }

    @Test("Rooms wait for their turns in the order in which they came, each once; a lap is over when all had theirs")
    func turnQueue() throws {
        let rooms = try (0..<4).map { try #require(RoomID("room-\($0)")) }
        var queue = TurnQueue()
        #expect(queue.isEmpty && queue.isLapOver)
        for room in [rooms[0], rooms[1], rooms[0]] { queue.append(room) }
        queue.beginLap()
        #expect(queue.popFirst() == rooms[0])
        for room in [rooms[2], rooms[0], rooms[1]] { queue.append(room) }
        #expect(!queue.isLapOver)
        #expect(queue.popFirst() == rooms[1])
        #expect(queue.isLapOver && !queue.isEmpty)
        #expect(queue.popFirst() == rooms[2])
        #expect(queue.popFirst() == rooms[0])
        #expect(queue.popFirst() == nil && queue.isEmpty)
    }

    @Test("Rooms that Redis kept from their turn have it when Redis is back, however long that took")
    func keptFromTheirTurn() async throws {
        let bench = try WorkerBench()
        let rooms = try (0..<12).map { try #require(RoomID("room-\($0)")) }
        let worker = bench.worker {
            $0.walkInterval = .seconds(3600)
            $0.turnsMax = 2
        }
        try await bench.run(worker) { _ in
            // What is said from here on is found by the time of it alone.
            try await eventually("all rooms were looked at once") { await bench.streams.listings >= 2 }
            for room in rooms { await bench.streams.hold([Frames.frame(1, in: room)], in: room) }
            await bench.streams.sayHeld(thenFailAfterLooks: 3)
            for room in rooms { try await bench.archived(upTo: Frames.position(1), in: room) }
        }
    }

    @Test("How far a room is behind is not forgotten where Redis refuses to show it")
    func behindIsKept() async throws {
        let bench = try WorkerBench()
        bench.sinks.fail(.sync)
        await bench.streams.post(frames(1...10))
        try await bench.run { worker in
            try await eventually("it is told") { await bench.streams.figures?.behind == 10 }
            await bench.streams.refuseLooks(at: Frames.room)
            try await eventually("it was refused") { await bench.streams.refusals >= 1 }
            let reports = await bench.streams.reports
            try await eventually("it is told again") { await bench.streams.reports >= reports + 2 }
            #expect(await bench.streams.figures?.behind == 10)
            #expect(await worker.counters.behind == 10)
        }
    }

    @Test("Told to stop, it finishes the page in hand and no other")
    func stopsAfterThePage() async throws {
        let bench = try WorkerBench()
        let worker = bench.worker()
        let task = Task { try await worker.run() }
        bench.sinks.syncing.withLockedValue { $0 = { _ in task.cancel() } }
        await bench.streams.post(frames(1...40))
        try await task.value
        #expect(bench.lines().count == 4)
        #expect(await bench.streams.rooms[Frames.room]?.archived == Frames.position(4))
    }

    @Test("While the page in hand is finished the shard stays claimed, and then it is given up")
    func claimedToTheEnd() async throws {
        let bench = try WorkerBench()
        let told = NIOLockedValueBox(false)
        let renewed = NIOLockedValueBox(0)
        let all = Rendezvous(of: 3)
        let group = ServiceGroup(
            services: [Told(worker: bench.worker { $0.lockLapse = .milliseconds(40) }, told: told)],
            logger: bench.log.logger())
        bench.sinks.syncing.withLockedValue {
            $0 = { _ in
                Task { await group.triggerGracefulShutdown() }
                all.come("sync")
            }
        }
        bench.streams.renewing.withLockedValue {
            $0 = {
                guard told.withLockedValue({ $0 }) else { return }
                all.note("renewal \(renewed.withLockedValue { $0 += 1; return $0 })")
            }
        }
        await bench.streams.post(frames(1...40))
        try await group.run()
        #expect(all.isComplete)
        #expect(await bench.streams.isShardFree)
        #expect(bench.lines().count == 4)
    }

    private struct Told: Service {
        let worker: ArchiveWorker
        let told: NIOLockedValueBox<Bool>

        func run() async throws {
            try await withGracefulShutdownHandler {
                try await worker.run()
            } onGracefulShutdown: {
                told.withLockedValue { $0 = true }
            }
        }
    }

    @Test("Where Redis has too little time for rooms side by side, they have their turns one after the other")
    func oneAfterTheOther() async throws {
        let bench = try WorkerBench()
        let rooms = try (0..<6).map { try #require(RoomID("room-\($0)")) }
        for room in rooms { await bench.streams.post([Frames.frame(1, in: room)], in: room) }
        await bench.streams.failLooksSideBySide()
        try await bench.run { _ in
            for room in rooms { try await bench.archived(upTo: Frames.position(1), in: room) }
        }
    }

    @Test("A room that waits to be tried again is known to be behind by what was said meanwhile")
    func waitingRoom() async throws {
        let bench = try WorkerBench()
        await bench.streams.post(frames(1...3))
        try await bench.run { worker in
            try await bench.archived(upTo: Frames.position(3))
            let folder = "\(bench.directory)/general"
            try FileManager.default.moveItem(atPath: folder, toPath: folder + ".away")
            await bench.streams.post([Frames.frame(4)])
            // After some failures it is waited for longer than this test may take.
            try await eventually("it has failed often", within: .seconds(30)) { await worker.counters.errors >= 3 }
            await bench.streams.post(frames(5...9))
            try await eventually("it says how far it is behind") { await bench.streams.figures?.behind == 6 }
            #expect(await bench.streams.rooms[Frames.room]?.archived == Frames.position(3))
        }
    }

    @Test("Of rooms without files nothing is remembered")
    func forgotten() async throws {
        let bench = try WorkerBench()
        await bench.streams.post(frames(1...1))
        for number in 0..<50 { await bench.streams.update(try #require(RoomID("empty\(number)"))) { _ in } }
        try await bench.run { worker in
            try await bench.archived(upTo: Frames.position(1))
            try await eventually("all were looked at") { await Set(bench.streams.looks).count == 51 }
            try await eventually("one is remembered") { await worker.rooms.count == 1 }
        }
    }

    @Test("A room that Redis refuses to show holds up no other, though it is active all the time")
    func refusedRoom() async throws {
        let bench = try WorkerBench()
        let bad = try #require(RoomID("bad"))
        await bench.streams.post([Frames.frame(1, in: bad)], in: bad)
        await bench.streams.refuseLooks(at: bad)
        try await bench.run { worker in
            for seq in 1...20 as ClosedRange<UInt64> {
                await bench.streams.update(bad) { $0.activity += 1 }
                await bench.streams.post(frames(seq...seq))
                try await bench.archived(upTo: Frames.position(seq))
            }
            // A turn is counted when it has ended, which is after its last word to Redis.
            try await eventually("all are counted") { await worker.counters.lines == 20 }
            let said = "Redis refuses what the archiver asks of it; asking again until it does not"
            #expect(bench.log.count(of: said) == 0)
        }
    }
}
