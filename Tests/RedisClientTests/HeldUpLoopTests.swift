import Dispatch
import NIOCore
import NIOPosix
import RedisProtocol
import RelayTestKit
import Testing

@testable import RedisClient

/// The loop is held up while Redis answers, so that all of that is there when it goes on.
@Suite("What has come when a loop that was held up goes on")
struct HeldUpLoopTests {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// Writes commands, and holds the loop up until Redis has answered them and so long has passed.
    private func holdUp(
        _ commander: CommanderHarness, for span: Duration = .zero, by other: CommanderHarness,
        _ send: @escaping @Sendable (RedisCommander) -> Void
    ) async throws {
        let (written, answered) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        async let held: Void = commander.onLoop { commander in
            commander.sendTogether { send(commander) }
            let end = ContinuousClock.now + span
            written.signal()
            answered.wait()
            while ContinuousClock.now < end {}
        }
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                written.wait()
                continuation.resume()
            }
        }
        // Two turns of Redis: what was written before the first is answered by the second.
        for _ in 0..<2 { _ = try await other.send(RedisCommand("PING")).get() }
        answered.signal()
        try await held
    }

    @Test("What came over a subscription goes before the answer that Redis gave first")
    func publishedFirst() async throws {
        let redis = try await LocalRedis.start()
        let configuration = try RedisConfiguration(url: redis.url)
        let commander = try await CommanderHarness(configuration, on: group.next())
        let subscriber = try await SubscriberHarness(configuration, on: group.next())
        let other = try await CommanderHarness(configuration)
        try await commander.ready()
        try await other.ready()
        try await subscriber.onLoop { $0.subscribe("c") }
        try await subscriber.hears("subscribed c")
        for round in 0..<20 {
            subscriber.forget()
            try await holdUp(commander, by: other) { commander in
                commander.send(RedisCommand("PUBLISH", "c", "\(round)")) { _ in subscriber.note("answered") }
            }
            try await subscriber.hears("answered")
            #expect(subscriber.heard == ["c: \(round)", "batch", "answered"])
        }
        try await subscriber.close()
        try await commander.close()
        try await other.close()
        await redis.stop()
        try await group.shutdownGracefully()
    }

    @Test("A reply that is there counts, also where its deadline has passed")
    func lateButThere() async throws {
        let redis = try await LocalRedis.start()
        let configuration = try RedisConfiguration(url: redis.url)
        let commander = try await CommanderHarness(configuration, on: group.next())
        let heard = try await SubscriberHarness(configuration)
        let other = try await CommanderHarness(configuration)
        try await commander.ready()
        try await other.ready()
        try await holdUp(commander, for: .milliseconds(60), by: other) { commander in
            commander.send(RedisCommand("ECHO", "x"), deadline: .milliseconds(30)) { outcome in
                heard.note((try? outcome.get().string) ?? "\(outcome)")
            }
        }
        try await heard.hears("x")
        #expect(heard.heard.filter { $0 != "connected" } == ["x"])
        try await commander.close()
        try await other.close()
        try await heard.close()
        await redis.stop()
        try await group.shutdownGracefully()
    }
}
