import NIOCore
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Readers who do not read, and what they cost others.
@Suite("Fault: readers stall", .timeLimit(.minutes(20)))
struct SlowReaderTests {
    // Who does not read answers no ping either.
    private static let fast = ["--rate", "1000000", "--burst", "1000000", "--ping-interval", "20m"]

    /// A session that is read only when it is asked for the next frame.
    private static func join(_ user: String, _ edge: EdgeProcess) async throws -> RelayConnection {
        let url = try #require(RelayURL("ws://\(edge.authority)/v1/ws?user=\(user)"))
        var configuration = RelayConnectionConfiguration(url: url)
        configuration.eventsMax = 8
        let reader = try await RelayConnection.open(configuration)
        try await reader.send(#"{"op":"join","room":"general","history":0}"#)
        return reader
    }

    private static func untilHere(_ count: Int, _ asker: Talker) async throws {
        try await eventually("\(count) are there") {
            guard case .who(_, let people, _) = try await asker.ask("who", #""room":"general""#) else { return false }
            return people.count == count
        }
    }

    /// Says so many things and returns when all are acknowledged; looks at something after every thousand.
    private static func fill(
        _ writer: Talker, _ room: String, _ count: Int, padding: Int, look: () -> Void = {}
    ) async throws {
        let padding = String(repeating: "x", count: padding)
        for start in stride(from: 0, to: count, by: 1000) {
            try await writer.sayAll((start..<min(start + 1000, count)).lazy.map { "\($0) \(padding)" }, in: room)
            look()
        }
    }

    /// Reads envelopes until that number, each of which has to be the next; nothing else may come but joins.
    private static func readAll(_ reader: RelayConnection, after first: UInt64, upTo last: UInt64) async throws {
        var seq = first
        while seq < last {
            guard case .text(let text)? = await reader.next(within: .seconds(30)) else {
                throw NeverHappened(description: "a message after \(seq)")
            }
            guard let head = EnvelopeHead(text) else {
                let isWelcome = String(buffer: text).contains(#""type":"join"#)
                try #require(isWelcome, "\(String(buffer: text))")
                continue
            }
            try #require(head.seq == seq + 1)
            seq = head.seq
        }
    }

    @Test("20 000 messages to a reader who stalls: the edge grows by less than 4 MB, and the reader gets all in order")
    func memory() async throws {
        let count = 20_000
        try await RelayWorld.run(edges: [Self.fast]) { _, edges in
            let edge = edges[0]
            let writer = try await Talker.connect(edge, as: "writer")
            let quick = try await Self.join("quick", edge)
            try await Self.untilHere(1, writer)
            // Pools, rings and buffers are as large as this load makes them before anything is measured.
            async let quickReads: Void = Self.readAll(quick, after: 0, upTo: UInt64(2 * count))
            try await Self.fill(writer, "general", count, padding: 800)
            let slow = try await Self.join("slow", edge)
            try await Self.untilHere(2, writer)
            let before = edge.residentBytes
            var peak = before
            try await Self.fill(writer, "general", count, padding: 800) { peak = max(peak, edge.residentBytes) }
            try await quickReads
            peak = max(peak, edge.residentBytes)
            #expect(try await edge.metric("martlet_edge_fell_behind_total") == 1, "it never stalled")
            #expect(
                FinishedCommand.isSanitized || peak - before < 4 << 20, "the edge grew by \((peak - before) >> 10) KiB")
            try await Self.readAll(slow, after: UInt64(count), upTo: UInt64(2 * count))
            #expect(try await edge.metric("martlet_edge_lost_total") == 0)
            try await writer.say("awake", in: "general")
            try await Self.readAll(slow, after: UInt64(2 * count), upTo: UInt64(2 * count) + 1)
        }
    }

    @Test("A thousand readers of a room who are stuck do not slow down one who reads")
    func thousandStuck() async throws {
        try await RelayWorld.run(edges: [Self.fast + ["--slow-budget", "64KiB"]]) { _, edges in
            let edge = edges[0]
            let stuck = try await StuckReaders.connect(1000, to: edge, room: "crowd")
            let writer = try await Talker.connect(edge, as: "writer")
            try await eventually("all are stuck", within: .seconds(60)) {
                try await Self.fill(writer, "crowd", 20, padding: 4000)
                return try await edge.metric("martlet_edge_fell_behind_total") >= 1000
            }
            let quick = try await Talker.connect(edge, as: "quick")
            for room in ["crowd", "calm"] { try await quick.join(room, #""history":0"#) }
            // In turns, so that whatever else the machine does slows both alike.
            var ratios: [Double] = []
            for _ in 0..<15 {
                var spans: [Duration] = []
                for room in ["crowd", "calm"] {
                    let start = ContinuousClock.now
                    let before = quick.look { $0.messages.count }
                    try await Self.fill(writer, room, 200, padding: 100)
                    try await quick.hear(before + 200)
                    spans.append(ContinuousClock.now - start)
                }
                ratios.append(spans[0] / spans[1])
            }
            let median = ratios.sorted()[ratios.count / 2]
            // About 1 on a quiet machine. Were the stuck pushed to, each message would cost a thousand sends.
            #expect(median < 2, "\(ratios)")
            #expect(quick.closing == nil)
            await stuck.close()
        }
    }

    @Test("Where history no longer reaches back the reader is told how many are gone, exactly, and gets all others")
    func lagged() async throws {
        try await RelayWorld.run(edges: [Self.fast + ["--archive", "off", "--keep", "100"]]) { world, edges in
            let room = FaultScene.room
            let writer = try await Talker.connect(edges[0], as: "writer")
            let quick = try await Talker.connect(edges[0], as: "quick")
            try await quick.join("general")
            let slow = try await Self.join("slow", edges[0])
            try await Self.untilHere(2, writer)
            let count = 6000
            try await Self.fill(writer, "general", count, padding: 2000)
            try await quick.hear(count, within: .seconds(60))
            var session = RoomEvidence.Session(name: "slow")
            while (session.copies.last?.seq ?? 0) < UInt64(count) {
                guard case .text(let text)? = await slow.next(within: .seconds(60)) else { break }
                switch try ServerFrameDecoder.decode(text) {
                case .message(let received): session.copies.append(RoomEvidence.Copy(received))
                case .event(let received) where received.event.kind == .lagged:
                    let from = try #require(received.figure("from_seq"))
                    session.declaredLost.append(from...(try #require(received.figure("to_seq"))))
                case .event, .answer, .notice: break
                }
            }
            let records = try RoomRecords(world, room: room, archive: nil)
            var evidence = RoomEvidence()
            evidence.stream = try await records.stream()
            // Nobody else has kept what was trimmed.
            evidence.archive = quick.messages.map { RoomEvidence.Copy($0) }
            evidence.sessions = [session, RoomEvidence.Session(name: "quick", copies: evidence.archive ?? [])]
            await records.close()
            let violations = RoomOracle.violations(in: evidence)
            #expect(violations.isEmpty, "\(violations.prefix(10))")
            #expect(!session.declaredLost.isEmpty && evidence.stream.count < 1000)
            #expect(session.declaredLost.reduce(0) { $0 + $1.count } + session.copies.count == count)
        }
    }

    @Test("While a reader who stalled reads on, Redis dies, hangs, cuts and refuses: all still come in order")
    func throughTrouble() async throws {
        let options = RelayWorld.Options(isAppendOnly: true)
        try await RelayWorld.run(edges: [Self.fast], options: options) { world, edges in
            let writer = try await Talker.connect(edges[0], as: "writer")
            let slow = try await Self.join("slow", edges[0])
            try await Self.untilHere(1, writer)
            try await Self.fill(writer, "general", 6000, padding: 1500)
            #expect(try await edges[0].metric("martlet_edge_fell_behind_total") == 1, "it never stalled")
            let troubles: [() async throws -> Void] = [
                { try await world.cli("CLIENT", "KILL", "TYPE", "normal") },
                { try await world.cli("CLIENT", "KILL", "TYPE", "pubsub") },
                {
                    try await world.redis.kill()
                    try await world.redis.start()
                },
                {
                    try await world.redis.pause()
                    try await eventually("Redis is away") {
                        try await edges[0].ask("GET", "/health/ready").status == 503
                    }
                    try await world.redis.resume()
                },
                { try await world.cli("SCRIPT", "FLUSH") },
                {
                    try await world.cli("CONFIG", "SET", "maxmemory", "1")
                    #expect(try await writer.refusal("send", #""room":"general","text":"x""#)?.code == .unavailable)
                    try await world.cli("CONFIG", "SET", "maxmemory", "0")
                },
                {
                    try await world.cli("REPLICAOF", "127.0.0.1", "1")
                    #expect(try await writer.refusal("send", #""room":"general","text":"x""#)?.code == .unavailable)
                    try await world.cli("REPLICAOF", "NO", "ONE")
                },
            ]
            var seq: UInt64 = 0
            for trouble in troubles {
                try await Self.readAll(slow, after: seq, upTo: seq + 800)
                seq += 800
                try await trouble()
            }
            try await eventually("people can talk") {
                try await writer.refusal("send", #""room":"general","text":"awake","nonce":"n""#) == nil
            }
            try await Self.readAll(slow, after: seq, upTo: 6001)
            #expect(try await edges[0].metric("martlet_edge_lost_total") == 0)
        }
    }
}
