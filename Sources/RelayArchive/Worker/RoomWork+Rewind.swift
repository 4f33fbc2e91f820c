internal import Logging
internal import RelayCore

/// Redis lost writes that the files hold, or was flushed.
extension RoomWork {
    /// Raises the room above what the files hold, looks through the stream for what they lack below their end, and
    /// writes down that this is done. Each step can be repeated: after a crash it begins anew.
    func settle(
        _ files: RoomFiles, _ position: ArchivePosition, _ knownEpoch: UInt64?, now: UInt64
    ) async throws -> TurnOutcome {
        var outcome: RaiseOutcome?
        do {
            outcome = try await source.raise(
                room, toSeq: position.seq, id: position.id, knownEpoch: knownEpoch, under: held)
        } catch {
            _ = files.machine.raised(nil)
            throw error
        }
        if outcome == .lockLost { report.isClaimLost = true }
        guard files.machine.raised(outcome) != nil, case .raised(let epoch, let seq) = outcome else { return .drained }
        do {
            let found = try await mergeLate(files, upTo: position.id, epoch: epoch, now: now)
            let marker = files.machine.scanned()
            if var record = files.archive.record {
                record.marker = marker
                record.epoch = epoch
                try files.archive.write(record)
            }
            report.rewinds += 1
            logger.warning(
                "Redis was rewound; the room goes on above what the archive holds",
                metadata: ["room": "\(room)", "seq": "\(seq)", "epoch": "\(epoch)", "late": "\(found)"])
        } catch {
            files.machine.settlingFailed()
            throw error
        }
        files.machine.recorded()
        return .hasMore
    }

    /// Puts every message of the stream below the end of the files into them that they do not hold. Answers how many.
    private func mergeLate(
        _ files: RoomFiles, upTo id: MessageID, epoch: UInt64, now: UInt64
    ) async throws -> Int {
        var from = MessageID.zero
        var found = 0
        while from <= id {
            let look = try await source.look(at: room, from: from, limit: configuration.pageEntriesMax)
            let frames = look.entries.compactMap { entry -> StoredFrame? in
                guard case .frame(let frame) = entry, frame.id <= id else { return nil }
                return frame
            }
            let lacking = try files.archive.lacking(frames)
            if let first = lacking.first?.id { try disown(from: first, upTo: id, files, look) }
            let days = Dictionary(grouping: lacking, by: { Segment(of: $0.id) })
            for (segment, late) in days.sorted(by: { $0.key < $1.key }) {
                try files.archive.merge(late, into: segment, now: now, epoch: epoch)
            }
            found += lacking.count
            guard look.entries.count >= configuration.pageEntriesMax, let last = look.entries.last else { break }
            from = last.id.next
        }
        report.lines += UInt64(found)
        return found
    }
}
