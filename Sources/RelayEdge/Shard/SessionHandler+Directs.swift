import RelayCore
import RelayWire

/// Which messages of a direct conversation a session is given in its room, so that copies of these are not for it.
struct DirectSpan {
    /// Those above this one.
    var above: MessageID
    /// Up to this one; nil as long as the session is in the room.
    var upTo: MessageID?
}

/// What comes over the user's own channel and in the room of a conversation too, and is to be given once.
extension SessionHandler {
    /// Whether its token covers a conversation of its own user.
    func mayRead(_ room: RoomID) -> Bool {
        machine.identity.map { RoomPolicy.verdict(.read, in: room, by: $0) == .allowed } ?? false
    }

    /// Whether a copy is for this session. One that comes while a join is under way waits for its answer.
    func takes(_ copy: StoredFrame, of room: RoomID) -> Bool {
        if let seat = seats[room], seat.holds(copy) { return false }
        guard let span = directSpans[room], copy.id > span.above else { return true }
        return span.upTo.map { copy.id > $0 } ?? false
    }

    /// The session is in the room from here on. What is remembered of rooms that it has left is bounded by forgetting
    /// it: then a copy of what is on its way just now may come once more.
    func enteredDirect(_ room: RoomID, givenAbove id: MessageID) {
        if directSpans.count >= 2 * shard.configuration.limits.roomsPerSessionMax {
            directSpans = directSpans.filter { $0.value.upTo == nil }
        }
        directSpans[room] = DirectSpan(above: id, upTo: nil)
    }

    /// The session leaves the room, having been given this much of it; nil for nothing.
    func leftDirect(_ room: RoomID, givenUpTo id: MessageID?) {
        if let id { directSpans[room]?.upTo = id } else { directSpans[room] = nil }
    }
}

extension Seat {
    /// Takes a copy of a direct message to wait for the join's answer, where a join is under way. Past
    /// `Limits.heldCopiesMax` they do not wait: the answer may hold them too.
    func holds(_ copy: StoredFrame) -> Bool {
        guard case .joining(var held) = state, held.count < Limits.heldCopiesMax else { return false }
        held.append(copy)
        state = .joining(held: held)
        return true
    }

    /// The join is about to be answered with this: what came meanwhile and is not in it is given first.
    func entered(with given: Recovery, shard: EdgeShard) {
        guard case .joining = state, room.id.directUsers != nil else { return }
        // Who says up to where it has the room is given all the rest in the room.
        let above = isRecovering ? .zero : given.frames.first?.id.previous ?? given.cursor.id
        giveHeld(shard: shard) { $0.id <= above }
        session.enteredDirect(room.id, givenAbove: above)
    }

    /// Gives copies that waited for a join, those that the room does not.
    func giveHeld(shard: EdgeShard, where isOwed: (StoredFrame) -> Bool) {
        guard case .joining(let held) = state, !held.isEmpty else { return }
        state = .joining(held: [])
        for copy in held where isOwed(copy) {
            shard.give(copy, of: room.id, to: identity.user, waited: session)
        }
    }
}
