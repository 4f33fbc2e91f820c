import NIOConcurrencyHelpers
import NIOCore
import RelayCore
import RelayTestKit
import Testing

@testable import RelayArchive

@Suite("What the archiver does side by side", .timeLimit(.minutes(20)))
struct ArchiveOverlapTests {
    private func text(_ range: ClosedRange<UInt64>) -> [String] {
        range.map { String(buffer: Frames.frame($0).envelope) }
    }

    @Test("One room is synced while another is")
    func roomsSideBySide() async throws {
        let bench = try WorkerBench()
        let other = try #require(RoomID("other"))
        await bench.streams.post([Frames.frame(1)])
        await bench.streams.post([Frames.frame(1, in: other)], in: other)
        let both = Rendezvous(of: 2)
        bench.sinks.syncing.withLockedValue { $0 = { path in both.come(path) } }
        try await bench.run { _ in
            try await bench.archived(upTo: Frames.position(1))
            try await bench.archived(upTo: Frames.position(1), in: other)
        }
        #expect(both.isComplete)
    }

    @Test("The next page of a room is read while one is synced, and nothing is acknowledged before it is")
    func readingAhead() async throws {
        let bench = try WorkerBench()
        await bench.streams.post((1...30).map { Frames.frame($0) })
        let both = Rendezvous(of: 2)
        bench.sinks.syncing.withLockedValue { $0 = { _ in both.come("sync") } }
        bench.streams.looking.withLockedValue {
            // In an actor: it does not wait.
            $0 = { _, id in if id > .zero { both.note("look") } }
        }
        // Where the lines up to each number end, and the numbers that were acknowledged before that much was synced.
        let ends = text(1...30).reduce(into: [UInt64(0)]) { ends, line in
            ends.append(ends.last.unsafelyPresent + UInt64(line.utf8.count) + 1)
        }
        let early = NIOLockedValueBox<[UInt64]>([])
        let (sinks, file) = (bench.sinks, "\(bench.directory)/general/2026-11-21.jsonl")
        bench.streams.acknowledging.withLockedValue {
            $0 = { _, position in
                let isEarly = sinks.syncedBytes(file) < ends[Int(position.seq)]
                if isEarly { early.withLockedValue { $0.append(position.seq) } }
            }
        }
        try await bench.run { _ in try await bench.archived(upTo: Frames.position(30)) }
        #expect(both.isComplete)
        #expect(bench.lines() == text(1...30))
        #expect(early.withLockedValue { $0 }.isEmpty)
        // One after the other, and each of them once.
        let acknowledged = await bench.streams.rooms[Frames.room]?.acknowledgements ?? []
        #expect(acknowledged.map(\.seq) == acknowledged.map(\.seq).sorted())
        #expect(Set(acknowledged.map(\.seq)).count == acknowledged.count)
    }

    @Test("A long backlog of one room does not keep another from its turn")
    func turnsEnd() async throws {
        let bench = try WorkerBench()
        let (long, short) = (try #require(RoomID("a-long")), try #require(RoomID("b-short")))
        await bench.streams.post((1...200).map { Frames.frame($0, in: long) }, in: long)
        await bench.streams.post([Frames.frame(1, in: short)], in: short)
        let worker = bench.worker {
            $0.turnsMax = 1
            $0.turnPagesMax = 3
        }
        try await bench.run(worker) { _ in
            try await bench.archived(upTo: Frames.position(1), in: short)
            try await bench.archived(upTo: Frames.position(200), in: long)
        }
        let looks = await bench.streams.looks
        #expect(looks.first == long)
        #expect(looks.firstIndex(of: short) == 3)
        #expect(bench.lines(of: "a-long").count == 200)
    }

    @Test("A room never has two turns at once, whatever fails meanwhile")
    func oneTurnEach() async throws {
        let bench = try WorkerBench()
        let rooms = try (0..<12).map { try #require(RoomID("room-\($0)")) }
        for room in rooms { await bench.streams.post((1...40).map { Frames.frame($0, in: room) }, in: room) }
        bench.sinks.fail(.sync)
        try await bench.run { _ in
            try await eventually("files fail") { bench.sinks.failureCount >= 5 }
            await bench.streams.failNextCalls(3)
            bench.sinks.fail(nil)
            for room in rooms { try await bench.archived(upTo: Frames.position(40), in: room) }
        }
        #expect(await bench.streams.looksAtOnceInOneRoom == 1)
        for room in rooms {
            #expect(
                bench.lines(of: room.description)
                    == (1...40).map { String(buffer: Frames.frame($0, in: room).envelope) })
        }
    }
}
