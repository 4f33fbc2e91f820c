import DequeModule
import RelayCore

/// Rooms that have to be joined again, one after another: each join costs of the session's rate, and a burst of them
/// would be refused.
struct RejoinQueue {
    private var waiting: Deque<RoomID> = []
    private var underWay: RoomID?
    private(set) var pausedUntil: Moment?

    /// A room has to be joined again.
    mutating func wanted(_ room: RoomID) {
        guard underWay != room, !waiting.contains(room) else { return }
        waiting.append(room)
    }

    /// The room to join now; it is under way from here on.
    mutating func due(now: Moment) -> RoomID? {
        guard underWay == nil, pausedUntil.map({ $0 <= now }) ?? true, let room = waiting.popFirst() else { return nil }
        underWay = room
        pausedUntil = nil
        return room
    }

    /// The room answered, one way or the other.
    mutating func settled(_ room: RoomID) {
        if underWay == room { underWay = nil }
    }

    /// The room is to be asked again at that moment, before all others; one that was dropped meanwhile is not.
    mutating func postponed(_ room: RoomID, until moment: Moment) {
        guard underWay == room else { return }
        settled(room)
        waiting.prepend(room)
        pausedUntil = moment
    }

    /// The room is not wanted any more.
    mutating func dropped(_ room: RoomID) {
        settled(room)
        waiting.removeAll { $0 == room }
    }
}
