import NIOCore
import RelayCore
import RelayWire

/// What comes over the rooms' channels.
extension RoomHub: MessageBrokerDelegate {
    func brokerSubscribed(_ id: RoomID) {
        guard let room = rooms[id] else { return }
        room.isConfirmed = true
        perform(room.feed.subscribed(), in: room)
    }

    func brokerReceived(_ payload: ByteBuffer, in id: RoomID) {
        guard let room = rooms[id] else { return }
        if let head = EnvelopeHead(payload), UTF8Validator.isValid(payload.readableBytesSpan) {
            counters.received += 1
            let frame = StoredFrame(id: head.id, seq: head.seq, envelope: payload)
            switch room.feed.frameReceived(frame) {
            case .deliver: deliver(frame, in: room)
            case .none: break
            case .act(let actions): perform(actions, in: room)
            }
            return
        }
        switch EventCoder.judge(payload) {
        case .event(let kind, let edge):
            if edge != configuration.edge { count(kind, in: room) }
            passOn(payload, in: room)
            if kind == .rewound { perform(room.feed.doubtArose(), in: room) }
        case .crowd(let here, _):
            room.here = min(here, Limits.hereMax)
            passOn(payload, in: room)
        case .changed(let change, _):
            passOn(payload, in: room)
            changed(change, room)
        case .restored:
            perform(room.feed.doubtArose(), in: room)
        case .foreign(let marked):
            counters.foreign += 1
            passOn(marked, in: room)
        case .rejected:
            counters.rejected += 1
            perform(room.feed.doubtArose(), in: room)
        }
    }

    /// Passes an event on; where it is about to be read who may be in the room, after that.
    private func passOn(_ event: ByteBuffer, in room: HubRoom) {
        guard room.areMembersDoubtful else { return pass(event, in: room) }
        if room.heldEvents.count < Limits.heldEventsMax { room.heldEvents.append(event) }
    }

    /// What the hub's own loop has for its sessions need not wait for the end of the tick. The other loops are woken
    /// once a tick.
    func brokerBatchEnded() {
        for link in links { link.flushAtOnce() }
    }

    func standing(of room: RoomID) -> RoomStanding? { rooms[room]?.feed.standing }

    /// A room that does not exist comes into being with its first message, where its author may have another new one.
    func brokerMissedRoom(for draft: MessageDraft, completion: @escaping (Refusal?) -> Void) {
        guard configuration.autoCreate, draft.isFounding else { return completion(.noSuchRoom) }
        foundRoom(draft.room, by: draft.user, completion: completion)
    }

    func brokerRestored(_ id: RoomID) {
        guard let room = rooms[id], room.settling != nil else { return }
        settled(room)
    }

    func brokerLost() {
        counters.interruptions += 1
        directWatch.lost(checked: activity.checked)
        for user in users.values { user.isHeard = false }
        for room in rooms.values {
            room.isConfirmed = false
            perform(room.feed.storeLost(), in: room)
        }
    }

    /// Keeps the number of people current between the answers that say it exactly.
    private func count(_ kind: LiveEvent.Kind, in room: HubRoom) {
        switch kind {
        case .join: room.here = min(room.here + 1, Limits.hereMax)
        case .leave: room.here = max(0, room.here - 1)
        case .typing, .read, .page, .notice, .lagged, .rewound: break
        }
    }
}
