import NIOConcurrencyHelpers
import NIOCore
import RelayCore

/// Streams in memory: what Redis does for the archiver, without Redis.
actor InMemoryStreams: StreamSource {
    struct Room {
        var entries: [StreamEntry] = []
        var seq: UInt64 = 0
        var epoch: UInt64? = 1
        var lastID = MessageID.zero
        var archived: ArchivePosition?
        var createdAt: UInt64 = 77
        var isPrivate = false
        var members: [UserID] = []
        var activity: UInt64 = 0
        var acknowledgements: [ArchivePosition] = []
    }

    private(set) var rooms: [RoomID: Room] = [:]
    private(set) var figures: ArchiverFigures?
    private(set) var raises = 0
    /// The rooms that were looked at, look by look.
    private(set) var looks: [RoomID] = []
    /// Called with each look, before it is answered.
    nonisolated let looking = NIOLockedValueBox<(@Sendable (RoomID, _ from: MessageID) -> Void)?>(nil)
    private var holder: ShardHolder?
    /// The clock, in ms.
    private var now = Frames.midnight
    private var failuresLeft = 0
    private var losesBeforeMembers = false

    func post(_ frames: [StoredFrame], in room: RoomID = Frames.room) {
        var state = rooms[room] ?? Room()
        for frame in frames {
            state.entries.append(.frame(frame))
            state.seq = max(state.seq, frame.seq)
            state.lastID = max(state.lastID, frame.id)
        }
        state.activity = now
        rooms[room] = state
    }

    func setClock(_ milliseconds: UInt64) { now = milliseconds }
    func failNextCalls(_ count: Int) { failuresLeft = count }
    func update(_ room: RoomID = Frames.room, _ change: @Sendable (inout Room) -> Void) {
        change(&rooms[room, default: Room()])
        rooms[room]?.activity = now
    }
    func flush() {
        rooms = [:]
        holder = nil
    }
    func takeShardAway() { holder = ShardHolder(place: "elsewhere", run: "1") }

    private func answer() throws(StreamSourceError) {
        guard failuresLeft > 0 else { return }
        failuresLeft -= 1
        throw .unavailable("told to fail")
    }

    func claim(
        _ shard: ShardID, as holder: ShardHolder, lapse: Duration
    ) throws(StreamSourceError) -> ShardClaim {
        try answer()
        if let other = self.holder, other.place != holder.place { return .held(by: other.place) }
        self.holder = holder
        return .claimed
    }

    func renew(_ shard: ShardID, as holder: ShardHolder, lapse: Duration) -> Bool { self.holder == holder }

    func release(_ shard: ShardID, as holder: ShardHolder) { if self.holder == holder { self.holder = nil } }

    var isShardFree: Bool { holder == nil }

    func roomsActive(since milliseconds: UInt64) throws(StreamSourceError) -> ActiveRooms {
        try answer()
        let active = rooms.filter { $0.value.activity >= milliseconds }
        return ActiveRooms(now: now, rooms: active.map { RoomActivity(room: $0.key, milliseconds: $0.value.activity) })
    }

    func look(at room: RoomID, from id: MessageID, limit: Int) throws(StreamSourceError) -> StreamLook {
        try answer()
        looks.append(room)
        if let looking = looking.withLockedValue({ $0 }) { looking(room, id) }
        guard let state = rooms[room] else {
            return StreamLook(now: now, standing: nil, entries: [], oldestID: nil, lastID: nil)
        }
        let standing = ArchiveStanding(
            epoch: state.epoch, seq: state.seq, archived: state.archived, createdAt: state.createdAt,
            isPrivate: state.isPrivate)
        return StreamLook(
            now: now, standing: standing, entries: Array(state.entries.filter { $0.id >= id }.prefix(limit)),
            oldestID: state.entries.first?.id, lastID: state.lastID)
    }

    /// Everything is lost before the members are read next.
    func flushBeforeMembers() { losesBeforeMembers = true }

    func members(of room: RoomID, createdAt: UInt64) -> [UserID]? {
        if losesBeforeMembers { flush() }
        losesBeforeMembers = false
        guard let state = rooms[room], state.createdAt == createdAt else { return nil }
        return state.members
    }

    func raise(
        _ room: RoomID, toSeq seq: UInt64, id: MessageID, knownEpoch: UInt64?, under claim: HeldShard
    ) throws(StreamSourceError) -> RaiseOutcome {
        try answer()
        guard holder == claim.holder else { return .lockLost }
        guard var state = rooms[room] else { return .gone }
        raises += 1
        state.seq = max(state.seq, seq)
        state.lastID = max(state.lastID, id)
        let epoch = (state.epoch ?? 0) + 1
        state.epoch = epoch
        rooms[room] = state
        return .raised(epoch: epoch, seq: state.seq)
    }

    func acknowledge(
        _ room: RoomID, _ position: ArchivePosition, trimmed: MessageID?, keep: Int, under claim: HeldShard
    ) throws(StreamSourceError) -> AcknowledgeOutcome {
        try answer()
        guard holder == claim.holder else { return .lockLost }
        guard var state = rooms[room] else { return .gone }
        while state.entries.count > keep, let first = state.entries.first, first.id < position.id {
            state.entries.removeFirst()
        }
        state.archived = position
        state.acknowledgements.append(position)
        rooms[room] = state
        return .done
    }

    func passMidnight(
        _ room: RoomID, milliseconds: UInt64, under claim: HeldShard
    ) throws(StreamSourceError) -> AcknowledgeOutcome {
        guard var state = rooms[room] else { return .gone }
        state.lastID = max(state.lastID, MessageID(milliseconds: milliseconds, sequence: 0))
        rooms[room] = state
        return .done
    }

    func drop(
        _ room: RoomID, archivedUpTo position: ArchivePosition, under claim: HeldShard
    ) -> AcknowledgeOutcome { .done }

    func report(_ figures: ArchiverFigures, for shard: ShardID, lifetime: Duration) { self.figures = figures }
}
