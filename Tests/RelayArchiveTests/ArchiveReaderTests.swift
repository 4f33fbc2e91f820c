import NIOCore
import RelayCore
import RelayTestKit
import Testing

@testable import RelayArchive

@Suite("History out of the files")
struct ArchiveReaderTests {
    @Test("Every page before, after and at the end is what a walk through all messages finds", arguments: [1, 2, 3])
    func comparedWithScan(_ seed: UInt64) throws {
        let directory = try TemporaryDirectory.make("martlet-reader")
        defer { TemporaryDirectory.remove(directory) }
        var random = Xorshift(state: seed &* 0x9e37_79b9_7f4a_7c15)
        let archive = try RoomArchive(room: Frames.room, directory: directory, opener: FileSegmentOpener())
        try archive.write(
            RoomRecord(
                room: Frames.room, standing: ArchiveStanding(epoch: 1, seq: 0, archived: nil, createdAt: 5)))
        var all: [StoredFrame] = []
        var batch = ArchiveBatch()
        var milliseconds = Frames.midnight
        for number in 1...1500 as ClosedRange<UInt64> {
            // Some days are missed out, some ids differ in their second half only, some lines are long.
            milliseconds +=
                random.next() % 50 == 0 ? 40_000_000 + random.next() % 200_000_000 : 1 + random.next() % 1000
            let length = random.next() % 40 == 0 ? 30_000 : Int(random.next() % 200) + 1
            let frame = Frames.frame(number, at: milliseconds, text: String(repeating: "a", count: length))
            let segment = Segment(of: frame.id)
            if batch.segments.last?.segment != segment {
                batch.segments.append(SegmentLines(segment: segment, lines: []))
            }
            if random.next() % 30 == 0 {
                let gap = ArchiveGap(fromSeq: 1, toSeq: 2, reason: .missing, milliseconds: 3)
                batch.segments[batch.segments.count - 1].lines.append(.gap(gap))
            }
            batch.segments[batch.segments.count - 1].lines.append(.frame(frame))
            batch.end = ArchivePosition(id: frame.id, seq: number)
            all.append(frame)
        }
        _ = try archive.append(batch)
        let reader = ArchiveReader(directory: directory)
        for _ in 0..<400 {
            let base = all[Int(random.next() % UInt64(all.count))].id
            let ids = [
                base, base.next, MessageID(milliseconds: base.milliseconds - 1, sequence: 9), .zero,
                MessageID(milliseconds: .max, sequence: .max),
            ]
            let id = ids[Int(random.next() % UInt64(ids.count))]
            let limit = Int(random.next() % 60) + 1
            let above = all.filter { $0.id > id }
            let after = try reader.read(.after(id, limit: limit), of: Frames.room)
            #expect(after == ArchiveReader.Page(frames: Array(above.prefix(limit)), more: above.count > limit))
            let below = all.filter { $0.id < id }
            let before = try reader.read(.before(id, limit: limit), of: Frames.room)
            #expect(before == ArchiveReader.Page(frames: below.suffix(limit), more: below.count > limit))
        }
        #expect(try reader.read(.latest(limit: 7), of: Frames.room).frames == all.suffix(7))
        #expect(try reader.record(of: Frames.room)?.createdAt == 5)
        #expect(try reader.rooms() == [Frames.room])
    }

    @Test("A room without files has no history, and a line that is still being written is not shown")
    func edges() throws {
        let directory = try TemporaryDirectory.make("martlet-reader")
        defer { TemporaryDirectory.remove(directory) }
        let reader = ArchiveReader(directory: directory)
        #expect(try reader.read(.latest(limit: 5), of: Frames.room) == ArchiveReader.Page(frames: [], more: false))
        #expect(try reader.record(of: Frames.room) == nil)
        try FileSystem.makeFolder("\(directory)/general")
        let sink = try FileSegmentOpener().open("\(directory)/general/2026-11-21.jsonl", isNew: true)
        try sink.append(ByteBuffer(string: Frames.line(1) + Frames.line(2).dropLast(3)))
        #expect(try reader.read(.latest(limit: 5), of: Frames.room).frames == [Frames.frame(1)])
    }
}

/// The same numbers from the same seed, on every run.
struct Xorshift: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
