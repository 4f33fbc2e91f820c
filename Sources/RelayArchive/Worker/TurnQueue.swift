internal import DequeModule
internal import RelayCore

/// Rooms that wait for their turn, each once, in the order in which they came.
struct TurnQueue {
    private var waiting: Deque<RoomID> = []
    private var members: Set<RoomID> = []
    private var leftOfLap = 0

    var isEmpty: Bool { waiting.isEmpty }

    /// Whether all that waited when the last lap began have had their turn.
    var isLapOver: Bool { leftOfLap == 0 }

    /// A room that waits already keeps its place.
    mutating func append(_ room: RoomID) {
        if members.insert(room).inserted { waiting.append(room) }
    }

    mutating func popFirst() -> RoomID? {
        guard let room = waiting.popFirst() else { return nil }
        members.remove(room)
        leftOfLap = max(0, leftOfLap - 1)
        return room
    }

    mutating func beginLap() { leftOfLap = waiting.count }
}
