internal import RelayCore

/// Markers that are to be moved, and when they are told: after a quiet second at once, those of the second that follows
/// together at its end. What a user says a hundred times in it is one marker.
struct MarkerLedger {
    enum Action: Equatable {
        case none
        /// Take what has to be told now.
        case tell
        /// Look again after this span.
        case wait(Duration)
    }

    private struct Place: Hashable {
        let user: UserID
        let room: RoomID
    }

    /// Rooms remembered as being in their users' lists; with one more all are forgotten, and each is told once more.
    static let listedMax = 100_000

    private let interval: Duration
    private let waitingMax: Int
    private var waiting: [UserID: [RoomID: ReadMarker]] = [:]
    private var waitingCount = 0
    private var listed: Set<Place> = []
    private var nextTelling: Moment?
    private var isScheduled = false

    init(interval: Duration = Limits.markerInterval, waitingMax: Int = Limits.waitingMarkersMax) {
        self.interval = interval
        self.waitingMax = waitingMax
    }

    /// Whether the room is known to be in the user's list.
    func isListed(_ room: RoomID, for user: UserID) -> Bool { listed.contains(Place(user: user, room: room)) }

    /// The room belongs into the user's list.
    mutating func entered(_ room: RoomID, by user: UserID, now: Moment) -> Action {
        let place = Place(user: user, room: room)
        guard !listed.contains(place) else { return .none }
        if listed.count >= Self.listedMax { listed.removeAll() }
        listed.insert(place)
        return moved(to: .none, in: room, by: user, now: now)
    }

    /// The user has read up to there.
    mutating func moved(to marker: ReadMarker, in room: RoomID, by user: UserID, now: Moment) -> Action {
        if let held = waiting[user]?[room] {
            if marker.id > held.id { waiting[user]?[room] = marker }
        } else {
            waiting[user, default: [:]][room] = marker
            waitingCount += 1
        }
        if waitingCount >= waitingMax { return .tell }
        guard !isScheduled else { return .none }
        isScheduled = true
        guard let nextTelling, now < nextTelling else { return .tell }
        return .wait(nextTelling - now)
    }

    /// Takes what has to be told.
    mutating func take(now: Moment) -> [UserID: [RoomID: ReadMarker]] {
        if waitingCount > 0 { nextTelling = now + interval }
        isScheduled = false
        waitingCount = 0
        defer { waiting = [:] }
        return waiting
    }

    /// There is no connection to tell anything by: what waits goes with the next that moves.
    mutating func tellingFailed() {
        isScheduled = false
    }

    /// These rooms are in the user's list no more.
    mutating func unlisted(_ rooms: [RoomID], of user: UserID) {
        for room in rooms { listed.remove(Place(user: user, room: room)) }
    }

    /// Redis may have lost the lists.
    mutating func disconnected() {
        listed.removeAll()
    }
}
