/// Who is in the rooms of one edge, and what the relay has to be told of it.
///
/// A user is in a room as long as one session is. Whoever leaves by disconnect stays for a grace with no session, and
/// is gone afterwards unless they are back by then. Changes pile up a room until they are taken, so that many travel
/// in one call.
public struct PresenceLedger: Sendable {
    private struct Entry {
        var name: DisplayName
        var sessions: Int
        var graceEnds: Moment?
        /// When the user did something there last, and when the relay was told of that.
        var activeAt: Moment
        var toldAt: Moment
    }

    private let grace: Duration
    private var rooms: [RoomID: [UserID: Entry]] = [:]
    private var changed: [RoomID: [UserID: PresenceChange]] = [:]
    private var graces: [(ends: Moment, room: RoomID, user: UserID)] = []
    /// Rooms that have got their first user, or lost their last, since that was taken.
    private var turned: Set<RoomID> = []

    /// An empty ledger.
    public init(grace: Duration) {
        self.grace = grace
    }

    /// Whether a user has a session in a room on this edge.
    public func isPresent(_ user: UserID, in room: RoomID) -> Bool {
        (rooms[room]?[user]?.sessions ?? 0) > 0
    }

    /// A session of the user entered.
    public mutating func entered(_ identity: Identity, room: RoomID, now: Moment) {
        var entry =
            rooms[room]?[identity.user]
            ?? Entry(name: identity.name, sessions: 0, activeAt: now, toldAt: now)
        entry.sessions += 1
        entry.activeAt = now
        entry.name = identity.name
        entry.graceEnds = nil
        if rooms[room] == nil { turned.insert(room) }
        rooms[room, default: [:]][identity.user] = entry
        note(identity.user, entry, in: room)
    }

    /// The user goes by another name in these rooms, as far as they are there.
    public mutating func renamed(_ identity: Identity, in these: [RoomID]) {
        for room in these {
            guard var entry = rooms[room]?[identity.user], entry.name != identity.name else { continue }
            entry.name = identity.name
            rooms[room]?[identity.user] = entry
            note(identity.user, entry, in: room)
        }
    }

    /// The user did something in a room: the relay is told once in `Limits.activityInterval`.
    public mutating func acted(_ user: UserID, room: RoomID, now: Moment) {
        guard var entry = rooms[room]?[user] else { return }
        entry.activeAt = now
        if now - entry.toldAt >= Limits.activityInterval {
            entry.toldAt = now
            rooms[room]?[user] = entry
            note(user, entry, in: room)
        } else {
            rooms[room]?[user] = entry
        }
    }

    /// How long the user has done nothing in a room; nil where the user is not there by this edge.
    public func idle(_ user: UserID, in room: RoomID, now: Moment) -> Duration? {
        (rooms[room]?[user]?.activeAt).map { now - $0 }
    }

    /// A session of the user left, by saying so or by disconnect.
    public mutating func left(_ user: UserID, room: RoomID, bySaying: Bool, now: Moment) {
        guard var entry = rooms[room]?[user], entry.sessions > 0 else { return }
        entry.sessions -= 1
        if entry.sessions == 0 {
            guard !bySaying, grace > .zero else { return remove(user, entry, from: room) }
            let ends = now + grace
            entry.graceEnds = ends
            graces.append((ends, room, user))
        }
        rooms[room]?[user] = entry
        note(user, entry, in: room)
    }

    /// Time went by: whoever's grace is over is gone.
    public mutating func timePassed(now: Moment) {
        // All graces are of one length, so the list is in the order of its ends.
        let count = graces.firstIndex { $0.ends > now } ?? graces.count
        for (ends, room, user) in graces.prefix(count) {
            guard let entry = rooms[room]?[user], entry.graceEnds == ends else { continue }
            remove(user, entry, from: room)
        }
        graces.removeFirst(count)
    }

    /// Everybody, in one room or in all, is to be told to the relay anew: what it knew of this edge may be gone.
    public mutating func restate(_ only: RoomID?) {
        for (room, users) in rooms where only == nil || only == room {
            turned.insert(room)
            for (user, entry) in users { note(user, entry, in: room) }
        }
    }

    /// The edge ends: nobody is here any more.
    public mutating func everybodyGone() {
        for (room, users) in rooms {
            for (user, entry) in users { remove(user, entry, from: room) }
        }
    }

    /// Takes what has to be told, a list a room; that of the rooms in `busy` stays.
    public mutating func takeChanges(except busy: Set<RoomID> = []) -> [(room: RoomID, changes: [PresenceChange])] {
        let taken = busy.isEmpty ? changed : changed.filter { !busy.contains($0.key) }
        changed = busy.isEmpty ? [:] : changed.filter { busy.contains($0.key) }
        return taken.map { ($0.key, Array($0.value.values)) }
    }

    /// Takes the rooms that have anybody in them now, and those that have nobody any more, of those where that changed.
    public mutating func takeOccupancy() -> OccupancyChange {
        defer { turned.removeAll() }
        return OccupancyChange(
            occupied: turned.filter { rooms[$0] != nil }, empty: turned.filter { rooms[$0] == nil })
    }

    /// That could not be told: what is true by then is told the next time.
    public mutating func putBack(_ change: OccupancyChange) {
        turned.formUnion(change.occupied)
        turned.formUnion(change.empty)
    }

    /// These could not be told, or nobody knows whether they were: what is true by now is to be told of each.
    public mutating func putBack(_ changes: [PresenceChange], in room: RoomID) {
        for change in changes {
            if let entry = rooms[room]?[change.user] {
                note(change.user, entry, in: room)
            } else {
                changed[room, default: [:]][change.user] = PresenceChange(
                    user: change.user, name: change.name, sessions: 0, isGone: true)
            }
        }
    }

    private mutating func remove(_ user: UserID, _ entry: Entry, from room: RoomID) {
        rooms[room]?[user] = nil
        if rooms[room]?.isEmpty == true {
            rooms[room] = nil
            turned.insert(room)
        }
        changed[room, default: [:]][user] = PresenceChange(user: user, name: entry.name, sessions: 0, isGone: true)
    }

    private mutating func note(_ user: UserID, _ entry: Entry, in room: RoomID) {
        changed[room, default: [:]][user] = PresenceChange(
            user: user, name: entry.name, sessions: entry.sessions, isGone: false)
    }
}
