import Logging
import NIOCore
import RelayCore
import RelayWire

/// All sessions of one event loop: the rosters of their rooms, their timers, and the one flush a tick.
///
/// Confined to its loop. What the hub sends is acted on in order; frames for a room's live members are gathered over
/// the batch and written once a socket. Nothing here waits, locks or allocates for a subscriber.
final class EdgeShard {
    let index: Int
    let loop: any EventLoop
    let configuration: EdgeConfiguration
    let hub: HubHandle
    let decoder: CommandDecoder
    let codec: DeflatingCodec
    let logger: Logger
    var figures = ShardFigures()

    private var rooms: [RoomID: ShardRoom] = [:]
    var lanes = Lanes()
    private let fanOut: FanOut
    private var spareLeftovers: [Leftover] = []
    private var touched: [ShardRoom] = []
    /// Busy rooms whose members wait for what came in, and when the timer for them is due.
    private var held: [ShardRoom] = []
    private var holdDeadline: Moment?
    private var dirty: ContiguousArray<SessionHandler> = []
    private(set) var sessions: [ObjectIdentifier: SessionHandler] = [:]
    /// Sessions by who they are.
    var users: [UserID: [SessionHandler]] = [:]
    var wheel: SessionWheel
    private var draining: ArraySlice<SessionHandler> = []
    private(set) var isDraining = false
    private var drainCount = 0
    private var drainTicks = 1
    private var drainTicksPassed = 0

    /// How often timers are looked at.
    static let tick = Duration.milliseconds(250)

    init(index: Int, loop: any EventLoop, configuration: EdgeConfiguration, hub: HubHandle, logger: Logger) {
        self.index = index
        self.loop = loop
        self.configuration = configuration
        self.hub = hub
        self.logger = logger
        decoder = CommandDecoder(textBytesMax: configuration.limits.textBytesMax)
        codec = DeflatingCodec()
        fanOut = FanOut(usesRing: configuration.usesRing)
        wheel = SessionWheel(tick: Self.tick, slots: 128, now: Clock.now)
    }

    // MARK: Sessions

    func opened(_ session: SessionHandler) {
        sessions[ObjectIdentifier(session)] = session
        figures.sessions += 1
        figures.opened += 1
    }

    func closed(_ session: SessionHandler) {
        guard sessions.removeValue(forKey: ObjectIdentifier(session)) != nil else { return }
        figures.sessions -= 1
        forgetUser(of: session)
    }

    /// The session has something to flush at the end of the tick.
    func noteDirty(_ session: SessionHandler) {
        dirty.append(session)
    }

    func flushDirty() {
        guard !dirty.isEmpty else { return }
        // A socket that takes something again may make a session write in turn.
        var index = 0
        while index < dirty.count {
            dirty[index].tickEnded()
            index += 1
        }
        dirty.removeAll(keepingCapacity: true)
    }

    /// Flushes soon: for what is written where no tick is under way that would end.
    func flushSoon() {
        loop.assumeIsolated().execute { self.flushDirty() }
    }

    // MARK: Rooms

    func room(_ id: RoomID) -> ShardRoom {
        if let room = rooms[id] { return room }
        let room = ShardRoom(id: id)
        rooms[id] = room
        return room
    }

    /// The seat is no more; the last one takes the room with it.
    func vacated(_ room: ShardRoom) {
        room.seatCount -= 1
        guard room.seatCount == 0 else { return }
        rooms[room.id] = nil
        hub.run { [index, id = room.id] hub in hub.abandoned(id, by: index) }
    }

    // MARK: From the hub

    func receive(_ events: [ShardEvent]) {
        for event in events {
            switch event {
            case .message(let room, let frame): gather(in: room.value) { $0.append(frame) }
            case .event(let room, let bytes): gather(in: room.value) { $0.append(event: bytes) }
            case .rewound(let room, let bytes, let seq): gather(in: room.value) { $0.append(rewind: bytes, to: seq) }
            case .joined(let seat, let recovery, let here, let ref):
                push(seat.value.room)
                seat.value.joinAnswered(recovery, here: here, ref: ref, shard: self)
            case .page(let seat, let recovery, let cursor):
                push(seat.value.room)
                seat.value.pageReceived(recovery, after: cursor, shard: self)
            case .joinRefused(let seat, let refusal, let ref): seat.value.refused(refusal, ref: ref, shard: self)
            case .pageRefused(let seat, let cursor): seat.value.pageRefused(after: cursor, shard: self)
            case .reply(let session, let reply, let ref): session.value.asked(reply, ref: ref)
            case .listRefused(let session, let refusal, let ref): session.value.listRefused(refusal, ref: ref)
            case .direct(let user, let room, let frame): give(frame, of: room, to: user)
            case .personal(let user, let event): tell(event, to: user)
            case .roomChanged(let room, let facts):
                push(room.value)
                roomChanged(room.value, facts)
            case .notice(let event): tellEverybody(event)
            case .kick(let user, let room, let reason): kick(user, from: room, reason: reason)
            case .closeAll(let reason): for session in Array(sessions.values) { session.close(reason) }
            }
        }
        settle(touched)
        touched.removeAll(keepingCapacity: true)
        flushDirty()
    }

    private func kick(_ user: UserID, from room: RoomID?, reason: String) {
        for session in users[user] ?? [] {
            if let room {
                session.putOut(of: room, reason: CloseReason.kicked(reason).text)
            } else {
                session.close(.kicked(reason))
            }
        }
    }

    private func gather(in room: ShardRoom, _ append: (inout PendingFrames) -> Void) {
        if room.pending == nil {
            room.pending = PendingFrames(
                before: room.delivered, capacity: 512, deflater: room.deflatingCount > 0 ? codec.deflater : nil,
                hasTextReaders: !room.textSeats.isEmpty)
            touched.append(room)
        }
        if room.pending != nil, var pending = room.pending.take() {
            append(&pending)
            room.pending = pending
            if room.heldUntil != nil, pending.bytes.readableBytes >= SocketWriter.gatheredBytesMax { push(room) }
        }
    }

    /// Writes what came in for these rooms, or keeps it for a moment where a room is busy.
    private func settle(_ rooms: [ShardRoom]) {
        let now = Moment(loop.now)
        for room in rooms where room.pending != nil && room.heldUntil == nil {
            // Who leaves a direct conversation is given the rest another way, which must not miss what waits here.
            let members = room.isDirect ? 0 : room.roster.count + room.textSeats.count
            if let deadline = room.pace.deadline(now: now, members: members, window: configuration.coalesce) {
                room.heldUntil = deadline
                held.append(room)
            } else {
                push(room, now: now, isAlone: rooms.count == 1)
            }
        }
        armHold(now: now)
    }

    private func armHold(now: Moment) {
        guard holdDeadline == nil, let deadline = held.lazy.compactMap(\.heldUntil).min() else { return }
        holdDeadline = deadline
        loop.assumeIsolated().scheduleTask(in: TimeAmount(deadline - now)) { self.holdEnded(deadline) }
    }

    private func holdEnded(_ deadline: Moment) {
        holdDeadline = nil
        let now = Moment(loop.now)
        let due = held.filter { $0.heldUntil.map { $0 <= deadline } ?? true }
        held.removeAll { $0.heldUntil.map { $0 <= deadline } ?? true }
        for room in due where room.heldUntil != nil { push(room, now: now, isAlone: due.count == 1) }
        flushDirty()
        armHold(now: now)
    }

    /// Writes what was gathered to every live member; who is over its budget falls behind instead.
    ///
    /// - Parameter isAlone: whether no other room has something for these sockets now, as far as is known: then
    ///   nothing is gained by waiting for the end of the tick. One pass over the members costs less than two.
    private func push(_ room: ShardRoom, now: Moment? = nil, isAlone: Bool = false) {
        guard let pending = room.pending.take() else { return }
        room.heldUntil = nil
        room.pace.pushed(now: now ?? Moment(loop.now))
        room.delivered = pending.after
        // Taken out, since serving may lead to another push.
        var others = spareLeftovers
        spareLeftovers = []
        var index = room.lanes.count - 1
        while index >= 0 {
            let lane = lanes[room.lanes[index]]
            if lane.descriptor >= 0, isAlone || !lane.isShared {
                fanOut.add(
                    lane.descriptor, isDeflated: pending.isDeflated(upTo: Int(lane.deflatedBytesMax)), place: index)
            } else {
                others.append(Leftover(place: index, rest: nil))
            }
            index -= 1
        }
        fanOut.send(pending.bytes, deflated: pending.deflated) { others.append(Leftover(place: $0, rest: $1)) }
        serve(&others, of: room, pending)
        others.removeAll(keepingCapacity: true)
        spareLeftovers = others
        if let sources = pending.sources { push(sources, from: pending.before, to: room) }
        figures.deliveries += pending.count * UInt64(room.roster.count)
        figures.deflated += pending.deflatedCount
    }

    /// A member that the fan-out did not serve whole: what is left of the frames, nil for all of them.
    private struct Leftover {
        let place: Int
        let rest: ByteBuffer?
    }

    /// Serves by way of their sessions who could not be written to straight; who is over the budget falls behind.
    private func serve(_ others: inout [Leftover], of room: ShardRoom, _ pending: PendingFrames) {
        // From the end: a member that goes from the roster gives its place to one that was served already.
        if others.contains(where: { $0.rest != nil }) { others.sort { $0.place > $1.place } }
        for other in others {
            let session = room.roster[other.place]
            if let rest = other.rest {
                session.write(rest)
            } else if session.isWritable {
                session.write(pending.frames(deflatedUpTo: session.deflatedBytesMax))
            } else {
                fallBehind(at: other.place, in: room, from: pending.before)
            }
        }
    }

    private func fallBehind(at index: Int, in room: ShardRoom, from cursor: ReadCursor?) {
        let seat = room.seatIndex(index)
        // Without a cursor nothing but events were to be delivered, and those are for who is there.
        guard let cursor else { return }
        figures.fellBehind += 1
        room.unenroll(seat, at: index)
        seat.state = .behind(cursor, isReading: false)
        seat.session.behindCount += 1
    }

    // MARK: Time

    /// Called every `tick`.
    func timePassed() {
        let now = Clock.now
        for session in wheel.due(at: now, among: sessions) { session.timePassed(now: now) }
        drainSome()
        flushDirty()
        if fanOut.takeRingLoss() {
            logger.notice("There is no io_uring here: each send is a system call", metadata: ["loop": "\(index)"])
        }
        hub.run { [index, figures] hub in hub.shardFigures[index] = figures }
    }

    /// Sends every session away, spread over `span`.
    func drain(over span: Duration) {
        guard !isDraining else { return }
        isDraining = true
        draining = Array(sessions.values)[...]
        drainCount = draining.count
        drainTicks = max(1, Int(span.wholeNanoseconds / Self.tick.wholeNanoseconds))
    }

    private func drainSome() {
        guard isDraining else { return }
        drainTicksPassed = min(drainTicksPassed + 1, drainTicks)
        // As many as belong to the part of the time that is over, so that few are spread over all of it too.
        let share = (drainCount * drainTicksPassed + drainTicks - 1) / drainTicks
        let due = share - (drainCount - draining.count)
        let waiting = draining.prefix(due).filter { !$0.sendAway() }
        draining = draining.dropFirst(due)
        guard !waiting.isEmpty else { return }
        loop.assumeIsolated().scheduleTask(in: TimeAmount(Limits.postDeadline)) {
            for session in waiting { session.close(.draining) }
            self.flushDirty()
        }
    }
}
