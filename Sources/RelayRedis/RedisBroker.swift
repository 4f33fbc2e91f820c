internal import Logging
public import NIOCore
internal import RedisClient
internal import RedisProtocol
public import RelayCore

/// The broker of one Redis node: posts by script, listens by subscription.
///
/// Confined to the event loop of its `RedisRelay`. Commands that it needs: `EVALSHA`, `SCRIPT LOAD`, `ZADD`, `PUBLISH`,
/// `SUBSCRIBE`, `UNSUBSCRIBE`, `PING`, `TIME`, `WAIT`, and in the scripts `HMGET`, `HGET`, `HGETALL`, `EXISTS`, `XLEN`,
/// `XINFO STREAM`, `XRANGE`, `XREVRANGE`, `XADD`, `XSETID`, `HSET`, `HSETNX`, `PEXPIRE`, `DEL`.
public final class RedisBroker: MessageBroker {
    /// Who is told what comes in; not retained.
    public var delegate: (any MessageBrokerDelegate)? {
        get { rooms.delegate }
        set { rooms.delegate = newValue }
    }

    /// A post found that Redis lost writes.
    var onLoss: (() -> Void)?

    /// Whether the connection that listens stands.
    public var isListening: Bool { rooms.isListening }

    private let keys: KeySpace
    private let rules: PostRules
    let posts: RedisCommander
    let storeFaults: StoreFaults
    private let list: RoomList
    private let prober: RedisProber
    /// All channels of the connection that listens.
    let rooms: RoomSubscriptions
    private let restorer: RoomRestorer
    private let knownRooms: KnownRooms
    let ackReplicas: Int
    var gate = ReplicaGate<(completion: (Result<PostReceipt, Refusal>) -> Void, receipt: PostReceipt)>(
        waitingMax: 16 * Limits.waitingPostsMax)

    private var queue: PostQueueStateMachine<(Result<PostReceipt, Refusal>) -> Void>
    private var retryTimer: Scheduled<Void>?
    /// When the timer goes off.
    private var retryDeadline: Moment?

    init(
        _ configuration: RedisRelayConfiguration, posts: RedisCommander, reads: RedisCommander,
        subscriber: RedisSubscriber, faults: StoreFaults, list: RoomList, knownRooms: KnownRooms
    ) {
        self.knownRooms = knownRooms
        keys = configuration.keys
        rules = PostRules(
            ceiling: configuration.ceiling, keep: configuration.keep ?? 0,
            isAutoCreating: configuration.isAutoCreating, publishCommand: "PUBLISH")
        self.posts = posts
        storeFaults = faults
        self.list = list
        prober = RedisProber(
            channelName: configuration.keys.edge(configuration.edge), interval: configuration.probeInterval,
            posts: posts, reads: reads, subscriber: subscriber)
        rooms = RoomSubscriptions(keys: configuration.keys, subscriber: subscriber, prober: prober)
        restorer = RoomRestorer(
            keys: configuration.keys, edge: configuration.edge, publishCommand: rules.publishCommand, posts: posts,
            faults: faults, list: list)
        ackReplicas = configuration.ackReplicas
        queue = PostQueueStateMachine(gatherSpan: configuration.gatherSpan)
        // Calls under way keep the restorer: they may be answered when nobody has this broker any more.
        restorer.onEnd = { [weak self] room, position, isSettled in
            guard let self else { return }
            if isSettled { delegate?.brokerRestored(room) }
            obey(queue.restoreEnded(room, at: position, now: RedisClock.now))
        }
        restorer.onFailure = { [weak self] room in
            guard let self else { return }
            obey(queue.restoreFailed(room))
        }
        knownRooms.isOpenHere = { [rooms] room in rooms.hasRoom(room) }
        restorer.onLoss = { [weak self] in self?.restoreAll() }
    }

    /// Asks for the room's channel, now and after each interruption.
    public func subscribe(_ room: RoomID) { rooms.subscribe(room) }

    /// Gives the room's channel up.
    public func unsubscribe(_ room: RoomID) {
        rooms.unsubscribe(room)
        if restorer.newest(of: room) == nil { knownRooms.left(room) }
    }

    /// Asks for a user's channel, now and after each interruption.
    public func subscribe(user: UserID) { rooms.subscribe(user: user) }

    /// Gives a user's channel up.
    public func unsubscribe(user: UserID) { rooms.unsubscribe(user: user) }

    /// Publishes an event on a room's channel; nobody is told whether it went out.
    public func publish(_ event: ByteBuffer, in room: RoomID) {
        publish(event, on: keys.channelName(of: room), command: rules.publishCommand)
    }

    /// Publishes an event on a user's channel; nobody is told whether it went out.
    public func publish(_ event: ByteBuffer, to user: UserID) {
        publish(event, on: keys.channelName(of: user), command: "PUBLISH")
    }

    private func publish(_ event: ByteBuffer, on channelName: String, command: String) {
        var command = RedisCommand(command, channelName)
        command.append(event)
        posts.send(command) { [storeFaults] outcome in
            guard case .failure(let error) = outcome else { return }
            _ = storeFaults.refusal(for: error, doing: "publishing an event")
        }
    }

    /// Posts with the others of this tick, one call a room at a time; where many post, with those of the next
    /// `gatherSpan` of the configuration.
    ///
    /// Without a connection the answer is `unavailable` at once, and 2 s after the call left at the latest. A call that
    /// may or may not have been executed is repeated for its drafts with a nonce.
    public func post(_ draft: MessageDraft, completion: @escaping (Result<PostReceipt, Refusal>) -> Void) {
        switch queue.postRequested(draft, token: completion, now: RedisClock.now) {
        case .none: break
        case .scheduleTick: posts.eventLoop.assumeIsolated().execute { self.tickEnded() }
        case .waitForMore(let deadline):
            let left = TimeAmount(deadline - RedisClock.now)
            posts.eventLoop.assumeIsolated().scheduleTask(in: left) { self.waitEnded(deadline) }
        case .refuse(let completion, let refusal): completion(.failure(refusal))
        }
    }

    /// Looks after a room in which the store seems to have lost writes, or after all where none is named: after those
    /// in which this edge posted lately. Of a room in which it did not it has at least what the room is.
    public func lossSuspected(in room: RoomID?) {
        guard posts.isReady else { return }
        guard let room else { return restoreAll() }
        let newest = restorer.newest(of: room)
        guard !restorer.isBusy(room), newest != nil || knownRooms[room] != nil else { return }
        restore(room, newest: newest, isOrigin: true)
    }

    /// Publishes a token on the edge's own channel and waits at most 2 s for it; who asks meanwhile shares the probe.
    public func probe(completion: @escaping (ProbeOutcome) -> Void) {
        prober.probe(completion)
    }

    /// Counts of this edge's whole use of Redis: by the code of an error of Redis, or by a word of ours.
    public var faults: [String: UInt64] { storeFaults.counts }

    /// Calls back whenever the subscription connection comes or goes.
    func start(onSubscriptionChange: @escaping () -> Void) {
        rooms.onChange = onSubscriptionChange
        prober.start()
    }

    /// Commands are taken from now on, and the time of Redis is known.
    ///
    /// Redis may have lost writes meanwhile: each room is looked after before anything is posted there.
    func postsConnected() {
        restoreAll()
        obey(queue.connected(now: RedisClock.now))
    }

    func postsDisconnected() {
        list.disconnected()
        restorer.disconnected()
        obey(queue.disconnected())
    }
}

// MARK: - Posting

extension RedisBroker {
    private typealias Queue = PostQueueStateMachine<(Result<PostReceipt, Refusal>) -> Void>

    private func tickEnded() {
        // What came in the tick is gathered already.
        posts.sendTogether { obey(queue.tickEnded(now: RedisClock.now)) }
    }

    private func waitEnded(_ deadline: Moment) {
        posts.sendTogether { obey(queue.waitEnded(deadline, now: RedisClock.now)) }
    }

    private func obey(_ orders: Queue.Orders) {
        for call in orders.calls { make(call) }
        armRetryTimer()
        for (completion, outcome) in orders.settled {
            if ackReplicas > 0, case .success(let receipt) = outcome {
                acknowledge(receipt, completion)
            } else {
                completion(outcome)
            }
        }
    }

    private func make(_ call: Queue.Call) {
        list.postLeaves(call.room)
        let words = PostCall.words(
            of: call.posts.map(\.draft), in: call.room, known: call.known,
            guardLevel: !call.isGuarded ? .none : knownRooms[call.room] == nil ? .place : .room, rules: rules,
            keys: keys)
        let left = call.deadline - RedisClock.now
        posts.evaluate(
            Scripts.post, keyCount: PostCall.keyCount, words: words, deadline: left
        ) { [self] outcome in ended(call, outcome) }
    }

    private func ended(_ call: Queue.Call, _ outcome: Result<RESPValue, RedisError>) {
        let now = RedisClock.now
        switch outcome {
        case .success(let value) where PostReply.isRewound(value):
            onLoss?()
            queue.restoreBegan(call.room)
            obey(queue.callFailed(call, .rewound, now: now))
            restore(call.room, newest: restorer.newest(of: call.room), isOrigin: true)
        case .success(let value):
            guard let reply = PostReply(value, count: call.posts.count) else {
                let refusal = storeFaults.unreadableReply(doing: "posting")
                return obey(queue.callFailed(call, .refused(refusal), now: now))
            }
            for error in reply.errors { storeFaults.note(error, doing: "posting") }
            if let error = reply.publishError { storeFaults.note(error, doing: "publishing") }
            for case .success(let receipt) in reply.outcomes.reversed() where !receipt.isDuplicate {
                list.stored(receipt.id, in: call.room, now: now)
                break
            }
            for (post, outcome) in zip(call.posts, reply.outcomes) {
                // A duplicate is another's, unless a first try of this call may have stored it.
                guard case .success(let receipt) = outcome, !receipt.isDuplicate || call.isRepeated else { continue }
                restorer.stored(post.draft, receipt, now: now)
            }
            if reply.isRoomMissing {
                if !call.hasRoomMade, let delegate { return makeRoom(of: call, by: delegate, now: now) }
                list.remove(call.room)
            }
            if reply.epoch > 0 { knownRooms.ask(of: call.room) }
            obey(queue.callAnswered(call, reply: reply, now: now))
        case .failure(let error):
            let refusal = storeFaults.refusal(for: error, doing: "posting")
            obey(queue.callFailed(call, error.mayHaveExecuted ? .unknownOutcome : .refused(refusal), now: now))
        }
    }

    /// The room of a call is not there: it waits until that is made, or is not.
    private func makeRoom(of call: Queue.Call, by delegate: any MessageBrokerDelegate, now: Moment) {
        let (orders, founder) = queue.roomMissed(call, now: now)
        obey(orders)
        guard let founder else { return list.remove(call.room) }
        delegate.brokerMissedRoom(for: founder) { [weak self] refusal in
            guard let self else { return }
            if refusal != nil { list.remove(founder.room) }
            obey(queue.roomMade(founder.room, for: founder.user, refusal: refusal, now: RedisClock.now))
        }
    }

    private func armRetryTimer() {
        guard queue.nextDeadline != retryDeadline else { return }
        retryTimer?.cancel()
        retryTimer = nil
        retryDeadline = queue.nextDeadline
        guard let deadline = retryDeadline else { return }
        let left = max(deadline - RedisClock.now, .zero) + .milliseconds(1)
        retryTimer = posts.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(left)) { [weak self] in
            guard let self else { return }
            retryTimer = nil
            retryDeadline = nil
            obey(queue.timePassed(now: RedisClock.now))
        }
    }
}

// MARK: - Putting back what was lost

extension RedisBroker {
    /// Looks after every room in which this edge posted lately: one cheap call each where nothing was lost.
    private func restoreAll() {
        for (room, newest) in restorer.newest() { restore(room, newest: newest, isOrigin: false) }
    }

    private func restore(_ room: RoomID, newest: PostLedger.Entry?, isOrigin: Bool) {
        queue.restoreBegan(room)
        restorer.begin(
            room, newest: newest, known: queue.position(of: room), heard: delegate?.standing(of: room),
            nature: knownRooms[room], isOrigin: isOrigin)
    }
}
