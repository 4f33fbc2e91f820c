public import Logging
public import NIOCore
public import RedisProtocol

/// Commands over one connection to Redis, which is made anew whenever it breaks.
///
/// Confined to one event loop: every call is made on it, and every callback comes on it. Nothing is queued while Redis
/// is away: a command then fails at once with `.unavailable`. All commands of one tick of the loop are one write. A
/// reply that does not come in time means that the connection hangs: it is closed, what was under way fails, and
/// another connection is made. It keeps itself alive from `start()` to `close(_:)`.
public final class RedisCommander {
    /// What becomes of a command: the reply, or why there is none. An error reply is a failure.
    public typealias Completion = (Result<RESPValue, RedisError>) -> Void

    /// Whether commands are taken.
    public enum State: Sendable, Equatable {
        /// Not started, or on the way to the first connection.
        case connecting
        /// Commands are taken, by a server of this version.
        case ready(version: String)
        /// The connection broke or was refused for this reason; tries go on.
        case disconnected(RedisError)
        /// Closed by its owner.
        case closed
    }

    /// The loop that this object lives on.
    public let eventLoop: any EventLoop
    /// Whether commands are taken at present, and if not, why.
    public private(set) var state = State.connecting
    /// Called after each change of `state`.
    public var onStateChange: ((State) -> Void)?

    let link: RedisLink
    private var machine: PipelineStateMachine<Completion>
    private var timer: DeadlineTimer?
    private var closeCompletions: [() -> Void] = []
    private var isSendingTogether = false
    private var isFlushOwed = false
    var scripts = ScriptCache()

    /// A commander that is not started. Reads the certificate files of the configuration.
    public convenience init(
        configuration: RedisConfiguration, eventLoop: any EventLoop, logger: Logger
    ) throws(RedisConfigurationError) {
        self.init(endpoint: try RedisEndpoint(configuration), eventLoop: eventLoop, logger: logger)
    }

    init(endpoint: RedisEndpoint, eventLoop: any EventLoop, logger: Logger) {
        self.eventLoop = eventLoop
        link = RedisLink(endpoint: endpoint, eventLoop: eventLoop, logger: logger, purpose: "commands")
        machine = PipelineStateMachine(handshake: endpoint.handshake)
        timer = DeadlineTimer(eventLoop: eventLoop) { [weak self] _ in self?.deadlineReached() }
    }

    /// Whether a command would be sent now.
    public var isReady: Bool { machine.isReady }

    /// How many commands wait for their reply.
    public var inFlightCount: Int { machine.inFlightCount }

    /// Begins to connect.
    public func start() {
        eventLoop.preconditionInEventLoop()
        link.start(owner: self)
    }

    /// Sends a command; the completion is called exactly once, possibly before this returns.
    ///
    /// The deadline counts from now and is the configuration's where it is nil.
    public func send(_ command: RedisCommand, deadline: Duration? = nil, completion: @escaping Completion) {
        send(command, until: moment(deadline), completion)
    }

    /// Writes the commands that `body` sends as soon as it is done: for an owner that has gathered what came in a tick
    /// by itself, and need not wait for the end of another.
    public func sendTogether(_ body: () -> Void) {
        isSendingTogether = true
        body()
        isSendingTogether = false
        guard isFlushOwed else { return }
        isFlushOwed = false
        flush()
    }

    /// Takes no more commands, waits for the replies that are due, closes, and then calls back.
    public func close(_ completion: @escaping () -> Void = {}) {
        eventLoop.assertInEventLoop()
        guard state != .closed else {
            completion()
            return
        }
        closeCompletions.append(completion)
        switch machine.closeRequested() {
        case .close, .none: finishClosing()
        case .wait: break
        }
    }

    func moment(_ deadline: Duration?) -> ContinuousClock.Instant {
        .now + (deadline ?? link.endpoint.configuration.commandDeadline)
    }

    func send(_ command: RedisCommand, until deadline: ContinuousClock.Instant, _ completion: @escaping Completion) {
        eventLoop.assertInEventLoop()
        switch machine.sendRequested(command, deadline: deadline, token: completion) {
        case .scheduleFlush:
            if isSendingTogether { isFlushOwed = true } else { eventLoop.assumeIsolated().execute { self.flush() } }
            timer?.arm(for: deadline)
        case .wait:
            timer?.arm(for: deadline)
        case .refuse(let completion, let error):
            completion(.failure(error))
        }
    }

    private func flush() {
        switch machine.tickEnded() {
        case .write(let buffer): link.write(buffer)
        case .none: break
        }
    }

    private func change(to state: State) {
        guard self.state != state else { return }
        self.state = state
        onStateChange?(state)
    }
}

// MARK: - What happens on the link

extension RedisCommander: RedisLinkOwner {
    func linkConnected() {
        let deadline = ContinuousClock.now + link.endpoint.configuration.connectTimeout
        switch machine.connected(handshakeDeadline: deadline) {
        case .write(let buffer):
            link.write(buffer)
            timer?.arm(for: deadline)
        case .close:
            link.connectionEnded(.closed)
        }
    }

    /// Redis answers a post before it publishes it. What is published is what people wait for: it goes first.
    var yieldsToOthers: Bool { true }

    var isNextReplyTaped: Bool { machine.isNextReplyTaped }

    func linkBytesReceived() {}

    func linkReadEnded() {}

    func linkReplyReceived(_ reply: RESPValue) {
        switch machine.replyReceived(reply) {
        case .none: break
        case .becomeReady(let version):
            link.established(version: version)
            change(to: .ready(version: version))
        case .complete(let completion, let outcome):
            completion(outcome)
        case .completeAndClose(let completion, let outcome):
            completion(outcome)
            finishClosing()
        case .close(let error):
            link.connectionEnded(error)
        }
    }

    func linkClosed(_ reason: RedisError) {
        timer?.disarm()
        let failures = machine.connectionClosed(now: .now)
        guard closeCompletions.isEmpty else {
            for failure in failures { failure.token(.failure(failure.error)) }
            finishClosing()
            return
        }
        machine = PipelineStateMachine(handshake: link.endpoint.handshake)
        // Whoever is told of a failure may look at the state or send again: both are settled before.
        change(to: .disconnected(reason))
        for failure in failures { failure.token(.failure(failure.error)) }
    }

    private func deadlineReached() {
        // A reply that has come is none that is late, however long the loop was held up.
        link.catchUp()
        switch machine.deadlineReached(now: .now) {
        case .wait(let moment):
            if let moment { timer?.arm(for: moment) }
        case .close(let error):
            link.connectionEnded(error)
        }
    }

    private func finishClosing() {
        guard state != .closed else { return }
        timer?.disarm()
        link.shutDown()
        let completions = closeCompletions
        closeCompletions = []
        change(to: .closed)
        onStateChange = nil
        for completion in completions { completion() }
    }
}
