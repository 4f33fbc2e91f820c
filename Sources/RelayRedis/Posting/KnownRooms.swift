internal import RedisClient
internal import RedisProtocol
internal import RelayCore

/// What a room is, apart from where it stands: the fields of its meta that nobody could make up again.
struct RoomNature: Equatable {
    /// The fields in the order of the scripts, as Redis has them; empty where it has none.
    let fields: [String]
    /// Whether the room is for its members and admins alone.
    var isPrivate: Bool { fields[4] == "1" }

    /// The fields of `meta` in the order of `fields`.
    static let names = ["name", "created_by", "created_at", "topic", "private"]

    /// Reads the values of these fields; nil where the room does not say when it was created.
    init?(_ values: some Collection<RESPValue>) {
        let fields = values.map { $0.string ?? "" }
        guard fields.count == Self.names.count, UInt64(fields[2]) != nil else { return nil }
        self.fields = fields
    }
}

/// What the rooms of this edge are, so that a Redis that lost it is told again.
///
/// Above all a room that is private may not come back as one that is not. Hence an edge knows what a room is from the
/// moment at which it could put something back there: it learns it with each read, and asks where it posted and never
/// read. Redis's word that a room is private is taken back only by its word that the room was deleted, or opened by
/// somebody's will.
///
/// It forgets what may have come to its end without its hearing of it, since nobody may get somebody else's room by
/// having had one of that name: a room that is not open here after `Limits.ledgerAgeMax`, which is less than a deleted
/// room is remembered, and one in which nothing was ever said at once.
final class KnownRooms {
    /// Rooms remembered. With one more any other goes, rather one that is not private: such a room is put back as
    /// private where no edge knows better.
    static let roomsMax = 50_000

    private struct Known {
        let nature: RoomNature
        let isSpoken: Bool
        /// When it was learnt, or left; nil while the room is open here.
        var since: Moment?
    }

    private let keys: KeySpace
    private let reads: RedisCommander
    private let now: () -> Moment
    private var known: [RoomID: Known] = [:]
    private var asking: Set<RoomID> = []
    /// Whether a room is open here.
    var isOpenHere: (RoomID) -> Bool = { _ in false }

    init(keys: KeySpace, reads: RedisCommander, now: @escaping () -> Moment = { RedisClock.now }) {
        self.keys = keys
        self.reads = reads
        self.now = now
    }

    subscript(room: RoomID) -> RoomNature? {
        guard let entry = known[room] else { return nil }
        guard let since = entry.since, now() - since > Limits.ledgerAgeMax else { return entry.nature }
        known[room] = nil
        return nil
    }

    /// Redis says what the room is, and whether anything was ever said in it.
    func learnt(_ nature: RoomNature, of room: RoomID, isSpoken: Bool) {
        let isOpen = isOpenHere(room)
        guard isOpen || isSpoken else { return known[room] = nil }
        // What it says is less than is known.
        if !nature.isPrivate, let before = self[room], before.isPrivate { return }
        known[room] = Known(nature: nature, isSpoken: isSpoken, since: isOpen ? nil : now())
        guard known.count > Self.roomsMax else { return }
        // A few, so that it costs the same however many there are.
        let others = known.lazy.filter { $0.key != room }.prefix(16)
        let other = others.first { !$0.value.nature.isPrivate } ?? others.first
        if let other { known[other.key] = nil }
    }

    /// Asks what a room is in which this edge has posted, unless it knows.
    func ask(of room: RoomID) {
        guard self[room] == nil, reads.isReady, asking.insert(room).inserted else { return }
        var command = RedisCommand("HMGET", keys.meta(of: room))
        command.append(contentsOf: RoomNature.names)
        reads.send(command) { [weak self] outcome in
            guard let self else { return }
            asking.remove(room)
            // Where there is no answer the next post asks again.
            guard case .success(let value) = outcome, let nature = value.array.flatMap({ RoomNature($0) }) else {
                return
            }
            learnt(nature, of: room, isSpoken: true)
        }
    }

    /// Redis says that the room is open to all by somebody's will.
    func opened(_ room: RoomID) {
        if known[room]?.nature.isPrivate == true { known[room] = nil }
    }

    /// The room was deleted.
    func deleted(_ room: RoomID) {
        known[room] = nil
    }

    /// Nobody is in the room any more, and there is nothing of it to put back: whoever makes a public one anew makes
    /// another.
    func left(_ room: RoomID) {
        guard let entry = known[room] else { return }
        if entry.isSpoken, entry.nature.isPrivate {
            known[room]?.since = now()
        } else {
            known[room] = nil
        }
    }
}
