import NIOCore
import RelayCore
import RelayTestKit
import NIOConcurrencyHelpers
import Testing

@testable import RelayArchive

@Suite("Late messages among those that are there")
struct SegmentMergeTests {
    @Test("Wherever they belong, over days and in several portions, the proof of the whole passes", arguments: 1...40)
    func anywhere(_ seed: UInt64) throws {
        var random = Xorshift(state: seed &* 0x9e37_79b9_7f4a_7c15)
        let small = try SmallArchive()
        let archive = try small.reopened()
        // A store that was set back to some number and went on from it by a clock that was behind.
        let from = random.next() % 9
        var milliseconds = Frames.midnight + random.next() % (2 * SmallArchive.day)
        var late: [StoredFrame] = []
        for offset in 1...(random.next() % 6 + 1) {
            milliseconds += 1 + random.next() % (SmallArchive.day / 2)
            late.append(Frames.frame(from + offset, at: milliseconds, text: "late \(offset)"))
        }
        let archived = Set((SmallArchive.frames + [SmallArchive.newest]).map(\.id))
        late.removeAll { archived.contains($0.id) || $0.id > SmallArchive.newest.id }
        let portion = Int(random.next() % 3) + 1
        for start in stride(from: 0, to: late.count, by: portion) {
            let lacking = try archive.lacking(Array(late[start..<min(start + portion, late.count)]))
            let days = Dictionary(grouping: lacking, by: { Segment(of: $0.id) })
            for (segment, frames) in days.sorted(by: { $0.key < $1.key }) {
                try archive.merge(frames, into: segment, now: 9, epoch: 3)
            }
        }
        #expect(try archive.lacking(late).isEmpty)
        let all = (SmallArchive.frames + [SmallArchive.newest] + late).sorted { $0.id < $1.id }
        let read = try ArchiveReader(directory: small.directory).read(.after(.zero, limit: 100), of: Frames.room)
        #expect(read.frames.map(\.id) == all.map(\.id))
        for isClosed in [false, true] {
            if isClosed { _ = try small.reopened().close(through: Frames.midnight + 5 * SmallArchive.day) }
            let findings = try small.verify().findings
            #expect(findings.isEmpty, "seed \(seed), late \(late.map { "\($0.id) \($0.seq)" }): \(findings)")
        }
        // The archive goes on behind them.
        let next = Frames.frame(14, at: Frames.midnight + 6 * SmallArchive.day)
        _ = try archive.append(SmallArchive.batch([next]))
        #expect(try small.verify().findings.isEmpty)
    }

    @Test("A day goes through the merge in pieces: none is larger than two, however long the day is")
    func inPieces() throws {
        let directory = try TemporaryDirectory.make("martlet-pieces")
        defer { TemporaryDirectory.remove(directory) }
        let sinks = MeasuredSinks()
        let archive = try RoomArchive(room: Frames.room, directory: directory, opener: sinks)
        let standing = ArchiveStanding(epoch: 1, seq: 0, archived: nil, createdAt: 5)
        try archive.write(RoomRecord(room: Frames.room, standing: standing))
        let text = String(repeating: "x", count: 4000)
        let frames = (1...1600).map { (seq: UInt64) in Frames.frame(seq, at: Frames.midnight + 10 * seq, text: text) }
        for start in stride(from: 0, to: frames.count, by: 100) {
            _ = try archive.append(SmallArchive.batch(Array(frames[start..<start + 100])))
        }
        sinks.forget()
        let late = [1, 800, 1599].map { (place: UInt64) in
            Frames.frame(place, at: Frames.midnight + 10 * place + 5, text: "late")
        }
        try archive.merge(late, into: Segment(of: late[0].id), now: 9, epoch: 3)
        #expect((1...2 << 20).contains(sinks.largestPiece), "\(sinks.largestPiece) bytes at once")
        let all = (frames + late).sorted { $0.id < $1.id }
        let read = try ArchiveReader(directory: directory).read(.after(.zero, limit: 2000), of: Frames.room)
        #expect(read.frames.map(\.id) == all.map(\.id))
        #expect(try ArchiveVerifier(directory: directory).verify().findings.isEmpty)
        // The next message goes behind the copy.
        _ = try archive.append(SmallArchive.batch([Frames.frame(1601, at: Frames.midnight + 20_000)]))
        #expect(try ArchiveVerifier(directory: directory).verify().findings.isEmpty)
    }
}

extension SegmentMergeTests {
    @Test("Where nobody knows whether a merged day is on the disk it is written anew, and then written on")
    func folderNotSynced() throws {
        let directory = try TemporaryDirectory.make("martlet-merge")
        defer { TemporaryDirectory.remove(directory) }
        let sinks = FaultySinks()
        let archive = try RoomArchive(room: Frames.room, directory: directory, opener: sinks)
        try archive.write(RoomRecord(room: Frames.room, standing: .init(epoch: 1, seq: 0, archived: nil, createdAt: 5)))
        _ = try archive.append(SmallArchive.batch([Frames.frame(1), Frames.frame(2)]))
        let late = Frames.frame(1, at: Frames.frame(1).id.milliseconds + 5, text: "late")
        sinks.fail(.folder)
        #expect(throws: SegmentError.self) {
            try archive.merge([late], into: Segment(of: late.id), now: 9, epoch: 3)
        }
        #expect(throws: SegmentError.self) { _ = try archive.append(SmallArchive.batch([Frames.frame(3)])) }
        sinks.fail(nil)
        _ = try archive.append(SmallArchive.batch([Frames.frame(3)]))
        let read = try ArchiveReader(directory: directory).read(.after(.zero, limit: 9), of: Frames.room)
        #expect(read.frames.map(\.id) == [Frames.frame(1).id, late.id, Frames.frame(2).id, Frames.frame(3).id])
    }
}

/// Real files that note how much is read or written at once.
private final class MeasuredSinks: SegmentOpener {
    private let real = FileSegmentOpener(isSyncing: false)
    private let largest = NIOLockedValueBox(0)

    var largestPiece: Int { largest.withLockedValue { $0 } }
    func forget() { largest.withLockedValue { $0 = 0 } }
    fileprivate func note(_ bytes: Int) { largest.withLockedValue { $0 = max($0, bytes) } }

    func open(_ path: String, isNew: Bool) throws(SegmentError) -> any SegmentSink {
        MeasuredSink(try real.open(path, isNew: isNew), owner: self)
    }

    func syncFolder(_ path: String) throws(SegmentError) { try real.syncFolder(path) }
}

private final class MeasuredSink: SegmentSink {
    private let real: any SegmentSink
    private let owner: MeasuredSinks

    init(_ real: any SegmentSink, owner: MeasuredSinks) {
        self.real = real
        self.owner = owner
    }

    func length() throws(SegmentError) -> UInt64 { try real.length() }
    func append(_ bytes: ByteBuffer) throws(SegmentError) {
        owner.note(bytes.readableBytes)
        try real.append(bytes)
    }
    func sync() throws(SegmentError) { try real.sync() }
    func truncate(to length: UInt64) throws(SegmentError) { try real.truncate(to: length) }
    func read(at offset: UInt64, count: Int) throws(SegmentError) -> ByteBuffer {
        let bytes = try real.read(at: offset, count: count)
        owner.note(bytes.readableBytes)
        return bytes
    }
    func close() { real.close() }
}
