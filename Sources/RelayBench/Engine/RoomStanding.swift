/// Where a room stands, as the script's replies tell it.
struct RoomPosition: Equatable {
    /// What is said where nothing was told yet.
    static let unknown = RoomPosition(seq: 0, id: "", epoch: 0)

    var seq: UInt64
    var id: String
    var epoch: UInt64
}

/// A room that is posted to straight in Redis: where it stands, and what is under way there.
///
/// An edge tells the script the room's position, which spares that a look at the stream, a quarter of its work. So does
/// this, ahead of the replies: while posts of a room are under way all go over one connection, so that each finds what
/// the one before it left. Where somebody else posts too the number is too low, and the script looks for itself.
struct RoomStanding {
    private var told = RoomPosition.unknown
    private var underWay = 0
    /// How many of those went before the last one that was not stored was known of: what they said is too high.
    private var misled = 0
    /// The poster that the last post went to.
    private var holder = -1

    /// The poster that has to take the next post; nil where any may.
    var taker: Int? { underWay > 0 ? holder : nil }

    /// What the next post will find. As long as posts are under way that may be refused, because of one that was not
    /// stored, nobody can count ahead of them: who does would have each refusal bring about the next one.
    var next: RoomPosition {
        guard told.epoch > 0, misled == 0 else { return .unknown }
        var position = told
        position.seq += UInt64(underWay)
        return position
    }

    /// A post was handed to a poster.
    mutating func asked(of poster: Int) {
        holder = poster
        underWay += 1
    }

    /// The oldest post under way is stored.
    mutating func stored(at position: RoomPosition) {
        answered()
        told = position
    }

    /// The oldest post under way is not stored, or nobody knows: the script is to look for itself.
    mutating func notStored() {
        answered()
        told = .unknown
        misled = underWay
    }

    private mutating func answered() {
        underWay = max(underWay - 1, 0)
        misled = max(misled - 1, 0)
    }
}
