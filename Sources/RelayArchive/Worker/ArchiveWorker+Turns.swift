internal import Logging
internal import RelayCore

/// Turns of rooms, some at a time.
extension ArchiveWorker {
    /// What came of a turn for each of some rooms.
    struct Pass {
        /// Whether anything was done.
        var isBusy = false
        /// Turns that were begun.
        var turns = 0
        /// Why Redis could not be asked.
        var failure: StreamSourceError?
    }

    /// Gives the rooms that wait their turns, `turnsMax` at a time: while one is written and synced, Redis reads for
    /// others. Those that have more wait again behind the others.
    ///
    /// Where that takes longer than `span`, where Redis is away, the shard is lost or the worker is to stop, those that
    /// have begun are brought to their end, and no other begins.
    func pass(atMost span: Duration) async -> Pass {
        let turnsMax = isOneAtATime ? 1 : configuration.turnsMax
        let end = clock.now + span
        // Nothing in here throws: child tasks whose closures throw an error of one type crash when they are optimised.
        return await withTaskGroup(of: EndedTurn.self) { group in
            var pass = Pass()
            var underWay = 0
            while true {
                while underWay < turnsMax, pass.failure == nil, !isStopping, !isClaimLost,
                    pass.turns < turnsMax || clock.now < end, let room = queue.popFirst()
                {
                    let work = work(on: room)
                    underWay += 1
                    pass.turns += 1
                    group.addTask { EndedTurn(room: room, report: await work.turn()) }
                }
                guard let ended = await group.next() else { return pass }
                underWay -= 1
                turnEnded(ended, &pass)
                // Among many rooms a pass may take longer than the status lives.
                await report()
            }
        }
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

    func work(on room: RoomID) -> RoomWork {
        if let known = rooms[room] { return known.work }
        let work = RoomWork(room, lane: lanes[rooms.count % lanes.count], shared: sharedByRooms)
        rooms[room] = KnownRoom(work)
        return work
    }

    private func turnEnded(_ ended: EndedTurn, _ pass: inout Pass) {
        let report = ended.report
        rooms[ended.room]?.turnEnded(report)
        counted.lines += report.lines
        counted.bytes += report.bytes
        counted.gaps += report.gaps
        counted.skipped += report.skipped
        counted.rewinds += report.rewinds
        if report.isClaimLost, !isClaimLost {
            isClaimLost = true
            logger.warning("The shard was lost; trying to get it back")
        }
        switch report.failure {
        case .unavailable(let error):
            pass.failure = pass.failure ?? error
            // It may be long before Redis answers: the list of active rooms does not go back so far.
            queue.append(ended.room)
        case .room(let reason): failed(reason, in: ended.room)
        case nil: retries[ended.room] = nil
        }
        if report.outcome != .drained { pass.isBusy = true }
        if report.outcome == .hasMore || report.isClaimLost { queue.append(ended.room) }
        // Of a room without files there is nothing to remember, and many come and go.
        if report.outcome == .drained, report.failure == nil, !report.hasLines, report.behind ?? 0 == 0 {
            rooms[ended.room] = nil
        }
    }

    private struct EndedTurn: Sendable {
        let room: RoomID
        let report: TurnReport
    }
}
