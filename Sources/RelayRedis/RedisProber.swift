internal import NIOCore
internal import RedisClient
internal import RedisProtocol
internal import RelayCore

/// Sends a token out by the connection that posts and waits for it on the one that listens.
///
/// All who ask while a probe is under way share it.
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

    init(channelName: String, posts: RedisCommander, reads: RedisCommander, subscriber: RedisSubscriber) {
        self.channelName = channelName
        self.posts = posts
        self.reads = reads
        self.subscriber = subscriber
    }

    func start() {
        subscriber.subscribe(channelName)
    }

    func probe(_ completion: @escaping (ProbeOutcome) -> Void) {
        guard posts.isReady else { return completion(.publishFailed) }
        guard reads.isReady else { return completion(.readDown) }
        guard subscriber.isConnected, isSubscribed else { return completion(.subscriptionDown) }
        waiting.append(completion)
        guard waiting.count == 1 else { return }
        token += 1
        let probe = token
        timeout = posts.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(Self.deadline)) { [weak self] in
            self?.end(probe, .notReturned)
        }
        let command = RedisCommand("PUBLISH", channelName, "\(probe)")
        posts.send(command, deadline: Self.deadline) { [weak self] outcome in
            if case .failure = outcome { self?.end(probe, .publishFailed) }
        }
    }

    func subscribed() {
        isSubscribed = true
    }

    func disconnected() {
        isSubscribed = false
        end(token, .subscriptionDown)
    }

    func received(_ payload: ByteBuffer) {
        guard payload == ByteBuffer(string: "\(token)") else { return }
        end(token, .passed)
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
