import RelayCore

/// One session's place in one room, on the session's loop.
final class Seat {
    enum State {
        /// The hub was asked; these copies of direct messages wait for the answer. Exits: live, behind, gone.
        case joining(held: [StoredFrame])
        /// In the room's roster, at this index. Exits: behind, gone.
        case live(rosterIndex: Int)
        /// Not pushed to: reads on from its cursor when its socket drains. Exits: live, gone.
        case behind(ReadCursor, isReading: Bool)
        /// Left or closed.
        case gone
    }

    /// The session gives up its seats as it ends, so this holds nothing for ever. (A weak reference would give each
    /// session a side table, and with it a slow retain in every loop over a roster.)
    let session: SessionHandler
    let room: ShardRoom
    /// Whose it is, with what they may by their latest token.
    var identity: Identity
    /// The name under which the relay was told that the user is here.
    private(set) var toldName: DisplayName
    var state = State.joining(held: [])
    /// Whether the join says what the client has already.
    var isRecovering = false
    /// Whether the join was typed: then it is answered in lines.
    var isTyped = false

    init(session: SessionHandler, room: ShardRoom, identity: Identity) {
        self.session = session
        self.room = room
        self.identity = identity
        toldName = identity.name
    }

    /// Whether the join is still to be answered.
    var isJoining: Bool { if case .joining = state { true } else { false } }

    /// Whether the relay knows another name than the one by which the user goes now; once.
    func takeRenaming() -> Bool {
        defer { toldName = identity.name }
        return toldName != identity.name
    }
}

/// One room on one shard: the sessions that get what is said as it is said.
///
/// Frames of one tick are put together once and shared by all members; `roster`, `seats` and `lanes` run in
/// parallel, so that the loop over members touches nothing but the lanes.
final class ShardRoom {
    let id: RoomID
    let isDirect: Bool
    private(set) var roster: ContiguousArray<SessionHandler> = []
    private var seats: ContiguousArray<Seat> = []
    /// The lanes of those in the roster.
    private(set) var lanes: ContiguousArray<Int32> = []
    /// Those who read lines; they stand in no roster.
    var textSeats: ContiguousArray<Seat> = []
    /// How many in the roster take compressed messages.
    private(set) var deflatingCount = 0
    /// Seats in any state: as long as there is one, the room is wanted.
    var seatCount = 0
    /// The last message that the live members have.
    var delivered: ReadCursor?
    /// What the live members have not been given yet: of the tick under way, or for longer where the room is busy.
    var pending: PendingFrames?
    /// When what comes in is written.
    var pace = PushPace()
    /// Until when `pending` waits; nil where it does not.
    var heldUntil: Moment?

    init(id: RoomID) {
        self.id = id
        isDirect = id.directUsers != nil
    }

    func seatIndex(_ index: Int) -> Seat { seats[index] }

    func enroll(_ seat: Seat, _ session: SessionHandler) {
        guard session.console == nil else { return enroll(text: seat) }
        seat.state = .live(rosterIndex: roster.count)
        roster.append(session)
        seats.append(seat)
        lanes.append(session.lane ?? -1)
        session.updateLane()
        if session.deflatedBytesMax > 0 { deflatingCount += 1 }
    }

    /// Takes a live seat out of its place; the last one takes that.
    func unenroll(_ seat: Seat, at index: Int) {
        guard seat.session.console == nil else { return unenroll(textAt: index) }
        let last = roster.count - 1
        if roster[index].deflatedBytesMax > 0 { deflatingCount -= 1 }
        if index < last {
            roster[index] = roster[last]
            seats[index] = seats[last]
            lanes[index] = lanes[last]
            seats[index].state = .live(rosterIndex: index)
        }
        roster.removeLast()
        seats.removeLast()
        lanes.removeLast()
    }
}
