internal import Logging
internal import RelayCore
internal import ServiceLifecycle

/// A room's turn, a few pages long: look, append, sync, acknowledge.
extension RoomWork {
    /// What a read that was begun early has brought.
    private typealias Ahead = Task<Result<StreamLook, StreamSourceError>, Never>

    /// Never begun before the last one has ended.
    func turn() async -> TurnReport {
        report = TurnReport()
        do {
            let files = try open()
            report.outcome = try await pages(files)
        } catch let error as StreamSourceError {
            if case .refused = error {
                report.failure = .room(error.description)
            } else {
                report.failure = .unavailable(error)
            }
        } catch {
            report.failure = .room("\(error)")
        }
        report.hasLines = files?.archive.cursor != nil
        return report
    }

    func note(_ outcome: AcknowledgeOutcome) {
        if outcome == .lockLost { report.isClaimLost = true }
    }

    private func open() throws(SegmentError) -> RoomFiles {
        if let files { return files }
        let archive = try RoomArchive(room: room, directory: configuration.directory, opener: opener)
        let cutBytes = archive.cutBytes
        if cutBytes > 0 {
            logger.notice(
                "Cut off what a crash left behind the last whole line",
                metadata: ["room": "\(room)", "bytes": "\(cutBytes)"])
        }
        if archive.isRecordDamaged || archive.isOwnerUnknown {
            let problem =
                archive.isRecordDamaged
                ? "cannot be read" : archive.record == nil ? "is missing" : "does not say when the room was made"
            logger.warning(
                "room.json \(problem): whose room the files are is not known any more, and no edge serves them",
                metadata: ["room": "\(room)"])
        }
        if archive.isManifestMissing {
            logger.warning(
                "manifest.jsonl is missing: days that are over are closed as they are now, whatever they were before",
                metadata: ["room": "\(room)"])
        }
        let opened = RoomFiles(archive)
        files = opened
        return opened
    }

    /// Page after page, as long as they are full: the next one is read while this one is written and synced. Then it is
    /// another room's turn. Where the worker is to stop, the page in hand is the last.
    private func pages(_ files: RoomFiles) async throws -> TurnOutcome {
        var look = try await source.look(
            at: room, from: files.machine.nextLookID, limit: configuration.pageEntriesMax)
        for page in 1...max(1, configuration.turnPagesMax) {
            let isLast = page >= configuration.turnPagesMax || isStopping
            let (outcome, ahead) = try await act(on: look, files, readingAhead: !isLast)
            guard let ahead else { return outcome }
            let next = await ahead.value
            if report.isClaimLost || isStopping { return outcome }
            look = try next.get()
        }
        return .hasMore
    }

    private func act(
        on look: StreamLook, _ files: RoomFiles, readingAhead: Bool
    ) async throws -> (TurnOutcome, Ahead?) {
        let limit = configuration.pageEntriesMax
        if let cursor = files.machine.cursor, look.standing?.archived == cursor { files.archive.startWasAcknowledged() }
        let skippedBefore = files.machine.skippedCount
        let action = files.machine.lookArrived(look, limit: limit)
        report.skipped += files.machine.skippedCount - skippedBefore
        defer { noteBehind(files, look) }
        switch action {
        case .rest:
            try await refresh(files, look, isAppending: false)
            report.drainedAt = look.now
            tellMissingEnd(files, look)
            return (try await closeDays(of: files, look), nil)
        case .lookAgain:
            return (.hasMore, nil)
        case .append(let batch):
            let isFull = look.entries.count >= limit
            let ahead = isFull && readingAhead ? batch.end.map { readAhead(from: $0.id) } : nil
            do { try await append(batch, to: files, look) } catch {
                // A turn does not end before what it has begun.
                _ = await ahead?.value
                throw error
            }
            return (isFull ? .hasMore : .wrote, ahead)
        case .acknowledge(let position):
            defer { files.machine.acknowledged() }
            try files.archive.syncStart()
            try await acknowledge(position, trimmed: files.machine.trimmedID)
            return (.hasMore, nil)
        case .raise(let position, let knownEpoch):
            return (try await settle(files, position, knownEpoch, now: look.now), nil)
        case .drop(let end):
            let outcome = try await source.drop(room, through: end, under: held)
            note(outcome)
            if outcome == .gone {
                logger.info("The stream of a deleted room has changed and stays", metadata: ["room": "\(room)"])
            }
            return (outcome == .done ? .wrote : .drained, nil)
        }
    }

    private var isStopping: Bool { Task.isShuttingDownGracefully || Task.isCancelled }

    /// Begins to read on from the end of a batch that is about to be written. It is a look like any other, only that it
    /// is a little older when it is acted on; where the batch fails, nothing is made of it.
    private func readAhead(from id: MessageID) -> Ahead {
        let (source, room, limit) = (source, room, configuration.pageEntriesMax)
        // Detached: on the lane of the room it would begin when the files are done.
        return Task.detached { await Self.look(source, at: room, from: id, limit: limit) }
    }

    private static func look(
        _ source: any StreamSource, at room: RoomID, from id: MessageID, limit: Int
    ) async -> Result<StreamLook, StreamSourceError> {
        do { return .success(try await source.look(at: room, from: id, limit: limit)) } catch {
            return .failure(error)
        }
    }

    private func append(_ batch: ArchiveBatch, to files: RoomFiles, _ look: StreamLook) async throws {
        let bytes: Int
        do {
            try await refresh(files, look, isAppending: true)
            bytes = try files.archive.append(batch)
        } catch {
            files.machine.appendFailed()
            throw error
        }
        report.bytes += UInt64(bytes)
        report.lines += UInt64(batch.segments.reduce(0) { $0 + $1.lines.count })
        report.gaps += UInt64(batch.gaps.count)
        for gap in batch.gaps {
            logger.warning(
                "Messages are missing",
                metadata: [
                    "room": "\(room)", "from_seq": "\(gap.fromSeq)", "to_seq": "\(gap.toSeq)",
                    "reason": "\(gap.reason.rawValue)",
                ])
        }
        let position = files.machine.appended()
        defer { files.machine.acknowledged() }
        try await acknowledge(position, trimmed: files.machine.trimmedID)
    }

    private func acknowledge(_ position: ArchivePosition, trimmed: MessageID?) async throws {
        note(
            try await source.acknowledge(room, position, trimmed: trimmed, keep: configuration.keep, under: held))
    }

    /// All that the stream holds is archived, and its counter is higher: what is said next will be written down behind
    /// a line that tells of the hole. Until then the log does.
    private func tellMissingEnd(_ files: RoomFiles, _ look: StreamLook) {
        let archived = files.machine.cursor?.seq ?? 0
        guard let standing = look.standing, !standing.isDeleted, standing.seq > max(archived, files.toldEnd) else {
            return
        }
        files.toldEnd = standing.seq
        logger.warning(
            "A stream lacks its last messages; a line says so before the next one",
            metadata: ["room": "\(room)", "from_seq": "\(archived + 1)", "to_seq": "\(standing.seq)"])
    }

    private func noteBehind(_ files: RoomFiles, _ look: StreamLook) {
        let seq = look.standing?.seq ?? 0
        let archived = files.machine.cursor?.seq ?? 0
        report.behind = seq > archived ? seq - archived : 0
    }

    private func closeDays(of files: RoomFiles, _ look: StreamLook) async throws -> TurnOutcome {
        guard let cursor = files.machine.cursor else { return .drained }
        let passed = max(look.now, cursor.id.milliseconds)
        guard let last = files.archive.open.last(where: { $0.endMilliseconds <= passed }) else { return .drained }
        let midnight = last.endMilliseconds
        let isAlive = look.standing.map { !$0.isDeleted } ?? false
        if isAlive, look.lastID.map({ $0 < MessageID(milliseconds: midnight, sequence: 0) }) ?? true {
            // What came in between is archived first; nothing of that day can follow it.
            let outcome = try await source.passMidnight(room, milliseconds: midnight, under: held)
            note(outcome)
            return outcome == .done ? .hasMore : .drained
        }
        for segment in try files.archive.close(through: midnight) {
            logger.info("Closed a day", metadata: ["room": "\(room)", "file": "\(segment.fileName)"])
        }
        return .wrote
    }
}
