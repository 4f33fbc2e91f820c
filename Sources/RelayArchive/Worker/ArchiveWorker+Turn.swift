internal import Logging
internal import RelayCore

/// What came of a room's turn.
enum TurnOutcome {
    /// The files hold what the stream holds.
    case drained
    /// Something was done, and it seems to be all.
    case wrote
    /// There is more.
    case hasMore
}

/// One room, one page: look, append, sync, acknowledge.
extension ArchiveWorker {
    /// Throws where Redis is away. What concerns the room alone is noted, to be tried again.
    func turn(_ room: RoomID) async throws(StreamSourceError) -> TurnOutcome {
        do {
            let outcome = try await turn(of: try work(on: room), room)
            retries[room] = nil
            return outcome
        } catch let error as StreamSourceError {
            guard case .refused = error else { throw error }
            failed(error.description, in: room)
        } catch {
            failed("\(error)", in: room)
        }
        return .drained
    }

    /// Notes a failure of one room, or of all where `room` is nil.
    func failed(_ reason: String, in room: RoomID?) {
        counted.errors += 1
        let isNews = counted.lastError != reason
        counted.lastError = reason
        if let room {
            if retries[room] == nil { retries[room] = Retry(now: clock.now) }
            retries[room]?.failedAgain(now: clock.now)
        }
        guard isNews else { return }
        logger.error(
            "Nothing is acknowledged until this is mended",
            metadata: ["room": "\(room?.description ?? "all")", "error": "\(reason)"])
    }

    private func work(on room: RoomID) throws(SegmentError) -> RoomWork {
        if let work = rooms[room] { return work }
        let archive = try RoomArchive(room: room, directory: configuration.directory, opener: opener)
        if archive.cutBytes > 0 {
            logger.notice(
                "Cut off what a crash left behind the last whole line",
                metadata: ["room": "\(room)", "bytes": "\(archive.cutBytes)"])
        }
        if archive.isRecordDamaged {
            logger.warning(
                "room.json cannot be read: whose room the files are is not known any more",
                metadata: ["room": "\(room)"])
        }
        let work = RoomWork(archive)
        rooms[room] = work
        return work
    }

    private func turn(of work: RoomWork, _ room: RoomID) async throws -> TurnOutcome {
        let limit = configuration.pageEntriesMax
        let look = try await source.look(at: room, from: work.machine.nextLookID, limit: limit)
        if let cursor = work.machine.cursor, look.standing?.archived == cursor { work.archive.startWasAcknowledged() }
        let skippedBefore = work.machine.skippedCount
        let action = work.machine.lookArrived(look, limit: limit)
        counted.skipped += work.machine.skippedCount - skippedBefore
        defer { noteBehind(work, look) }
        switch action {
        case .rest:
            try await refresh(work, room, look)
            work.drained(at: look.now)
            return try await closeDays(of: work, room, look)
        case .lookAgain:
            return .hasMore
        case .append(let batch):
            try await append(batch, to: work, room, look)
            return look.entries.count >= limit ? .hasMore : .wrote
        case .acknowledge(let position):
            defer { work.machine.acknowledged() }
            try work.archive.syncStart()
            try await acknowledge(position, room, trimmed: work.machine.trimmedID)
            return .hasMore
        case .raise(let position, let knownEpoch):
            return try await settle(work, room, position, knownEpoch, now: look.now)
        case .drop(let position):
            note(try await source.drop(room, archivedUpTo: position, under: held))
            return .wrote
        }
    }

    private func append(_ batch: ArchiveBatch, to work: RoomWork, _ room: RoomID, _ look: StreamLook) async throws {
        let bytes: Int
        do {
            try await refresh(work, room, look)
            bytes = try work.archive.append(batch)
        } catch {
            work.machine.appendFailed()
            throw error
        }
        counted.bytes += UInt64(bytes)
        counted.lines += UInt64(batch.segments.reduce(0) { $0 + $1.lines.count })
        counted.gaps += UInt64(batch.gaps.count)
        for gap in batch.gaps {
            logger.warning(
                "Messages are missing",
                metadata: [
                    "room": "\(room)", "from_seq": "\(gap.fromSeq)", "to_seq": "\(gap.toSeq)",
                    "reason": "\(gap.reason.rawValue)",
                ])
        }
        let position = work.machine.appended()
        defer { work.machine.acknowledged() }
        try await acknowledge(position, room, trimmed: work.machine.trimmedID)
    }

    private func acknowledge(_ position: ArchivePosition, _ room: RoomID, trimmed: MessageID?) async throws {
        note(
            try await source.acknowledge(room, position, trimmed: trimmed, keep: configuration.keep, under: held))
    }

    private func note(_ outcome: AcknowledgeOutcome) {
        guard outcome == .lockLost, !isClaimLost else { return }
        isClaimLost = true
        logger.warning("The shard was lost; trying to get it back")
    }

    private func noteBehind(_ work: RoomWork, _ look: StreamLook) {
        let seq = look.standing?.seq ?? 0
        let archived = work.machine.cursor?.seq ?? 0
        work.behind = seq > archived ? seq - archived : 0
    }

    /// Keeps `room.json` true: before the first line of a room, and whenever something in it changed.
    private func refresh(_ work: RoomWork, _ room: RoomID, _ look: StreamLook) async throws {
        guard let standing = look.standing, standing.epoch != nil else { return }
        let old = work.archive.record
        // A room with nothing to archive has no folder.
        guard old != nil || work.archive.cursor != nil || look.entries.count > 0 else { return }
        var record = old ?? RoomRecord(room: room, standing: standing)
        if old == nil, work.archive.cursor != nil { record.createdAt = nil }
        // Files whose room nobody could tell any more, until somebody put it back out of them.
        if record.createdAt == nil, standing.isRestored { record.createdAt = standing.createdAt }
        if let createdAt = standing.createdAt, record.createdAt == createdAt,
            let members = standing.isPrivate ? try await source.members(of: room, createdAt: createdAt) : []
        {
            (record.name, record.createdBy, record.topic) = (standing.name, standing.createdBy, standing.topic)
            record.isPrivate = standing.isPrivate
            record.members = members.map(\.description)
        }
        record.epoch = work.machine.knownEpoch
        if record != old { try work.archive.write(record) }
    }

    private func closeDays(of work: RoomWork, _ room: RoomID, _ look: StreamLook) async throws -> TurnOutcome {
        guard let cursor = work.machine.cursor else { return .drained }
        let passed = max(look.now, cursor.id.milliseconds)
        guard let last = work.archive.open.last(where: { $0.endMilliseconds <= passed }) else { return .drained }
        let midnight = last.endMilliseconds
        let isAlive = look.standing.map { !$0.isDeleted } ?? false
        if isAlive, look.lastID.map({ $0 < MessageID(milliseconds: midnight, sequence: 0) }) ?? true {
            // What came in between is archived first; nothing of that day can follow it.
            let outcome = try await source.passMidnight(room, milliseconds: midnight, under: held)
            note(outcome)
            return outcome == .done ? .hasMore : .drained
        }
        for segment in try work.archive.close(through: midnight) {
            logger.info("Closed a day", metadata: ["room": "\(room)", "file": "\(segment.fileName)"])
        }
        return .wrote
    }
}
