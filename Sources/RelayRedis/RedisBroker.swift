internal import Logging
internal import NIOCore
internal import RedisClient
internal import RedisProtocol
public import RelayCore

/// The broker of one Redis node: posts by script, listens by subscription.
///
/// Confined to the event loop of its `RedisRelay`. Commands that it needs: `EVALSHA`, `SCRIPT LOAD`, `ZADD`, `PUBLISH`,
/// `SUBSCRIBE`, `UNSUBSCRIBE`, `PING`, `TIME`, and in the script `HMGET`, `XLEN`, `XREVRANGE`, `XADD`, `HSET`,
/// `HSETNX`, `PEXPIRE`.
public final class RedisBroker: MessageBroker {
    /// Who is told what comes in; not retained.
    public var delegate: (any MessageBrokerDelegate)? {
        get { rooms.delegate }
        set { rooms.delegate = newValue }
    }

    /// Whether the connection that listens stands.
    public var isListening: Bool { rooms.isListening }

    private let keys: KeySpace
    private let rules: PostRules
    private let posts: RedisCommander
    private let faults: StoreFaults
    private let list: RoomList
    private let prober: RedisProber
    private let rooms: RoomSubscriptions

    private var queue = PostQueueStateMachine<(Result<PostReceipt, Refusal>) -> Void>()
    private var retryTimer: Scheduled<Void>?

    init(
        _ configuration: RedisRelayConfiguration, posts: RedisCommander, reads: RedisCommander,
        subscriber: RedisSubscriber, faults: StoreFaults, list: RoomList
    ) {
        keys = configuration.keys
        rules = PostRules(
            ceiling: configuration.ceiling, keep: configuration.keep ?? 0,
            isAutoCreating: configuration.isAutoCreating, publishCommand: "PUBLISH")
        self.posts = posts
        self.faults = faults
        self.list = list
        prober = RedisProber(
            channelName: configuration.keys.edge(configuration.edge), interval: configuration.probeInterval,
            posts: posts, reads: reads, subscriber: subscriber)
        rooms = RoomSubscriptions(keys: configuration.keys, subscriber: subscriber, prober: prober)
    }

    /// Asks for the room's channel, now and after each interruption.
    public func subscribe(_ room: RoomID) { rooms.subscribe(room) }

    /// Gives the room's channel up.
    public func unsubscribe(_ room: RoomID) { rooms.unsubscribe(room) }

    /// Posts with the others of this tick, one call a room at a time.
    ///
    /// Without a connection the answer is `unavailable` at once, and 2 s after the call left at the latest. A call that
    /// may or may not have been executed is repeated for its drafts with a nonce.
    public func post(_ draft: MessageDraft, completion: @escaping (Result<PostReceipt, Refusal>) -> Void) {
        switch queue.postRequested(draft, token: completion) {
        case .none: break
        case .scheduleTick: posts.eventLoop.assumeIsolated().execute { self.tickEnded() }
        case .refuse(let completion, let refusal): completion(.failure(refusal))
        }
    }

    /// Publishes a token on the edge's own channel and waits at most 2 s for it; who asks meanwhile shares the probe.
    public func probe(completion: @escaping (ProbeOutcome) -> Void) {
        prober.probe(completion)
    }

    /// Drafts that wait for their call.
    public var waitingPosts: Int { queue.waiting }

    /// Calls back whenever the subscription connection comes or goes.
    func start(onSubscriptionChange: @escaping () -> Void) {
        rooms.onChange = onSubscriptionChange
        prober.start()
    }

    /// Commands are taken from now on, and the time of Redis is known.
    func postsConnected() {
        obey(queue.connected(now: RedisClock.now))
    }

    func postsDisconnected() {
        list.disconnected()
        obey(queue.disconnected())
    }
}

// MARK: - Posting

extension RedisBroker {
    private typealias Queue = PostQueueStateMachine<(Result<PostReceipt, Refusal>) -> Void>

    private func tickEnded() {
        obey(queue.tickEnded(now: RedisClock.now))
    }

    private func obey(_ orders: Queue.Orders) {
        for call in orders.calls { make(call) }
        armRetryTimer()
        for (completion, outcome) in orders.settled { completion(outcome) }
    }

    private func make(_ call: Queue.Call) {
        list.postLeaves(call.room)
        let arguments = PostCall.arguments(
            of: call.posts.lazy.map(\.draft), in: call.room, known: call.known, rules: rules)
        let left = call.deadline - RedisClock.now
        posts.evaluate(
            Scripts.post, keys: PostCall.keys(of: call.room, in: keys), arguments: arguments, deadline: left
        ) { [self] outcome in ended(call, outcome) }
    }

    private func ended(_ call: Queue.Call, _ outcome: Result<RESPValue, RedisError>) {
        let now = RedisClock.now
        switch outcome {
        case .success(let value):
            guard let reply = PostReply(value, count: call.posts.count) else {
                let refusal = faults.unreadableReply(doing: "posting")
                return obey(queue.callFailed(call, .refused(refusal), now: now))
            }
            for error in reply.errors { faults.note(error, doing: "posting") }
            if let error = reply.publishError { faults.note(error, doing: "publishing") }
            for case .success(let receipt) in reply.outcomes.reversed() where !receipt.isDuplicate {
                list.stored(receipt.id, in: call.room, now: now)
                break
            }
            obey(queue.callAnswered(call, reply: reply, now: now))
        case .failure(let error):
            let refusal = faults.refusal(for: error, doing: "posting")
            obey(queue.callFailed(call, error.mayHaveExecuted ? .unknownOutcome : .refused(refusal), now: now))
        }
    }

    private func armRetryTimer() {
        retryTimer?.cancel()
        retryTimer = nil
        guard let deadline = queue.nextDeadline else { return }
        let left = max(deadline - RedisClock.now, .zero) + .milliseconds(1)
        retryTimer = posts.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(left)) { [weak self] in
            guard let self else { return }
            retryTimer = nil
            obey(queue.timePassed(now: RedisClock.now))
        }
    }
}
