import Foundation
import RelayCore
import RelayTestKit
import Testing

@testable import RelayArchive

@Suite("A loss of power", .timeLimit(.minutes(20)))
struct PowerCutTests {
    /// The stream keeps all, so that what a crash takes from the files can be read again.
    private static let all: [StoredFrame] = (1...60).map { seq in
        Frames.frame(
            seq, at: Frames.midnight + seq * 7_200_000, text: String(repeating: "a", count: Int(seq * 13 % 190) + 1))
    }

    private func look(_ machine: ArchiveStateMachine, _ acknowledged: ArchivePosition?) -> StreamLook {
        let standing = ArchiveStanding(epoch: 1, seq: 60, archived: acknowledged, createdAt: 5)
        let entries = Self.all.filter { $0.id >= machine.nextLookID }.prefix(7).map { StreamEntry.frame($0) }
        return StreamLook(
            now: Frames.midnight, standing: standing, entries: Array(entries), oldestID: Self.all.first?.id,
            lastID: Self.all.last?.id)
    }

    /// One run of an archiver: looks until `batches` were acknowledged, closing days, and coming back after errors.
    private func run(
        _ model: DiskModel, _ directory: String, batches: Int, isFragile: Bool = false,
        _ acknowledged: inout ArchivePosition?
    ) throws {
        let archive = try RoomArchive(room: Frames.room, directory: directory, opener: model)
        if archive.record == nil {
            let standing = ArchiveStanding(epoch: 1, seq: 0, archived: nil, createdAt: 5)
            try archive.write(RoomRecord(room: Frames.room, standing: standing))
        }
        var machine = ArchiveStateMachine(cursor: archive.cursor, knownEpoch: 1, marker: nil)
        var left = batches
        var attempts = 0
        while left > 0, attempts < 100 {
            attempts += 1
            if archive.cursor == acknowledged { archive.startWasAcknowledged() }
            switch machine.lookArrived(look(machine, acknowledged), limit: 7) {
            case .append(let batch):
                do { _ = try archive.append(batch) } catch {
                    machine.appendFailed()
                    // Killed before it could take back what it wrote, or not.
                    if isFragile { return }
                    continue
                }
                acknowledged = machine.appended()
                machine.acknowledged()
                left -= 1
            case .acknowledge(let position):
                do {
                    try archive.syncStart()
                    acknowledged = position
                } catch {}
                machine.acknowledged()
            default:
                left = 0
            }
            if let cursor = archive.cursor { _ = try? archive.close(through: cursor.id.milliseconds) }
        }
    }

    @Test("At any moment, and after any sync that failed, what was acknowledged is on the disk, and nothing is twice")
    func anyMoment() throws {
        var failures = 0
        for seed in 1...60 as ClosedRange<UInt64> {
            var random = Xorshift(state: seed &* 0x9e37_79b9_7f4a_7c15)
            let directory = try TemporaryDirectory.make("martlet-power")
            defer { TemporaryDirectory.remove(directory) }
            let model = DiskModel()
            var acknowledged: ArchivePosition?
            for _ in 0..<8 {
                model.failSync(after: Int(random.next() % 12))
                try? run(
                    model, directory, batches: Int(random.next() % 4) + 1, isFragile: random.next() % 2 == 0,
                    &acknowledged)

                // The process alone may have died: then all that the system holds is still there.
                if random.next() % 2 == 0 { continue }
                try model.cutPower(in: "\(directory)/general", &random)
                let found = try ArchiveReader(directory: directory).read(.after(.zero, limit: 100), of: Frames.room)
                let kept = acknowledged.map { position in Self.all.filter { $0.id <= position.id } } ?? []
                #expect(
                    Array(found.frames.prefix(kept.count)) == kept, "seed \(seed): acknowledged and not on the disk")
            }
            try run(model, directory, batches: 100, &acknowledged)
            try model.cutPower(in: "\(directory)/general", &random)
            let all = try ArchiveReader(directory: directory).read(.after(.zero, limit: 100), of: Frames.room)
            #expect(all.frames.map(\.seq) == Self.all.map(\.seq), "seed \(seed)")
            failures += model.failureCount
            let report = try ArchiveVerifier(directory: directory).verify()
            #expect(report.findings.isEmpty && report.recordedGaps.isEmpty, "seed \(seed): \(report.findings)")
        }
        #expect(failures > 60)
    }
}
