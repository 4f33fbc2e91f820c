/// One user's direct conversations on one edge: up to where the user's sessions were given them.
///
/// Every message of a conversation comes over the user's channel. One that has the next number is handed on; where one
/// is missing, the room is read from the last one on, and what comes meanwhile waits for that read. Nothing is handed
/// on twice, and nothing out of order.
public struct DirectInboxStateMachine: Sendable {
    /// What to do.
    public enum Action: Sendable, Equatable {
        /// Hand these to the user's sessions, in this order.
        case deliver(RoomID, [StoredFrame])
        /// Read the room above an id; answered by `readAnswered` or `readFailed`.
        case read(RoomID, after: MessageID)
    }

    private struct Place: Sendable {
        var id: MessageID
        /// Nil where nothing of the room was handed on yet.
        var seq: UInt64?
        var isReading = false
        /// Whether something came that a read under way may not show.
        var mustReadAgain = false
    }

    private let since: MessageID
    private var places: [RoomID: Place] = [:]

    /// An inbox of a user who has had a session here since that id: what is older is nobody's loss.
    public init(since: MessageID) {
        self.since = since
    }

    /// A message came over the user's channel.
    public mutating func frameReceived(_ frame: StoredFrame, in room: RoomID) -> [Action] {
        guard var place = places[room] else {
            // The channel was heard all the while, so this is the first one.
            keep(Place(id: frame.id, seq: frame.seq), of: room)
            return [.deliver(room, [frame])]
        }
        guard frame.id > place.id else { return [] }
        if place.isReading {
            places[room]?.mustReadAgain = true
            return []
        }
        // A number that is not above the last one is of a counter that began anew.
        if let seq = place.seq, frame.seq > seq, frame.seq - seq > 1 {
            place.isReading = true
            places[room] = place
            return [.read(room, after: place.id)]
        }
        places[room] = Place(id: frame.id, seq: frame.seq)
        return [.deliver(room, [frame])]
    }

    /// The channel was interrupted: every conversation that is known is read on.
    public mutating func interrupted() -> [Action] {
        var actions: [Action] = []
        for (room, place) in places {
            if place.isReading {
                places[room]?.mustReadAgain = true
            } else {
                places[room]?.isReading = true
                actions.append(.read(room, after: place.id))
            }
        }
        return actions
    }

    /// The user's list shows a conversation with this last message: one that is not known here, and that went on since
    /// the user came, is read.
    public mutating func activitySeen(in room: RoomID, last: MessageID) -> [Action] {
        guard places[room] == nil, last > since else { return [] }
        keep(Place(id: since, isReading: true), of: room)
        return [.read(room, after: since)]
    }

    /// A read is back.
    public mutating func readAnswered(_ frames: [StoredFrame], more: Bool, in room: RoomID) -> [Action] {
        guard var place = places[room], place.isReading else { return [] }
        let fresh = frames.filter { $0.id > place.id }
        if let last = fresh.last { (place.id, place.seq) = (last.id, last.seq) }
        let goesOn = place.mustReadAgain || (more && !fresh.isEmpty)
        place.isReading = goesOn
        place.mustReadAgain = false
        places[room] = place
        let given: [Action] = fresh.isEmpty ? [] : [.deliver(room, fresh)]
        return given + (goesOn ? [.read(room, after: place.id)] : [])
    }

    /// A read failed: the next message that does not follow reads again.
    public mutating func readFailed(in room: RoomID) {
        places[room]?.isReading = false
        places[room]?.mustReadAgain = false
    }

    private mutating func keep(_ place: Place, of room: RoomID) {
        if places.count >= Limits.directPlacesMax,
            let oldest = places.min(by: { $0.value.id < $1.value.id })?.key
        {
            places[oldest] = nil
        }
        places[room] = place
    }
}
