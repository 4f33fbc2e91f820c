import RedisProtocol
import RelayTestKit
import Testing

@testable import RedisClient

@Suite("RedisSubscriber on a real redis-server")
struct RedisSubscriberTests {
    @Test("Messages of wanted channels arrive, in order, and the end of a read is told")
    func receives() async throws {
        let redis = try await LocalRedis.start()
        let subscriber = try await SubscriberHarness(RedisConfiguration(url: redis.url))
        try await subscriber.onLoop {
            $0.subscribe("a")
            $0.subscribe("b")
        }
        // In no promised order: where the connection came after the wishes, it goes through a set of them.
        try await subscriber.hears("subscribed a")
        try await subscriber.hears("subscribed b")
        #expect(Set(subscriber.heard) == ["connected", "subscribed a", "subscribed b"])
        subscriber.forget()
        try await redis.cli("PUBLISH", "a", "1")
        try await redis.cli("PUBLISH", "c", "nobody's")
        try await redis.cli("PUBLISH", "b", "2")
        try await subscriber.hears("b: 2")
        try await eventually("the batch of the last message ends") { subscriber.heard.last == "batch" }
        // One read may bring both.
        #expect(subscriber.heard.filter { $0 != "batch" } == ["a: 1", "b: 2"])
        try await subscriber.onLoop { $0.unsubscribe("a") }
        try await eventually("Redis has one channel left") { try await redis.cli("PUBSUB", "CHANNELS") == "b" }
        try await subscriber.close()
        try await eventually("the connection is closed") { try await redis.cli("PUBSUB", "CHANNELS") == "" }
        await redis.stop()
    }

    @Test("A killed connection is made anew, with 20 000 channels in forty commands")
    func resubscribes() async throws {
        let redis = try await LocalRedis.start()
        let subscriber = try await SubscriberHarness(RedisConfiguration(url: redis.url))
        try await subscriber.onLoop { for index in 0..<20_000 { $0.subscribe("room\(index)") } }
        try await eventually("all are subscribed") { subscriber.heard.count == 20_001 }
        subscriber.forget()
        try await redis.cli("CONFIG", "RESETSTAT")
        try await redis.cli("CLIENT", "KILL", "TYPE", "pubsub")
        try await eventually("all are subscribed again") { subscriber.heard.count == 20_002 }
        let calls = try await redis.cli("INFO", "commandstats").split(whereSeparator: \.isNewline)
            .first { $0.hasPrefix("cmdstat_subscribe:") }
        #expect(calls?.hasPrefix("cmdstat_subscribe:calls=40,") == true, "\(calls ?? "")")
        #expect(subscriber.heard.prefix(2) == ["disconnected", "connected"])
        #expect(Set(subscriber.heard.dropFirst(2)) == Set((0..<20_000).map { "subscribed room\($0)" }))
        try await redis.cli("PUBLISH", "room19999", "back")
        try await subscriber.hears("room19999: back")
        try await subscriber.close()
        await redis.stop()
    }

    @Test("A server that hangs is noticed by silence, and its channels come back when it does")
    func silence() async throws {
        let redis = try await LocalRedis.start()
        var configuration = try RedisConfiguration(url: redis.url)
        configuration.connectTimeout = .milliseconds(300)
        let subscriber = try await SubscriberHarness(
            configuration, probeInterval: .milliseconds(200), probeDeadline: .milliseconds(200))
        try await subscriber.onLoop { $0.subscribe("a") }
        try await subscriber.hears("subscribed a")
        try await redis.pause()
        try await subscriber.hears("disconnected")
        subscriber.forget()
        try await redis.resume()
        try await subscriber.hears("subscribed a")
        try await redis.cli("PUBLISH", "a", "1")
        try await subscriber.hears("a: 1")
        try await subscriber.close()
        await redis.stop()
    }

    @Test("A server that lets a connection in and refuses its channels is asked ever less often")
    func refusedChannels() async throws {
        let redis = try await LocalRedis.start()
        try await redis.cli("ACL", "SETUSER", "deaf", "on", ">secret", "~*", "+@all", "resetchannels")
        let subscriber = try await SubscriberHarness(
            RedisConfiguration(url: "redis://deaf:secret@127.0.0.1:\(redis.port)"))
        let clock = ContinuousClock()
        let start = clock.now
        try await subscriber.onLoop { $0.subscribe("a") }
        // Beginning anew each time, these took a third of a second; the waits are random, and so much less than this
        // bound is one run in a million.
        try await eventually("it is refused") { subscriber.heard.count { $0 == "disconnected" } >= 14 }
        #expect(clock.now - start > .seconds(1))
        try await redis.cli("ACL", "SETUSER", "deaf", "allchannels")
        try await subscriber.hears("subscribed a")
        try await subscriber.close()
        await redis.stop()
    }

    @Test("A quiet connection that answers its probes stays")
    func quiet() async throws {
        let redis = try await LocalRedis.start()
        let subscriber = try await SubscriberHarness(
            RedisConfiguration(url: redis.url), probeInterval: .milliseconds(20), probeDeadline: .seconds(1))
        try await subscriber.onLoop { $0.subscribe("a") }
        try await subscriber.hears("subscribed a")
        let before = try await subscriber.onLoop { $0.link.writeCount }
        try await eventually("three probes are answered") {
            try await subscriber.onLoop { $0.link.writeCount } >= before + 3
        }
        #expect(!subscriber.heard.contains("disconnected"))
        try await subscriber.close()
        await redis.stop()
    }
}
