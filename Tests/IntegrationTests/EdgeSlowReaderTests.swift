import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Readers that do not read.
@Suite("Slow readers")
struct EdgeSlowReaderTests {
    // Who does not read answers no ping either.
    private static let fast = ["--rate", "100000", "--burst", "100000", "--ping-interval", "20m"]

    @Test("Who stops reading costs the edge a bounded share of memory, holds up nobody, and later reads all in order")
    func slow() async throws {
        let count = 6000
        try await RelayWorld.run(edges: [Self.fast]) { _, edges in
            let edge = edges[0]
            var slow: [RelayConnection] = []
            for number in 0..<3 {
                let url = try #require(RelayURL("ws://\(edge.authority)/v1/ws?user=slow\(number)"))
                var configuration = RelayConnectionConfiguration(url: url)
                configuration.eventsMax = 8
                let reader = try await RelayConnection.open(configuration)
                try await reader.send(#"{"op":"join","room":"general","history":0}"#)
                slow.append(reader)
            }
            let quick = try await Talker.connect(edge, as: "quick")
            try await quick.join("general")
            try await eventually("all are there") {
                guard case .who(_, let people, _) = try await quick.ask("who", #""room":"general""#) else {
                    return false
                }
                return people.count == 4
            }
            let writer = try await Talker.connect(edge, as: "writer")
            let padding = String(repeating: "x", count: 4000)
            try await Self.fill(writer, 500, padding, from: 1)
            try await quick.hear(500)
            let before = edge.residentBytes
            try await Self.fill(writer, count - 500, padding, from: 501)
            try await quick.hear(count, within: .seconds(60))
            let growth = edge.residentBytes - before
            // Without a bound three readers would hold more than 60 MB that their sockets do not take.
            #expect(FinishedCommand.isSanitized || growth < 30 << 20, "the edge grew by \(growth >> 10) KiB")
            #expect(try await edge.metric("martlet_edge_fell_behind_total") >= 3)
            for reader in slow { try await Self.readAll(reader, upTo: UInt64(count)) }
            #expect(try await edge.metric("martlet_edge_lost_total") == 0)
            let seqs = quick.look { $0.messages.map(\.message.seq) }
            #expect(seqs == Array(1...UInt64(count)))
            // They are live again.
            try await writer.say("awake", in: "general")
            for reader in slow { try await Self.readAll(reader, from: UInt64(count), upTo: UInt64(count) + 1) }
        }
    }

    private static func fill(_ writer: Talker, _ count: Int, _ padding: String, from first: Int) async throws {
        try await writer.sayAll((first..<first + count).lazy.map { "\($0) \(padding)" }, in: "general")
    }

    /// Reads what comes until that number, which has to be the next all the way.
    private static func readAll(_ reader: RelayConnection, from first: UInt64 = 0, upTo last: UInt64) async throws {
        var seq = first
        while seq < last {
            guard case .text(let text)? = await reader.next(within: .seconds(60)) else {
                throw NeverHappened(description: "a message after \(seq)")
            }
            switch try ServerFrameDecoder.decode(text) {
            case .message(let received):
                try #require(received.message.seq == seq + 1)
                seq += 1
            case .event(let received): #expect(received.event.kind != .lagged && received.event.kind != .rewound)
            case .answer(.joined(let joined), ref: _): #expect(joined.messages.isEmpty)
            case .answer(let answer, ref: _): Issue.record("\(answer)")
            case .notice(let text, edge: _): Issue.record("\(text)")
            }
        }
    }
}
