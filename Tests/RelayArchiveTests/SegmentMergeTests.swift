import NIOCore
import RelayCore
import RelayTestKit
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
}
