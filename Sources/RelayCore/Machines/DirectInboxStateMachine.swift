/// One user's direct conversations on one edge: up to where the user's sessions were given them.
///
/// Every message of a conversation comes over the user's channel. One that has the next number is handed on; anything
/// else is settled by reading the room from the last one on, and what comes meanwhile waits for that read: where a
/// message is missing, where the numbers began anew, where the id lies ahead of the clock. The first message of a
/// conversation is settled so too, since nobody knows what went before it, or whether it was ever posted. A read that
/// failed is due until it succeeds. Nothing is handed on twice, and nothing out of order.
public struct DirectInboxStateMachine: Sendable {
    /// What to do.
    public enum Action: Sendable, Equatable {
        /// Hand these to the user's sessions, in this order.
        case deliver(RoomID, [StoredFrame])
        /// Read the room above an id; answered by `readAnswered` or `readFailed`.
        case read(RoomID, after: MessageID)
    }

    private struct Place: Sendable {
        /// Up to here all was handed on.
        var id: MessageID
        /// Nil where nothing of the room was handed on yet.
        var seq: UInt64?
        var isReading = false
        /// Whether something came that a read under way may not show.
        var mustReadAgain = false
        /// Whether the last read failed: nothing is handed on before another one.
        var hasFailed = false
        /// Up to which time of activity, in ms, the room was read.
        var checkedMilliseconds: UInt64 = 0
    }

    /// How far ahead of the clock an id may be, and how far behind the user's coming the clock, before it is doubted.
    private static let clockSlackMilliseconds: UInt64 = 2000

    /// What is older is nobody's loss; nil where the time is not known.
    private var since: MessageID?
    private var places: [RoomID: Place] = [:]

    /// An inbox of a user who has had a session here since that id; nil where the time of the store is not known yet.
    public init(since: MessageID?) {
        self.since = since
    }

    /// The time of the store is known now.
    public mutating func timeKnown(_ id: MessageID) {
        since = since ?? id
    }

    /// A message came over the user's channel at that time of the store, in ms; nil where it is not known.
    public mutating func frameReceived(_ frame: StoredFrame, in room: RoomID, now: UInt64?) -> [Action] {
        guard var place = places[room] else {
            guard let beginning = beginning(of: frame.id, now: now) else { return [] }
            return keep(Place(id: beginning), of: room)
        }
        guard frame.id > place.id else { return [] }
        if place.isReading {
            places[room]?.mustReadAgain = true
            return []
        }
        guard let seq = place.seq, frame.seq > seq, frame.seq - seq == 1, !place.hasFailed, !isAhead(frame.id, now)
        else { return read(room, place) }
        (place.id, place.seq) = (frame.id, frame.seq)
        places[room] = place
        return [.deliver(room, [frame])]
    }

    /// A room was active at that time in ms, as the list of rooms has it: read where nothing is known here of that.
    /// One that is ahead of `now` hides what is said until then, so the room is read at each look.
    public mutating func activitySeen(in room: RoomID, milliseconds: UInt64, now: UInt64?) -> [Action] {
        let checked = min(milliseconds, now ?? .max)
        guard var place = places[room] else {
            let last = MessageID(milliseconds: milliseconds, sequence: 0)
            guard since != nil, let beginning = beginning(of: last, now: now) else { return [] }
            return keep(Place(id: beginning, checkedMilliseconds: checked), of: room)
        }
        // Not above alone: what was missed may bear the ms of the message before it.
        guard milliseconds > place.checkedMilliseconds, milliseconds >= place.id.milliseconds else { return [] }
        place.checkedMilliseconds = checked
        if place.isReading {
            place.mustReadAgain = true
            places[room] = place
            return []
        }
        return read(room, place)
    }

    /// A read is back.
    public mutating func readAnswered(_ frames: [StoredFrame], more: Bool, in room: RoomID) -> [Action] {
        guard var place = places[room], place.isReading else { return [] }
        let fresh = frames.filter { $0.id > place.id }
        if let last = fresh.last { (place.id, place.seq) = (last.id, last.seq) }
        let given: [Action] = fresh.isEmpty ? [] : [.deliver(room, fresh)]
        let goesOn = place.mustReadAgain || (more && !fresh.isEmpty)
        (place.isReading, place.mustReadAgain, place.hasFailed) = (false, false, false)
        places[room] = place
        if goesOn { return given + read(room, place) }
        // The id of a message that is not there is no place to go on from.
        if place.seq == nil, since == nil { places[room] = nil }
        return given
    }

    /// A read failed: `retry` reads again, and so does whatever comes before that.
    public mutating func readFailed(in room: RoomID) {
        guard var place = places[room] else { return }
        (place.isReading, place.mustReadAgain, place.hasFailed) = (false, false, true)
        places[room] = place
    }

    /// A while has passed since a read failed.
    public mutating func retry() -> [Action] {
        places.filter { $0.value.hasFailed && !$0.value.isReading }.flatMap { read($0.key, $0.value) }
    }

    private mutating func read(_ room: RoomID, _ place: Place) -> [Action] {
        places[room] = place
        places[room]?.isReading = true
        return [.read(room, after: place.id)]
    }

    /// From where on a conversation is read of which nothing is known; nil where this message is of no concern.
    private func beginning(of id: MessageID, now: UInt64?) -> MessageID? {
        guard var beginning = since else { return id.previous }
        // A clock that was set back gives new messages ids from before the user came.
        if let now, now < beginning.milliseconds, beginning.milliseconds - now > Self.clockSlackMilliseconds {
            let slack = min(now, Self.clockSlackMilliseconds)
            beginning = MessageID(milliseconds: now - slack, sequence: 0)
        }
        return id > beginning ? beginning : nil
    }

    private func isAhead(_ id: MessageID, _ now: UInt64?) -> Bool {
        guard let now, id.milliseconds > now else { return false }
        return id.milliseconds - now > Self.clockSlackMilliseconds
    }

    /// Takes up a room, and reads it. At `Limits.directPlacesMax` the one of the oldest message goes; what is older
    /// than that message was given, and is not asked for any more.
    private mutating func keep(_ place: Place, of room: RoomID) -> [Action] {
        if places.count >= Limits.directPlacesMax,
            let oldest = places.min(by: { $0.value.id < $1.value.id })
        {
            places[oldest.key] = nil
            since = max(since ?? .zero, oldest.value.id)
        }
        return read(room, place)
    }
}
