internal import RelayCore
internal import RelayWire

/// A client of a relay that stays connected: it joins rooms, gives every message of them once and in order, and sends
/// until the relay has acknowledged.
///
/// It reconnects by itself, with growing and random waits, unless the relay says not to come back; after a
/// reconnection it joins its rooms again and asks for what it missed. `run()` is its life; everything else may be
/// called from any task while that runs.
///
/// ```swift
/// let client = RelayClient(RelayClientConfiguration(url: url, user: alice))
/// async let life: Void = client.run()
/// _ = try await client.join(general)
/// let receipt = try await client.send(general, "hello")
/// for await event in client.events {
///     if case .message(let received) = event { … }
/// }
/// ```
///
/// Requests that find no connection wait for one until `requestDeadline`; those whose connection is lost throw
/// `notConnected`. A `send` outlives connections. Cancelling the task of a `send` does not take the message back.
///
/// Events have to be read: `join` only says where a room stands, and its messages come as events.
public actor RelayClient {
    /// A room that the owner wants.
    struct RoomState {
        var progress: RoomProgress
        /// Whether what comes of it is in order; until the room has answered a join it is not.
        var isAttached: Bool
    }

    /// Who waits for the answer to a `ref`.
    enum Request {
        case hello
        case rejoin(RoomID)
        case join(RoomID, CheckedContinuation<ServerAnswer, any Error>)
        case send(Nonce)
        case other(CheckedContinuation<ServerAnswer, any Error>)
    }

    let configuration: RelayClientConfiguration
    let queue: EventQueue<RelayClientEvent>
    let clock = ContinuousClock()
    let origin: ContinuousClock.Instant

    var connection: RelayConnection?
    var welcome: Welcome?
    var end: ClientEnd?
    var loss: ConnectionLoss?
    var requests: [Int64: (request: Request, deadline: Moment)] = [:]
    var lastRef: Int64 = 0
    var rooms: [RoomID: RoomState] = [:]
    var joining: [RoomID: RoomProgress] = [:]
    var rejoins = RejoinQueue()
    var outbox: Outbox
    var senders: [Nonce: CheckedContinuation<Acknowledgement, any Error>] = [:]
    var arrivals: [Int64: (continuation: CheckedContinuation<Void, any Error>, deadline: Moment)] = [:]
    var timer: (task: Task<Void, Never>, moment: Moment)?
    private var backoff: ReconnectBackoff
    private var pause: Task<Void, Never>?
    private var isRunning = false
    /// Who waits for the connection that is being opened.
    private var opening: CheckedContinuation<RelayConnection?, any Error>?

    /// A client that does nothing yet.
    public init(_ configuration: RelayClientConfiguration) {
        self.configuration = configuration
        queue = EventQueue(capacity: configuration.eventsMax)
        outbox = Outbox(capacity: configuration.outboxMax)
        backoff = configuration.backoff
        origin = clock.now
    }

    /// What happens, bounded by `eventsMax`. It ends after the status `closed`.
    public nonisolated var events: RelayClientEvents { RelayClientEvents(queue: queue) }

    var now: Moment { Moment(nanoseconds: (clock.now - origin).wholeNanoseconds) }

    // MARK: Life

    /// Connects and stays connected until `close()`, until the task is cancelled, or until the relay says not to come
    /// back. To be called once.
    ///
    /// - Returns: why it ended.
    @discardableResult
    public func run() async -> ClientEnd {
        guard !isRunning else { return end ?? .requested }
        isRunning = true
        queue.whenDrained { [weak self] in Task { await self?.eventsDrained() } }
        while end == nil, !Task.isCancelled {
            tell(.status(.connecting))
            await liveOneConnection()
            guard end == nil, !Task.isCancelled else { break }
            let wait = backoff.connectionFailed(fraction: .random(in: 0..<1))
            tell(.status(.reconnecting(in: wait, after: loss ?? .failed(.closed))))
            await rest(wait)
        }
        let end = end ?? .requested
        finish(end)
        return end
    }

    /// Ends the client. What waits to be acknowledged fails; `run()` returns once the connection is closed.
    public func close() async {
        end = end ?? .requested
        pause?.cancel()
        _ = opened(.success(nil))
        await connection?.close()
    }

    /// Cuts the connection as a network would; the client comes back by itself. For tests of what is built on it.
    public func interrupt() async {
        await connection?.cut()
    }

    /// How many messages wait to be acknowledged.
    public var pendingCount: Int { outbox.count }

    private func rest(_ span: Duration) async {
        let pause = Task { _ = try? await Task.sleep(for: span) }
        self.pause = pause
        await withTaskCancellationHandler {
            await pause.value
        } onCancel: {
            pause.cancel()
        }
        self.pause = nil
    }

    /// Opens a connection; nil where the client was closed meanwhile, however long the relay would have kept it
    /// waiting.
    private func open() async throws -> RelayConnection? {
        let configuration = configuration.connection
        return try await withCheckedThrowingContinuation { continuation in
            opening = continuation
            Task {
                do {
                    let connection = try await RelayConnection.open(configuration)
                    if !opened(.success(connection)) { await connection.close() }
                } catch {
                    _ = opened(.failure(error))
                }
            }
        }
    }

    /// - Returns: whether anybody has waited for that.
    private func opened(_ outcome: Result<RelayConnection?, any Error>) -> Bool {
        guard let opening else { return false }
        self.opening = nil
        opening.resume(with: outcome)
        return true
    }

    private func liveOneConnection() async {
        let connection: RelayConnection
        do {
            guard let opened = try await open() else { return }
            connection = opened
        } catch {
            let error = error as? RelayConnectionError ?? .unreachable("\(error)")
            loss = .failed(error)
            if case .refused(let status, let body) = error, (400..<500).contains(status), status != 408, status != 429 {
                end = .refused(status: status, body: body)
            }
            return
        }
        // The owner may have closed the client while the socket was being opened.
        guard end == nil else { return await connection.close() }
        self.connection = connection
        loss = .failed(.closed)
        issue(
            .hello(HelloClaim(user: configuration.user, name: configuration.name, token: configuration.token)),
            as: .hello)
        for await event in connection.events {
            switch event {
            case .text(let text): textReceived(text)
            case .pong: break
            case .closed(let closing): connectionClosed(closing)
            }
        }
        disconnected()
        if Task.isCancelled { await connection.close() }
    }

    private func connectionClosed(_ closing: Closing) {
        if case .notWelcomed = loss {} else { loss = .closed(closing) }
        if case .peer = closing.origin, let code = closing.code, !CloseReason.invitesBack(code: code) {
            end = end ?? .dismissed(closing)
        }
    }

    func welcomed(_ welcome: Welcome) {
        self.welcome = welcome
        outbox.welcomed(welcome.limits)
        backoff.connectionSucceeded()
        tell(.status(.connected(welcome)))
        for arrival in arrivals.values { arrival.continuation.resume() }
        arrivals = [:]
        rejoins = RejoinQueue()
        for room in rooms.keys { rejoins.wanted(room) }
        proceed()
    }

    private func disconnected() {
        connection = nil
        welcome = nil
        let lost = requests.values.map(\.request)
        requests = [:]
        joining = [:]
        for room in rooms.keys { rooms[room]?.isAttached = false }
        outbox.disconnected()
        for case .join(_, let continuation) in lost { continuation.resume(throwing: RelayClientError.notConnected) }
        for case .other(let continuation) in lost { continuation.resume(throwing: RelayClientError.notConnected) }
    }

    private func finish(_ end: ClientEnd) {
        self.end = end
        timer?.task.cancel()
        timer = nil
        for nonce in outbox.emptied() {
            senders.removeValue(forKey: nonce)?.resume(throwing: RelayClientError.closed(end))
        }
        for arrival in arrivals.values { arrival.continuation.resume(throwing: RelayClientError.closed(end)) }
        arrivals = [:]
        _ = queue.append(.status(.closed(end)))
        queue.finish()
    }

    // MARK: Events

    /// Word of the client's own state has a reserve above the bound, so that a slow reader still hears of it; past
    /// that it is lost, for only the last state matters.
    func tell(_ event: RelayClientEvent) {
        _ = queue.offer(event, extra: 64)
    }
}
