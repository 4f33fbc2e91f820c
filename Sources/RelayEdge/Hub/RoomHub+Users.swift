import NIOCore
import RelayCore
import RelayWire

/// What is for one user alone: direct messages, wherever their sessions are, and events.
extension RoomHub {
    /// A shard has a first session of the user.
    func userArrived(_ id: UserID, on shard: Int) {
        if let user = users[id] {
            user.isOnShard[shard] = true
            return
        }
        let user = HubUser(id: id, shardCount: links.count, since: storeNow)
        user.isOnShard[shard] = true
        users[id] = user
        broker.subscribe(user: id)
    }

    /// A shard has no session of the user any more.
    func userLeft(_ id: UserID, from shard: Int) {
        guard let user = users[id] else { return }
        user.isOnShard[shard] = false
        guard user.isGone else { return }
        users[id] = nil
        broker.unsubscribe(user: id)
    }

    /// The time of Redis as an id; the highest where it is not known, so that nothing counts as missed since.
    private var storeNow: MessageID {
        guard let storeTime else { return MessageID(milliseconds: .max, sequence: .max) }
        let passed = max(0, (Clock.now - storeTime.at).wholeMilliseconds)
        return MessageID(milliseconds: storeTime.milliseconds + UInt64(passed), sequence: 0)
    }

    func brokerSubscribed(user id: UserID) {
        guard let user = users[id] else { return }
        let isBack = user.wasHeard && !user.isHeard
        (user.isHeard, user.wasHeard) = (true, true)
        if isBack { catchUp(user) }
    }

    func brokerReceived(_ payload: ByteBuffer, for id: UserID) {
        guard let user = users[id] else { return }
        if let head = EnvelopeHead(payload), UTF8Validator.isValid(payload.readableBytesSpan) {
            guard let room = DirectCopy.room(of: payload, to: id) else { return }
            counters.received += 1
            let frame = StoredFrame(id: head.id, seq: head.seq, envelope: payload)
            perform(user.inbox.frameReceived(frame, in: room), for: user)
            return
        }
        switch EventCoder.judge(payload) {
        case .event, .crowd, .changed: tell(payload, to: user)
        case .foreign(let marked):
            counters.foreign += 1
            tell(marked, to: user)
        case .restored, .rejected: counters.rejected += 1
        }
    }

    /// Publishes an event for one user alone, on whatever edge they are.
    func publish(_ event: LiveEvent, to user: UserID) {
        broker.publish(EventCoder.encode(event, edge: configuration.edge), to: user)
    }

    private func tell(_ event: ByteBuffer, to user: HubUser) {
        for (index, isThere) in user.isOnShard.enumerated() where isThere {
            append(.personal(user.id, event), to: index)
        }
    }

    // MARK: Direct messages

    private func perform(_ actions: [DirectInboxStateMachine.Action], for user: HubUser) {
        for action in actions {
            switch action {
            case .deliver(let room, let frames):
                for frame in frames {
                    for (index, isThere) in user.isOnShard.enumerated() where isThere {
                        append(.direct(user.id, room, frame), to: index)
                    }
                }
            case .read(let room, let id): read(room, after: id, for: user)
            }
        }
    }

    private func read(_ room: RoomID, after id: MessageID, for user: HubUser) {
        counters.backfills += 1
        readPage(.after(id, limit: Limits.pageMessagesMax), of: room) { [weak self] result in
            guard let self, self.users[user.id] === user else { return }
            switch result {
            case .success(let page):
                self.perform(user.inbox.readAnswered(page.frames, more: page.more, in: room), for: user)
            case .failure:
                // The next message, or the next interruption, reads again.
                user.inbox.readFailed(in: room)
            }
        }
    }

    /// The user's channel was interrupted: what was said meanwhile is in the rooms of the user's list.
    private func catchUp(_ user: HubUser) {
        perform(user.inbox.interrupted(), for: user)
        roomDirectory.conversations(of: user.id, .first) { [weak self] result in
            guard let self, self.users[user.id] === user, case .success(let list) = result else { return }
            for conversation in list.conversations where conversation.summary.room.directUsers != nil {
                guard let last = conversation.summary.last else { continue }
                self.perform(user.inbox.activitySeen(in: conversation.summary.room, last: last.id), for: user)
            }
        }
    }
}

/// A direct message as it comes over a user's channel: which room it is of stands in it.
enum DirectCopy {
    /// The room of an envelope; nil where it is none of this user's direct conversations.
    static func room(of envelope: ByteBuffer, to user: UserID) -> RoomID? {
        let object = try? JSONReader.object(from: envelope, depthMax: Limits.jsonDepthMax)
        guard let text = (try? object?.string("room")).flatMap({ $0 }), let room = RoomID(text),
            let (first, second) = room.directUsers, user == first || user == second
        else { return nil }
        return room
    }
}
