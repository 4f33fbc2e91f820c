import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// What many readers of a room cost Redis when something was broken.
@Suite("Fault: many come back at once", .timeLimit(.minutes(20)))
struct FewReadsTests {
    private static let fast = ["--rate", "100000", "--burst", "100000"]

    /// Reads of streams since the edge began.
    static func reads(_ edge: EdgeProcess) async throws -> Int {
        let catchUps = try await edge.metric("martlet_edge_catch_ups_total")
        return try await catchUps + edge.metric("martlet_edge_backfills_total")
    }

    private static func crowd(_ count: Int, at edge: EdgeProcess) async throws -> [Talker] {
        var talkers: [Talker] = []
        // Of one user, so that coming and going is not said to hundreds.
        for _ in 0..<count { talkers.append(try await Talker.connect(edge, as: "reader")) }
        return talkers
    }

    @Test("The people of a dead edge come to another all at once: that costs Redis a read or two for all of them")
    func edgeKilled() async throws {
        try await RelayWorld.run(edges: [Self.fast, Self.fast]) { _, edges in
            let writer = try await Talker.connect(edges[0], as: "writer")
            for number in 1...400 { try await writer.say("\(number)", in: "general") }
            let first = try await Talker.connect(edges[0], as: "first")
            let ids = try await first.join("general", #""history":400"#).messages.map(\.message.id)
            try await edges[0].program.kill()
            let returners = try await Self.crowd(120, at: edges[1])
            let before = try await Self.reads(edges[1])
            // Not all of them had heard the same when their edge died.
            var refs: [Reference] = []
            for (number, returner) in returners.enumerated() {
                let since = ids[number % 50]
                refs.append(try await returner.begin("join", #""room":"general","since":"\#(since)""#))
            }
            for (number, (returner, ref)) in zip(returners, refs).enumerated() {
                guard case .joined(let joined) = try await returner.answer(to: ref) else {
                    Issue.record("not joined")
                    continue
                }
                #expect(joined.isRecovered)
                #expect(joined.messages.map(\.message.id) == Array(ids[(number % 50 + 1)...]))
            }
            let cost = try await Self.reads(edges[1]) - before
            // The room's own read, one for all who were there before, and one more each time that somebody who comes
            // later had heard less.
            #expect(cost <= 5, "\(cost) reads for \(returners.count) readers")
        }
    }

    @Test("Redis is out of memory and all come back at once: they join, recover and read, for a read or two")
    func outOfMemory() async throws {
        try await RelayWorld.run(edges: [Self.fast, Self.fast]) { world, edges in
            let writer = try await Talker.connect(edges[0], as: "writer")
            for number in 1...200 { try await writer.say("\(number)", in: "general") }
            let first = try await Talker.connect(edges[0], as: "first")
            let ids = try await first.join("general", #""history":200"#).messages.map(\.message.id)
            let returners = try await Self.crowd(60, at: edges[1])
            try await world.cli("CONFIG", "SET", "maxmemory", "1")
            #expect(try await writer.refusal("send", #""room":"general","text":"x""#)?.code == .unavailable)
            let before = try await Self.reads(edges[1])
            var refs: [Reference] = []
            for (number, returner) in returners.enumerated() {
                let since = ids[100 + number % 20]
                refs.append(try await returner.begin("join", #""room":"general","since":"\#(since)""#))
            }
            for (number, (returner, ref)) in zip(returners, refs).enumerated() {
                guard case .joined(let joined) = try await returner.answer(to: ref) else {
                    Issue.record("not joined")
                    continue
                }
                #expect(joined.isRecovered && joined.messages.map(\.message.id) == Array(ids[(101 + number % 20)...]))
            }
            let cost = try await Self.reads(edges[1]) - before
            #expect(cost <= 5, "\(cost) reads for \(returners.count) readers")
            // A room that no one is in, with history and without a point to go on from.
            let newcomer = try await Talker.connect(edges[1], as: "newcomer")
            #expect(try await newcomer.join("general", #""history":30"#).messages.map(\.message.id) == ids.suffix(30))
            let fields = #""room":"general","before":"\#(ids[10])","limit":5"#
            guard case .history(let page) = try await newcomer.ask("history", fields) else {
                throw NeverHappened(description: "history")
            }
            #expect(page.messages.map(\.message.id) == Array(ids[5..<10]))
            try await world.cli("CONFIG", "SET", "maxmemory", "0")
            try await writer.insist("awake")
            for returner in returners { try await eventually("it is heard") { returner.texts.last == "awake" } }
        }
    }

    @Test(
        "Redis loses what it acknowledged under a hundred readers of a room: a few reads for all of them",
        arguments: Loss.whole)
    func lost(_ loss: Loss) async throws {
        try await LossyWorld.run(loss, edges: [Self.fast, Self.fast]) { scene in
            let writer = try await Talker.connect(scene.edges[1], as: "writer")
            let readers = try await Self.crowd(100, at: scene.edges[0])
            for reader in readers { try await reader.join("general") }
            for number in 1...5 { try await writer.say("\(number)", in: "general") }
            try await scene.forget()
            for number in 6...8 { try await writer.say("\(number)", in: "general") }
            for reader in readers { try await reader.hear(8) }
            let before = try await Self.reads(scene.edges[0])
            try await scene.lose()
            #expect(try await writer.insist("awake").seq == 9)
            for reader in readers { try await reader.hear(9, within: .seconds(40)) }
            let cost = try await Self.reads(scene.edges[0]) - before
            // The one that shows the loss, the one when all is back, and a few where Redis was away in between.
            #expect(cost <= 8, "\(cost) reads for \(readers.count) readers")
            for reader in readers { #expect(reader.numbers == Array(1...9)) }
        }
    }

    /// What becomes of Redis or of the ways to it.
    enum Cut: CaseIterable {
        case subscriptions, commands, restart, stop

        /// `isNoticed` tells whether somebody is refused because of it.
        func happen(in world: RelayWorld, isNoticed: () async throws -> Bool) async throws {
            switch self {
            case .subscriptions: try await world.cli("CLIENT", "KILL", "TYPE", "pubsub")
            case .commands: try await world.cli("CLIENT", "KILL", "TYPE", "normal")
            case .restart: try await world.redis.restart()
            case .stop:
                try await world.redis.pause()
                try await eventually("an edge finds Redis hung", within: .seconds(60), isNoticed)
                try await world.redis.resume()
            }
        }
    }

    @Test("Redis cuts, restarts or stops under a hundred readers of a room: each time that costs a read or two")
    func redisCut() async throws {
        let options = RelayWorld.Options(isAppendOnly: true)
        try await RelayWorld.run(edges: [Self.fast, Self.fast], options: options) { world, edges in
            let writer = try await Talker.connect(edges[1], as: "writer")
            let readers = try await Self.crowd(100, at: edges[0])
            for reader in readers { try await reader.join("general") }
            try await writer.say("0", in: "general")
            for (number, cut) in Cut.allCases.enumerated() {
                let before = try await Self.reads(edges[0])
                // The nonce makes one message of all attempts, also of one whose fate nobody knows.
                let send = #""room":"general","text":"x","nonce":"\#(number)""#
                try await cut.happen(in: world) {
                    let isRefused = try await writer.refusal("send", send)?.code == .unavailable
                    let isUnready = try await edges[0].ask("GET", "/health/ready").status != 200
                    return isRefused && isUnready
                }
                try await eventually("it is said") { try await writer.refusal("send", send) == nil }
                for reader in readers { try await reader.hear(number + 2) }
                try await edges[0].waitUntilReady()
                let cost = try await Self.reads(edges[0]) - before
                #expect(cost <= 3, "\(cut): \(cost) reads")
            }
            for reader in readers { #expect(reader.messages.map(\.message.seq) == [1, 2, 3, 4, 5]) }
        }
    }
}
