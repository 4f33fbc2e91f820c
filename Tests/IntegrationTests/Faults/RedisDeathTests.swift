import Glibc
import RelayClient
import RelayCore
import RelayTestKit
import Testing

/// Redis is gone for a while, and comes back with all that it acknowledged.
@Suite("Fault: Redis dies or hangs", .timeLimit(.minutes(20)))
struct RedisDeathTests {
    /// `unavailable` within the 2 s of the contract; the rest is for a busy machine, on which this test is not alone.
    private static let delayMax = Duration.seconds(5) * patience

    private static func expectUnavailable(_ talker: Talker) async throws {
        let start = ContinuousClock.now
        #expect(try await talker.refusal("send", #""room":"aside","text":"x""#)?.code == .unavailable)
        #expect(ContinuousClock.now - start < delayMax)
    }

    @Test(
        "Killed or shut down under load with its file: what was acknowledged is there, sessions stay, all goes on",
        arguments: [SIGKILL, SIGTERM])
    func restarted(_ signal: Int32) async throws {
        try await FaultScene.run { scene in
            let visitors = [try await scene.visitor("ann", at: 0), try await scene.visitor("ben", at: 1)]
            try await scene.underLoad {
                if signal == SIGKILL {
                    try await scene.world.redis.kill()
                } else {
                    try await scene.world.redis.shutDown()
                }
                for visitor in visitors { try await Self.expectUnavailable(visitor) }
                try await scene.world.redis.start()
            }
            for visitor in visitors { #expect(visitor.closing == nil) }
            for resident in scene.people { #expect(resident.look { $0.welcomes } == 1) }
        }
    }

    @Test("While Redis loads its file sends are unavailable, and then all goes on")
    func loading() async throws {
        var options = FaultScene.Options()
        options.world.redisConfiguration = ["key-load-delay 400"]
        try await FaultScene.run(options) { scene in
            let visitor = try await scene.visitor("ann")
            // Something to load for some seconds.
            try await scene.world.cli("EVAL", "for i = 1, 8000 do redis.call('SADD', KEYS[1], i) end", "1", "ballast")
            try await scene.underLoad {
                let redis = scene.world.redis
                try await redis.kill()
                async let started: Void = redis.start()
                try await eventually("Redis loads") {
                    try await scene.world.cli("PING").contains("LOADING")
                }
                try await Self.expectUnavailable(visitor)
                #expect(try await scene.world.cli("PING").contains("LOADING"), "it loaded too fast to be seen")
                try await started
            }
            #expect(visitor.closing == nil)
            for resident in scene.people { #expect(resident.look { $0.welcomes } == 1) }
        }
    }

    @Test("Stopped with SIGSTOP: unavailable within 2 s, at once from then on, sessions stay, no wrong ack")
    func hung() async throws {
        try await FaultScene.run { scene in
            let visitors = [try await scene.visitor("ann", at: 0), try await scene.visitor("ben", at: 1)]
            try await scene.underLoad {
                try await scene.world.redis.pause()
                let end = ContinuousClock.now + Campaign.span(.seconds(4), long: .seconds(60))
                for visitor in visitors { try await Self.expectUnavailable(visitor) }
                let acknowledged = scene.acknowledged
                try await eventually("the time is over", within: .seconds(90)) {
                    let start = ContinuousClock.now
                    for visitor in visitors { try await Self.expectUnavailable(visitor) }
                    #expect(ContinuousClock.now - start < .seconds(1) * patience)
                    return ContinuousClock.now > end
                }
                #expect(scene.acknowledged == acknowledged)
                try await scene.world.redis.resume()
            }
            for visitor in visitors { #expect(visitor.closing == nil) }
            for resident in scene.people { #expect(resident.look { $0.welcomes } == 1) }
        }
    }
}
