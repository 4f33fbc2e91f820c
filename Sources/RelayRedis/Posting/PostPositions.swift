internal import RelayCore

/// A place that a room has reached, by Redis's word.
struct PostPosition: Equatable {
    var epoch: UInt64
    var seq: UInt64
    var id: MessageID
}

/// The highest place of each room that this edge was told by a receipt.
///
/// It goes along with each post: a Redis that lost writes and counts from a lower number would else give out a number
/// for the second time in one epoch.
struct PostPositions {
    /// Rooms remembered; with one more all are forgotten, and only the guard against lost writes is weaker for it.
    static let roomsMax = 50_000

    private var positions: [RoomID: PostPosition] = [:]

    subscript(room: RoomID) -> PostPosition? { positions[room] }

    /// A call in the room was answered.
    mutating func replyReceived(_ reply: PostReply, in room: RoomID) {
        guard reply.epoch > 0 else { return }
        let place = positions.index(forKey: room)
        var highest = place.map { positions.values[$0] }.flatMap { $0.epoch == reply.epoch ? $0 : nil }
        for case .success(let receipt) in reply.outcomes where receipt.seq > highest?.seq ?? 0 && !receipt.isDuplicate {
            highest = PostPosition(epoch: reply.epoch, seq: receipt.seq, id: receipt.id)
        }
        if let place, let highest { positions.values[place] = highest } else { set(highest, in: room) }
    }

    /// A script has told where the room stands.
    mutating func told(_ position: PostPosition, in room: RoomID) {
        set(position, in: room)
    }

    private mutating func set(_ position: PostPosition?, in room: RoomID) {
        if positions[room] == nil, positions.count >= Self.roomsMax { positions.removeAll() }
        positions[room] = position
    }
}
