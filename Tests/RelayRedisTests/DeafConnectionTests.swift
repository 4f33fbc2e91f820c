import RelayCore
import RelayTestKit
import Testing

@testable import RelayRedis

/// A connection that looks alive and is not.
@Suite("A subscription that TCP says is well")
struct DeafConnectionTests {
    /// A relay behind a forwarder, in one room, and one that posts into it.
    private func withDeafRelay(_ body: (DeafForwarder, RelayHarness, RelayHarness) async throws -> Void) async throws {
        let redis = try await LocalRedis.start()
        let forwarder = try await DeafForwarder.start(to: redis.port)
        let listener = try await RelayHarness(redis, edge: "listener", url: "redis://127.0.0.1:\(forwarder.port)") {
            $0.probeInterval = .seconds(2)
        }
        let writer = try await RelayHarness(redis, edge: "writer")
        try await listener.ready()
        try await writer.ready()
        try await listener.subscribe(room())
        try await body(forwarder, listener, writer)
        try await listener.stop()
        try await writer.stop()
        try await forwarder.stop()
        await redis.stop()
    }

    /// Says something now and then, so that the connection is not quiet, until the body returns.
    private func talking(_ writer: RelayHarness, until isOver: @escaping () -> Bool) async throws {
        var number = 0
        try await eventually("it is noticed", within: .seconds(30)) {
            number += 1
            _ = try await writer.post(draft("\(number)")).get()
            return isOver()
        }
    }

    @Test("Nothing comes from Redis any more: the connection is made anew, and what is said is heard")
    func fromServer() async throws {
        try await withDeafRelay { forwarder, listener, writer in
            forwarder.setDeafness(.toClient)
            try await eventually("lost, then confirmed", within: .seconds(30)) {
                listener.confirmed == [try room(), nil, try room()]
            }
            _ = try await writer.post(draft("x")).get()
            try await eventually("it is heard") { listener.heard.count == 1 }
            #expect(forwarder.subscribedCount == 2)
        }
    }

    @Test("Nothing reaches Redis any more while messages go on coming: no answer comes, and that is noticed")
    func toServer() async throws {
        try await withDeafRelay { forwarder, listener, writer in
            forwarder.setDeafness(.toServer)
            try await talking(writer) { listener.confirmed.contains(nil) }
            let heard = listener.heard.count
            #expect(heard > 0, "messages came meanwhile")
            try await eventually("it is confirmed anew") { try listener.confirmed.last == room() }
            try await listener.subscribe(try #require(RoomID("other")))
        }
    }

    @Test("Redis is asked and answers, but what is published is swallowed: a probe that does not come back shows it")
    func swallowed() async throws {
        try await withDeafRelay { forwarder, listener, writer in
            forwarder.setDeafness(.toClientHolding("message"))
            try await talking(writer) { listener.confirmed.contains(nil) }
            try await eventually("it is confirmed anew") { try listener.confirmed.last == room() }
            _ = try await writer.post(draft("x")).get()
            try await eventually("it is heard") { listener.heard.last?.payload.contains("\"text\":\"x\"") == true }
        }
    }

    @Test("A connection that is well is left alone")
    func well() async throws {
        try await withDeafRelay { forwarder, listener, writer in
            for number in 1...5 {
                try await eventually("a probe passes") { try await listener.probe() == .passed }
                _ = try await writer.post(draft("\(number)")).get()
                try await eventually("it is heard") { listener.heard.count == number }
            }
            #expect(listener.confirmed == [try room()])
            #expect(forwarder.subscribedCount == 1)
        }
    }
}
