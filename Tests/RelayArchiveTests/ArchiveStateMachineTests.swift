import RelayCore
import Testing

@Suite("One room on its way into the files")
struct ArchiveStateMachineTests {
    private func look(
        _ entries: [StreamEntry], seq: UInt64, epoch: UInt64? = 7, archived: ArchivePosition? = nil,
        oldest: MessageID? = nil, last: MessageID? = nil, deleted: Bool = false, now: UInt64 = Frames.midnight
    ) -> StreamLook {
        StreamLook(
            now: now,
            standing: ArchiveStanding(epoch: epoch, seq: seq, archived: archived, createdAt: 1, isDeleted: deleted),
            entries: entries, oldestID: oldest ?? entries.first?.id, lastID: last ?? entries.last?.id)
    }

    private func entries(_ numbers: UInt64...) -> [StreamEntry] { numbers.map { .frame(Frames.frame($0)) } }

    private func machine(at seq: UInt64? = nil, epoch: UInt64? = 7, marker: RewindMarker? = nil) -> ArchiveStateMachine
    {
        ArchiveStateMachine(cursor: seq.map { Frames.position($0) }, knownEpoch: epoch, marker: marker)
    }

    private func batch(_ action: ArchiveStateMachine.LookAction) throws -> ArchiveBatch {
        guard case .append(let batch) = action else {
            Issue.record("\(action) is no batch")
            throw NoBatch()
        }
        return batch
    }

    private struct NoBatch: Error {}

    @Test("A new room is read from its beginning, appended, then acknowledged")
    func newRoom() throws {
        var machine = machine(epoch: nil)
        #expect(machine.nextLookID == .zero)
        let batch = try batch(machine.lookArrived(look(entries(1, 2), seq: 2), limit: 10))
        #expect(batch.segments.map(\.lines) == [[.frame(Frames.frame(1)), .frame(Frames.frame(2))]])
        #expect(machine.appended() == Frames.position(2))
        machine.acknowledged()
        #expect(machine.nextLookID == Frames.frame(2).id)
        let drained = look(entries(2), seq: 2, archived: Frames.position(2))
        #expect(machine.lookArrived(drained, limit: 10) == .rest)
    }

    @Test("A batch that could not be written is asked for again from the same place")
    func failedBatch() throws {
        var machine = machine(at: 1)
        _ = try batch(machine.lookArrived(look(entries(1, 2), seq: 2), limit: 10))
        machine.appendFailed()
        #expect(machine.cursor == Frames.position(1))
        let again = try batch(machine.lookArrived(look(entries(1, 2, 3), seq: 3), limit: 10))
        #expect(again.end == Frames.position(3))
    }

    @Test("Files that are ahead of what Redis was told are acknowledged without being written again")
    func crashBetweenSyncAndAcknowledgement() {
        var machine = machine(at: 3)
        let action = machine.lookArrived(look(entries(3), seq: 3, archived: Frames.position(1)), limit: 10)
        #expect(action == .acknowledge(Frames.position(3)))
    }

    @Test("A batch over midnight goes into two files")
    func dayRoll() throws {
        let before = Frames.frame(1, at: Frames.midnight - 1)
        let after = Frames.frame(2, at: Frames.midnight)
        var machine = machine(epoch: nil)
        let batch = try batch(machine.lookArrived(look([.frame(before), .frame(after)], seq: 2), limit: 10))
        #expect(batch.segments.map(\.segment.fileName) == ["2026-11-20.jsonl", "2026-11-21.jsonl"])
    }

    @Test("A hole in the numbers is told right before the message behind it, with its reason")
    func hole() throws {
        var missing = machine(at: 1)
        let gaps = try batch(missing.lookArrived(look(entries(1, 4), seq: 4), limit: 10)).gaps
        #expect(gaps.map(\.reason) == [.missing])
        #expect(gaps.map(\.fromSeq) == [2] && gaps.map(\.toSeq) == [3])

        var trimmed = machine(epoch: nil)
        let first = try batch(trimmed.lookArrived(look(entries(5, 6), seq: 6), limit: 10))
        #expect(first.gaps.map(\.reason) == [.trimmed] && first.gaps.map(\.toSeq) == [4])

        var unreadable = machine(at: 1)
        let mixed: [StreamEntry] = entries(1) + [.unreadable(Frames.frame(2).id)] + entries(3)
        let third = try batch(unreadable.lookArrived(look(mixed, seq: 3), limit: 10))
        #expect(third.gaps.map(\.reason) == [.unreadable])
        #expect(unreadable.skippedCount == 1)
    }

    @Test("Entries put in by hand are skipped, counted once, and stop nothing")
    func foreignEntries() throws {
        let foreign = (10..<14).map { StreamEntry.unreadable(Frames.frame($0).id) }
        var machine = machine(at: 1)
        let page = entries(1) + foreign.prefix(3)
        #expect(machine.lookArrived(look(page, seq: 1, archived: Frames.position(1)), limit: 4) == .lookAgain)
        #expect(machine.nextLookID > Frames.frame(12).id)
        let rest = look([foreign[3]], seq: 1, archived: Frames.position(1))
        #expect(machine.lookArrived(rest, limit: 4) == .rest)
        #expect(machine.skippedCount == 4)
        #expect(machine.nextLookID == Frames.frame(1).id)
        _ = machine.lookArrived(look(page, seq: 1, archived: Frames.position(1)), limit: 4)
        #expect(machine.skippedCount == 4)
    }

    @Test("Forged numbers, above the counter, repeated or before their turn, push no message out")
    func forgedNumbers() throws {
        let above = Frames.frame(99, at: Frames.frame(1).id.milliseconds + 1)
        let early = Frames.frame(3, at: Frames.frame(1).id.milliseconds + 2)
        let repeated = Frames.frame(1, at: Frames.frame(2).id.milliseconds + 1)
        var machine = machine(at: 1)
        let page: [StreamEntry] =
            entries(1) + [.frame(above), .frame(early)] + entries(2) + [.frame(repeated)] + entries(3)
        let batch = try batch(machine.lookArrived(look(page, seq: 3), limit: 10))
        #expect(batch.gaps.isEmpty)
        #expect(batch.segments.flatMap(\.lines) == [.frame(Frames.frame(2)), .frame(Frames.frame(3))])
        #expect(machine.skippedCount == 3)
    }

    @Test(
        "A stream that does not hold the last archived message is rewound, unless it was only trimmed",
        arguments: [
            // Lost its end: the counter is lower.
            (look: [2, 3] as [UInt64], seq: 3 as UInt64, epoch: 7 as UInt64, isRewound: true),
            // Flushed, and counted anew.
            (look: [], seq: 0, epoch: 8, isRewound: true),
            // Trimmed beyond the archive by somebody: a gap, no rewind.
            (look: [8, 9], seq: 9, epoch: 7, isRewound: false),
            // Trimmed up to the archive.
            (look: [6, 7], seq: 7, epoch: 7, isRewound: false),
            // As it should be.
            (look: [5, 6], seq: 6, epoch: 7, isRewound: false),
            // The same, under a new epoch that an edge made.
            (look: [5, 6], seq: 6, epoch: 8, isRewound: false),
            // A counter made anew that has overtaken the archive.
            (look: [6, 7], seq: 7, epoch: 8, isRewound: true),
        ])
    func rewindIsNoticed(_ given: (look: [UInt64], seq: UInt64, epoch: UInt64, isRewound: Bool)) {
        var machine = machine(at: 5)
        let all = given.look.map { StreamEntry.frame(Frames.frame($0)) }
        // What lies below the cursor is in the stream, but not in the page, which begins at the cursor.
        let page = all.filter { $0.id >= Frames.frame(5).id }
        let action = machine.lookArrived(
            look(page, seq: given.seq, epoch: given.epoch, oldest: all.first?.id, last: all.last?.id ?? .zero),
            limit: 10)
        if given.isRewound {
            #expect(action == .raise(Frames.position(5), knownEpoch: 7))
        } else {
            #expect((try? batch(action)) != nil)
        }
    }

    @Test("A rewind is settled step by step, told by a gap line, and its raised counter by another")
    func settling() throws {
        var machine = machine(at: 5)
        let flushed = Frames.frame(1, at: Frames.frame(6).id.milliseconds)
        _ = machine.lookArrived(look([.frame(flushed)], seq: 1, epoch: 8), limit: 10)
        #expect(machine.raised(.raised(epoch: 9, seq: 5)) == Frames.frame(5).id)
        let marker = RewindMarker(epoch: 9, position: Frames.position(5), raisedSeq: 5)
        #expect(machine.scanned() == marker)
        machine.recorded()
        let next = Frames.frame(6, at: Frames.frame(7).id.milliseconds)
        let page = look([.frame(flushed), .frame(next)], seq: 6, epoch: 9)
        let batch = try batch(machine.lookArrived(page, limit: 10))
        #expect(batch.gaps.map(\.reason) == [.rewound, .rewound])
        #expect(batch.gaps.map(\.fromSeq) == [6, 2])
        #expect(batch.gaps.map(\.toSeq) == [5, 5])
        #expect(batch.gaps.map(\.epoch) == [9, 9])
        #expect(batch.segments.flatMap(\.lines).count == 4)
    }

    @Test(
        "A room that was lost and put back is acknowledged with the id up to which it had been trimmed, until it took")
    func putBack() throws {
        var machine = machine(at: 5)
        let trimmed = look(entries(5), seq: 5, archived: Frames.position(5), oldest: Frames.frame(4).id)
        #expect(machine.lookArrived(trimmed, limit: 10) == .rest)
        #expect(machine.trimmedID == nil)
        // Edges put back more than there was, and something new was said.
        let back = look(entries(5, 6), seq: 6, epoch: 8, oldest: Frames.frame(2).id)
        _ = try batch(machine.lookArrived(back, limit: 10))
        #expect(machine.trimmedID == Frames.frame(4).id.previous)
        _ = machine.appended()
        machine.acknowledged()
        // Redis could not be told: it is told again.
        let untold = look(entries(6), seq: 6, epoch: 8, oldest: Frames.frame(2).id)
        #expect(machine.lookArrived(untold, limit: 10) == .acknowledge(Frames.position(6)))
        #expect(machine.trimmedID == Frames.frame(4).id.previous)
        machine.acknowledged()
        let told = look(entries(6), seq: 6, epoch: 8, archived: Frames.position(6), oldest: Frames.frame(4).id)
        #expect(machine.lookArrived(told, limit: 10) == .rest)
        #expect(machine.trimmedID == nil)
    }

    @Test("A settled rewind is not settled again after a restart, and one that broke off is")
    func restartAfterRewind() {
        let marker = RewindMarker(epoch: 9, position: Frames.position(5), raisedSeq: 5)
        let quiet = look([], seq: 5, epoch: 9, archived: Frames.position(5), last: Frames.frame(5).id)
        var settled = machine(at: 5, epoch: 9, marker: marker)
        #expect(settled.lookArrived(quiet, limit: 10) == .rest)

        var broken = machine(at: 5)
        _ = broken.lookArrived(look([], seq: 0, epoch: 8, last: .zero), limit: 10)
        _ = broken.raised(.raised(epoch: 9, seq: 5))
        broken.settlingFailed()
        #expect(broken.lookArrived(quiet, limit: 10) == .raise(Frames.position(5), knownEpoch: 7))
    }

    @Test("A room made again after a loss is raised before anything is said in it")
    func madeAgain() {
        var machine = machine(at: 5)
        #expect(
            machine.lookArrived(look([], seq: 0, epoch: nil), limit: 10)
                == .raise(Frames.position(5), knownEpoch: 7))
        #expect(machine.raised(.gone) == nil)
    }

    @Test("A deleted room is drained, acknowledged, and only then dropped")
    func deletedRoom() throws {
        var machine = machine(at: 1)
        _ = try batch(machine.lookArrived(look(entries(1, 2), seq: 2, deleted: true), limit: 10))
        _ = machine.appended()
        machine.acknowledged()
        let drained = look(entries(2), seq: 2, archived: Frames.position(2), deleted: true)
        #expect(machine.lookArrived(drained, limit: 10) == .drop(through: Frames.frame(2).id))
        let gone = look([], seq: 2, archived: Frames.position(2), deleted: true)
        #expect(machine.lookArrived(gone, limit: 10) == .rest)
    }

    @Test("A deleted room is dropped with the entries behind its last message that are none", arguments: [3, 4, 5])
    func deletedRoomWithForeignEntries(_ limit: Int) {
        let foreign = (11...13).map { StreamEntry.unreadable(Frames.frame($0).id) }
        for (all, start) in [(entries(1) + foreign, 1), (foreign, nil as UInt64?)] {
            var machine = machine(at: start)
            var action = ArchiveStateMachine.LookAction.lookAgain
            while action == .lookAgain {
                let page = all.filter { $0.id >= machine.nextLookID }.prefix(limit)
                let found = look(
                    Array(page), seq: start ?? 0, archived: start.map { Frames.position($0) }, oldest: all.first?.id,
                    last: all.last?.id, deleted: true)
                action = machine.lookArrived(found, limit: limit)
            }
            #expect(action == .drop(through: Frames.frame(13).id))
        }
    }
}
