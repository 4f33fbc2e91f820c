import Foundation
import NIOCore
import RelayCore
import RelayTestKit
import Testing

@testable import RelayArchive

/// Rooms that have an id one after the other share its files, and nothing else.
@Suite("A room that is made again")
struct FormerRoomTests {
    private static func id(_ milliseconds: UInt64) -> MessageID { MessageID(milliseconds: milliseconds, sequence: 0) }

    private static func standing(_ createdAt: UInt64, isPrivate: Bool = false) -> ArchiveStanding {
        ArchiveStanding(epoch: 1, seq: 0, archived: nil, createdAt: createdAt, isPrivate: isPrivate)
    }

    private static func record(_ createdAt: UInt64) -> RoomRecord {
        RoomRecord(room: Frames.room, standing: standing(createdAt))
    }

    private static func page(
        _ bench: WorkerBench, of createdAt: UInt64, _ span: HistorySpan
    ) throws -> (seqs: [UInt64], more: Bool)? {
        let request = ArchivePageRequest(
            room: Frames.room, createdAt: createdAt, span: span, bound: .zero, wantsPrevious: false)
        return try ArchiveReader(directory: bench.directory).page(request).map { ($0.frames.map(\.seq), $0.more) }
    }

    /// When the second room was made: after what was said in the first.
    private static let second = Frames.frame(3).id.milliseconds + 1

    /// What three rooms have said, the first of which was put back in the end: 1 to 3, 4 to 6, 7 and 8.
    private static func threeRooms() async throws -> WorkerBench {
        let bench = try WorkerBench()
        let bob = try #require(UserID("bob"))
        let parts: [(createdAt: UInt64, isPrivate: Bool, seqs: ClosedRange<UInt64>)] = [
            (77, false, 1...3), (second, true, 4...6), (77, false, 7...8),
        ]
        try await bench.run(bench.worker { $0.keep = 0 }) { _ in
            for part in parts {
                // Nothing was said in it yet: it may still give way to the one before.
                await bench.streams.update {
                    ($0.createdAt, $0.isPrivate, $0.members) = (part.createdAt, part.isPrivate, [bob])
                }
                await bench.streams.post(part.seqs.map { Frames.frame($0) })
                try await bench.archived(upTo: Frames.position(part.seqs.upperBound))
            }
        }
        return bench
    }

    @Test("Each is given what was said in it, in every direction, and nothing of the others")
    func ownPages() async throws {
        let bench = try await Self.threeRooms()
        #expect(bench.lines() == (1...8).map { String(buffer: Frames.frame($0).envelope) })
        for (createdAt, own) in [(77, [1, 2, 3, 7, 8]), (Self.second, [4, 5, 6])] as [(UInt64, [UInt64])] {
            for limit in 1...6 {
                let latest = try #require(try Self.page(bench, of: createdAt, .latest(limit: limit)))
                #expect(latest.seqs == Array(own.suffix(limit)) && latest.more == (limit < own.count))
                for seq in 1...9 as ClosedRange<UInt64> {
                    let place = Frames.frame(seq).id
                    let below = own.filter { $0 < seq }
                    let before = try #require(try Self.page(bench, of: createdAt, .before(place, limit: limit)))
                    #expect(before.seqs == Array(below.suffix(limit)) && before.more == (limit < below.count))
                    let above = own.filter { $0 > seq }
                    let after = try #require(try Self.page(bench, of: createdAt, .after(place, limit: limit)))
                    #expect(after.seqs == Array(above.prefix(limit)) && after.more == (limit < above.count))
                }
                let all = try #require(try Self.page(bench, of: createdAt, .after(.zero, limit: limit)))
                #expect(all.seqs == Array(own.prefix(limit)))
            }
        }
        #expect(try Self.page(bench, of: 99, .latest(limit: 9)) == nil)
    }

    @Test("room.json says who may read each, and a plan to put one back has its messages alone")
    func records() async throws {
        let bench = try await Self.threeRooms()
        let reader = ArchiveReader(directory: bench.directory)
        let record = try #require(try reader.record(of: Frames.room))
        #expect(record.createdAt == 77 && !record.isPrivate && record.creationTimes == [77, Self.second])
        let second = try #require(record.room(createdAt: Self.second))
        #expect(second.isPrivate && second.members == ["bob"])
        #expect(record.room(createdAt: 99) == nil)
        let plans: [(UInt64, UInt64, UInt64, Int)] = [(77, 1, 8, 5), (Self.second, 4, 6, 3)]
        for (createdAt, first, last, count) in plans {
            let plan = try #require(
                try reader.restorePlan(of: Frames.room, record, createdAt: createdAt, messagesMax: 100))
            #expect(plan.first?.seq == first && plan.last?.seq == last && plan.count == count)
            // What is said next goes on above all that was ever archived.
            #expect(plan.end == Frames.position(8) && plan.limit == .none)
        }
        #expect(try ArchiveVerifier(directory: bench.directory).verify().findings.isEmpty)
    }

    @Test("What a version before this one wrote of the next room under the record of the first is nobody's")
    func olderRecord() async throws {
        let bench = try WorkerBench()
        // Its record says the first room still, though 4 and 5 are of the second.
        await bench.streams.post((1...5).map { Frames.frame($0) })
        try await bench.run(bench.worker { $0.keep = 0 }) { _ in
            try await bench.archived(upTo: Frames.position(5))
            await bench.streams.update { ($0.createdAt, $0.isPrivate) = (Self.second, true) }
            await bench.streams.post([Frames.frame(6)])
            try await bench.archived(upTo: Frames.position(6))
        }
        #expect(try #require(try Self.page(bench, of: 77, .latest(limit: 9))).seqs == [1, 2, 3])
        #expect(try #require(try Self.page(bench, of: Self.second, .latest(limit: 9))).seqs == [6])
    }

    @Test("A room in which nothing was said takes nobody's place")
    func silent() async throws {
        let bench = try WorkerBench()
        await bench.streams.post([Frames.frame(1)])
        try await bench.run { _ in
            try await bench.archived(upTo: Frames.position(1))
            await bench.streams.update { $0.createdAt = 88 }
            let looks = await bench.streams.looks.count
            try await eventually("it was looked at") { await bench.streams.looks.count > looks + 2 }
        }
        let record = try #require(try ArchiveReader(directory: bench.directory).record(of: Frames.room))
        #expect(record.createdAt == 77 && record.former == nil)
    }

    @Test("What comes late among the messages of another room is nobody's, and so is what stands around it")
    func late() async throws {
        let bench = try WorkerBench()
        await bench.streams.post((1...5).map { Frames.frame($0) })
        try await bench.run { _ in try await bench.archived(upTo: Frames.position(5)) }
        await bench.streams.flush()
        // Another room, by a clock that is behind.
        let late = [Frames.frame(1, at: Frames.frame(3).id.milliseconds + 1, text: "late")]
        await bench.streams.post(late + [Frames.frame(6)])
        await bench.streams.update { ($0.createdAt, $0.epoch, $0.isPrivate) = (Self.second, 50, true) }
        try await bench.run { _ in try await bench.archived(upTo: Frames.position(6)) }
        #expect(bench.lines().contains { $0.contains("late") })
        #expect(try #require(try Self.page(bench, of: 77, .latest(limit: 9))).seqs == [1, 2, 3])
        #expect(try #require(try Self.page(bench, of: Self.second, .latest(limit: 9))).seqs == [6])
    }

    @Test("Messages that are nobody's are cut out of whoever had them")
    func disowned() throws {
        var record = Self.record(1)
        for (createdAt, begin) in [(2, 100), (3, 200)] as [(UInt64, UInt64)] {
            record = record.succeeded(by: Self.standing(createdAt), room: Frames.room, from: Self.id(begin))
        }
        func spans(_ createdAt: UInt64) -> [Range<UInt64>] {
            record.spans(ofRoomCreatedAt: createdAt)
                .map { $0.lowerBound.milliseconds..<min($0.upperBound.milliseconds, 999) }
        }
        #expect(spans(1) == [0..<100] && spans(2) == [100..<200] && spans(3) == [200..<999])
        #expect(record.isOfFormerRoom(Self.id(199)) && !record.isOfFormerRoom(Self.id(200)))
        record.disown(from: Self.id(150), to: Self.id(200))
        #expect(spans(1) == [0..<100] && spans(2) == [100..<150] && spans(3) == [200..<999])
        record.disown(from: Self.id(50), to: Self.id(200))
        #expect(spans(1) == [0..<50] && spans(2) == [] && spans(3) == [200..<999])
        record.disown(from: Self.id(300), to: Self.id(400))
        #expect(spans(1) == [0..<50] && spans(3) == [200..<300, 400..<999])
        record.disown(from: Self.id(0), to: Self.id(500))
        #expect(spans(1) == [] && spans(3) == [500..<999])
    }

    @Test("Of so many former rooms as are remembered the oldest are forgotten, and their messages nobody's")
    func bound() throws {
        var record = Self.record(0)
        for room in 1...UInt64(Limits.archiveFormerRoomsMax + 5) {
            record = record.succeeded(by: Self.standing(room), room: Frames.room, from: Self.id(room * 10))
        }
        #expect(record.former?.count == Limits.archiveFormerRoomsMax)
        #expect(record.spans(ofRoomCreatedAt: 5).isEmpty)
        #expect(record.spans(ofRoomCreatedAt: 6).isEmpty == false)
        #expect(record.spans(ofRoomCreatedAt: 6) == [Self.id(60)..<Self.id(70)])
        let bytes = try record.encode(path: "")
        #expect(RoomRecord.decode(bytes) == record && record.isWritten(as: bytes))
    }

    @Test("A room of which nobody knows when it was created, and that becomes private, is never taken for a public one")
    func unknownOwner() async throws {
        let bench = try WorkerBench()
        await bench.streams.post([Frames.frame(1)])
        try await bench.run { _ in try await bench.archived(upTo: Frames.position(1)) }
        try FileManager.default.removeItem(atPath: "\(bench.directory)/general/room.json")
        await bench.streams.update { $0.isPrivate = true }
        await bench.streams.post([Frames.frame(2)])
        try await bench.run { _ in try await bench.archived(upTo: Frames.position(2)) }
        await bench.streams.update { $0.isPrivate = false }
        await bench.streams.post([Frames.frame(3)])
        try await bench.run { _ in try await bench.archived(upTo: Frames.position(3)) }
        let record = try #require(try ArchiveReader(directory: bench.directory).record(of: Frames.room))
        #expect(record.createdAt == nil && record.isPrivate && record.members.isEmpty)
    }
}
