/// One connection that posts.
struct Poster {
    /// Where it stands.
    enum State: UInt8 {
        /// Not connected. Exits: `connecting`.
        case away
        /// The connection is being made. Exits: `opening`, `away`; over HTTP `open`.
        case connecting
        /// What it begins with was sent. Exits: `open`, `away`.
        case opening
        /// It may post. Exits: `away`.
        case open
    }

    var descriptor: Int32 = -1
    var state = State.away
    /// How much of what it begins with is not answered yet.
    var openingCount = 0
    var carried: [UInt8] = []
    var outbox = Outbox()
    /// The rooms of posts that are not answered, in the order of the posts; from `oldest` on.
    var rooms: [Int32] = []
    var oldest = 0
    var isWatchedForWriting = false

    var unanswered: Int { rooms.count - oldest }

    /// Notes a post.
    mutating func asked(room: Int) {
        // What was answered is forgotten in one go, so that no post moves all others.
        if oldest > 1024, oldest > rooms.count / 2 {
            rooms.removeFirst(oldest)
            oldest = 0
        }
        rooms.append(Int32(room))
    }

    /// The room of the oldest post that is not answered.
    mutating func answered() -> Int? {
        guard oldest < rooms.count else { return nil }
        oldest += 1
        return Int(rooms[oldest - 1])
    }
}
