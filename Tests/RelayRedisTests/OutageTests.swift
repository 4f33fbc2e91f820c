import NIOCore
import RedisClient
import RelayCore
import RelayTestKit
import NIOConcurrencyHelpers
import Testing

@testable import RelayRedis

@Suite("The adapters when Redis hangs, breaks and comes back")
struct OutageTests {
    @Test("A paused Redis: unavailable within 3 s, at once from then on, and one message for a repeated nonce")
    func paused() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            #expect(try await relay.post(draft("before")).get().seq == 1)
            try await redis.pause()
            let start = ContinuousClock.now
            let outcomes = try await relay.post([draft("a", nonce: "a"), draft("b")])
            #expect(outcomes == [.failure(.unavailable), .failure(.unavailable)])
            #expect(ContinuousClock.now - start < .seconds(3) * patience)
            let again = ContinuousClock.now
            #expect(try await relay.post(draft("c")) == .failure(.unavailable))
            #expect(ContinuousClock.now - again < .seconds(1) * patience)
            try await redis.resume()
            try await relay.ready()
            let receipt = try await relay.post(draft("a", nonce: "a")).get()
            // Whether Redis executed the first try when it went on or not, there is one such message.
            let texts = try await relay.read(.latest(limit: 10), room()).get().frames
                .count { String(buffer: $0.envelope).contains("\"nonce\":\"a\"") }
            #expect(texts == 1)
            #expect(try await relay.post(draft("a", nonce: "a")).get().id == receipt.id)
        }
    }

    @Test("The connection of the posts is killed under way: with nonces each is acknowledged, once and in order")
    func killedConnection() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            let room = try room()
            let acknowledged = NIOLockedValueBox<[UInt64]>([])
            let isOver = NIOLockedValueBox(false)
            async let killer: Void = {
                for _ in 0..<5 {
                    let before = acknowledged.withLockedValue { $0.count }
                    try await eventually("posts go on") { acknowledged.withLockedValue { $0.count } > before + 20 }
                    try await redis.cli("CLIENT", "KILL", "TYPE", "NORMAL")
                }
                isOver.withLockedValue { $0 = true }
            }()
            var number = 0
            while !isOver.withLockedValue({ $0 }) {
                number += 1
                // A sender that tries again with its nonce until it is acknowledged.
                let drafts = try (0..<3).map { try draft("\(number) \($0)", nonce: "\(number).\($0)") }
                var waiting = drafts
                while !waiting.isEmpty {
                    let outcomes = try await relay.post(waiting)
                    var refused: [MessageDraft] = []
                    for (draft, outcome) in zip(waiting, outcomes) {
                        switch outcome {
                        case .success(let receipt): acknowledged.withLockedValue { $0.append(receipt.seq) }
                        case .failure: refused.append(draft)
                        }
                    }
                    waiting = refused
                }
            }
            try await killer
            let seqs = acknowledged.withLockedValue { $0 }
            #expect(seqs == Array(1...UInt64(number * 3)), "no repeat, no hole, in the order of the sends")
            try await relay.ready()
            let page = try await relay.read(.latest(limit: 1), room).get()
            #expect(page.standing?.lastSeq == UInt64(number * 3))
        }
    }

    @Test("Redis down at the start: refused at once, ready by itself when it comes")
    func downAtStart() async throws {
        let redis = try await LocalRedis.start()
        try await redis.kill()
        let relay = try await RelayHarness(redis)
        try await eventually("it is away") {
            try await relay.onLoop { relay in
                if case .away = relay.state { true } else { false }
            }
        }
        #expect(try await relay.post(draft("x")) == .failure(.unavailable))
        #expect(try await relay.read(.latest(limit: 1), room()) == .failure(.unavailable))
        #expect(try await relay.probe() == .publishFailed)
        try await relay.onLoop { $0.broker.subscribe(try room()) }
        try await redis.start()
        try await relay.ready()
        try await eventually("the room is subscribed") { relay.confirmed == [try room()] }
        #expect(try await relay.post(draft("x")).get().seq == 1)
        try await relay.stop()
        await redis.stop()
    }

    @Test("A wrong password is said as what it is")
    func wrongPassword() async throws {
        let redis = try await LocalRedis.start()
        let url = "redis://nobody:wrong@127.0.0.1:\(redis.port)"
        let relay = try await RelayHarness(redis, url: url)
        try await eventually("it is refused") {
            try await relay.onLoop { relay in
                if case .refused = relay.state { true } else { false }
            }
        }
        try await relay.stop()
        await redis.stop()
    }

    @Test("A probe passes, shares with others, and says which hop fails")
    func probe() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            try await eventually("a probe passes") { try await relay.probe() == .passed }
            let many = NIOLockedValueBox<[ProbeOutcome]>([])
            try await relay.onLoop { relay in
                for _ in 0..<10 { relay.broker.probe { outcome in many.withLockedValue { $0.append(outcome) } } }
            }
            try await eventually("all have an outcome") { many.withLockedValue { $0.count } == 10 }
            #expect(many.withLockedValue { $0 } == Array(repeating: .passed, count: 10))
            try await redis.pause()
            #expect(try await relay.probe() != .passed)
            try await redis.resume()
        }
    }

    @Test("A killed subscription is said as lost, and the rooms are confirmed anew")
    func killedSubscription() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            try await relay.subscribe(room())
            try await redis.cli("CLIENT", "KILL", "TYPE", "PUBSUB")
            try await eventually("lost, then confirmed") {
                relay.confirmed == [try room(), nil, try room()]
            }
            try await relay.ready()
            #expect(relay.states.contains { if case .away = $0 { true } else { false } })
            _ = try await relay.post(draft("x")).get()
            try await eventually("heard again") { relay.heard.count == 1 }
            try await relay.onLoop { $0.broker.unsubscribe(try room()) }
            try await eventually("nobody listens") {
                try await redis.cli("PUBSUB", "CHANNELS", "chat:{*") == ""
            }
        }
    }
}
