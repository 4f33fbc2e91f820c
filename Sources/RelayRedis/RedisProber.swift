internal import NIOCore
internal import RedisClient
internal import RedisProtocol
internal import RelayCore

/// Sends a token out by the connection that posts and waits for it on the one that listens.
///
/// All who ask while a probe is under way share it. Where nobody asks it is sent every `interval`: a token that Redis
/// took but that does not come back shows that the connection that listens is dead, whatever TCP and `PING` say of it,
/// and that connection is cut, so that it is made anew.
final class RedisProber {
    /// How long a probe may take.
    static let deadline: Duration = .seconds(2)

    /// The edge's own channel.
    let channelName: String

    private let posts: RedisCommander
    private let reads: RedisCommander
    private let subscriber: RedisSubscriber
    private var isSubscribed = false
    private var token = 0
    private var waiting: [(ProbeOutcome) -> Void] = []
    private var timeout: Scheduled<Void>?
    /// The newest token that came back.
    private var returned = 0
    /// Whether anything was heard on the connection since the last token left: then the token may be waiting behind it.
    private var hasHeard = false
    /// Tells one connection that listens from the next.
    private var connection = 0
    private let interval: Duration

    /// How much longer than a probe a token may be under way before the connection is cut, and how much longer than
    /// that where other things come meanwhile, behind which it may wait.
    private static let patienceFactor = 3

    init(
        channelName: String, interval: Duration, posts: RedisCommander, reads: RedisCommander,
        subscriber: RedisSubscriber
    ) {
        self.channelName = channelName
        self.interval = interval
        self.posts = posts
        self.reads = reads
        self.subscriber = subscriber
    }

    func start() {
        subscriber.subscribe(channelName)
        probeLater()
    }

    private func probeLater() {
        posts.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(interval)) { [weak self] in
            self?.probe { _ in }
            self?.probeLater()
        }
    }

    func probe(_ completion: @escaping (ProbeOutcome) -> Void) {
        guard posts.isReady else { return completion(.publishFailed) }
        guard reads.isReady else { return completion(.readDown) }
        guard subscriber.isConnected, isSubscribed else { return completion(.subscriptionDown) }
        waiting.append(completion)
        guard waiting.count == 1 else { return }
        token += 1
        let probe = token
        hasHeard = false
        timeout = posts.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(Self.deadline)) { [weak self] in
            self?.end(probe, .notReturned)
        }
        let command = RedisCommand("PUBLISH", channelName, "\(probe)")
        let connection = connection
        posts.send(command, deadline: Self.deadline) { [weak self] outcome in
            switch outcome {
            case .success: self?.expect(probe, on: connection, within: self?.returnDeadline ?? .zero)
            case .failure: self?.end(probe, .publishFailed)
            }
        }
    }

    private var returnDeadline: Duration { min(interval, Self.deadline) * Self.patienceFactor }

    /// Redis has the token: it has to come back by then.
    private func expect(_ probe: Int, on connection: Int, within span: Duration) {
        posts.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(span)) { [weak self] in
            guard let self, connection == self.connection, returned < probe else { return }
            if hasHeard, span <= returnDeadline {
                return expect(probe, on: connection, within: span * 2)
            }
            subscriber.cut(.timeout)
        }
    }

    func subscribed() {
        isSubscribed = true
    }

    func disconnected() {
        isSubscribed = false
        connection += 1
        end(token, .subscriptionDown)
    }

    func received(_ payload: ByteBuffer) {
        guard let number = Int(String(buffer: payload)), number <= token else { return }
        returned = max(returned, number)
        end(number, .passed)
    }

    /// Something else came.
    func otherReceived() {
        hasHeard = true
    }

    private func end(_ probe: Int, _ outcome: ProbeOutcome) {
        guard probe == token, !waiting.isEmpty else { return }
        timeout?.cancel()
        timeout = nil
        let completions = waiting
        waiting = []
        for completion in completions { completion(outcome) }
    }
}
