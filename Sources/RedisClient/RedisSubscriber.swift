public import Logging
public import NIOCore
public import RedisProtocol

/// Who hears of a subscriber's channels; every call comes on its event loop, synchronously from the read.
public protocol RedisSubscriberDelegate: AnyObject {
    /// A connection stands; a confirmation for each wanted channel follows.
    func subscriberDidConnect()
    /// From here on messages of this channel come, also after each reconnect: what was published before may be missing.
    func subscribed(channelName: String)
    /// A message came.
    func received(payload: ByteBuffer, on channelName: String)
    /// All messages of one read have been handed over: the moment to flush.
    func receiveBatchEnded()
    /// The connection is gone; from here to the next confirmation messages are missed.
    func subscriberDidDisconnect(_ error: RedisError)
}

/// The channels of one connection to Redis, which is made anew, with all of them, whenever it breaks.
///
/// Confined to one event loop: every call is made on it, and every callback comes on it. It never stops reading. A
/// connection on which Redis answered nothing for 10 s is probed, messages or not, and given up 5 s later (15 s where
/// messages come meanwhile). It keeps itself alive from `start()` to `close()`, but not its delegate.
public final class RedisSubscriber {
    /// The loop that this object lives on.
    public let eventLoop: any EventLoop
    /// Who hears of it; weak, so the owner of this object can be its delegate.
    public weak var delegate: (any RedisSubscriberDelegate)?

    let link: RedisLink
    private var machine: SubscriptionStateMachine
    private var timer: DeadlineTimer?
    private var hasUnreportedBatch = false

    /// A subscriber that is not started. Reads the certificate files of the configuration.
    ///
    /// After `probeInterval` without an answer from Redis it is probed, and has `probeDeadline` to answer, three times
    /// that where messages come meanwhile; whether it did is looked at when that time is over, so a next probe comes no
    /// sooner.
    public init(
        configuration: RedisConfiguration, kind: SubscriptionKind = .classic, probeInterval: Duration = .seconds(10),
        probeDeadline: Duration = .seconds(5), eventLoop: any EventLoop, logger: Logger
    ) throws(RedisConfigurationError) {
        self.eventLoop = eventLoop
        let endpoint = try RedisEndpoint(configuration)
        link = RedisLink(endpoint: endpoint, eventLoop: eventLoop, logger: logger, purpose: "subscriptions")
        machine = SubscriptionStateMachine(
            handshake: endpoint.handshake, kind: kind, probeInterval: probeInterval, probeDeadline: probeDeadline)
        timer = DeadlineTimer(eventLoop: eventLoop) { [weak self] _ in self?.timePassed() }
    }

    /// Whether a connection stands.
    public var isConnected: Bool { machine.isOpen }

    /// How many channels are wanted.
    public var wantedCount: Int { machine.wantedCount }

    /// Begins to connect.
    public func start() {
        eventLoop.preconditionInEventLoop()
        link.start(owner: self)
    }

    /// Wants a channel, now and after each reconnect. Wanting it twice changes nothing.
    public func subscribe(_ channelName: String) {
        eventLoop.assertInEventLoop()
        scheduleFlush(machine.subscribeRequested(channelName))
    }

    /// Wants a channel no longer; none of its messages is handed over from here on.
    public func unsubscribe(_ channelName: String) {
        eventLoop.assertInEventLoop()
        scheduleFlush(machine.unsubscribeRequested(channelName))
    }

    /// Asks Redis for a sign of life now; silence ends the connection.
    public func probe() {
        eventLoop.assertInEventLoop()
        act(on: machine.probeRequested(now: .now))
    }

    /// Cuts the connection where the owner knows that it is of no use, whatever TCP says; the next one is made at once.
    public func cut(_ reason: RedisError) {
        eventLoop.assertInEventLoop()
        guard isConnected else { return }
        link.connectionEnded(reason)
    }

    /// Closes for good; the delegate hears nothing more.
    public func close() {
        eventLoop.assertInEventLoop()
        machine.closeRequested()
        timer?.disarm()
        delegate = nil
        link.shutDown()
    }

    private func scheduleFlush(_ action: SubscriptionStateMachine.RequestAction) {
        switch action {
        case .scheduleFlush: eventLoop.assumeIsolated().execute { self.flush() }
        case .none: break
        }
    }

    private func flush() {
        switch machine.tickEnded() {
        case .write(let buffer): link.write(buffer)
        case .none: break
        }
    }

    private func timePassed() {
        act(on: machine.timePassed(now: .now))
    }

    private func act(on action: SubscriptionStateMachine.TimeAction) {
        switch action {
        case .wait(let moment):
            if let moment { timer?.arm(for: moment) }
        case .probe(let buffer, let moment):
            link.write(buffer)
            timer?.arm(for: moment)
        case .close(let error):
            link.connectionEnded(error)
        }
    }
}

// MARK: - What happens on the link

extension RedisSubscriber: RedisLinkOwner {
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

    var yieldsToOthers: Bool { false }

    var isNextReplyTaped: Bool { false }

    func linkBytesReceived() {
        machine.bytesReceived()
    }

    func linkReplyReceived(_ reply: RESPValue) {
        switch machine.replyReceived(reply, now: .now) {
        case .none: break
        case .deliver(let payload, let channelName):
            hasUnreportedBatch = true
            delegate?.received(payload: payload, on: channelName)
        case .subscribed(let channelName):
            delegate?.subscribed(channelName: channelName)
        case .open(let version):
            link.established(version: version)
            flush()
            timePassed()
            delegate?.subscriberDidConnect()
        case .close(let error):
            link.connectionEnded(error)
        }
    }

    func linkReadEnded() {
        guard hasUnreportedBatch else { return }
        hasUnreportedBatch = false
        delegate?.receiveBatchEnded()
    }

    func linkClosed(_ reason: RedisError) {
        timer?.disarm()
        linkReadEnded()
        if machine.connectionClosed() { delegate?.subscriberDidDisconnect(reason) }
    }
}
