import NIOCore
import RelayCore
import RelayWire

/// How a seat gets from its join to live, and back to live after it fell behind.
extension Seat {
    /// The room's feed answered the join, or a repeated one.
    func joinAnswered(_ recovery: Recovery, here: Int, ref: Reference?, shard: EdgeShard) {
        if case .gone = state { return answerGone(ref: ref) }
        guard session.isOpen else { return leave(bySaying: false, shard: shard) }
        switch session.machine.joinAnswered(room.id, bringing: recovery.isLive ? recovery.frames.count : nil) {
        case .none:
            giveHeld(shard: shard) { _ in true }
            leave(bySaying: true, shard: shard)
        case .leave(let leaveRef):
            entered(with: recovery, shard: shard)
            session.leftDirect(room.id, givenUpTo: recovery.cursor.id)
            session.reply(.joined(room.id, recovery, here: here), ref: ref)
            session.reply(.left(room.id), ref: leaveRef)
            session.seats[room.id] = nil
            leave(bySaying: true, shard: shard)
        case .refuse(let refusal):
            giveHeld(shard: shard) { _ in true }
            session.reply(.refused(refusal), ref: ref)
            session.seats[room.id] = nil
            leave(bySaying: true, shard: shard)
        case .enter(let surplus):
            session.giveBack(surplus)
            session.tellNames(of: [self])
            let bytesMax = shard.configuration.limits.slowBudgetBytes
            let (given, rest) =
                session.console == nil
                ? Self.cut(recovery, bytesMax: bytesMax) : (recovery.newest(bytesMax: bytesMax), nil)
            entered(with: given, shard: shard)
            session.answerJoin(self, given, here: here, ref: ref)
            take(given, rest: rest, session: session, shard: shard)
        }
    }

    /// The session left, or is closed, while it joined once more.
    private func answerGone(ref: Reference?) {
        session.reply(.refused(Refusal(.notJoined, "The session has left \(room.id) meanwhile.")), ref: ref)
    }

    /// The next page of a reader that catches up; void where the reader has gone another way since it asked.
    func pageReceived(_ recovery: Recovery, after cursor: ReadCursor, shard: EdgeShard) {
        guard session.isOpen, case .behind(cursor, isReading: true) = state else { return }
        let (given, rest) = Self.cut(recovery, bytesMax: shard.configuration.limits.slowBudgetBytes)
        // As members are told it: first that the numbers are others, then which of them nobody has any more.
        if given.shortfall == .rewound {
            let standing = given.standing
            session.write(
                event: .rewound(
                    room: room.id, from: cursor.seq ?? 0, to: standing.lastSeq, epoch: standing.epoch))
        }
        if let missed = given.missed {
            session.write(event: .lagged(room: room.id, from: missed.lowerBound, to: missed.upperBound))
        }
        shard.figures.caughtUp += UInt64(given.frames.count)
        var bytes = ByteBufferAllocator().buffer(capacity: 0)
        FrameEncoder.writeTexts(given.frames.lazy.map(\.envelope), into: &bytes)
        if bytes.readableBytes > 0 { session.write(bytes) }
        session.behindCount -= 1
        state = .joining(held: [])
        take(given, rest: rest, session: session, shard: shard)
    }

    /// The hub has no answer: the join fails.
    func refused(_ refusal: Refusal, ref: Reference?, shard: EdgeShard) {
        // A member that joined once more and has left since has given its seat back already.
        if case .gone = state { return answerGone(ref: ref) }
        // A closed session keeps no seat but one whose join is under way.
        guard session.isOpen else { return vacate(shard: shard) }
        giveHeld(shard: shard) { _ in true }
        session.reply(.refused(refusal), ref: ref)
        if case .leave(let leaveRef) = session.machine.joinRefused(room.id) {
            session.reply(.left(room.id), ref: leaveRef)
        }
        if case .joining = state {
            session.seats[room.id] = nil
            vacate(shard: shard)
        }
    }

    /// There is no page now: asked for again in a while.
    func pageRefused(after cursor: ReadCursor, shard: EdgeShard) {
        guard case .behind(cursor, isReading: true) = state else { return }
        state = .behind(cursor, isReading: false)
        shard.wakeReader(self)
    }

    /// The session's socket took what waited, or may.
    func drained(shard: EdgeShard) {
        guard session.isWritable, case .behind(let cursor, isReading: false) = state else { return }
        guard session.console == nil else { return skipToNow(from: cursor) }
        state = .behind(cursor, isReading: true)
        shard.ask(for: self, purpose: .catchUp(cursor), at: .cursor(cursor))
    }

    /// The session leaves the room, or is closed. An answer that is still under way finds the seat gone.
    func leave(bySaying: Bool, shard: EdgeShard) {
        var given: MessageID?
        switch state {
        case .gone: return
        case .joining: given = session.directSpans[room.id]?.upTo
        case .live(let index):
            given = room.delivered?.id
            room.unenroll(self, at: index)
        case .behind(let cursor, _):
            given = cursor.id
            session.behindCount -= 1
        }
        if session.directSpans[room.id] != nil { session.leftDirect(room.id, givenUpTo: given) }
        vacate(shard: shard)
        shard.hub.run { [user = identity.user, id = room.id] hub in hub.left(user, room: id, bySaying: bySaying) }
    }

    private func vacate(shard: EdgeShard) {
        state = .gone
        shard.vacated(room)
    }

    /// Goes on from what was given: live where that reached now, else from the cursor as the socket drains. A reader
    /// that is behind and asked for something else than what it is owed is given that too, and goes on from where it
    /// was.
    private func take(_ given: Recovery, rest: ReadCursor?, session: SessionHandler, shard: EdgeShard) {
        switch (state, rest) {
        case (.live(let index), let rest?):
            room.unenroll(self, at: index)
            fallBehind(rest, session: session, shard: shard)
        case (.joining, let rest?):
            fallBehind(rest, session: session, shard: shard)
        case (.joining, nil):
            room.delivered = given.cursor
            room.enroll(self, session)
        case (.behind(let cursor, _), _) where !given.follows(on: cursor):
            break
        case (.behind, let rest?):
            // It goes on from this answer. The page that it may be waiting for follows on another one.
            session.behindCount -= 1
            fallBehind(rest, session: session, shard: shard)
        case (.behind, nil):
            session.behindCount -= 1
            room.delivered = given.cursor
            room.enroll(self, session)
        case (.live, nil), (.gone, _):
            break
        }
    }

    private func fallBehind(_ cursor: ReadCursor, session: SessionHandler, shard: EdgeShard) {
        state = .behind(cursor, isReading: false)
        session.behindCount += 1
        drained(shard: shard)
    }

    /// Cuts a recovery to what one reader may have waiting; the rest is read from the cursor.
    private static func cut(_ recovery: Recovery, bytesMax: Int) -> (given: Recovery, rest: ReadCursor?) {
        var bytes = 0
        var given = recovery
        for (index, frame) in recovery.frames.enumerated() {
            bytes += frame.envelope.readableBytes
            guard bytes > bytesMax, index > 0 else { continue }
            given.frames.removeSubrange(index...)
            let last = recovery.frames[index - 1]
            (given.cursor.id, given.cursor.seq) = (last.id, last.seq)
            given.isLive = false
            break
        }
        return (given, given.isLive ? nil : given.cursor)
    }
}

extension Recovery {
    /// Whether it holds all that there is from this place on, up to its own end.
    fileprivate func follows(on place: ReadCursor) -> Bool {
        guard let first = frames.first else { return cursor.id == place.id }
        if let seq = place.seq, seq < .max, first.seq == seq + 1, first.id > place.id { return true }
        return frames.contains { $0.id == place.id }
    }
}

extension EdgeShard {
    /// Asks the hub for a room, on behalf of a seat.
    func ask(for seat: Seat, purpose: ReaderTicket.Purpose, at point: JoinPoint) {
        let ticket = ReaderTicket(
            shard: index, seat: NIOLoopBound(seat, eventLoop: loop), identity: seat.identity, room: seat.room.id,
            purpose: purpose, isSeen: seat.session.isSeen)
        let room = NIOLoopBound(seat.room, eventLoop: loop)
        hub.run { hub in hub.readerArrived(ticket, in: room, at: point) }
    }

    /// Lets a reader whose page was refused ask again in a while.
    func wakeReader(_ seat: Seat) {
        loop.assumeIsolated().scheduleTask(in: .milliseconds(500)) { [self] in seat.drained(shard: self) }
    }
}
