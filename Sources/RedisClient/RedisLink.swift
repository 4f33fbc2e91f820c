internal import Logging
internal import NIOCore
internal import RedisProtocol

/// Who uses a link; all calls come on its event loop.
protocol RedisLinkOwner: AnyObject {
    /// A socket is open.
    func linkConnected()
    /// Whether its replies wait until the loop has read what came over other connections.
    var yieldsToOthers: Bool { get }
    /// Whether the next reply is to come as a tape, where it is an array.
    var isNextReplyTaped: Bool { get }
    /// Bytes came, before the replies in them are reported.
    func linkBytesReceived()
    /// A whole reply came.
    func linkReplyReceived(_ reply: RESPValue)
    /// All replies of one read have been reported.
    func linkReadEnded()
    /// The socket is gone, or could not be opened; another try follows by itself.
    func linkClosed(_ reason: RedisError)
}

/// One connection after the other to the same server, until it is shut down.
///
/// It says once that Redis is lost and once that it is back, however many tries lie between. It keeps its owner alive
/// until `shutDown()`.
final class RedisLink {
    private enum State {
        /// Exits: connecting, down.
        case idle
        /// Exits: open, waiting, down.
        case connecting(RESPHandler)
        /// Exits: waiting, down.
        case open(RESPHandler, any Channel)
        /// Exits: connecting, down.
        case waiting(Scheduled<Void>)
        case down
    }

    /// How long a connection has to last for the next failure to be the first again: Redis may let one in, and refuse
    /// what it is for.
    private static let steadyAfter = TimeAmount.seconds(1)

    let eventLoop: any EventLoop
    let endpoint: RedisEndpoint
    /// How many times something was written and flushed.
    private(set) var writeCount = 0

    private var owner: (any RedisLinkOwner)?
    private var state = State.idle
    private var backoff = Backoff()
    private var establishedAt: NIODeadline?
    private let logger: Logger
    private var reportedLoss: RedisError?
    private var failures = 0

    init(endpoint: RedisEndpoint, eventLoop: any EventLoop, logger: Logger, purpose: String) {
        self.endpoint = endpoint
        self.eventLoop = eventLoop
        var logger = logger
        logger[metadataKey: "redis"] = "\(endpoint.configuration.serverName)"
        logger[metadataKey: "connection"] = "\(purpose)"
        self.logger = logger
    }

    /// Begins to connect, for this owner.
    func start(owner: any RedisLinkOwner) {
        guard case .idle = state else { return }
        self.owner = owner
        connect()
    }

    /// The owner has seen the connection work.
    func established(version: String) {
        establishedAt = .now()
        logger.info("Redis is connected", metadata: ["version": "\(version)", "failures": "\(failures)"])
        failures = 0
        reportedLoss = nil
    }

    /// Writes and flushes; without a connection the bytes are dropped.
    func write(_ buffer: ByteBuffer) {
        guard case .open(_, let channel) = state else { return }
        writeCount += 1
        channel.writeAndFlush(buffer, promise: nil)
    }

    /// Reports what has come and waits for others.
    func catchUp() {
        if case .open(let handler, _) = state { handler.catchUp() }
    }

    /// Ends everything; nothing is reported any more.
    func shutDown() {
        switch state {
        case .idle, .down: break
        case .connecting(let handler): handler.detach()
        case .open(let handler, let channel):
            handler.detach()
            channel.close(promise: nil)
        case .waiting(let retry): retry.cancel()
        }
        state = .down
        owner = nil
    }
}

// MARK: - Connecting

extension RedisLink {
    private func connect() {
        let handler = RESPHandler(link: self)
        state = .connecting(handler)
        endpoint.connect(handler, on: eventLoop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): self.connected(handler, channel)
            case .failure(let error): self.connectFailed(handler, error)
            }
        }
    }

    private func connected(_ handler: RESPHandler, _ channel: any Channel) {
        guard case .connecting(let current) = state, current === handler else {
            // It was given up while it was being opened.
            channel.close(promise: nil)
            return
        }
        guard channel.isActive else {
            connectionEnded(.connectFailed("closed by the server"))
            return
        }
        state = .open(handler, channel)
        owner?.linkConnected()
    }

    private func connectFailed(_ handler: RESPHandler, _ error: any Error) {
        guard case .connecting(let current) = state, current === handler else { return }
        connectionEnded(.connectFailed(ConnectFault.text(of: error)))
    }

    private func retryLater() {
        if let establishedAt, NIODeadline.now() - establishedAt >= Self.steadyAfter { backoff.succeeded() }
        establishedAt = nil
        let wait = backoff.failed(random: Double.random(in: 0..<1))
        let retry = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(wait)) {
            guard case .waiting = self.state else { return }
            self.connect()
        }
        state = .waiting(retry)
    }
}

// MARK: - What happens on a connection

extension RedisLink {
    var yieldsToOthers: Bool { owner?.yieldsToOthers ?? false }

    var isNextReplyTaped: Bool { owner?.isNextReplyTaped ?? false }

    func bytesReceived() { owner?.linkBytesReceived() }

    func replyReceived(_ reply: RESPValue) { owner?.linkReplyReceived(reply) }

    func readEnded() { owner?.linkReadEnded() }

    /// The connection is gone, or is given up for this reason; another try follows.
    ///
    /// The socket is not waited for: a hung server would not take part in closing TLS for seconds.
    func connectionEnded(_ reason: RedisError) {
        switch state {
        case .idle, .waiting, .down: return
        case .connecting(let handler): handler.detach()
        case .open(let handler, let channel):
            handler.detach()
            channel.close(promise: nil)
        }
        failures += 1
        reportOnce(reason)
        retryLater()
        owner?.linkClosed(reason)
    }

    private func reportOnce(_ reason: RedisError) {
        if let reported = reportedLoss {
            guard reason.needsOperator, reported != reason else { return }
        }
        reportedLoss = reason
        if reason.needsOperator {
            logger.error("Redis refuses the connection", metadata: ["reason": "\(reason)"])
        } else {
            logger.warning("Redis is lost, trying to connect", metadata: ["reason": "\(reason)"])
        }
    }
}
