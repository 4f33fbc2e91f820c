import RedisProtocol
import RelayTestKit
import Testing

@testable import RedisClient

@Suite("Scripts on a real redis-server")
struct RedisScriptTests {
    private let append = RedisScript(name: "append", source: "return redis.call('APPEND', KEYS[1], ARGV[1])")

    @Test("A script is loaded on demand, and called in order")
    func loads() async throws {
        let redis = try await LocalRedis.start()
        let commander = try await CommanderHarness(RedisConfiguration(url: redis.url))
        try await commander.ready()
        let outcomes = try await commander.evaluate(append, key: "k", [["a"], ["b"], ["c"]])
        #expect(outcomes == [.success(.integer(1)), .success(.integer(2)), .success(.integer(3))])
        #expect(try await redis.cli("GET", "k") == "abc")
        try await commander.close()
        await redis.stop()
    }

    @Test("SCRIPT FLUSH and a restart are not noticed by callers")
    func survivesFlush() async throws {
        let redis = try await LocalRedis.start(LocalRedis.Options(isAppendOnly: true))
        let commander = try await CommanderHarness(RedisConfiguration(url: redis.url))
        try await commander.ready()
        _ = try await commander.evaluate(append, key: "k", [["a"]])
        try await redis.cli("SCRIPT", "FLUSH")
        let flushed = try await commander.evaluate(append, key: "k", [["b"], ["c"], ["d"]])
        #expect(flushed == [.success(.integer(2)), .success(.integer(3)), .success(.integer(4))])
        try await redis.restart()
        try await eventually("the old connection is gone and a new one stands") {
            commander.log.count(of: "Redis is connected") == 2
        }
        let restarted = try await commander.evaluate(append, key: "k", [["e"]])
        #expect(restarted == [.success(.integer(5))])
        #expect(try await redis.cli("GET", "k") == "abcde")
        try await commander.close()
        await redis.stop()
    }

    @Test("However often the scripts are flushed, calls come through, each once and in order")
    func survivesManyFlushes() async throws {
        let redis = try await LocalRedis.start()
        let commander = try await CommanderHarness(RedisConfiguration(url: redis.url))
        try await commander.ready()
        let flusher = try await CommanderHarness(RedisConfiguration(url: redis.url))
        try await flusher.ready()
        let flushes = [RedisCommand](repeating: RedisCommand("SCRIPT", "FLUSH"), count: 50)
        for turn in 0..<40 {
            async let flushed = flusher.sendAll(flushes)
            let outcomes = try await commander.evaluate(append, key: "k", [["a"], ["b"], ["c"]])
            #expect(outcomes == (1...3).map { .success(.integer(3 * turn + $0)) })
            _ = try await flushed
        }
        try await flusher.close()
        try await commander.close()
        await redis.stop()
    }

    @Test("A script that cannot be loaded fails its calls with what Redis says, and others go on")
    func broken() async throws {
        let redis = try await LocalRedis.start()
        let commander = try await CommanderHarness(RedisConfiguration(url: redis.url))
        try await commander.ready()
        let bad = RedisScript(name: "bad", source: "return (")
        let outcomes = try await commander.evaluate(bad, key: "k", [["a"], ["b"]])
        #expect(outcomes.count == 2)
        for outcome in outcomes {
            guard case .failure(.serverError(_, let message)) = outcome else {
                Issue.record("\(outcome)")
                continue
            }
            #expect(message.contains("compiling"))
        }
        #expect(try await commander.evaluate(append, key: "k", [["a"]]) == [.success(.integer(1))])
        try await commander.close()
        await redis.stop()
    }
}
