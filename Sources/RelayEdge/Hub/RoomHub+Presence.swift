import Logging
import NIOCore
import RelayCore

/// Who is there: entering, leaving, heartbeats, and the people of edges that died.
extension RoomHub {
    /// The room stands and the session's user enters it: said to the relay first, so that the answer counts them.
    func enter(_ ticket: ReaderTicket, at point: JoinPoint, ref: Reference?, room: HubRoom) {
        var joining = ticket
        joining.purpose = .join(ref: ref)
        presence.entered(ticket.identity, room: room.id, now: Clock.now)
        room.entering.append((joining, point))
        schedulePresenceFlush()
    }

    /// The room stands, and somebody only reads there whom nobody knows.
    ///
    /// Not at once: what the feed wants done beside this answer comes before its next one.
    func enterUnseen(_ ticket: ReaderTicket, at point: JoinPoint, ref: Reference?, room: HubRoom) {
        var joining = ticket
        joining.purpose = .join(ref: ref)
        loop.assumeIsolated().execute { [self, joining] in admit([(joining, point)], to: room.id) }
    }

    /// A session left a room, by saying so or by disconnect.
    func left(_ user: UserID, room: RoomID, bySaying: Bool) {
        presence.left(user, room: room, bySaying: bySaying, now: Clock.now)
        schedulePresenceFlush()
    }

    /// A user who is in these rooms has another name from now on.
    func renamed(_ identity: Identity, in rooms: [RoomID]) {
        presence.renamed(identity, in: rooms)
        schedulePresenceFlush()
    }

    /// Whoever comes and goes within one tick travels in one call a room.
    private func schedulePresenceFlush() {
        guard !isPresenceFlushScheduled else { return }
        isPresenceFlushScheduled = true
        loop.assumeIsolated().execute {
            self.isPresenceFlushScheduled = false
            self.flushPresence()
        }
    }

    func flushPresence() {
        let changes = presence.takeChanges(except: announcing)
        // Until it has said that it lives, its people count as those of a dead edge: that goes first.
        if beatingSince == nil, !changes.isEmpty { beat() }
        let now = Clock.now
        let turned = presence.takeOccupancy()
        note(OccupancyChange(occupied: turned.occupied))
        defer { note(OccupancyChange(empty: turned.empty)) }
        for (id, bare) in changes {
            announce(
                bare.map { change in
                    var change = change
                    change.idle = presence.idle(change.user, in: id, now: now) ?? .zero
                    return change
                }, in: id)
        }
    }

    private func note(_ change: OccupancyChange) {
        guard !change.isNone else { return }
        directory.note(change) { [weak self] refusal in
            // Told with the next tick of the clock.
            if refusal != nil { self?.presence.putBack(change) }
        }
    }

    private func announce(_ changes: [PresenceChange], in id: RoomID) {
        announcing.insert(id)
        let entering = rooms[id]?.entering ?? []
        rooms[id]?.entering = []
        directory.announce(changes, in: id) { [weak self] result in
            guard let self else { return }
            self.announcing.remove(id)
            switch result {
            case .success(let told):
                self.rooms[id]?.here = told.here
                self.rooms[id]?.summaryDue = told.owesSummary ? Clock.now + .seconds(1) : nil
                self.schedulePresenceFlush()
            case .failure:
                // Told with the next tick of the clock: a full Redis is not asked without a pause.
                self.presence.putBack(changes, in: id)
            }
            self.admit(entering, to: id)
            self.presenceTold(in: id)
        }
    }

    /// Tells large rooms how many they are by now, where they were not told of the last ones who came and went.
    private func tellSummaries(now: Moment) {
        for room in rooms.values {
            guard let due = room.summaryDue, now >= due, !announcing.contains(room.id) else { continue }
            room.summaryDue = nil
            announce([], in: room.id)
        }
    }

    private func admit(_ entering: [(ticket: ReaderTicket, point: JoinPoint)], to id: RoomID) {
        guard !entering.isEmpty, let room = rooms[id] else { return }
        // A room in which nothing was said may have been forgotten before its user was there to keep it.
        if room.feed.lastSeq == 0 { perform(room.feed.doubtArose(), in: room) }
        for (ticket, point) in entering {
            if broker.isListening {
                perform(room.feed.readerArrived(ticket, at: point), in: room)
            } else {
                refuse(ticket, .unavailable)
            }
        }
    }

    /// Redis may have lost who is here, in one room or in all: it is told again.
    func restatePresence(in room: RoomID?) {
        presence.restate(room)
        schedulePresenceFlush()
    }

    // MARK: Time

    /// Called every 250 ms.
    func timePassed() {
        let now = Clock.now
        presence.timePassed(now: now)
        flushPresence()
        tellSummaries(now: now)
        closeAbandonedRooms(now: now)
        // The relay has not heard of this edge, or thinks it dead: no waiting for the next turn.
        if beatingSince == nil { beat() }
    }

    /// Called every heartbeat interval.
    func beat() {
        guard !isBeatUnderWay else { return }
        isBeatUnderWay = true
        let figures = EdgeFigures(
            address: address, sessions: shardFigures.reduce(0) { $0 + $1.sessions }, rooms: rooms.count,
            posts: counters.posts, deliveries: shardFigures.reduce(0) { $0 + $1.deliveries },
            lag: rooms.values.map(\.feed.lag).max() ?? 0)
        directory.beat(figures) { [weak self] result in
            guard let self else { return }
            self.isBeatUnderWay = false
            switch result {
            case .success(let census): self.beaten(census)
            case .failure: self.missedBeat()
            }
        }
    }

    private func beaten(_ census: EdgeCensus) {
        let now = Clock.now
        // Whoever was silent for so long, though no heartbeat failed (it was stopped), has been buried by the others.
        let isBack = beatingSince == nil || now - lastBeat > Limits.heartbeatLifetime
        lastBeat = now
        let isTimeNew = storeTime == nil
        storeTime = (census.now, now)
        if isTimeNew { storeTimeKnown() }
        activity.beaten(now: census.now)
        if isBack { restatePresence(in: nil) }
        if !isBack, !census.wasKnown { lossNoticed() }
        let since = isBack ? now : beatingSince ?? now
        beatingSince = since
        // An edge that could not say that it lives must not call others dead.
        guard now - since >= Limits.heartbeatLifetime else { return }
        let dead = Set(census.dead).subtracting([configuration.edge])
        let fresh = dead.subtracting(deadEdges)
        deadEdges = dead
        if !fresh.isEmpty {
            logger.warning("Edges stopped without a word", metadata: ["edges": "\(fresh.map(\.description).sorted())"])
            for id in rooms.keys { bury(Array(fresh), in: id) }
        }
        let toBury = fresh.union(unburied.intersection(dead))
        unburied = []
        for edge in toBury {
            directory.bury(edge) { [weak self] refusal in
                // Tried again with the next heartbeat.
                if refusal != nil { self?.unburied.insert(edge) }
            }
        }
    }

    /// The relay has forgotten this edge while it was connected: by FLUSHALL, say. Then it has forgotten the rooms too,
    /// also those in which nobody says anything that would show it.
    private func lossNoticed() {
        logger.warning("Redis has lost what it held: every room is read again")
        broker.lossSuspected(in: nil)
        markers.lossSuspected()
        restatePresence(in: nil)
        for room in rooms.values { perform(room.feed.doubtArose(), in: room) }
    }

    private func bury(_ edges: [EdgeID], in id: RoomID) {
        directory.bury(edges, in: id) { [weak self] result in
            switch result {
            case .success(let here): self?.rooms[id]?.here = here
            // They are found dead once more with the next heartbeat.
            case .failure: self?.deadEdges.subtract(edges)
            }
        }
    }

    private func missedBeat() {
        beatingSince = nil
        guard Clock.now - lastBeat > Limits.withoutRedisMax else { return }
        lastBeat = Clock.now
        for index in links.indices { append(.closeAll(.withoutRedis), to: index) }
    }

    /// Called every position check interval: a quiet room whose stream has moved on is read, and so is a direct
    /// conversation of somebody who is here.
    func checkPositions() {
        guard activity.checked > 0 else { return }
        // Five seconds of overlap: scores may be a second stale.
        let checked = min(activity.checked, directWatch.missedSince ?? .max)
        directory.roomsActive(since: checked - min(checked, 5000)) { [weak self] result in
            guard let self else { return }
            guard case .success(let active) = result else {
                if self.directWatch.missedSince != nil { self.checkPositions(in: .seconds(1)) }
                return
            }
            self.directWatch.checked(now: Clock.now, hasUsers: !self.users.isEmpty)
            let now = self.storeNow ?? .max
            for latest in active {
                self.activity.seen(latest.milliseconds, now: now)
                self.activitySeen(latest)
                guard let room = self.rooms[latest.room] else { continue }
                self.perform(room.feed.activitySeen(milliseconds: latest.milliseconds, now: now), in: room)
            }
        }
    }

    /// Checks positions in a moment, once for all who want that by then.
    func checkPositions(in span: TimeAmount) {
        guard !isCheckScheduled else { return }
        isCheckScheduled = true
        loop.assumeIsolated().scheduleTask(in: span) { [weak self] in
            self?.isCheckScheduled = false
            self?.checkPositions()
        }
    }

    /// Everybody leaves: the edge ends. Calls back when the relay knows.
    func retire(then completion: @escaping () -> Void) {
        presence.everybodyGone()
        let changes = presence.takeChanges()
        var open = changes.count + 1
        let done = {
            open -= 1
            if open == 0 { self.directory.retire(completion: completion) }
        }
        for (id, changes) in changes { directory.announce(changes, in: id) { _ in done() } }
        done()
    }
}
