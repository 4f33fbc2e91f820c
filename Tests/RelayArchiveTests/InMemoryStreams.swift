import NIOConcurrencyHelpers
import NIOCore
import RelayCore
import RelayTestKit

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
        var isDeleted = false
        var hasStream = true
    }

    private(set) var rooms: [RoomID: Room] = [:]
    private(set) var figures: ArchiverFigures?
    private(set) var raises = 0
    /// The rooms that were looked at, look by look.
    private(set) var looks: [RoomID] = []
    /// Called with each look, before it is answered.
    nonisolated let looking = NIOLockedValueBox<(@Sendable (RoomID, _ from: MessageID) -> Void)?>(nil)
    /// Called with each acknowledgement, before it is taken.
    nonisolated let acknowledging = NIOLockedValueBox<(@Sendable (RoomID, ArchivePosition) -> Void)?>(nil)
    /// Called with each renewal of the claim.
    nonisolated let renewing = NIOLockedValueBox<(@Sendable () -> Void)?>(nil)
    /// How often it was asked for the rooms.
    private(set) var listings = 0
    /// How often it was told the status.
    private(set) var reports = 0
    /// How many looks at one room were under way at once, at most.
    private(set) var looksAtOnceInOneRoom = 0
    private var looksUnderWay: [RoomID: Int] = [:]
    private var isOneLookTheMost = false
    private var isOverloaded = false
    /// Rooms that the looks of are answered with an error.
    private var refused: Set<RoomID> = []
    private(set) var refusals = 0
    private var held: [(RoomID, [StoredFrame])] = []
    private var failsAtLook = Int.max
    private var writtenBeforeDrop: StoredFrame?
    private var busy: (room: RoomID, entries: UInt64)?
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

    /// Says it when it is told to, all at once.
    func hold(_ frames: [StoredFrame], in room: RoomID) { held.append((room, frames)) }
    func sayHeld(thenFailAfterLooks count: Int) {
        for (room, frames) in held { post(frames, in: room) }
        // Whoever lists them now does not find them by the time of that list again.
        passTime()
        failsAtLook = looks.count + count
    }
    func writeBeforeDrop(_ frame: StoredFrame) { writtenBeforeDrop = frame }

    /// So long that nothing that was said before is active any more.
    func passTime() { now += 60_000 }

    func setClock(_ milliseconds: UInt64) { now = milliseconds }
    func failNextCalls(_ count: Int) { failuresLeft = count }
    func refuseLooks(at room: RoomID) { refused.insert(room) }

    /// From now on two looks at once are more than it can answer in time: then all that are under way fail.
    func failLooksSideBySide() { isOneLookTheMost = true }

    /// From now on so many messages wait in the room after each acknowledgement: it is never drained.
    func keepBusy(_ room: RoomID, with entries: UInt64) { busy = (room, entries) }
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

    func renew(_ shard: ShardID, as holder: ShardHolder, lapse: Duration) -> Bool {
        if let renewing = renewing.withLockedValue({ $0 }) { renewing() }
        return self.holder == holder
    }

    func release(_ shard: ShardID, as holder: ShardHolder) { if self.holder == holder { self.holder = nil } }

    var isShardFree: Bool { holder == nil }

    func roomsActive(since milliseconds: UInt64) throws(StreamSourceError) -> ActiveRooms {
        try answer()
        listings += 1
        let active = rooms.filter { $0.value.activity >= milliseconds }
        return ActiveRooms(now: now, rooms: active.map { RoomActivity(room: $0.key, milliseconds: $0.value.activity) })
    }

    func look(at room: RoomID, from id: MessageID, limit: Int) async throws(StreamSourceError) -> StreamLook {
        try answer()
        looks.append(room)
        if looks.count >= failsAtLook {
            (failsAtLook, failuresLeft) = (.max, 2)
            throw .unavailable("told to fail")
        }
        if let looking = looking.withLockedValue({ $0 }) { looking(room, id) }
        try await answerTakesItsTime(room)
        guard let state = rooms[room] else {
            return StreamLook(now: now, standing: nil, entries: [], oldestID: nil, lastID: nil)
        }
        let standing = ArchiveStanding(
            epoch: state.epoch, seq: state.seq, archived: state.archived, createdAt: state.createdAt,
            isPrivate: state.isPrivate, isDeleted: state.isDeleted)
        return StreamLook(
            now: now, standing: standing, entries: Array(state.entries.filter { $0.id >= id }.prefix(limit)),
            oldestID: state.entries.first?.id, lastID: state.hasStream ? state.lastID : nil)
    }

    /// Others are answered meanwhile.
    private func answerTakesItsTime(_ room: RoomID) async throws(StreamSourceError) {
        looksUnderWay[room, default: 0] += 1
        looksAtOnceInOneRoom = max(looksAtOnceInOneRoom, looksUnderWay[room] ?? 0)
        if isOneLookTheMost {
            // Whoever comes has so long; alone, this is the whole wait.
            if await condition(within: .milliseconds(10), { isOverloaded || looksInAll > 1 }) { isOverloaded = true }
        } else {
            for _ in 0..<10 { await Task.yield() }
        }
        looksUnderWay[room, default: 1] -= 1
        let isTooMuch = isOverloaded
        if looksInAll == 0 { isOverloaded = false }
        if isTooMuch { throw .unavailable("too much at once") }
        guard !refused.contains(room) else {
            refusals += 1
            throw .refused("WRONGTYPE")
        }
    }

    private var looksInAll: Int { looksUnderWay.values.reduce(0, +) }

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
        if let acknowledging = acknowledging.withLockedValue({ $0 }) { acknowledging(room, position) }
        while state.entries.count > keep, let first = state.entries.first, first.id < position.id {
            state.entries.removeFirst()
        }
        state.archived = position
        state.acknowledgements.append(position)
        rooms[room] = state
        if let busy, busy.room == room, state.seq < position.seq + busy.entries {
            post((state.seq + 1...position.seq + busy.entries).map { Frames.frame($0, in: room) }, in: room)
        }
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
        _ room: RoomID, through end: MessageID, under claim: HeldShard
    ) -> AcknowledgeOutcome {
        if let frame = writtenBeforeDrop { post([frame], in: room) }
        guard var state = rooms[room], state.isDeleted else { return .gone }
        if let newest = state.entries.last, newest.id != end { return .gone }
        (state.entries, state.hasStream) = ([], false)
        rooms[room] = state
        return .done
    }

    func report(_ figures: ArchiverFigures, for shard: ShardID, lifetime: Duration) {
        reports += 1
        self.figures = figures
    }
}
