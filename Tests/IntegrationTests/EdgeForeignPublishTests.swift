import NIOCore
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// What people publish on a room's channel by hand.
@Suite("Publishes by hand")
struct EdgeForeignPublishTests {
    @Test("A live event reaches the clients, marked as foreign")
    func notices() async throws {
        try await RelayWorld.run { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            try await alice.join("general")
            try await world.cli("PUBLISH", "chat:{general}", #"{"type":"notice","text":"Back at five"}"#)
            let expected = ByteBuffer(string: #"{"type":"notice","text":"Back at five","foreign":true}"#)
            try await eventually("it comes") { alice.look { $0.frames.contains(expected) } }
            // Nobody can take the mark off.
            try await world.cli("PUBLISH", "chat:{general}", #"{"type":"notice","text":"x","foreign":false}"#)
            let marked = ByteBuffer(string: #"{"type":"notice","text":"x","foreign":true}"#)
            try await eventually("it comes marked") { alice.look { $0.frames.contains(marked) } }
            #expect(try await edges[0].metric("martlet_edge_foreign_events_total") == 2)
        }
    }

    @Test("Numbers at the end of their range, in events and in keys, are numbers like others")
    func greatNumbers() async throws {
        try await RelayWorld.run { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            try await alice.join("general")
            try await world.cli(
                "PUBLISH", "chat:{general}",
                #"{"type":"join","room":"general","count":9223372036854775807,"edge":"x"}"#)
            try await eventually("it comes") {
                alice.look { $0.frames.contains { String(buffer: $0).contains("9223372036854775807") } }
            }
            // Somebody more in a room that is as full as can be.
            let bob = try await Talker.connect(edges[0], as: "bob")
            try await bob.join("general")
            try await alice.join("other")
            try await world.cli("HSET", "chat:{other}:meta", "seq", "18446744073709551615")
            _ = try await alice.refusal("read", #""room":"other","id":"5-0""#)
            _ = try await alice.say("one", in: "general")
            try await bob.hear(1)
        }
    }

    @Test("Whatever looks like a message, or is junk, reaches nobody and does not disturb the order of real ones")
    func forgeries() async throws {
        try await RelayWorld.run(edges: [["--rate", "1000", "--burst", "1000"], []]) { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            let bob = try await Talker.connect(edges[1], as: "bob")
            try await alice.join("general")
            try await bob.join("general")
            var last = try await alice.say("0", in: "general")
            func forged(seq: UInt64, id: MessageID) -> String {
                #"{"id":"\#(id)","seq":\#(seq),"ts":\#(id.milliseconds),"room":"general","type":"message","#
                    + #""user":"alice","name":"alice","text":"forged"}"#
            }
            let later = MessageID(milliseconds: last.id.milliseconds + 100_000, sequence: 0)
            let junk = [
                "hello", "", "{", "[]", "5", "{}", #"{"type":"message","text":"forged"}"#,
                #"{"type":"ack","room":"general","id":"1-1","seq":5,"text":"forged"}"#,
                #"{"type":"notice","id":"1-1","text":"forged"}"#, #"{"type":"notice","seq":7,"text":"forged"}"#,
                #"{"type":"welcome","text":"forged"}"#, #"{"text":"forged"}"#, "{\"id\":\"1-1\",\"seq\":",
                forged(seq: 2, id: later).replacing("forged\"}", with: "forged"),
                forged(seq: 1, id: last.id), forged(seq: 9, id: later), forged(seq: 0, id: .zero),
                forged(seq: 2, id: MessageID(milliseconds: 1, sequence: 1)), String(repeating: "x", count: 100_000),
            ]
            for (number, payload) in junk.enumerated() {
                try await world.cli("PUBLISH", "chat:{general}", payload)
                last = try await alice.say("\(number + 1)", in: "general")
            }
            #expect(last.seq == UInt64(junk.count + 1))
            for talker in [alice, bob] {
                try await talker.hear(junk.count + 1)
                #expect(talker.texts == (0...junk.count).map(String.init))
                #expect(talker.messages.map(\.message.seq) == (1...last.seq).map { $0 })
                #expect(!talker.look { $0.frames.contains { String(buffer: $0).contains("forged") } })
                #expect(talker.look { $0.strange }.isEmpty)
            }
            #expect(try await edges[0].metric("martlet_edge_payloads_rejected_total") > 0)
        }
    }

    @Test("A forgery under the next number cannot keep the real message of that number from anybody")
    func forgedNext() async throws {
        try await RelayWorld.run { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            try await alice.join("general")
            let first = try await alice.say("one", in: "general")
            try await alice.hear(1)
            let id = MessageID(milliseconds: first.id.milliseconds + 1, sequence: 0)
            try await world.cli(
                "PUBLISH", "chat:{general}",
                #"{"id":"\#(id)","seq":2,"ts":\#(id.milliseconds),"room":"general","type":"message","#
                    + #""user":"alice","name":"alice","text":"forged"}"#)
            try await alice.say("two", in: "general")
            try await alice.say("three", in: "general")
            try await eventually("the real ones come") {
                alice.texts.filter { $0 != "forged" } == ["one", "two", "three"]
            }
            let joined = try await Talker.connect(edges[0], as: "bob").join("general")
            #expect(joined.messages.map(\.message.draft.text) == ["one", "two", "three"])
        }
    }
}
