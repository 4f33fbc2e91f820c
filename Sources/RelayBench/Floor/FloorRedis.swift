/// The floor's way through Redis: a connection that publishes, and one that hears what was published.
final class FloorRedis {
    /// Tokens of the two connections.
    static let publisherToken: UInt64 = 1 << 42
    static let subscriberToken: UInt64 = 1 << 43

    private struct Link {
        let descriptor: Int32
        let token: UInt64
        var carried: [UInt8] = []
        var outbox = Outbox()
        // It is watched for being connected first.
        var isWatchedForWriting = true
    }

    private static let patience: UInt64 = 5_000_000_000
    /// The room of nobody, which proves that what is published comes back.
    private static let trialRoom = 0

    private let poller: Poller
    private var links: [Link] = []
    private var buffer = ReceiveBuffer()
    /// With a number of its own, so that floors that run at once do not hear each other.
    private let prefix = "martlet-floor:\(UInt32.random(in: 1...UInt32.max)):"

    /// Connects both, and returns when something that was published has come back.
    init(_ server: RedisServer, poller: Poller) throws(BenchError) {
        self.poller = poller
        guard var address = SocketAddress(host: server.host, port: server.port) else {
            throw .unknownHost(server.host)
        }
        for token in [Self.publisherToken, Self.subscriberToken] {
            switch address.connect(index: 0) {
            case .failure(let error): throw .unreachable("Redis: \(error)")
            case .success(let descriptor):
                poller.add(descriptor, .both, token: token)
                links.append(Link(descriptor: descriptor, token: token))
                for words in server.opening { say(words, token) }
            }
        }
        try tryOut()
    }

    deinit { for link in links { Socket.close(link.descriptor) } }

    private func tryOut() throws(BenchError) {
        let deadline = MonotonicClock.now + Self.patience
        subscribe(Self.trialRoom)
        // The answer to the trial is waited for too, or it would be taken for that to the first post.
        var isBack = false
        var isAnswered = false
        while !isBack || !isAnswered {
            guard MonotonicClock.now < deadline else { throw .unreachable("Redis does not answer the floor") }
            for index in 0..<poller.wait(nanoseconds: 100_000_000) {
                let found = poller.readiness(index)
                guard found.token == Self.publisherToken || found.token == Self.subscriberToken else { continue }
                var isSubscribed = false
                try ready(found) { reply, _ in
                    if case .subscribed = reply { isSubscribed = true }
                    if case .message = reply { isBack = true }
                    if reply == .published { isAnswered = true }
                }
                if isSubscribed { publish([], room: Self.trialRoom) }
            }
            try flush()
        }
    }

    /// Asks to hear a room; `subscribed` comes when it stands.
    func subscribe(_ room: Int) { say(["SUBSCRIBE", "\(prefix)\(room)"], Self.subscriberToken) }

    /// Hands a message to Redis, for all who hear the room; it goes with the next `flush`.
    func publish(_ message: [UInt8], room: Int) {
        let channel = "\(prefix)\(room)"
        links[0].outbox.append {
            $0 += "*3\r\n$7\r\nPUBLISH\r\n$\(channel.utf8.count)\r\n\(channel)\r\n$\(message.count)\r\n".utf8
            $0 += message
            $0 += "\r\n".utf8
        }
    }

    private func say(_ words: [String], _ token: UInt64) {
        links[token == Self.publisherToken ? 0 : 1].outbox.append { $0 += RedisWords.encoded(words) }
    }

    /// Sends what was handed over since: one write a connection.
    func flush() throws(BenchError) {
        for index in links.indices where !links[index].outbox.isEmpty && !links[index].isWatchedForWriting {
            try flush(index)
        }
    }

    private func flush(_ index: Int) throws(BenchError) {
        guard links[index].outbox.flush(to: links[index].descriptor) else {
            throw .unreachable("the connection to Redis broke")
        }
        let isBlocked = !links[index].outbox.isEmpty
        guard isBlocked != links[index].isWatchedForWriting else { return }
        links[index].isWatchedForWriting = isBlocked
        poller.change(links[index].descriptor, to: isBlocked ? .both : .reading, token: links[index].token)
    }

    /// Reads or writes, where a connection is ready for it.
    ///
    /// - Parameter take: gets each reply, and the bytes that its range lies in.
    /// - Throws: where the connection has ended, or Redis says an error.
    func ready(
        _ readiness: Poller.Readiness, _ take: (FloorRedisReply, [UInt8]) -> Void
    ) throws(BenchError) {
        let index = readiness.token == Self.publisherToken ? 0 : 1
        if readiness.isWritable { try flush(index) }
        guard readiness.isReadable else { return }
        let (outcome, limit) = buffer.receive(links[index].descriptor, after: links[index].carried)
        switch outcome {
        case .moved: break
        case .blocked: return
        case .ended: throw .unreachable("Redis closed the connection")
        case .failed(let number): throw .unreachable("Redis: \(Socket.text(ofError: number))")
        }
        let held = buffer.bytes
        var offset = 0
        while let found = FloorRedisReply.next(in: held.span, from: offset, to: limit) {
            if case .refused(let reason) = found.reply { throw .unreachable("Redis: \(reason)") }
            offset = found.end
            take(found.reply, held)
        }
        buffer.keep(offset..<limit, in: &links[index].carried)
    }
}
