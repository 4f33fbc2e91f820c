public import Logging
public import NIOCore
public import RedisClient
internal import RedisProtocol
internal import RelayCore

/// The relay's ports on one Redis node: three connections on one event loop.
///
/// One connection posts and writes, one reads, so that a long answer does not hold up a post, and one listens. All is
/// confined to the event loop; the objects live from `start()` until `stop` is done.
public final class RedisRelay {
    /// Whether Redis can be used.
    public enum State: Sendable, Equatable {
        /// On the way to the first connections.
        case connecting
        /// All connections stand.
        case ready
        /// A connection is lost or could not be made, for this reason; tries go on.
        case away(reason: String)
        /// Redis refuses this user; tries go on, but somebody has to act.
        case refused(reason: String)
        /// Redis is too old; tries go on, but nothing but another server mends it.
        case unsupported(reason: String)
        /// Stopped by its owner.
        case stopped
    }

    /// Where messages are posted and come from.
    public let broker: RedisBroker
    /// Where messages are read.
    public let history: RedisHistory
    /// Who is where.
    public let directory: RedisDirectory
    /// The rooms themselves.
    public let rooms: RedisRoomDirectory
    /// What direct conversations need beside their rooms.
    public let directs: RedisDirectMessages
    /// How far users have read.
    public let markers: RedisReadMarkers
    /// What operators order.
    public let control: RedisControl

    /// Whether Redis can be used at present.
    public private(set) var state = State.connecting
    /// Called after each change of `state`.
    public var onStateChange: ((State) -> Void)?

    private let posts: RedisCommander
    private let reads: RedisCommander
    private let subscriber: RedisSubscriber
    private let faults: StoreFaults
    private let clock = RedisClock()
    private let list: RoomList
    private let logger: Logger
    private var isTimeKnown = false

    /// A relay that is not started. Reads the certificate files of the configuration.
    public init(
        _ configuration: RedisRelayConfiguration, eventLoop: any EventLoop, logger: Logger
    ) throws(RedisConfigurationError) {
        posts = try RedisCommander(configuration: configuration.redis, eventLoop: eventLoop, logger: logger)
        reads = try RedisCommander(configuration: configuration.redis, eventLoop: eventLoop, logger: logger)
        subscriber = try RedisSubscriber(
            configuration: configuration.redis, probeInterval: configuration.probeInterval,
            probeDeadline: min(configuration.probeInterval, .seconds(5)), eventLoop: eventLoop, logger: logger)
        faults = StoreFaults(logger: logger)
        self.logger = logger
        list = RoomList(keys: configuration.keys, posts: posts, faults: faults, clock: clock)
        let knownRooms = KnownRooms(keys: configuration.keys, reads: reads)
        broker = RedisBroker(
            configuration, posts: posts, reads: reads, subscriber: subscriber, faults: faults, list: list,
            knownRooms: knownRooms)
        history = RedisHistory(keys: configuration.keys, reads: reads, faults: faults, knownRooms: knownRooms)
        directory = RedisDirectory(
            configuration, posts: posts, reads: reads, faults: faults, clock: clock, list: list, knownRooms: knownRooms)
        markers = RedisReadMarkers(
            keys: configuration.keys, edge: configuration.edge, posts: posts, faults: faults)
        rooms = RedisRoomDirectory(
            configuration, posts: posts, reads: reads, faults: faults, list: list, markers: markers)
        directs = RedisDirectMessages(keys: configuration.keys, posts: posts, faults: faults, markers: markers)
        control = RedisControl(configuration, posts: posts, faults: faults, subscriptions: broker.rooms)
        history.onDeleted = { [list] in list.dropped($0) }
        broker.onLoss = { [markers] in markers.lossSuspected() }
    }

    /// Begins to connect.
    public func start() {
        posts.onStateChange = { [weak self] in self?.postsChanged($0) }
        reads.onStateChange = { [weak self] _ in self?.judge() }
        broker.start { [weak self] in self?.judge() }
        posts.start()
        reads.start()
        subscriber.start()
    }

    /// Takes no more, waits for the replies that are due, closes the connections, and then calls back.
    public func stop(_ completion: @escaping () -> Void) {
        guard state != .stopped else { return completion() }
        list.tell()
        markers.tellAll()
        subscriber.close()
        posts.close { [self] in
            reads.close { [self] in
                change(to: .stopped)
                onStateChange = nil
                completion()
            }
        }
    }

    private func postsChanged(_ commander: RedisCommander.State) {
        switch commander {
        case .ready: readTime()
        case .connecting: break
        case .disconnected, .closed:
            isTimeKnown = false
            broker.postsDisconnected()
            markers.disconnected()
        }
        judge()
    }

    /// Nothing is posted before the time of Redis is known: it is a room's first score.
    private func readTime() {
        posts.send(RedisCommand("TIME")) { [weak self] outcome in
            guard let self else { return }
            switch outcome {
            case .success(let value):
                let parts = value.array?.compactMap { $0.string.flatMap { UInt64($0) } } ?? []
                if parts.count == 2 { clock.told(milliseconds: parts[0] * 1000 + parts[1] / 1000) }
            case .failure(let error):
                _ = faults.refusal(for: error, doing: "reading the time")
                // A lost connection is told by itself; a refusal is no reason to refuse posts too.
                guard case .serverError = error else { return }
            }
            isTimeKnown = true
            broker.postsConnected()
            list.tell()
            markers.tell()
            judge()
        }
    }

    private func judge() {
        guard state != .stopped, posts.state != .closed else { return }
        for connection in [posts.state, reads.state] {
            guard case .disconnected(let error) = connection else { continue }
            change(to: Self.state(for: error))
            return
        }
        if isTimeKnown, reads.isReady, subscriber.isConnected {
            change(to: .ready)
        } else if state == .ready {
            change(to: .away(reason: "the subscription to Redis is interrupted"))
        }
    }

    private static func state(for error: RedisError) -> State {
        if case .unsupportedVersion(_, _) = error { return .unsupported(reason: "\(error)") }
        return error.needsOperator ? .refused(reason: "\(error)") : .away(reason: "\(error)")
    }

    private func change(to new: State) {
        guard state != new else { return }
        state = new
        onStateChange?(new)
    }
}
