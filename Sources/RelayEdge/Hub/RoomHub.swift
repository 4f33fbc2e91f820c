import Logging
import NIOCore
import RelayCore
import RelayWire

/// All rooms of one edge, on one event loop: it owns their feeds and who is in them, and is the only one that talks to
/// the ports.
///
/// Messages come in over `MessageBrokerDelegate`, pass the room's feed, and go out to each interested shard in the
/// order in which they have to be acted on; no actor and no task is on that way. What shards and routes ask for comes
/// in over `HubHandle`.
final class RoomHub {
    let loop: any EventLoop
    let configuration: EdgeConfiguration
    let broker: any MessageBroker
    let history: any HistoryStore
    let directory: any Directory
    let roomDirectory: any RoomDirectory
    let directs: any DirectMessages
    let markers: any ReadMarkers
    let control: (any ControlChannel)?
    let stopPorts: (@escaping () -> Void) -> Void
    let guards: EdgeGuards
    let logger: Logger

    var rooms: [RoomID: HubRoom] = [:]
    /// Whoever has a session on this edge.
    var users: [UserID: HubUser] = [:]
    /// The time of Redis in ms as of the last heartbeat.
    var storeTime: (milliseconds: UInt64, at: Moment)?
    var presence: PresenceLedger
    var counters = HubCounters()
    /// Rooms that were made and counted for a post, until that is answered.
    var counted: Set<RoomID> = []
    /// The last heartbeat that went through.
    var lastBeat = Clock.now
    /// Up to when nothing is said of what comes over the control channel and is no order.
    var nonOrdersSilentUntil: Moment?
    /// Since when heartbeats have gone through without a miss; nil where the last one failed.
    var beatingSince: Moment?
    var isBeatUnderWay = false
    var deadEdges: Set<EdgeID> = []
    /// Dead edges with people left in rooms.
    var unburied: Set<EdgeID> = []
    var lastProbe: (outcome: ProbeOutcome, at: Moment)?
    var isPresenceFlushScheduled = false
    /// Rooms with an announcement under way: one that overtook another would leave what is no longer true.
    var announcing: Set<RoomID> = []
    /// Who waits until the comings and goings in these rooms are told.
    var presenceWaiters: [(rooms: Set<RoomID>, then: () -> Void)] = []
    var activity = ActivityHorizon()
    var isCheckScheduled = false
    var directWatch = DirectWatch()

    /// Where the edge can be reached, once it listens.
    var address = ""
    /// What each shard said of itself last.
    var shardFigures: [ShardFigures] = []

    private var ledger = ChannelLedger(delay: Limits.unsubscribeDelay)
    private(set) var links: [ShardLink] = []
    private var isFlushScheduled = false

    init(
        loop: any EventLoop, configuration: EdgeConfiguration, ports: EdgePorts, logger: Logger
    ) {
        self.loop = loop
        self.configuration = configuration
        broker = ports.broker
        history = ports.history
        directory = ports.directory
        roomDirectory = ports.rooms
        directs = ports.directs
        markers = ports.markers
        control = ports.control
        stopPorts = ports.stop
        guards = EdgeGuards(limits: configuration.limits)
        self.logger = logger
        presence = PresenceLedger(grace: configuration.leaveGrace)
    }

    /// Makes the shards known, once, before anything else.
    func attach(_ links: [ShardLink]) {
        self.links = links
        shardFigures = Array(repeating: ShardFigures(), count: links.count)
        broker.delegate = self
        control?.delegate = self
    }

    // MARK: Readers

    /// A session wants a room, or more of it.
    func readerArrived(_ ticket: ReaderTicket, in shardRoom: NIOLoopBound<ShardRoom>, at point: JoinPoint) {
        guard broker.isListening else {
            // Where nobody listens, the answer is now and not when Redis is back.
            return refuse(ticket, .unavailable)
        }
        if case .enter = ticket.purpose,
            let refusal = guards.objection(toJoining: ticket.room, user: ticket.identity.user)
        {
            return refuse(ticket, refusal)
        }
        let room = rooms[ticket.room] ?? open(ticket.room, for: ticket.identity)
        room.shardRooms[ticket.shard] = shardRoom
        ledger.wanted(room.id)
        perform(room.feed.readerArrived(ticket, at: point), in: room)
        limitWait(in: room)
    }

    /// A shard has no members of the room any more.
    func abandoned(_ id: RoomID, by shard: Int) {
        guard let room = rooms[id] else { return }
        room.shardRooms[shard] = nil
        if room.isAbandoned { ledger.abandoned(id, now: Clock.now) }
    }

    private func open(_ id: RoomID, for founder: Identity) -> HubRoom {
        let room = HubRoom(id: id, shardCount: links.count, founder: founder)
        rooms[id] = room
        return room
    }

    /// Gives up the rooms that nobody wanted for a while.
    func closeAbandonedRooms(now: Moment) {
        for id in ledger.timePassed(now: now) {
            guard let room = rooms[id], room.isAbandoned else { continue }
            rooms[id] = nil
            broker.unsubscribe(id)
        }
    }

    // MARK: What feeds ask for

    func perform(_ actions: [RoomFeedStateMachine<ReaderTicket>.Action], in room: HubRoom) {
        for action in actions {
            switch action {
            case .subscribe: broker.subscribe(room.id)
            case .catchUp(let span): catchUp(room, span)
            case .backfill(let span): backfill(room, span)
            case .settle: settle(room)
            case .create: create(room)
            case .deliver(let frames): for frame in frames { deliver(frame, in: room) }
            case .lost(let numbers):
                counters.lost += UInt64(numbers.count)
                tell(.lagged(room: room.id, from: numbers.lowerBound, to: numbers.upperBound), in: room)
            case .rewound(let from, let to, let epoch):
                counters.rewinds += 1
                logger.warning("A room was rewound: Redis lost writes", metadata: ["from": "\(from)", "to": "\(to)"])
                tellRewind(.rewound(room: room.id, from: from, to: to, epoch: epoch), to: to, in: room)
                markers.lossSuspected()
                restatePresence(in: room.id)
            case .answer(let ticket, let recovery): answer(ticket, recovery, in: room)
            case .refuse(let ticket, let refusal): refuse(ticket, refusal)
            case .tryAgain: retryLater(room)
            }
        }
    }

    /// Whoever waits for a channel that is not confirmed in time is refused: a Redis that hangs answers nothing.
    private func limitWait(in room: HubRoom) {
        guard !room.isConfirmed, !room.isWaitLimited else { return }
        room.isWaitLimited = true
        loop.assumeIsolated().scheduleTask(in: .nanoseconds(Limits.postDeadline.wholeNanoseconds)) { [weak self] in
            room.isWaitLimited = false
            guard let self, self.rooms[room.id] === room, !room.isConfirmed else { return }
            self.perform(room.feed.storeLost(), in: room)
        }
    }

    private func catchUp(_ room: HubRoom, _ span: HistorySpan) {
        counters.catchUps += 1
        room.isDoubtful = false
        readPage(span, of: room.id) { [weak self] result in
            guard let self, self.rooms[room.id] === room else { return }
            switch result {
            case .success(let page): self.caughtUp(page, in: room)
            case .failure(let refusal): self.readFailed(room, refusal)
            }
        }
    }

    /// Redis lost writes: the edges, this one among them, put back what they have before members are told.
    private func settle(_ room: HubRoom) {
        broker.lossSuspected(in: room.id)
        let span = TimeAmount.nanoseconds(Limits.restoreSpan.wholeNanoseconds)
        room.settling = loop.assumeIsolated().scheduleTask(in: span) { [weak self] in
            guard let self, self.rooms[room.id] === room else { return }
            self.settled(room)
        }
    }

    func settled(_ room: HubRoom) {
        room.settling?.cancel()
        room.settling = nil
        perform(room.feed.settled(), in: room)
    }

    private func backfill(_ room: HubRoom, _ span: HistorySpan) {
        counters.backfills += 1
        readPage(span, of: room.id) { [weak self] result in
            guard let self, self.rooms[room.id] === room else { return }
            switch result {
            case .success(let page):
                self.noteDeletions(page, in: room)
                self.perform(room.feed.backfilled(page), in: room)
                self.forgetBackfill(of: room)
            case .failure(let refusal): self.perform(room.feed.backfillFailed(refusal), in: room)
            }
        }
    }

    /// A feed that could not read tries again after a second, as long as anybody is there.
    func readFailed(_ room: HubRoom, _ refusal: Refusal) {
        perform(room.feed.readFailed(refusal), in: room)
        retryLater(room)
    }

    func retryLater(_ room: HubRoom) {
        guard !room.isRetryScheduled else { return }
        room.isRetryScheduled = true
        loop.assumeIsolated().scheduleTask(in: .seconds(1)) { [weak self] in
            room.isRetryScheduled = false
            guard let self, self.rooms[room.id] === room else { return }
            self.perform(room.feed.retry(), in: room)
        }
    }

    private func answer(_ ticket: ReaderTicket, _ recovery: Recovery, in room: HubRoom) {
        switch ticket.purpose {
        case .enter(let point, let ref):
            if let refusal = refusal(for: .read, in: room, to: ticket.identity) { return refuse(ticket, refusal) }
            guard ticket.isSeen else { return enterUnseen(ticket, at: point, ref: ref, room: room) }
            markers.entered(room.id, by: ticket.identity.user)
            enter(ticket, at: point, ref: ref, room: room)
        case .join(let ref), .again(let ref):
            let here = max(room.here, ticket.isSeen ? 1 : 0)
            append(.joined(ticket.seat, shown(recovery, in: room), here: here, ref: ref), to: ticket.shard)
        case .catchUp(let cursor):
            append(.page(ticket.seat, shown(recovery, in: room), after: cursor), to: ticket.shard)
        }
    }

    private func shown(_ recovery: Recovery, in room: HubRoom) -> Recovery {
        guard !room.deletions.isEmpty else { return recovery }
        var shown = recovery
        shown.frames = room.shown(recovery.frames)
        return shown
    }

    func refuse(_ ticket: ReaderTicket, _ refusal: Refusal) {
        switch ticket.purpose {
        case .enter(_, let ref), .again(let ref):
            append(.joinRefused(ticket.seat, refusal, ref: ref), to: ticket.shard)
        case .join(let ref):
            left(ticket.identity.user, room: ticket.room, bySaying: true)
            append(.joinRefused(ticket.seat, refusal, ref: ref), to: ticket.shard)
        case .catchUp(let cursor):
            append(.pageRefused(ticket.seat, after: cursor), to: ticket.shard)
        }
    }

    // MARK: Out to the shards

    func deliver(_ frame: StoredFrame, in room: HubRoom) {
        room.noteDeletion(in: frame)
        for (index, shardRoom) in room.shardRooms.enumerated() {
            if let shardRoom { append(.message(shardRoom, frame), to: index) }
        }
    }

    private func tell(_ event: LiveEvent, in room: HubRoom) {
        pass(EventCoder.encode(event, edge: configuration.edge), in: room)
    }

    private func tellRewind(_ event: LiveEvent, to seq: UInt64, in room: HubRoom) {
        let bytes = EventCoder.encode(event, edge: configuration.edge)
        for (index, shardRoom) in room.shardRooms.enumerated() {
            if let shardRoom { append(.rewound(shardRoom, bytes, to: seq), to: index) }
        }
    }

    func pass(_ event: ByteBuffer, in room: HubRoom) {
        for (index, shardRoom) in room.shardRooms.enumerated() {
            if let shardRoom { append(.event(shardRoom, event), to: index) }
        }
    }

    func append(_ event: ShardEvent, to shard: Int) {
        links[shard].append(event)
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        loop.assumeIsolated().execute {
            self.isFlushScheduled = false
            for link in self.links { link.flush() }
        }
    }
}
