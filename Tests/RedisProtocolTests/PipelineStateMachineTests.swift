import NIOCore
import RedisProtocol
import Testing

/// A pipeline whose events and actions read as lines. Tokens are numbers, moments are seconds from the start.
private struct Pipeline: ~Copyable {
    private var machine: PipelineStateMachine<Int>
    private let start = ContinuousClock.now

    init(
        _ handshake: HandshakeConfiguration = HandshakeConfiguration(serverName: "db:6379"), inFlightMax: Int = 1000,
        inFlightBytesMax: Int = 1 << 20
    ) {
        machine = PipelineStateMachine(
            handshake: handshake, inFlightMax: inFlightMax, inFlightBytesMax: inFlightBytesMax)
    }

    static func ready(inFlightMax: Int = 1000, inFlightBytesMax: Int = 1 << 20) -> Pipeline {
        var pipeline = Pipeline(inFlightMax: inFlightMax, inFlightBytesMax: inFlightBytesMax)
        _ = pipeline.connected()
        _ = pipeline.reply(.bulk(ByteBuffer(string: "# Server\r\nredis_version:7.0.15\r\n")))
        _ = pipeline.reply(.simpleString("PONG"))
        return pipeline
    }

    private func moment(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

    mutating func connected(deadline: Double = 2) -> String {
        switch machine.connected(handshakeDeadline: moment(deadline)) {
        case .write(let buffer): words(buffer)
        case .close: "close"
        }
    }

    mutating func send(_ token: Int, deadline: Double = 2, _ command: RedisCommand = RedisCommand("PING")) -> String {
        switch machine.sendRequested(command, deadline: moment(deadline), token: token) {
        case .scheduleFlush: "flush later"
        case .wait: "wait"
        case .refuse(let token, let error): "refuse \(token): \(error)"
        }
    }

    mutating func tickEnded() -> String {
        switch machine.tickEnded() {
        case .write(let buffer): words(buffer)
        case .none: "nothing"
        }
    }

    mutating func reply(_ value: RESPValue) -> String {
        switch machine.replyReceived(value) {
        case .none: "nothing"
        case .becomeReady(let version): "ready \(version)"
        case .complete(let token, let outcome): "\(token): \(text(outcome))"
        case .completeAndClose(let token, let outcome): "\(token): \(text(outcome)), close"
        case .close(let error): "close: \(error)"
        }
    }

    func timePasses(to seconds: Double) -> String {
        switch machine.deadlineReached(now: moment(seconds)) {
        case .wait(let until): until.map { "wait until \(Int(($0 - start) / .seconds(1)))" } ?? "wait"
        case .close(let error): "close: \(error)"
        }
    }

    mutating func close() -> String {
        switch machine.closeRequested() {
        case .close: "close"
        case .wait: "wait"
        case .none: "nothing"
        }
    }

    mutating func closed(at seconds: Double = 0) -> [String] {
        machine.connectionClosed(now: moment(seconds)).map { "\($0.token): \($0.error)" }
    }

    private func text(_ outcome: Result<RESPValue, RedisError>) -> String {
        switch outcome {
        case .success(let value): value.string ?? value.int.map { String($0) } ?? "other"
        case .failure(let error): error.description
        }
    }

    private func words(_ buffer: ByteBuffer) -> String {
        let reader = RESPReader()
        reader.feed(buffer)
        var commands: [String] = []
        while let command = try? reader.next() {
            commands.append((command.array ?? []).compactMap(\.string).joined(separator: " "))
        }
        return commands.joined(separator: ", ")
    }
}

private func info(_ line: String) -> RESPValue {
    .bulk(ByteBuffer(string: "# Server\r\n\(line)\r\nredis_mode:standalone\r\n"))
}

@Suite("PipelineStateMachine: the conversation on a connection for commands")
struct PipelineStateMachineTests {
    @Test("The handshake is one write, and commands are welcome after its last reply")
    func handshake() {
        var pipeline = Pipeline(
            HandshakeConfiguration(
                username: "edge", password: "secret", database: 3, clientName: "martlet", serverName: "db"))
        var said = pipeline.send(1)
        #expect(said == "refuse 1: Redis is not connected")
        said = pipeline.connected()
        #expect(said == "AUTH edge secret, SELECT 3, CLIENT SETNAME martlet, INFO server, PING")
        for _ in 0..<3 {
            said = pipeline.reply(.simpleString("OK"))
            #expect(said == "nothing")
        }
        said = pipeline.reply(info("redis_version:7.0.15"))
        #expect(said == "nothing")
        said = pipeline.send(2)
        #expect(said == "refuse 2: Redis is not connected")
        said = pipeline.reply(.simpleString("PONG"))
        #expect(said == "ready 7.0.15")
        said = pipeline.send(3)
        #expect(said == "flush later")
    }

    @Test("Without user, database and name the handshake asks for the version alone; a password alone is enough")
    func shortHandshake() {
        var plain = Pipeline()
        var said = plain.connected()
        #expect(said == "INFO server, PING")
        var withPassword = Pipeline(HandshakeConfiguration(password: "p", serverName: "db"))
        said = withPassword.connected()
        #expect(said == "AUTH p, INFO server, PING")
    }

    @Test(
        "A server that is too old is refused by name, every newer one and Valkey is taken",
        arguments: [
            ("redis_version:6.2.1", "close: Redis 7.0 or newer is needed, db:6379 runs 6.2.1"),
            ("redis_version:4.0.0", "close: Redis 7.0 or newer is needed, db:6379 runs 4.0.0"),
            ("redis_version:7.0.0", "nothing"), ("redis_version:8.2.1", "nothing"),
            ("redis_version:10.0", "nothing"), ("redis_version:6.9.9\r\nvalkey_version:8.0.1", "nothing"),
            ("something:else", "close: Redis sent what is not RESP2: INFO server without a version"),
        ])
    func versions(_ line: String, _ expected: String) {
        var pipeline = Pipeline()
        _ = pipeline.connected()
        let said = pipeline.reply(info(line))
        #expect(said == expected)
    }

    @Test("A refusal in the handshake closes the connection and says why")
    func refusals() {
        var wrongPassword = Pipeline(HandshakeConfiguration(password: "p", serverName: "db"))
        _ = wrongPassword.connected()
        var said = wrongPassword.reply(.error(RESPError(line: "WRONGPASS invalid username-password pair")))
        #expect(said == "close: Redis says: WRONGPASS invalid username-password pair")
        var loading = Pipeline()
        _ = loading.connected()
        _ = loading.reply(info("redis_version:7.0.15"))
        said = loading.reply(.error(RESPError(line: "LOADING Redis is loading the dataset in memory")))
        #expect(said == "close: Redis says: LOADING Redis is loading the dataset in memory")
        var nameless = Pipeline(HandshakeConfiguration(clientName: "n", serverName: "db"))
        _ = nameless.connected()
        said = nameless.reply(.error(RESPError(line: "NOPERM no CLIENT SETNAME")))
        #expect(said == "nothing")
    }

    @Test("A handshake that is not answered in time is given up")
    func handshakeDeadline() {
        var pipeline = Pipeline()
        _ = pipeline.connected(deadline: 2)
        #expect(pipeline.timePasses(to: 1) == "wait until 2")
        #expect(pipeline.timePasses(to: 2) == "close: cannot connect to Redis: no answer in time")
    }

    @Test("All commands of one tick are one write; the next tick is the next write")
    func coalesces() {
        var pipeline = Pipeline.ready()
        let sent = [
            pipeline.send(1, RedisCommand("GET", "a")), pipeline.send(2, RedisCommand("GET", "b")),
            pipeline.send(3, RedisCommand("GET", "c")),
        ]
        #expect(sent == ["flush later", "wait", "wait"])
        var said = pipeline.tickEnded()
        #expect(said == "GET a, GET b, GET c")
        said = pipeline.tickEnded()
        #expect(said == "nothing")
        said = pipeline.send(4)
        #expect(said == "flush later")
    }

    @Test("Replies go to the commands in their order; an error reply is a failure of its command alone")
    func repliesInOrder() {
        var pipeline = Pipeline.ready()
        for token in 1...3 { _ = pipeline.send(token) }
        _ = pipeline.tickEnded()
        let said = [
            pipeline.reply(.simpleString("a")), pipeline.reply(.error(RESPError(line: "OOM command not allowed"))),
            pipeline.reply(.integer(3)),
        ]
        #expect(said == ["1: a", "2: Redis says: OOM command not allowed", "3: 3"])
    }

    @Test("A reply that nobody asked for closes the connection, also when a command is gathered but not written")
    func unexpectedReply() {
        var pipeline = Pipeline.ready()
        _ = pipeline.send(1)
        let said = pipeline.reply(.simpleString("early"))
        #expect(said == "close: Redis sent what is not RESP2: a reply that nobody asked for")
        let failed = pipeline.closed()
        #expect(failed == ["1: the connection to Redis broke before the command was sent"])
    }

    @Test("A late reply means a hung connection: the late one timed out, the rest is lost, what was not written is not")
    func deadline() {
        var pipeline = Pipeline.ready()
        _ = pipeline.send(1, deadline: 2)
        _ = pipeline.send(2, deadline: 9)
        _ = pipeline.tickEnded()
        _ = pipeline.send(3, deadline: 9)
        #expect(pipeline.timePasses(to: 1) == "wait until 2")
        #expect(pipeline.timePasses(to: 2) == "close: Redis did not reply in time")
        let failed = pipeline.closed(at: 2)
        #expect(
            failed == [
                "1: Redis did not reply in time", "2: the connection to Redis broke before the reply",
                "3: the connection to Redis broke before the command was sent",
            ])
        let again = pipeline.closed(at: 3)
        #expect(again.isEmpty)
    }

    @Test("A command behind a patient one has its own deadline, and an answered one has none")
    func deadlinesOutOfOrder() {
        var pipeline = Pipeline.ready()
        _ = pipeline.send(1, deadline: 1)
        _ = pipeline.send(2, deadline: 30)
        _ = pipeline.send(3, deadline: 4)
        _ = pipeline.tickEnded()
        _ = pipeline.reply(.simpleString("OK"))
        #expect(pipeline.timePasses(to: 2) == "wait until 4")
        #expect(pipeline.timePasses(to: 4) == "close: Redis did not reply in time")
        _ = pipeline.reply(.simpleString("OK"))
        _ = pipeline.reply(.simpleString("OK"))
        #expect(pipeline.timePasses(to: 5) == "wait")
    }

    @Test("Commands under way are bounded by count and by bytes, and answers make room")
    func bounds() {
        var few = Pipeline.ready(inFlightMax: 2)
        _ = few.send(1)
        _ = few.send(2)
        var said = few.send(3)
        #expect(said == "refuse 3: too many commands wait for Redis")
        _ = few.tickEnded()
        _ = few.reply(.simpleString("OK"))
        said = few.send(4)
        #expect(said == "flush later")

        var small = Pipeline.ready(inFlightBytesMax: 1000)
        let large = RedisCommand("SET", "k", String(repeating: "x", count: 800))
        _ = small.send(1, large)
        said = small.send(2, large)
        #expect(said == "refuse 2: too many commands wait for Redis")
        _ = small.tickEnded()
        _ = small.reply(.simpleString("OK"))
        said = small.send(3, large)
        #expect(said == "flush later")
    }

    @Test("Closing answers what is under way and takes nothing new")
    func closing() {
        var busy = Pipeline.ready()
        _ = busy.send(1)
        _ = busy.send(2)
        let before = [busy.close(), busy.send(3), busy.tickEnded()]
        #expect(before == ["wait", "refuse 3: the Redis client is closed", "PING, PING"])
        let after = [busy.reply(.simpleString("a")), busy.reply(.simpleString("b"))]
        #expect(after == ["1: a", "2: b, close"])

        var idle = Pipeline.ready()
        let said = [idle.close(), idle.close(), idle.reply(.simpleString("late"))]
        #expect(said == ["close", "nothing", "nothing"])
        var unborn = Pipeline()
        let early = [unborn.close(), unborn.connected()]
        #expect(early == ["close", "close"])
    }
}
