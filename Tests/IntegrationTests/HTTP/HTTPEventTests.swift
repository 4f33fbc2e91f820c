import Foundation
import NIOCore
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Server-sent events on real processes.
@Suite("Events over HTTP", .timeLimit(.minutes(20)))
struct HTTPEventTests {
    private static let path = "/v1/rooms/general/events"
    private static let fast = ["--rate", "100000", "--burst", "100000", "--leave-grace", "1s"]

    @Test("What is said comes as it is said, under the message's id, in the very bytes that a WebSocket gets")
    func bytes() async throws {
        try await RelayWorld.run(edges: [Self.fast, Self.fast]) { _, edges in
            let bob = try await Talker.connect(edges[1], as: "bob")
            try await bob.join("general")
            let listener = try await EventListener.open(edges[0], Self.path + "?user=carol")
            #expect(listener.status == 200)
            for field in [
                "content-type: text/event-stream", "cache-control: no-store", "x-accel-buffering: no",
            ] {
                #expect(listener.head.lowercased().contains(field), "\(field)")
            }
            for text in ["plain", #"escapes \u0007 \n \" \\ / é 😀"#, "/me is no command"] {
                let posted = try await edges[1].ask(
                    "POST", "/v1/rooms/general/messages?user=alice&name=%C3%84lice", json: #"{"text":"\#(text)"}"#)
                #expect(posted.status == 201)
            }
            try await bob.hear(3)
            try await listener.hear(3)
            let frames = bob.look { $0.frames.map { String(buffer: $0) }.filter { $0.hasPrefix(#"{"id":"#) } }
            #expect(listener.envelopes == frames)
            let ids = listener.events.filter { $0.name == nil }.map(\.id)
            #expect(ids == bob.messages.map { "\($0.message.id)" })
            // Who reads is there, and what is not kept has a name and no id.
            try await eventually("bob is told of carol") { bob.count(.join, of: "carol") == 1 }
            _ = try await bob.begin("typing", #""room":"general""#)
            try await eventually("carol is told") { listener.events.contains { $0.name == "typing" && $0.id == nil } }
            listener.close()
            try await eventually("bob is told that carol left") { bob.count(.leave, of: "carol") == 1 }
        }
    }

    @Test("A reader whose edge is killed goes on at another one with Last-Event-ID: no hole, no repeat, no other order")
    func killed() async throws {
        let count = 1500
        try await RelayWorld.run(edges: [Self.fast, Self.fast]) { _, edges in
            let writer = try await Talker.connect(edges[1], as: "writer")
            let first = try await EventListener.open(edges[0], Self.path + "?user=reader")
            try await Self.say(1...300, by: writer)
            try await first.hear(300)
            let saying = Task { try await Self.say(301...count, by: writer) }
            try await first.hear(350)
            edges[0].signal(9)
            try await eventually("the connection ends") { first.isClosed }
            try await saying.value
            let last = try #require(first.lastID)
            let second = try await EventListener.open(
                edges[1], Self.path + "?user=reader", headers: ["Last-Event-ID: \(last)"])
            try await second.hear(count - first.envelopes.count)
            try await Self.say((count + 1)...(count + 50), by: writer)
            try await second.hear(count + 50 - first.envelopes.count)
            let numbers = (first.envelopes + second.envelopes).map { Self.number($0) }
            #expect(numbers == Array(1...(count + 50)))
            #expect(!second.events.contains { ["joined", "lagged", "rewound"].contains($0.name) })
        }
    }

    @Test("A reader who does not read costs the edge its budget and no more, and then gets everything")
    func slow() async throws {
        let count = 6000
        try await RelayWorld.run(edges: [Self.fast + ["--slow-budget", "64KiB"]]) { _, edges in
            let edge = edges[0]
            let writer = try await Talker.connect(edge, as: "writer")
            let reader = try await EventListener.open(
                edge, Self.path + "?user=slow", receivedBytesMax: 32_768)
            #expect(reader.status == 200)
            try await reader.setReading(false)
            // What an edge keeps of what was posted lately is at its bound by then.
            try await Self.say(1...2500, by: writer, padding: 4000)
            let before = edge.residentBytes
            try await Self.say(2501...count, by: writer, padding: 4000)
            #expect(FinishedCommand.isSanitized || edge.residentBytes - before < 7 << 20, "14 MB were said meanwhile")
            #expect(try await edge.metric("martlet_edge_fell_behind_total") >= 1)
            try await reader.setReading(true)
            try await eventually("the last one comes", within: .seconds(60)) { reader.endsAbout(#""seq":\#(count),"#) }
            try await Self.say((count + 1)...(count + 1), by: writer)
            try await eventually("it is live again") { reader.endsAbout(#""seq":\#(count + 1),"#) }
            #expect(reader.envelopes.map { Self.number($0) } == Array(1...(count + 1)))
        }
    }

    @Test("A stream that is idle shows signs of life, and a drain ends it")
    func life() async throws {
        try await RelayWorld.run(edges: [["--ping-interval", "1s", "--drain", "1s"]]) { _, edges in
            let listener = try await EventListener.open(edges[0], Self.path + "?user=alice")
            try await eventually("three signs of life") {
                listener.body.components(separatedBy: ": \n\n").count > 3
            }
            #expect(listener.body.hasPrefix("retry: 1000\n"))
            edges[0].signal(15)
            try await eventually("it is ended") { listener.isClosed }
            #expect(listener.body.contains(": 4000 "))
            #expect(try await edges[0].exitStatus(within: .seconds(30)) == 0)
        }
    }

    @Test("One may ask for what is past, for a while, without a name, and not for what is private")
    func asking() async throws {
        try await RelayWorld.run { world, edges in
            let edge = edges[0]
            let alice = try await Talker.connect(edge, as: "alice")
            var ids: [MessageID] = []
            for number in 1...5 { ids.append(try await alice.say("\(number)", in: "general").id) }
            func poll(_ query: String, headers: [String] = []) async throws -> [Int] {
                let listener = try await EventListener.open(edge, Self.path + query, headers: headers)
                try await eventually("it ends by itself") { listener.isClosed }
                return listener.envelopes.map { Self.number($0) }
            }
            #expect(try await poll("?wait=0") == [])
            #expect(try await poll("?wait=0&history=2") == [4, 5])
            #expect(try await poll("?wait=0&since=\(ids[1])") == [3, 4, 5])
            #expect(try await poll("?wait=0&since=\(ids[1])", headers: ["Last-Event-ID: \(ids[3])"]) == [5])
            // Who said no name is not there, and makes no room.
            #expect(try await world.cli("HLEN", "chat:{general}:here") == "0")
            let unseen = try await EventListener.open(edge, Self.path + "?wait=0&since=99999999999999-0")
            try await eventually("it is told how the room stands") { unseen.events.contains { $0.name == "joined" } }
            #expect(unseen.body.contains(#""here":0"#), "\(unseen.body)")
            #expect(try await edge.ask("GET", "/v1/rooms/none/events").status == 404)
            #expect(try await world.cli("EXISTS", "chat:{none}:meta") == "0")
            let made = try await edge.ask(
                "POST", "/v1/rooms?user=alice", json: #"{"room":"club","private":true}"#)
            #expect(made.status == 201)
            for query in ["", "?user=eve"] {
                let answer = try await edge.ask("GET", "/v1/rooms/club/events" + query)
                #expect(answer.status == 404 && answer.text.contains("no_such_room"))
            }
            let member = try await EventListener.open(edge, "/v1/rooms/club/events?user=alice")
            #expect(member.status == 200)
            // Deleted under its reader: the stream ends.
            #expect(try await edge.ask("DELETE", "/v1/rooms/club?user=alice").status == 204)
            try await eventually("the stream ends") { member.isClosed }
        }
    }

    @Test("Whoever asks for what there was and no more gets all of it, however many pages")
    func pollingAll() async throws {
        try await RelayWorld.run(edges: [Self.fast]) { _, edges in
            let writer = try await Talker.connect(edges[0], as: "writer")
            try await Self.say(1...1300, by: writer)
            let listener = try await EventListener.open(edges[0], Self.path + "?wait=0&since=0-0&user=reader")
            try await eventually("it ends by itself") { listener.isClosed }
            let isAll = listener.envelopes.map { Self.number($0) } == Array(1...1300)
            #expect(isAll, "\(listener.envelopes.count) of 1300")
        }
    }

    @Test("What Redis no longer holds is said: trimmed and rewound")
    func short() async throws {
        try await RelayWorld.run { world, edges in
            let edge = edges[0]
            let alice = try await Talker.connect(edge, as: "alice")
            for number in 1...3 { try await alice.say("\(number)", in: "general") }
            let future = try await EventListener.open(edge, Self.path, headers: ["Last-Event-ID: 99999999999999-0"])
            try await eventually("it is told") { future.events.contains { $0.name == "joined" } }
            let told = try #require(future.events.first)
            #expect(told.data.contains(#""recovered":false,"reason":"rewound""#) && told.id == nil)
            try await future.hear(3)
            try await world.cli("XTRIM", "chat:{general}:stream", "MAXLEN", "1")
            let other = try await world.startEdge()
            try await other.waitUntilReady()
            let trimmed = try await EventListener.open(other, Self.path, headers: ["Last-Event-ID: 1-0"])
            try await trimmed.hear(1)
            let first = try #require(trimmed.events.first)
            #expect(first.name == "joined" && first.data.contains(#""reason":"trimmed""#))
        }
    }

    // MARK: Saying much

    private static func number(_ envelope: String) -> Int {
        (try? JSONReader.object(from: ByteBuffer(string: envelope)))?["seq"]?.integer.map { Int($0) } ?? 0
    }

    private static func say(_ numbers: ClosedRange<Int>, by writer: Talker, padding: Int = 0) async throws {
        let tail = String(repeating: "x", count: padding)
        try await writer.sayAll(numbers.lazy.map { "\($0) \(tail)" }, in: "general")
    }
}
