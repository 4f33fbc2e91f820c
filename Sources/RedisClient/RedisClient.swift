public import Logging
internal import NIOConcurrencyHelpers
public import NIOCore
public import RedisProtocol

/// A commander for programs that are not hot: callable from anywhere, with `async` and typed errors.
///
/// Cancelling a task does not take back a command; its deadline ends the wait.
public final class RedisClient: Sendable {
    private let eventLoop: any EventLoop
    private let session: NIOLoopBoundBox<Session?>

    /// Begins to connect at once. Reads the certificate files of the configuration.
    public init(
        configuration: RedisConfiguration, eventLoop: any EventLoop, logger: Logger
    ) throws(RedisConfigurationError) {
        let endpoint = try RedisEndpoint(configuration)
        self.eventLoop = eventLoop
        let session = NIOLoopBoundBox<Session?>.makeEmptyBox(eventLoop: eventLoop)
        self.session = session
        eventLoop.execute {
            let made = Session(RedisCommander(endpoint: endpoint, eventLoop: eventLoop, logger: logger))
            session.value = made
            made.commander.start()
        }
    }

    /// Executes a command. The deadline is the configuration's where it is nil.
    public func execute(
        _ command: RedisCommand, deadline: Duration? = nil
    ) async throws(RedisError) -> RESPValue {
        try await withSession { session, done in
            session.commander.send(command, deadline: deadline, completion: done)
        }.get()
    }

    /// Executes commands that leave in one write, in their order, and answers each with its outcome.
    ///
    /// Redis mostly executes them without a break, but promises nothing: others may come in between.
    public func execute(
        together commands: [RedisCommand], deadline: Duration? = nil
    ) async -> [Result<RESPValue, RedisError>] {
        guard !commands.isEmpty else { return [] }
        return await withSession { session, done in
            let outcomes = GatheredOutcomes(count: commands.count, done)
            for (index, command) in commands.enumerated() {
                session.commander.send(command, deadline: deadline) { outcomes.arrived(index, $0) }
            }
        }
    }

    /// Calls a script, which is loaded first where Redis does not know it.
    public func evaluate(
        _ script: RedisScript, keys: [String], arguments: RedisArguments, deadline: Duration? = nil
    ) async throws(RedisError) -> RESPValue {
        try await withSession { session, done in
            session.commander.evaluate(script, keys: keys, arguments: arguments, deadline: deadline, completion: done)
        }.get()
    }

    /// Waits until commands are taken, and returns the version of the server.
    ///
    /// Throws at once what needs an operator: a server too old, a wrong password. Throws what went wrong last, else
    /// `.unavailable`, when the time is over; tries to connect go on.
    @discardableResult
    public func waitUntilReady(deadline: Duration) async throws(RedisError) -> String {
        try await withSession { session, done in session.wait(deadline, done) }.get()
    }

    /// Whether commands are taken at present.
    public func isReady() async -> Bool {
        await withSession { session, done in done(session.commander.isReady) }
    }

    /// Takes no more commands, waits for the replies that are due, and closes.
    public func close() async {
        await withSession { session, done in session.commander.close { done(()) } }
    }

    private func withSession<Outcome: Sendable>(
        _ body: @escaping @Sendable (Session, @escaping @Sendable (Outcome) -> Void) -> Void
    ) async -> Outcome {
        // Not through the continuation: Thread Sanitizer does not see every way in which Swift's runtime hands a value
        // to a task, but it sees a lock.
        let handed = NIOLockedValueBox<Outcome?>(nil)
        await withCheckedContinuation { continuation in
            eventLoop.execute { [session] in
                guard let session = session.value else { preconditionFailure("made before any call gets here") }
                body(session) { outcome in
                    handed.withLockedValue { $0 = outcome }
                    continuation.resume()
                }
            }
        }
        guard let outcome = handed.withLockedValue({ $0 }) else { preconditionFailure("resumed behind the outcome") }
        return outcome
    }
}

/// What became of commands that left together, until it is known of all.
private final class GatheredOutcomes {
    private var outcomes: [Result<RESPValue, RedisError>]
    private var missing: Int
    private let done: ([Result<RESPValue, RedisError>]) -> Void

    init(count: Int, _ done: @escaping ([Result<RESPValue, RedisError>]) -> Void) {
        outcomes = Array(repeating: .failure(.unavailable), count: count)
        missing = count
        self.done = done
    }

    func arrived(_ index: Int, _ outcome: Result<RESPValue, RedisError>) {
        outcomes[index] = outcome
        missing -= 1
        if missing == 0 { done(outcomes) }
    }
}

/// The commander of a client and those who wait for it, on its event loop.
private final class Session {
    typealias Ready = Result<String, RedisError>

    let commander: RedisCommander
    private var waiting: [Int: @Sendable (Ready) -> Void] = [:]
    private var nextWaiter = 0

    init(_ commander: RedisCommander) {
        self.commander = commander
        // Whoever has the commander may keep it longer.
        commander.onStateChange = { [weak self] in self?.stateChanged($0) }
    }

    func wait(_ deadline: Duration, _ done: @escaping @Sendable (Ready) -> Void) {
        if let outcome = outcome(of: commander.state) {
            done(outcome)
            return
        }
        nextWaiter += 1
        let waiter = nextWaiter
        waiting[waiter] = done
        commander.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(deadline)) { [self] in
            guard let done = waiting.removeValue(forKey: waiter) else { return }
            guard case .disconnected(let error) = commander.state else { return done(.failure(.unavailable)) }
            done(.failure(error))
        }
    }

    private func stateChanged(_ state: RedisCommander.State) {
        guard let outcome = outcome(of: state) else { return }
        let all = waiting
        waiting = [:]
        for done in all.values { done(outcome) }
    }

    private func outcome(of state: RedisCommander.State) -> Ready? {
        switch state {
        case .ready(let version): .success(version)
        case .closed: .failure(.closed)
        case .disconnected(let error) where error.needsOperator: .failure(error)
        case .connecting, .disconnected: nil
        }
    }
}
