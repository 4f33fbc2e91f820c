import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Coming back to a room.
@Suite("Recovery")
struct EdgeRecoveryTests {
    private static let fast = ["--rate", "100000", "--burst", "100000"]

    /// Says so many messages, many at a time, and returns when all are acknowledged.
    private static func fill(_ room: String, _ count: Int, through edge: EdgeProcess) async throws {
        let writer = try await Talker.connect(edge, as: "writer")
        try await writer.sayAll((1...count).map(String.init), in: room)
    }

    private static func seqs(_ messages: [ReceivedMessage]) -> [UInt64] { messages.map(\.message.seq) }

    @Test("From an id, from a time, from the beginning: everything after it, in order, then what is said now")
    func since() async throws {
        try await RelayWorld.run(edges: [Self.fast, Self.fast]) { _, edges in
            try await Self.fill("general", 1200, through: edges[0])
            for edge in edges {
                let reader = try await Talker.connect(edge, as: "reader")
                guard case .history(let page) = try await reader.ask("history", #""room":"general","limit":500"#) else {
                    Issue.record("no history")
                    return
                }
                #expect(Self.seqs(page.messages) == Array(701...1200) && page.more)
                let tenth = page.messages[page.messages.count - 10].message
                let byID = try await reader.join("general", #""since":"\#(tenth.id)""#)
                #expect(Self.seqs(byID.messages) == Array(1192...1200))
                #expect(byID.isRecovered && byID.reason == nil && !byID.more)
                #expect(byID.seq == 1200 && byID.last == page.messages.last?.message.id)
                let time = MessageID(milliseconds: tenth.id.milliseconds, sequence: 0)
                let byTime = try await reader.join("general", #""since":"\#(time)","epoch":\#(byID.epoch)"#)
                let later = page.messages.filter { $0.message.id > time }
                #expect(byTime.messages.map(\.envelope) == later.map(\.envelope) && byTime.isRecovered)
                let newest = try await reader.join("general", #""history":3"#)
                #expect(Self.seqs(newest.messages) == [1198, 1199, 1200] && newest.isRecovered)
                #expect(try await reader.join("general", #""history":0"#).messages.isEmpty)
            }
        }
    }

    @Test("What is more than an answer holds follows as plain envelopes, before anything newer")
    func overFiveHundred() async throws {
        try await RelayWorld.run(edges: [Self.fast, Self.fast]) { _, edges in
            try await Self.fill("general", 1700, through: edges[0])
            let writer = try await Talker.connect(edges[0], as: "writer")
            for edge in edges {
                let reader = try await Talker.connect(edge, as: "reader")
                let ref = try await reader.begin("join", #""room":"general","since":"0-0""#)
                let live = try await writer.say("live", in: "general")
                guard case .joined(let joined) = try await reader.answer(to: ref) else {
                    Issue.record("not joined")
                    return
                }
                #expect(joined.more && joined.isRecovered && joined.reason == nil)
                #expect(!joined.messages.isEmpty && joined.messages.count <= 500)
                try await reader.hear(Int(live.seq) - joined.messages.count)
                let all = joined.messages + reader.messages
                #expect(Self.seqs(all) == Array(1...live.seq))
                #expect(all.last?.message.id == live.id)
            }
        }
    }

    @Test("Below what Redis still holds it is said that something was trimmed, and the rest is given")
    func trimmed() async throws {
        try await RelayWorld.run(edges: [Self.fast, Self.fast]) { world, edges in
            try await Self.fill("general", 300, through: edges[0])
            let reader = try await Talker.connect(edges[0], as: "reader")
            guard case .history(let page) = try await reader.ask("history", #""room":"general","limit":300"#) else {
                Issue.record("no history")
                return
            }
            try await world.cli("XTRIM", "chat:{general}:stream", "MAXLEN", "100")
            let late = try await Talker.connect(edges[1], as: "late")
            let lost = try await late.join("general", #""since":"\#(page.messages[4].message.id)""#)
            #expect(!lost.isRecovered && lost.reason == "trimmed")
            #expect(Self.seqs(lost.messages) == Array(201...300))
            let enough = try await late.join("general", #""since":"\#(page.messages[200].message.id)""#)
            #expect(enough.isRecovered && Self.seqs(enough.messages) == Array(202...300))
        }
    }

    @Test("Above the room's last id, or under another epoch, the room was rewound")
    func rewound() async throws {
        try await RelayWorld.run(edges: [Self.fast]) { _, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            let joined = try await alice.join("general")
            #expect(joined.last == nil && joined.seq == 0 && joined.isRecovered && joined.here == 1)
            let first = try await alice.say("one", in: "general")
            try await alice.say("two", in: "general")
            try await alice.hear(2)
            let above = try await alice.join("general", #""since":"9999999999999-0""#)
            #expect(!above.isRecovered && above.reason == "rewound" && above.seq == 2)
            let other = try await alice.join("general", #""since":"\#(first.id)","epoch":1"#)
            #expect(!other.isRecovered && other.reason == "rewound" && other.epoch == joined.epoch)
            let same = try await alice.join("general", #""since":"\#(first.id)","epoch":\#(joined.epoch)"#)
            #expect(same.isRecovered && Self.seqs(same.messages) == [2])
        }
    }

    @Test("After FLUSHALL those who are there are told that the room was rewound, and go on")
    func flushed() async throws {
        try await RelayWorld.run(edges: [Self.fast, Self.fast]) { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            let bob = try await Talker.connect(edges[1], as: "bob")
            let before = try await alice.join("general").epoch
            try await bob.join("general")
            for text in ["one", "two", "three"] { try await alice.say(text, in: "general") }
            try await bob.hear(3)
            try await world.cli("FLUSHALL")
            let after = try await alice.say("after", in: "general")
            for talker in [alice, bob] {
                try await eventually("it is told", within: .seconds(30)) {
                    talker.look { $0.events.contains { $0.event.kind == .rewound } }
                }
                try await eventually("it goes on") { talker.texts.last == "after" }
            }
            try await bob.say("and on", in: "general")
            for talker in [alice, bob] {
                try await eventually("it hears what is said") { talker.texts.last == "and on" }
                #expect(talker.texts == ["one", "two", "three", "after", "and on"])
                let rewound = talker.look { $0.events.filter { $0.event.kind == .rewound } }
                #expect(rewound.count == 1)
                #expect(rewound.first?.figure("epoch").map { $0 != before } == true)
            }
            // An edge that knows a higher number raises the room's to it.
            #expect(after.seq > 3)
        }
    }
}
