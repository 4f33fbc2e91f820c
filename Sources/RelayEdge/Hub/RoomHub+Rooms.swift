import NIOCore
import RelayCore

/// What becomes of rooms: made, changed, deleted, and who may be in them.
extension RoomHub {
    // MARK: Asked for

    /// Makes a room as somebody planned it.
    func createRoom(
        _ plan: RoomPlan, by identity: Identity, completion: @escaping (Result<RoomFacts, Refusal>) -> Void
    ) {
        if let refusal = RoomPolicy.verdict(.create, in: plan.room, by: identity).refusal {
            return completion(.failure(refusal))
        }
        // A name and a topic are words for others too.
        if let refusal = guards.objection(toSendingTo: plan.room, user: identity.user) {
            return completion(.failure(refusal))
        }
        roomDirectory.create(plan, by: identity.user) { [weak self] result in
            // Somebody may wait for it here, or have been in one of that name.
            if case .success = result, let self, let room = self.rooms[plan.room] { self.lookAnew(at: room) }
            completion(result)
        }
    }

    /// A page of somebody's conversation list.
    func readConversations(
        of identity: Identity, _ page: ConversationPage,
        completion: @escaping (Result<ConversationList, Refusal>) -> Void
    ) {
        roomDirectory.conversations(of: identity.user, page) { completion($0.map { $0.readable(by: identity) }) }
    }

    /// Changes a room; its topic goes into its history.
    func changeRoom(
        _ room: RoomID, _ change: RoomChange, topic: String?, by identity: Identity,
        completion: @escaping (Result<Void, Refusal>) -> Void
    ) {
        if let refusal = RoomPolicy.verdict(.manage, in: room, by: identity).refusal {
            return completion(.failure(refusal))
        }
        // Before anything is changed: all of it or nothing.
        if change.name != nil || topic != nil, let refusal = guards.objection(toSendingTo: room, user: identity.user) {
            return completion(.failure(refusal))
        }
        roomDirectory.change(room, change, by: identity) { [weak self] result in
            guard case .success = result, let topic, let self else { return completion(result) }
            self.setTopic(topic, of: room, by: identity) { completion($0.map { _ in }) }
        }
    }

    /// Sets a room's topic by a message that says so; only its creator and admins may.
    func setTopic(
        _ topic: String, of room: RoomID, by identity: Identity, nonce: Nonce? = nil,
        completion: @escaping (Result<PostReceipt, Refusal>) -> Void
    ) {
        if let refusal = RoomPolicy.verdict(.manage, in: room, by: identity).refusal {
            return completion(.failure(refusal))
        }
        let draft = MessageDraft(
            room: room, type: .topic, user: identity.user, name: identity.name, text: topic, nonce: nonce)
        post(draft.said(by: identity)) { result in
            completion(
                result.mapError { refusal in
                    guard refusal.code == .forbidden, refusal.retryAfter == nil else { return refusal }
                    return Refusal(.forbidden, "Only the room's creator or an admin may do that.")
                })
        }
    }

    /// Deletes a room.
    func removeRoom(_ room: RoomID, by identity: Identity, completion: @escaping (Result<Void, Refusal>) -> Void) {
        if let refusal = RoomPolicy.verdict(.manage, in: room, by: identity).refusal {
            return completion(.failure(refusal))
        }
        roomDirectory.remove(room, by: identity, completion: completion)
    }

    /// One room as somebody may see it, with its members where it is private.
    func readRoom(
        _ room: RoomID, as identity: Identity?, completion: @escaping (Result<RoomSummary, Refusal>) -> Void
    ) {
        if let identity, let refusal = RoomPolicy.verdict(.read, in: room, by: identity).refusal {
            return completion(.failure(refusal))
        }
        roomDirectory.summary(of: room) { result in
            completion(
                result.flatMap { summary in
                    guard let summary else { return .failure(.noSuchRoom) }
                    let refusal = Self.refusal(for: .read, in: room, to: identity, facts: summary.facts)
                    return refusal.map { .failure($0) } ?? .success(summary)
                })
        }
    }

    // MARK: Heard of

    /// Makes the room that a feed found missing, for the first of those who wait for it that may. Where nobody does, it
    /// is one that was there and is gone, and people are in it: then in the name of whoever had it opened.
    func create(_ room: HubRoom) {
        let isNamed = room.id != .general && room.id.directUsers == nil
        // One that Redis has lost is no new room, and the default room is nobody's.
        let isNew = isNamed && room.facts == nil
        guard configuration.autoCreate || !isNamed else { return readFailed(room, .noSuchRoom) }
        // The name of a room is a word for others too.
        let objection = { [guards] (one: Identity) -> Refusal? in
            guard RoomPolicy.verdict(.write, in: room.id, by: one) == .allowed else { return .noSuchRoom }
            return isNew ? guards.objection(toSendingTo: room.id, user: one.user) : nil
        }
        var candidate = room.feed.waitingTickets.first { objection($0.identity) == nil }?.identity
        if candidate == nil, room.facts != nil, objection(room.founder) == nil { candidate = room.founder }
        guard let founder = candidate else {
            let first = room.feed.waitingTickets.first { _ in true }
            return readFailed(room, first.flatMap { objection($0.identity) } ?? .noSuchRoom)
        }
        let done = { [weak self] (refusal: Refusal?) in
            guard let self, self.rooms[room.id] === room else { return }
            switch refusal {
            case nil: self.perform(room.feed.created(), in: room)
            case let refusal? where refusal.code == .rateLimited:
                // It is that one's alone: others have rooms left in this hour.
                self.perform(
                    room.feed.creationRefused(refusal) { $0.identity.user == founder.user }, in: room)
                self.retryLater(room)
            case let refusal?: self.readFailed(room, refusal)
            }
        }
        if isNew {
            openRoom(room.id, by: founder.user, completion: done)
        } else {
            directory.create(room.id, by: founder.user) { result in
                if case .failure(let refusal) = result { done(refusal) } else { done(nil) }
            }
        }
    }

    /// A look at the room is back: what it says of the room comes before what it says of its messages.
    func caughtUp(_ page: HistoryPage, in room: HubRoom) {
        room.isDeleted = page.isDeleted
        if page.isDeleted {
            readFailed(room, .noSuchRoom)
            return dissolve(room)
        }
        noteDeletions(page, in: room)
        if let facts = page.facts {
            let isOther = room.facts != nil && room.facts != facts
            room.facts = facts
            if isOther { tellShards(room, facts) }
        }
        if !room.isDoubtful { membersKnown(in: room) }
        perform(room.feed.caughtUp(page), in: room)
        if room.isDoubtful { lookAnew(at: room) }
    }

    func noteDeletions(_ page: HistoryPage, in room: HubRoom) {
        for id in page.deleted { room.noteDeletion(of: id) }
        for frame in page.frames { room.noteDeletion(in: frame) }
    }

    /// It was said that the room is another than it was.
    func changed(_ change: LiveEvent.Change, _ room: HubRoom) {
        switch change {
        case .name: lookAnew(at: room)
        case .members:
            (room.areMembersDoubtful, room.isDoubtful) = (true, true)
            perform(room.feed.membersChanged(), in: room)
            if room.isConfirmed { perform(room.feed.retry(), in: room) }
        case .deleted:
            room.isDeleted = true
            dissolve(room)
            // The store forgets what it knows of the room as it sees that it is gone.
            lookAnew(at: room)
        }
    }

    /// Whoever may not be in the room is out of it: the others are told what waited for that.
    private func membersKnown(in room: HubRoom) {
        room.areMembersDoubtful = false
        for event in room.heldEvents { pass(event, in: room) }
        room.heldEvents.removeAll()
    }

    /// Reads the room once more; where a read is under way already, after that.
    private func lookAnew(at room: HubRoom) {
        room.isDoubtful = true
        perform(room.feed.doubtArose(), in: room)
        if !room.isConfirmed { return }
        perform(room.feed.retry(), in: room)
    }

    /// Everybody is put out of a room that is gone.
    private func dissolve(_ room: HubRoom) {
        room.facts = nil
        tellShards(room, nil)
        (room.areMembersDoubtful, room.heldEvents) = (false, [])
    }

    private func tellShards(_ room: HubRoom, _ facts: RoomFacts?) {
        for (index, shardRoom) in room.shardRooms.enumerated() {
            if let shardRoom { append(.roomChanged(shardRoom, facts), to: index) }
        }
    }

    /// Somebody on that shard has other rights than they had: whoever may not be in the room any more is put out.
    func rightsChanged(in id: RoomID, on shard: Int) {
        guard let room = rooms[id], let facts = room.facts, let shardRoom = room.shardRooms[shard] else { return }
        append(.roomChanged(shardRoom, facts), to: shard)
    }

    /// What is said to somebody who wants to enter; nil where they may.
    func refusal(for operation: RoomPolicy.Operation, in room: HubRoom, to identity: Identity) -> Refusal? {
        if room.isDeleted {
            // It may have been made again on another edge.
            lookAnew(at: room)
            return .noSuchRoom
        }
        guard let facts = room.facts else {
            return RoomPolicy.verdict(operation, in: room.id, by: identity).refusal
        }
        return Self.refusal(for: operation, in: room.id, to: identity, facts: facts)
    }
}
