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
        let since = storeNow.map { MessageID(milliseconds: $0, sequence: 0) }
        let user = HubUser(id: id, shardCount: links.count, since: since)
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

    /// The time of Redis in ms; nil where it is not known.
    var storeNow: UInt64? {
        guard let storeTime else { return nil }
        return storeTime.milliseconds + UInt64(max(0, (Clock.now - storeTime.at).wholeMilliseconds))
    }

    /// The time of Redis is known for the first time.
    func storeTimeKnown() {
        guard let storeNow else { return }
        for user in users.values { user.inbox.timeKnown(MessageID(milliseconds: storeNow, sequence: 0)) }
    }

    func brokerSubscribed(user id: UserID) {
        guard let user = users[id] else { return }
        let isBack = user.wasHeard && !user.isHeard
        (user.isHeard, user.wasHeard) = (true, true)
        directWatch.heard(now: Clock.now)
        guard isBack else { return }
        // With the others whose channels are heard again by now.
        checkPositions(in: .milliseconds(100))
    }

    func brokerReceived(_ payload: ByteBuffer, for id: UserID) {
        guard let user = users[id] else { return }
        if let head = EnvelopeHead(payload), UTF8Validator.isValid(payload.readableBytesSpan) {
            guard let room = DirectCopy.room(of: payload, to: id) else { return }
            counters.received += 1
            let frame = StoredFrame(id: head.id, seq: head.seq, envelope: payload)
            perform(user.inbox.frameReceived(frame, in: room, now: storeNow), for: user)
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
                user.inbox.readFailed(in: room)
                self.retryLater(user)
            }
        }
    }

    /// An inbox that could not read tries again after a second, as long as the user is there.
    private func retryLater(_ user: HubUser) {
        guard !user.isRetryScheduled else { return }
        user.isRetryScheduled = true
        loop.assumeIsolated().scheduleTask(in: .seconds(1)) { [weak self] in
            user.isRetryScheduled = false
            guard let self, self.users[user.id] === user else { return }
            self.perform(user.inbox.retry(), for: user)
        }
    }

    /// Something was said in a room: if it is a conversation of users of this edge, they may have missed it.
    func activitySeen(_ activity: RoomActivity) {
        guard let (first, second) = activity.room.directUsers else { return }
        for id in [first, second] {
            guard let user = users[id] else { continue }
            perform(
                user.inbox.activitySeen(in: activity.room, milliseconds: activity.milliseconds, now: storeNow),
                for: user)
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
