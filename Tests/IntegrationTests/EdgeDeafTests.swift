import Foundation
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Subscriptions that die without a word, and many that have to be made anew.
@Suite("The edge's subscriptions")
struct EdgeDeafTests {
    private static let fast = ["--rate", "1000000", "--burst", "1000000", "--max-rooms", "10000"]

    @Test("A connection that Redis thinks is well, but on which nothing comes: noticed, repaired, made anew")
    func deaf() async throws {
        try await RelayWorld.run(edges: [Self.fast]) { world, edges in
            let forwarder = try await DeafForwarder.start(to: world.redis.port)
            let edge = try await world.startEdge(Self.fast + ["--redis-url", "redis://127.0.0.1:\(forwarder.port)"])
            try await edge.waitUntilReady()
            let alice = try await Talker.connect(edge, as: "alice")
            try await alice.join("general")
            let bob = try await Talker.connect(edges[0], as: "bob")
            try await bob.say("before", in: "general")
            try await alice.hear(1)
            forwarder.setDeafness(.toClient)
            try await bob.say("unheard", in: "general")
            try await alice.hear(2, within: .seconds(25))
            try await eventually("the connection is made anew", within: .seconds(30)) {
                try await edge.metric("martlet_edge_interruptions_total") == 1 && forwarder.subscribedCount == 2
            }
            try await edge.waitUntilReady()
            for number in 1...3 { try await bob.say("after \(number)", in: "general") }
            try await alice.hear(5)
            #expect(alice.messages.map(\.message.seq) == Array(1...5))
            try await forwarder.stop()
        }
    }

    /// `MARTLET_RESUBSCRIBED_ROOMS` sets how many rooms. A slow edge that is asked for all at once refuses some.
    @Test("Every room is heard again after the connection is killed, and what was said meanwhile comes")
    func resubscription() async throws {
        let wanted = ProcessInfo.processInfo.environment["MARTLET_RESUBSCRIBED_ROOMS"].flatMap { Int($0) }
        let count = wanted ?? 2000 / FinishedCommand.slowness
        try await RelayWorld.run(edges: [Self.fast, Self.fast]) { world, edges in
            let writer = try await Talker.connect(edges[1], as: "writer")
            var talkers: [Talker] = []
            for first in stride(from: 0, to: count, by: 5000) {
                let talker = try await Talker.connect(edges[0], as: "reader\(first)")
                var refs: [Reference] = []
                for room in first..<min(first + 5000, count) {
                    refs.append(try await talker.begin("join", #""room":"room\#(room)","history":0"#))
                }
                for ref in refs {
                    guard case .joined = try await talker.answer(to: ref, within: .seconds(120)) else {
                        throw NeverHappened(description: "\(count) joins")
                    }
                }
                talkers.append(talker)
            }
            for room in stride(from: 0, to: count, by: 10) { try await writer.say("before", in: "room\(room)") }
            let said = (count + 9) / 10
            try await eventually("what is said is heard", within: .seconds(30)) {
                talkers.reduce(0) { $0 + $1.messages.count } == said
            }
            let reads = try await edges[0].metric("martlet_edge_catch_ups_total")
            try await world.cli("CONFIG", "RESETSTAT")
            let start = ContinuousClock.now
            try await world.cli("CLIENT", "KILL", "TYPE", "PUBSUB")
            for room in stride(from: 0, to: count, by: 10) {
                _ = try await writer.begin("send", #""room":"room\#(room)","text":"meanwhile""#)
            }
            try await eventually("all rooms have read what they missed", within: .seconds(120)) {
                try await edges[0].metric("martlet_edge_catch_ups_total") >= reads + count
            }
            try await eventually("what was said meanwhile is heard", within: .seconds(120)) {
                talkers.reduce(0) { $0 + $1.messages.count } == 2 * said
            }
            let span = ContinuousClock.now - start
            print("\(count) rooms heard again after \(span)")
            let commands = try await world.cli("INFO", "commandstats").split(whereSeparator: \.isNewline)
                .first { $0.hasPrefix("cmdstat_subscribe:calls=") }
            let calls = commands.flatMap { Int($0.dropFirst(24).prefix { $0.isNumber }) } ?? 0
            // Two edges, each with a channel of its own beside the rooms.
            #expect(calls <= (count + 1 + 499) / 500 + 1, "\(calls) commands")
            #expect(try await edges[0].metric("martlet_edge_interruptions_total") == 1)
        }
    }
}
