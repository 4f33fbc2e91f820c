import NIOCore
import RelayCore
import RelayWire

/// What sessions and routes ask of the store.
extension RoomHub {
    /// Posts a message; the completion is called once, on the hub's loop.
    func post(_ draft: MessageDraft, completion: @escaping (Result<PostReceipt, Refusal>) -> Void) {
        if let refusal = guards.objection(toSendingTo: draft.room, user: draft.user) {
            counters.postsRefused += 1
            return completion(.failure(refusal))
        }
        presence.acted(draft.user, room: draft.room, now: Clock.now)
        openConversation(of: draft)
        counters.postsInFlight += 1
        broker.post(draft) { [weak self] result in
            guard let self else { return completion(result) }
            self.counters.postsInFlight -= 1
            completion(self.posted(draft, result))
        }
    }

    /// What is said in a direct conversation puts it into the lists of both; an edit or a deletion does not.
    private func openConversation(of draft: MessageDraft) {
        guard let (first, second) = draft.room.directUsers else { return }
        switch draft.type {
        case .message, .action, .direct:
            directs.conversationOpened(in: draft.room, from: draft.user, to: draft.user == first ? second : first)
        case .edit, .delete, .topic: break
        }
    }

    private func posted(_ draft: MessageDraft, _ result: Result<PostReceipt, Refusal>) -> Result<PostReceipt, Refusal> {
        let isCounted = !counted.isEmpty && counted.remove(draft.room) != nil
        switch result {
        case .success(let receipt) where receipt.isDuplicate: counters.duplicates += 1
        case .success(let receipt):
            counters.posts += 1
            // Once more where Redis was found to have lost the lists meanwhile.
            openConversation(of: draft)
            markers.said(receipt, in: draft.room, by: draft.user)
            // The first one ever: a room that a join made lasts from here on. The default room is nobody's.
            if receipt.seq == 1, !isCounted, draft.room.directUsers == nil, draft.room != .general {
                roomDirectory.takeQuota(of: draft.user) { _ in }
            }
        case .failure: counters.postsRefused += 1
        }
        return result
    }

    /// Makes a public room where there is none, for what this user says there, if it may have another new one.
    func foundRoom(_ room: RoomID, by user: UserID, completion: @escaping (Refusal?) -> Void) {
        roomDirectory.takeQuota(of: user) { [weak self] refusal in
            guard let self else { return completion(.unavailable) }
            if let refusal { return completion(refusal) }
            self.directory.create(room, by: user) { [weak self] result in
                if (try? result.get()) == true {
                    self?.counted.insert(room)
                } else {
                    self?.roomDirectory.returnQuota(of: user)
                }
                if case .failure(let refusal) = result { completion(refusal) } else { completion(nil) }
            }
        }
    }

    /// Makes a public room where there is none, for a join, if this user may have another new one. It is counted with
    /// its first message, since it is forgotten where none comes.
    func openRoom(_ room: RoomID, by user: UserID, completion: @escaping (Refusal?) -> Void) {
        roomDirectory.checkQuota(of: user) { [weak self] refusal in
            guard let self else { return completion(.unavailable) }
            if let refusal { return completion(refusal) }
            self.directory.create(room, by: user) { result in
                if case .failure(let refusal) = result { completion(refusal) } else { completion(nil) }
            }
        }
    }

    /// Posts a direct message, and says whether the other one has a session.
    func direct(
        _ draft: MessageDraft, completion: @escaping (Result<(receipt: PostReceipt, isOnline: Bool), Refusal>) -> Void
    ) {
        post(draft) { [weak self] result in
            switch result {
            case .failure(let refusal): completion(.failure(refusal))
            case .success(let receipt):
                guard let self, let other = draft.to, self.users[other] == nil else {
                    return completion(.success((receipt, true)))
                }
                self.directs.isOnline(other) { result in
                    // The message is stored, whatever nobody knows of the other one.
                    completion(.success((receipt, (try? result.get()) ?? false)))
                }
            }
        }
    }

    /// Reads a span together with which of its messages were deleted.
    func readPage(
        _ span: HistorySpan, of room: RoomID, unless refused: @escaping (HistoryPage) -> Refusal? = { _ in nil },
        completion: @escaping (Result<HistoryPage, Refusal>) -> Void
    ) {
        history.read(span, of: room, unless: refused) { [history] result in
            guard case .success(let page) = result, page.hasDeletions, !page.frames.isEmpty else {
                return completion(result)
            }
            let edited = page.frames.compactMap { $0.amendment?.target }
            history.deleted(among: page.frames.map(\.id) + edited, of: room) { result in
                completion(
                    result.map { deleted in
                        var known = page
                        known.deleted = deleted
                        return known
                    })
            }
        }
    }

    /// Reads a span of a room for somebody; a room that does not exist for them is refused, and so is who would be told
    /// that there is no more because the archive has not answered. Nobody in particular sees what is not private.
    func readHistory(
        _ span: HistorySpan, of room: RoomID, as identity: Identity?,
        completion: @escaping (Result<HistoryPage, Refusal>) -> Void
    ) {
        let refused = { (page: HistoryPage) -> Refusal? in
            guard page.standing != nil else { return .noSuchRoom }
            return page.facts.flatMap { Self.refusal(for: .read, in: room, to: identity, facts: $0) }
        }
        readPage(span, of: room, unless: refused) { result in
            completion(result.flatMap { $0.shortening == .late ? .failure(.unavailable) : .success($0) })
        }
    }

    /// What is said to somebody who may not; nil where they may.
    static func refusal(
        for operation: RoomPolicy.Operation, in room: RoomID, to identity: Identity?, facts: RoomFacts
    ) -> Refusal? {
        guard let identity else { return facts.isPrivate ? .noSuchRoom : nil }
        return RoomPolicy.verdict(operation, in: room, by: identity, facts: facts).refusal
    }

    /// A page of who is in a room; a room that does not exist for them is refused.
    func readOccupants(
        of room: RoomID, as identity: Identity?, _ page: OccupantPage,
        completion: @escaping (Result<(shown: [Occupant], more: Bool), Refusal>) -> Void
    ) {
        look(at: room, as: identity) { [self] result in
            if case .failure(let refusal) = result { return completion(.failure(refusal)) }
            directory.who(room) { [self] result in
                completion(
                    result.map { occupants in
                        var part = page.cut(from: occupants)
                        part.shown = withIdleness(part.shown, in: room)
                        return part
                    })
            }
        }
    }

    /// Is there a room, and for whom? What it is, as far as that is known; a room that does not exist for them is
    /// refused.
    func look(
        at room: RoomID, as identity: Identity?, completion: @escaping (Result<RoomFacts?, Refusal>) -> Void
    ) {
        if let open = rooms[room], open.isConfirmed, !open.isDoubtful, let facts = open.facts, !open.isDeleted {
            let refusal = Self.refusal(for: .read, in: room, to: identity, facts: facts)
            return completion(refusal.map { .failure($0) } ?? .success(facts))
        }
        readHistory(.latest(limit: 0), of: room, as: identity) { completion($0.map(\.facts)) }
    }

    /// How long this edge's own people have done nothing is known to the moment.
    private func withIdleness(_ occupants: [Occupant], in room: RoomID) -> [Occupant] {
        let now = Clock.now
        return occupants.map { occupant in
            var occupant = occupant
            if let idle = presence.idle(occupant.user, in: room, now: now) {
                occupant.idle = min(occupant.idle ?? idle, idle)
            }
            return occupant
        }
    }

    /// Moves somebody's marker to the last message at or below an id.
    func mark(
        _ room: RoomID, at id: MessageID, by identity: Identity,
        completion: @escaping (Result<ReadMarker, Refusal>) -> Void
    ) {
        readHistory(.before(id.next, limit: 1), of: room, as: identity) { [weak self] result in
            switch result {
            case .failure(let refusal): completion(.failure(refusal))
            case .success(let page):
                guard let self, let standing = page.standing else { return completion(.failure(.noSuchRoom)) }
                let marker: ReadMarker
                if let frame = page.frames.last {
                    marker = ReadMarker(id: frame.id, seq: frame.seq)
                } else {
                    // All that Redis holds is newer; what came before it may have been read.
                    let seq = standing.oldestSeq.map { $0 - 1 } ?? standing.lastSeq
                    // No marker stands above what is said next, or it would never move again.
                    let highest = standing.lastID ?? MessageID(milliseconds: standing.epoch, sequence: 0)
                    marker = seq == 0 ? .none : ReadMarker(id: min(id, highest), seq: seq)
                }
                self.markers.mark(room, at: marker, by: identity.user, completion: completion)
            }
        }
    }

    /// Says to those who are there that somebody types.
    func tellTyping(_ identity: Identity, in room: RoomID) {
        guard guards.objection(toSendingTo: room, user: identity.user) == nil else { return }
        presence.acted(identity.user, room: room, now: Clock.now)
        let event = LiveEvent(.typing, room: room, user: identity.user, name: identity.name)
        broker.publish(EventCoder.encode(event, edge: configuration.edge), in: room)
    }

    /// Who asks for the same page within a second is spared the read; then it is given up.
    func forgetBackfill(of room: HubRoom) {
        guard !room.isForgetScheduled else { return }
        room.isForgetScheduled = true
        loop.assumeIsolated().scheduleTask(in: .nanoseconds(Limits.recentPageAge.wholeNanoseconds)) {
            room.isForgetScheduled = false
            room.feed.backfillAged()
        }
    }

    /// Sends a probe through the store, unless one came back within the last second.
    func probe(completion: @escaping (ProbeOutcome) -> Void) {
        if let lastProbe, lastProbe.outcome == .passed, Clock.now - lastProbe.at < .seconds(1) {
            return completion(.passed)
        }
        broker.probe { [weak self] outcome in
            self?.lastProbe = (outcome, Clock.now)
            completion(outcome)
        }
    }
}
