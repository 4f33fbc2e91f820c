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
/// read. Redis's word that a room is private is taken back only by its word that the room was
/// deleted, or opened by somebody's will.
final class KnownRooms {
    /// Rooms remembered. With one more any other goes, one that is private last: such a room is put back as private
    /// where no edge knows better.
    static let roomsMax = 50_000

    private let keys: KeySpace
    private let reads: RedisCommander
    private var open: [RoomID: RoomNature] = [:]
    private var closed: [RoomID: RoomNature] = [:]
    private var asking: Set<RoomID> = []

    init(keys: KeySpace, reads: RedisCommander) {
        self.keys = keys
        self.reads = reads
    }

    subscript(room: RoomID) -> RoomNature? { closed[room] ?? open[room] }

    /// Redis says what the room is.
    func learnt(_ nature: RoomNature, of room: RoomID) {
        if nature.isPrivate {
            open[room] = nil
            closed[room] = nature
        } else if closed[room] == nil {
            open[room] = nature
        }
        guard open.count + closed.count > Self.roomsMax else { return }
        if let other = open.keys.first {
            open[other] = nil
        } else if let other = closed.keys.first {
            closed[other] = nil
        }
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
            learnt(nature, of: room)
        }
    }

    /// Redis says that the room is open to all by somebody's will.
    func opened(_ room: RoomID) {
        closed[room] = nil
    }

    /// The room was deleted.
    func deleted(_ room: RoomID) {
        open[room] = nil
        closed[room] = nil
    }

    /// Nobody is in the room any more, and there is nothing of it to put back: whoever makes it anew makes another.
    func left(_ room: RoomID) {
        open[room] = nil
    }
}
