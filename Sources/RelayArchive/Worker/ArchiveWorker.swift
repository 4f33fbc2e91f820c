public import Logging
internal import NIOPosix
public import RelayCore
public import ServiceLifecycle

/// Drains the streams of its shard's rooms into the files, for as long as it runs.
///
/// Nothing is acknowledged before it is synced. What fails is said, in the log, in the status and in the counters, and
/// tried again; a failure of one room does not hold up another.
public actor ArchiveWorker: Service {
    let configuration: ArchiveConfiguration
    let source: any StreamSource
    let logger: Logger
    let clock = ContinuousClock()
    let held: HeldShard
    private let onReady: @Sendable () -> Void

    /// What rooms do with their files is done by as many threads as rooms have their turn at a time. There are more
    /// lanes, so that two rooms are seldom in one.
    private let pool: NIOThreadPool
    let lanes: [FileLane]
    let sharedByRooms: SharedByRooms
    private static let lanesPerTurn = 4

    var rooms: [RoomID: KnownRoom] = [:]
    var retries: [RoomID: Retry] = [:]
    var counted = ArchiveCounters()
    var isClaimLost = false
    /// Rooms that may have something. None leaves it but for its turn, so whatever was listed may be forgotten.
    var queue = TurnQueue()
    /// Rooms side by side share the time that Redis has for an answer: where that was too short, one after the other
    /// gets through.
    private(set) var isOneAtATime = false
    private var identity: String?
    private var started: UInt64 = 0
    /// The time of the last list of rooms.
    private var listedAt: UInt64?
    private var walk: [RoomID] = []
    private var lastWalk: ContinuousClock.Instant?
    private var lastReport: ContinuousClock.Instant?
    private var failingSince: ContinuousClock.Instant?
    private var hasSaidUnavailable = false

    /// A worker; `onReady` is called once, when the shard is held and work begins.
    public init(
        configuration: ArchiveConfiguration, source: any StreamSource, opener: any SegmentOpener, logger: Logger,
        onReady: @escaping @Sendable () -> Void = {}
    ) {
        self.configuration = configuration
        self.source = source
        self.logger = logger
        self.onReady = onReady
        let place = "\(configuration.host) \(configuration.directory)"
        let pool = NIOThreadPool(numberOfThreads: configuration.turnsMax)
        self.pool = pool
        lanes = (0..<(configuration.turnsMax * Self.lanesPerTurn)).map { _ in FileLane(pool: pool) }
        held = HeldShard(shard: configuration.shard, holder: ShardHolder(place: place, run: configuration.run))
        sharedByRooms = SharedByRooms(configuration, held: held, source: source, opener: opener, logger: logger)
    }

    /// What was counted so far.
    public var counters: ArchiveCounters { counted }

    /// Works until the service is told to stop; then the batch in hand is finished and the shard given up.
    ///
    /// - Throws: `ArchiveRefusal`.
    public func run() async throws {
        pool.start()
        do { try await hold() } catch {
            try? await pool.shutdownGracefully()
            throw error
        }
        try? await pool.shutdownGracefully()
    }

    private func hold() async throws {
        let lock = try lockDirectory()
        defer { withExtendedLifetime(lock) {} }
        guard try await claimAtStart() else { return }
        onReady()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.keepClaim() }
            defer { group.cancelAll() }
            while !isStopping { try await round() }
        }
        await report(isLast: true)
        do { try await source.release(held.shard, as: held.holder) } catch {
            logger.warning("The shard could not be given up; its lock lapses by itself", metadata: error.metadata)
        }
    }

    var isStopping: Bool { Task.isShuttingDownGracefully || Task.isCancelled }

    private func lockDirectory() throws(ArchiveRefusal) -> DirectoryLock {
        let directory = configuration.directory
        try ArchiveConfiguration.makeDirectory(directory)
        identity = FileSystem.identity(of: directory)
        do { return try DirectoryLock(directory: directory, shard: configuration.shard) } catch {
            switch error {
            case .held(let reason): throw .held(reason)
            case .failed(let error): throw .directory(error)
            }
        }
    }

    /// False where it was told to stop before Redis came up.
    private func claimAtStart() async throws -> Bool {
        // A connection that is only just being made is there in a moment; one that is not may take its time.
        var wait = Duration.milliseconds(10)
        while !isStopping {
            if try await claim() { return true }
            await pause(wait)
            wait = min(wait * 2, .milliseconds(500))
        }
        return false
    }

    /// Whether the shard is held now.
    private func claim() async throws -> Bool {
        do {
            let claim = try await source.claim(held.shard, as: held.holder, lapse: configuration.lockLapse)
            switch claim {
            case .claimed: break
            case .held(let other):
                throw ArchiveRefusal.held("another archiver holds shard \(held.shard) in Redis: \(other)")
            case .divided(let other):
                throw ArchiveRefusal.held(
                    "archivers divide the rooms of this Redis into \(other), which lapses with the last of them, and "
                        + "not as --shard \(held.shard)")
            }
            isClaimLost = false
            redisAnswered()
            return true
        } catch let error as StreamSourceError {
            redisFailed(error)
            return false
        }
    }

    /// Until it is cancelled: what is in hand when the worker is told to stop is finished under the claim.
    private func keepClaim() async {
        let period = configuration.lockLapse / 4
        while !Task.isCancelled {
            try? await Task.sleep(for: period)
            guard !Task.isCancelled, !isClaimLost else { continue }
            let isHeld = try? await source.renew(held.shard, as: held.holder, lapse: configuration.lockLapse)
            if isHeld == false { isClaimLost = true }
        }
    }

    /// One look at what there is to do, and doing it.
    private func round() async throws {
        if isClaimLost, try await !claim() { return await pause(.seconds(1)) }
        guard identity != nil, FileSystem.identity(of: configuration.directory) == identity else {
            let reason = "the directory \(configuration.directory) is gone or is another one"
            failed(reason, in: nil)
            do {
                try await measure(source.roomsActive(since: activeSince).rooms)
            } catch {
                redisFailed(error)
                // This is to be mended first; otherwise each round would say it as news.
                counted.lastError = reason
            }
            await report()
            return await pause(.seconds(1))
        }
        do {
            let isBusy = try await work()
            redisAnswered()
            if retries.isEmpty { counted.lastError = "" }
            await report()
            if !isBusy, walk.isEmpty, queue.isEmpty { await pause(configuration.interval) }
        } catch {
            redisFailed(error)
            await pause(.milliseconds(500))
        }
    }

    /// Asks which rooms may have something, and gives them turns, for a while: then rooms are asked for again that were
    /// spoken in meanwhile. Answers whether anything was written.
    private func work() async throws(StreamSourceError) -> Bool {
        let begun = clock.now
        try await listRooms()
        // A long list is not read again before ten times that long have passed.
        let pass = await pass(atMost: max(configuration.turnsSpan, (clock.now - begun) * 10))
        if let failure = pass.failure {
            isOneAtATime = true
            throw failure
        }
        if pass.turns > 0 { isOneAtATime = false }
        return pass.isBusy
    }

    private func listRooms() async throws(StreamSourceError) {
        let isWalk = walk.isEmpty && lastWalk.map { clock.now - $0 >= configuration.walkInterval } ?? true
        let active = try await source.roomsActive(since: isWalk ? 0 : activeSince)
        if started == 0 { started = active.now }
        if isWalk { try beginWalk(active) } else { active.rooms.compactMap(roomIfDue).forEach(enqueue) }
        listedAt = active.now
        retries.keys.forEach(enqueue)
        try await measure(active.rooms.filter { retries[$0.room].map { $0.at > clock.now } ?? false })
        // The next ones of the walk only where the last ones have had their turn: they would pile up.
        if queue.isLapOver {
            walk.suffix(configuration.walkRoomsMax).forEach(enqueue)
            walk.removeLast(min(walk.count, configuration.walkRoomsMax))
            queue.beginLap()
        }
    }

    /// From when on rooms are asked for in which something was said, in Redis's ms.
    private var activeSince: UInt64 {
        let back = configuration.lookBackMilliseconds
        return listedAt.map { $0 > back ? $0 - back : 0 } ?? 0
    }

    private func enqueue(_ room: RoomID) {
        // What has failed lately waits among the retries.
        if retries[room].map({ $0.at > clock.now }) ?? false { return }
        queue.append(room)
    }

    private func roomIfDue(_ activity: RoomActivity) -> RoomID? {
        guard held.shard.owns(activity.room) else { return nil }
        guard let known = rooms[activity.room] else { return activity.room }
        if known.isQuiet(at: activity.milliseconds) { return nil }
        rooms[activity.room]?.activity = activity.milliseconds
        return activity.room
    }

    private func beginWalk(_ active: ActiveRooms) throws(StreamSourceError) {
        var all = Set(active.rooms.map(\.room))
        do {
            let folders = try FileSystem.folders(in: configuration.directory) ?? []
            all.formUnion(folders.compactMap(RoomFolder.room(named:)))
        } catch {
            failed(error.description, in: nil)
        }
        walk = all.filter(held.shard.owns).sorted()
        lastWalk = clock.now
    }

    private func redisFailed(_ error: StreamSourceError) {
        counted.lastError = error.description
        counted.errors += 1
        // A connection that is only just being made is not worth a word.
        let since = failingSince ?? clock.now
        failingSince = since
        guard !hasSaidUnavailable, clock.now - since >= .seconds(1) else { return }
        hasSaidUnavailable = true
        let message: Logger.Message =
            switch error {
            case .unavailable: "Redis does not answer; waiting for it"
            case .refused: "Redis refuses what the archiver asks of it; asking again until it does not"
            }
        logger.warning(message, metadata: error.metadata)
    }

    private func redisAnswered() {
        failingSince = nil
        guard hasSaidUnavailable else { return }
        hasSaidUnavailable = false
        logger.notice("Redis answers again")
    }

    /// Publishes the status, at most once a second.
    func report(isLast: Bool = false) async {
        let now = clock.now
        if let lastReport, !isLast, now - lastReport < .seconds(1) { return }
        lastReport = now
        counted.behind = rooms.values.reduce(0) { $0 &+ $1.behind }
        counted.rooms = rooms.values.count { $0.hasLines }
        let figures = ArchiverFigures(
            host: configuration.host, started: started, rooms: counted.rooms, lines: counted.lines,
            bytes: counted.bytes, behind: counted.behind, lastError: counted.lastError)
        do { try await source.report(figures, for: held.shard, lifetime: .seconds(30)) } catch {
            logger.debug("The status could not be published", metadata: error.metadata)
        }
    }

    /// Ends early when the service is told to stop.
    private func pause(_ duration: Duration) async {
        try? await cancelWhenGracefulShutdown { try await Task.sleep(for: duration) }
    }
}

extension StreamSourceError {
    var metadata: Logger.Metadata { ["error": "\(self)"] }
}
