import NIOCore
import RedisProtocol
import RelayTestKit
import Testing

@testable import RedisClient

@Suite("RedisCommander on a real redis-server")
struct RedisCommanderTests {
    @Test("Replies come in the order of the commands, and one tick is one write")
    func pipelining() async throws {
        let redis = try await LocalRedis.start()
        let commander = try await CommanderHarness(RedisConfiguration(url: redis.url))
        try await commander.ready()
        let before = try await commander.onLoop { $0.link.writeCount }
        let outcomes = try await commander.sendAll((0..<1000).map { _ in RedisCommand("INCR", "n") })
        #expect(outcomes == (1...1000).map { .success(.integer($0)) })
        let after = try await commander.onLoop { $0.link.writeCount }
        #expect(after == before + 1)
        try await commander.close()
        await redis.stop()
    }

    @Test("An error reply is a failure of its command alone")
    func errorReply() async throws {
        let redis = try await LocalRedis.start()
        let commander = try await CommanderHarness(RedisConfiguration(url: redis.url))
        try await commander.ready()
        let outcomes = try await commander.sendAll([
            RedisCommand("SET", "k", "v"), RedisCommand("LPUSH", "k", "x"), RedisCommand("GET", "k"),
        ])
        #expect(outcomes[0] == .success(.simpleString("OK")))
        #expect(throws: RedisError.self) { try outcomes[1].get() }
        if case .failure(let error) = outcomes[1] { #expect(error.kind == .wrongType) }
        #expect(try outcomes[2].get().string == "v")
        try await commander.close()
        await redis.stop()
    }

    @Test("A paused server: commands time out, then fail at once, and work again when it goes on")
    func hangs() async throws {
        let redis = try await LocalRedis.start()
        var configuration = try RedisConfiguration(url: redis.url)
        configuration.connectTimeout = .milliseconds(300)
        let commander = try await CommanderHarness(configuration)
        try await commander.ready()
        try await redis.pause()
        let late = try await commander.sendAll(
            [RedisCommand("INCR", "n"), RedisCommand("INCR", "n")], deadline: .milliseconds(200))
        #expect(late == [.failure(.timeout), .failure(.timeout)])
        #expect(try await commander.send(RedisCommand("PING")) == .failure(.unavailable))
        try await redis.resume()
        try await commander.ready()
        #expect(try await commander.send(RedisCommand("PING")) == .success(.simpleString("PONG")))
        try await commander.close()
        await redis.stop()
    }

    @Test("A killed server: what was under way fails, the loss and the return are said once, and work goes on")
    func reconnects() async throws {
        let redis = try await LocalRedis.start(LocalRedis.Options(isAppendOnly: true))
        let commander = try await CommanderHarness(RedisConfiguration(url: redis.url))
        try await commander.ready()
        #expect(try await commander.send(RedisCommand("SET", "k", "v")) == .success(.simpleString("OK")))
        try await redis.kill()
        try await eventually("the loss is noticed") { try await commander.onLoop { !$0.isReady } }
        let refused = ContinuousClock.now
        #expect(try await commander.send(RedisCommand("GET", "k")) == .failure(.unavailable))
        #expect(ContinuousClock.now - refused < .seconds(1) * patience)
        try await redis.start()
        let started = ContinuousClock.now
        try await commander.ready()
        #expect(ContinuousClock.now - started < .seconds(3) * patience)
        #expect(try await commander.send(RedisCommand("GET", "k")).get().string == "v")
        #expect(commander.log.count(of: "Redis is lost, trying to connect") == 1)
        #expect(commander.log.count(of: "Redis is connected") == 2)
        try await commander.close()
        await redis.stop()
    }

    @Test("A connection cut under way fails what was written as perhaps executed")
    func cutUnderWay() async throws {
        let redis = try await LocalRedis.start()
        let commander = try await CommanderHarness(RedisConfiguration(url: redis.url))
        try await commander.ready()
        let outcomes = try await commander.sendAll([RedisCommand("QUIT"), RedisCommand("PING")])
        #expect(outcomes[0] == .success(.simpleString("OK")))
        #expect(outcomes[1] == .failure(.connectionLost(mayHaveExecuted: true)))
        try await commander.ready()
        try await commander.close()
        await redis.stop()
    }

    @Test("A server that starts late is found, and its absence is said once")
    func startsLate() async throws {
        let redis = try await LocalRedis.start()
        try await redis.kill()
        let commander = try await CommanderHarness(RedisConfiguration(url: redis.url))
        try await eventually("the absence is noticed") { !commander.log.lines.isEmpty }
        try await redis.start()
        try await commander.ready()
        #expect(commander.log.count(of: "Redis is lost, trying to connect") == 1)
        try await commander.close()
        await redis.stop()
    }

    @Test("Closing answers what is under way first")
    func closes() async throws {
        let redis = try await LocalRedis.start()
        let commander = try await CommanderHarness(RedisConfiguration(url: redis.url))
        try await commander.ready()
        async let outcome = commander.send(RedisCommand("PING"))
        _ = try await outcome
        try await commander.close()
        #expect(try await commander.send(RedisCommand("PING")) == .failure(.closed))
        #expect(try await commander.onLoop { $0.state } == .closed)
        await redis.stop()
    }

    @Test("Many servers at once get ports of their own")
    func manyServers() async throws {
        let ports = try await withThrowingTaskGroup(of: (Int, String).self) { group in
            for index in 0..<4 {
                group.addTask {
                    let redis = try await LocalRedis.start()
                    try await redis.cli("SET", "who", "\(index)")
                    let who = try await redis.cli("GET", "who")
                    await redis.stop()
                    #expect(who == "\(index)")
                    return (redis.port, redis.directory)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(ports.count == 4)
        #expect(Set(ports.map(\.1)).count == 4)
    }
}
