import Logging
import NIOConcurrencyHelpers
import NIOCore
public import RelayCore

/// The parts of an edge that live on event loops: the hub on one of them, a shard on each, and their timers.
final class EdgeLoops: Sendable {
    let hub: HubHandle
    private let shards: [NIOLoopBound<EdgeShard>]
    private let loops: [any EventLoop]
    private let timers: NIOLockedValueBox<[RepeatedTask]>
    private let draining = NIOLockedValueBox(false)

    private init(
        hub: HubHandle, shards: [NIOLoopBound<EdgeShard>], loops: [any EventLoop], timers: [RepeatedTask]
    ) {
        self.hub = hub
        self.shards = shards
        self.loops = loops
        self.timers = NIOLockedValueBox(timers)
    }

    /// Makes the hub on the group's first loop and a shard on each, and starts their timers.
    static func start(
        group: any EventLoopGroup, configuration: EdgeConfiguration, logger: Logger,
        makePorts: @escaping @Sendable (any EventLoop) throws -> EdgePorts
    ) async throws -> EdgeLoops {
        let loops = Array(group.makeIterator())
        let hubLoop = loops[0]
        let hub = try await hubLoop.submit {
            let ports = try makePorts(hubLoop)
            return HubHandle(
                RoomHub(loop: hubLoop, configuration: configuration, ports: ports, logger: logger))
        }.get()
        var shards: [NIOLoopBound<EdgeShard>] = []
        for (index, loop) in loops.enumerated() {
            let shard = try await loop.submit {
                let shard = EdgeShard(index: index, loop: loop, configuration: configuration, hub: hub, logger: logger)
                return NIOLoopBound(shard, eventLoop: loop)
            }.get()
            shards.append(shard)
        }
        let links = zip(shards, loops).map { ($0, $1) }
        hub.run { hub in
            hub.attach(links.map { ShardLink(shard: $0, loop: $1) })
            hub.beat()
        }
        return EdgeLoops(
            hub: hub, shards: shards, loops: loops, timers: startTimers(hub: hub, on: hubLoop, shards, loops))
    }

    private static func startTimers(
        hub: HubHandle, on hubLoop: any EventLoop, _ shards: [NIOLoopBound<EdgeShard>], _ loops: [any EventLoop]
    ) -> [RepeatedTask] {
        func every(_ span: Duration, on loop: any EventLoop, _ body: @escaping @Sendable () -> Void) -> RepeatedTask {
            let amount = TimeAmount.nanoseconds(span.wholeNanoseconds)
            return loop.scheduleRepeatedTask(initialDelay: amount, delay: amount) { _ in body() }
        }
        var timers = [
            every(EdgeShard.tick, on: hubLoop) { hub.run { $0.timePassed() } },
            every(Limits.heartbeatInterval, on: hubLoop) { hub.run { $0.beat() } },
            every(Limits.heartbeatInterval, on: hubLoop) { hub.run { $0.readSanctions() } },
            every(.seconds(1), on: hubLoop) { hub.run { $0.usageWindowEnded() } },
            every(Limits.positionCheckInterval, on: hubLoop) { hub.run { $0.checkPositions() } },
        ]
        for (shard, loop) in zip(shards, loops) {
            timers.append(every(EdgeShard.tick, on: loop) { shard.value.timePassed() })
        }
        return timers
    }

    /// The shard of that loop. To be called on it.
    func shard(on loop: any EventLoop) -> EdgeShard? {
        for (candidate, shard) in zip(loops, shards) where candidate === loop { return shard.value }
        return nil
    }

    var isDraining: Bool { draining.withLockedValue { $0 } }

    /// Not ready from now on; sessions are sent away over `span`.
    func drain(over span: Duration) {
        draining.withLockedValue { $0 = true }
        for (shard, loop) in zip(shards, loops) { loop.execute { shard.value.drain(over: span) } }
    }

    /// Waits until every session is gone; at the longest until `deadline`.
    func sessionsEnded(by deadline: ContinuousClock.Instant) async {
        while ContinuousClock.now < deadline, await openSessions() > 0 {
            guard (try? await Task.sleep(for: .milliseconds(20))) != nil else { return }
        }
    }

    private func openSessions() async -> Int {
        var count = 0
        for (shard, loop) in zip(shards, loops) {
            count += (try? await loop.submit { shard.value.figures.sessions }.get()) ?? 0
        }
        return count
    }

    /// What shards and hub have counted.
    func figures() async -> (shards: ShardFigures, hub: HubCounters, rooms: Int) {
        var sum = ShardFigures()
        for (shard, loop) in zip(shards, loops) {
            if let figures = try? await loop.submit({ shard.value.figures }).get() { sum.add(figures) }
        }
        let (counters, rooms) = await hub.ask { hub, done in
            hub.counters.history = hub.history.figures
            hub.counters.storeFaults = hub.broker.faults
            done((hub.counters, hub.rooms.count))
        }
        return (sum, counters, rooms)
    }

    /// Waits for the posts under way, says goodbye to the relay, stops the timers.
    func stop() async {
        let deadline = ContinuousClock.now + Limits.postDeadline
        while await hub.ask({ hub, done in done(hub.counters.postsInFlight) }) > 0, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(20))
        }
        await hub.ask { hub, done in hub.retire { hub.stopPorts { done(()) } } }
        for timer in timers.withLockedValue({ $0 }) { timer.cancel() }
    }
}

/// What an edge needs of the world, made on the hub's loop and used there only.
public struct EdgePorts {
    /// Where messages go and come from.
    public var broker: any MessageBroker
    /// Where messages are read from.
    public var history: any HistoryStore
    /// Who is where.
    public var directory: any Directory
    /// The rooms themselves.
    public var rooms: any RoomDirectory
    /// What direct conversations need beside their rooms.
    public var directs: any DirectMessages
    /// How far users have read.
    public var markers: any ReadMarkers
    /// What operators order; nil where nobody can.
    public var control: (any ControlChannel)?
    /// Ends them, and calls back when they are at their end.
    public var stop: (@escaping () -> Void) -> Void

    /// Ports of the given parts.
    public init(
        broker: any MessageBroker, history: any HistoryStore, directory: any Directory, rooms: any RoomDirectory,
        directs: any DirectMessages, markers: any ReadMarkers, control: (any ControlChannel)? = nil,
        stop: @escaping (@escaping () -> Void) -> Void
    ) {
        self.broker = broker
        self.history = history
        self.directory = directory
        self.rooms = rooms
        self.directs = directs
        self.markers = markers
        self.control = control
        self.stop = stop
    }
}
