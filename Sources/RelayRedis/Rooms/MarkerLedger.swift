internal import RelayCore

/// Markers that are to be moved, and when they are told: after a quiet second at once, those of the second that follows
/// together at its end. What a user says a hundred times in it is one marker.
///
/// They are told in portions, the next when the one before is answered. What could not be told waits again, up to a
/// bound past which markers are dropped and counted. A room is known to be in a list once Redis has said so.
struct MarkerLedger {
    enum Action: Equatable {
        case none
        /// Take what has to be told now.
        case tell
        /// Look again after this span.
        case wait(Duration)
    }

    /// What one call tells of one user; answered by `answered`.
    struct Telling {
        let user: UserID
        let markers: [RoomID: ReadMarker]
        fileprivate let isPortion: Bool
        fileprivate let losses: UInt64
    }

    private struct Place: Hashable {
        let user: UserID
        let room: RoomID
    }

    /// What is the bound of what; see `Limits`.
    struct Bounds {
        /// Told at once with one more.
        var waitingMax = Limits.waitingMarkersMax
        /// Dropped with one more.
        var heldMax = Limits.heldMarkersMax
        /// Told at a time.
        var portionMax = Limits.markersPerTellingMax
    }

    /// Rooms remembered as being in their users' lists; with one more all are forgotten, and each is told once more.
    static let listedMax = 100_000

    private let interval: Duration
    private let bounds: Bounds
    private var waiting: [UserID: [RoomID: ReadMarker]] = [:]
    private(set) var waitingCount = 0
    private var underWay: Set<Place> = []
    private var portionCalls = 0
    private var hasFailed = false
    private var listed: Set<Place> = []
    /// How often Redis may have lost the lists: what was told before is not known to be there.
    private var losses: UInt64 = 0
    private var nextTelling: Moment?
    private var isScheduled = false
    private var isUrgent = false
    private var dropped: UInt64 = 0

    init(interval: Duration = Limits.markerInterval, bounds: Bounds = Bounds()) {
        self.interval = interval
        self.bounds = bounds
    }

    /// Whether the room is known to be in the user's list, or on its way there.
    func isListed(_ room: RoomID, for user: UserID) -> Bool {
        let place = Place(user: user, room: room)
        return listed.contains(place) || underWay.contains(place)
    }

    /// The room belongs into the user's list.
    mutating func entered(_ room: RoomID, by user: UserID, now: Moment) -> Action {
        isListed(room, for: user) ? .none : moved(to: .none, in: room, by: user, now: now)
    }

    /// The user has read up to there.
    mutating func moved(to marker: ReadMarker, in room: RoomID, by user: UserID, now: Moment) -> Action {
        hold(marker, in: room, by: user)
        guard waitingCount > 0 else { return .none }
        if waitingCount >= bounds.waitingMax, !isUrgent, portionCalls == 0 {
            isUrgent = true
            return .tell
        }
        guard !isScheduled else { return .none }
        isScheduled = true
        guard let nextTelling, now < nextTelling else { return .tell }
        return .wait(nextTelling - now)
    }

    private mutating func hold(_ marker: ReadMarker, in room: RoomID, by user: UserID) {
        // Whoever says much has a marker waiting already: one look at each of the two tables.
        if let index = waiting.index(forKey: user), let place = waiting.values[index].index(forKey: room) {
            if marker.id > waiting.values[index].values[place].id { waiting.values[index].values[place] = marker }
        } else if waitingCount < bounds.heldMax {
            waiting[user, default: [:]][room] = marker
            waitingCount += 1
        } else {
            dropped += 1
        }
    }

    /// Takes what has to be told: a portion, or all of it where the owner ends.
    mutating func take(now: Moment, isLast: Bool = false) -> [Telling] {
        (isScheduled, isUrgent) = (false, false)
        guard waitingCount > 0, portionCalls == 0 || isLast else { return [] }
        nextTelling = now + interval
        var left = isLast ? Int.max : bounds.portionMax
        var taken: [(UserID, [RoomID: ReadMarker])] = []
        for (user, markers) in waiting {
            guard left > 0 else { break }
            let some = Self.first(left, of: markers)
            taken.append((user, some))
            left -= some.count
        }
        portionCalls += taken.count
        return taken.map { begin($0.0, $0.1, isPortion: true) }
    }

    /// Takes what waits of one user, ahead of the others.
    mutating func take(of user: UserID) -> [Telling] {
        var tellings: [Telling] = []
        while let markers = waiting[user] {
            tellings.append(begin(user, Self.first(bounds.portionMax, of: markers), isPortion: false))
        }
        return tellings
    }

    private static func first(_ count: Int, of markers: [RoomID: ReadMarker]) -> [RoomID: ReadMarker] {
        guard markers.count > count else { return markers }
        return Dictionary(uniqueKeysWithValues: markers.prefix(count).map { ($0.key, $0.value) })
    }

    private mutating func begin(_ user: UserID, _ markers: [RoomID: ReadMarker], isPortion: Bool) -> Telling {
        for room in markers.keys {
            waiting[user]?[room] = nil
            underWay.insert(Place(user: user, room: room))
        }
        if waiting[user]?.isEmpty == true { waiting[user] = nil }
        waitingCount -= markers.count
        return Telling(user: user, markers: markers, isPortion: isPortion, losses: losses)
    }

    /// A call is answered: told, or to be told again, or, where Redis will never take it, given up.
    mutating func answered(_ telling: Telling, _ outcome: Outcome, now: Moment) -> Action {
        if telling.isPortion { portionCalls -= 1 }
        for (room, marker) in telling.markers {
            let place = Place(user: telling.user, room: room)
            underWay.remove(place)
            switch outcome {
            case .told where telling.losses == losses: note(place)
            case .told, .refused: break
            case .failed: hold(marker, in: room, by: telling.user)
            }
        }
        hasFailed = hasFailed || outcome == .failed
        guard portionCalls == 0, waitingCount > 0, !isScheduled else { return .none }
        isScheduled = true
        defer { hasFailed = false }
        if hasFailed { return .wait(interval) }
        guard waitingCount < bounds.portionMax, let nextTelling, now < nextTelling else { return .tell }
        return .wait(nextTelling - now)
    }

    /// What came of a call.
    enum Outcome {
        case told, failed, refused
    }

    private mutating func note(_ place: Place) {
        if listed.count >= Self.listedMax { listed.removeAll() }
        listed.insert(place)
    }

    /// There is no connection to tell anything by: what waits goes when there is.
    mutating func tellingFailed() {
        isScheduled = false
    }

    /// These rooms are in the user's list no more.
    mutating func unlisted(_ rooms: [RoomID], of user: UserID) {
        for room in rooms { listed.remove(Place(user: user, room: room)) }
    }

    /// Redis may have lost the lists.
    mutating func listsLost() {
        losses += 1
        listed.removeAll()
    }

    /// How many markers were dropped since this was asked last.
    mutating func takeDropped() -> UInt64 {
        defer { dropped = 0 }
        return dropped
    }
}
