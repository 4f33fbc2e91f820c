internal import RelayCore

/// Keeps the scores of `chat:rooms`: a room is listed before its first post, and its score is at most a second stale.
///
/// After a quiet second a post is told at once, the posts of the second that follows together at its end.
struct RoomTouchLedger {
    /// Rooms remembered as listed; with one more all are forgotten, and each is listed once more.
    static let listedMax = 100_000
    enum Action: Equatable {
        case none
        /// Take what has to be told now.
        case tell
        /// Look again after this span.
        case wait(Duration)
    }

    private let interval: Duration
    private var listed: Set<RoomID> = []
    private var touched: [RoomID: UInt64] = [:]
    private var nextTelling: Moment?
    private var isWaiting = false

    init(interval: Duration = .seconds(1)) {
        self.interval = interval
    }

    /// A post goes out: whether the room has to be listed in front of it.
    mutating func postLeaves(_ room: RoomID) -> Bool {
        guard !listed.contains(room) else { return false }
        if listed.count >= Self.listedMax { listed.removeAll() }
        listed.insert(room)
        return true
    }

    /// The room could not be listed, or is listed no more.
    mutating func listingLost(_ room: RoomID) {
        listed.remove(room)
    }

    /// The room was deleted: a score of it that still waits would put it on the list again, behind whoever takes it
    /// off.
    mutating func dropped(_ room: RoomID) {
        listed.remove(room)
        touched[room] = nil
    }

    /// Redis may have lost the list.
    mutating func disconnected() {
        listed.removeAll()
    }

    /// Something was stored in the room.
    mutating func stored(_ id: MessageID, in room: RoomID, now: Moment) -> Action {
        Self.raise(&touched[room, default: 0], to: id.milliseconds)
        guard !isWaiting else { return .none }
        isWaiting = true
        guard let nextTelling, now < nextTelling else { return .tell }
        return .wait(nextTelling - now)
    }

    /// In place, so that the room is looked up once.
    private static func raise(_ score: inout UInt64, to milliseconds: UInt64) { score = max(score, milliseconds) }

    /// There is no connection to tell anything by: what waits goes with the next that is stored.
    mutating func tellingFailed() {
        isWaiting = false
    }

    /// These were not told: they go with the next that is stored. No more rooms are kept than are known to be listed.
    mutating func tellingFailed(_ scores: [RoomID: UInt64]) {
        guard touched.count < Self.listedMax else { return }
        touched.merge(scores) { max($0, $1) }
    }

    /// Takes what has to be told: rooms with the ms of their last message.
    mutating func take(now: Moment) -> [RoomID: UInt64] {
        if !touched.isEmpty { nextTelling = now + interval }
        isWaiting = false
        defer { touched = [:] }
        return touched
    }
}
