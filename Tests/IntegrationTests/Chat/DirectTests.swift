import RelayCore
import RelayTestKit
import RelayWire
import Testing

@Suite("Direct messages, on real processes", .serialized)
struct DirectTests {
    private func direct(_ talker: Talker, to user: String, _ text: String) async throws -> Acknowledgement {
        let answer = try await talker.ask("direct", #""to":"\#(user)","text":"\#(text)""#)
        guard case .acknowledged(let receipt) = answer else { throw NeverHappened(description: "an ack: \(answer)") }
        return receipt
    }

    @Test("They reach every session of both on any edge, once and in order, and nobody else")
    func everywhere() async throws {
        try await RelayWorld.run(edges: [[], []]) { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            let inside = try await Talker.connect(edges[1], as: "bob")
            let outside = try await Talker.connect(edges[0], as: "bob")
            let eve = try await Talker.connect(edges[1], as: "eve")
            #expect(try await eve.refusal("join", #""room":"dm:alice+bob""#)?.code == .noSuchRoom)
            try await eventually("both edges listen for bob") {
                try await world.cli("PUBSUB", "NUMSUB", "chat:user:{bob}").hasSuffix("2")
            }
            #expect(try await direct(alice, to: "bob", "1").isOnline == true)
            try await inside.hear(1)
            try await inside.join("dm:alice+bob", #""history":0"#)
            for number in 2...20 {
                let isAlices = number % 2 == 0
                _ = try await direct(isAlices ? alice : inside, to: isAlices ? "bob" : "alice", "\(number)")
            }
            for talker in [alice, inside, outside] {
                try await talker.hear(20)
                #expect(talker.messages.map(\.message.seq) == Array(1...20))
                #expect(talker.texts == (1...20).map { "\($0)" })
            }
            #expect(eve.messages.isEmpty)
            for op in ["history", "who"] {
                #expect(try await eve.refusal(op, #""room":"dm:alice+bob""#)?.code == .noSuchRoom)
            }
            #expect(try await edges[0].ask("GET", "/v1/rooms/dm:alice+bob/messages?user=eve").status == 404)
            #expect(eve.messages.isEmpty)
        }
    }

    @Test("Whoever only reads a room over HTTP is not there for them, nor for pages, but where they are said")
    func listener() async throws {
        try await RelayWorld.run(edges: [[], []]) { _, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            try await alice.join("general")
            let reader = try await EventListener.open(edges[1], "/v1/rooms/general/events?user=bob")
            try await eventually("alice is told of bob") { alice.hasHeard(.join, of: "bob") }
            #expect(try await alice.refusal("page", #""room":"general","to":"bob""#)?.code == .noSuchUser)
            #expect(try await direct(alice, to: "bob", "1").isOnline == false)
            let conversation = try await EventListener.open(edges[1], "/v1/rooms/dm:alice+bob/events?user=bob")
            try await eventually("bob is there") { try await direct(alice, to: "bob", "2").isOnline == true }
            try await eventually("he hears it") { conversation.envelopes.contains { $0.contains(#""text":"2""#) } }
            conversation.close()
            try await eventually("he has gone") { try await direct(alice, to: "bob", "3").isOnline == false }
            #expect(reader.envelopes.allSatisfy { !$0.contains("dm:alice+bob") })
        }
    }

    @Test("What was said while one was away is in the list and in the history")
    func away() async throws {
        try await RelayWorld.run(edges: [[], []]) { _, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            let receipt = try await direct(alice, to: "bob", "are you there?")
            #expect(receipt.isOnline == false && receipt.room.description == "dm:alice+bob")
            let bob = try await Talker.connect(edges[1], as: "bob")
            guard case .rooms(let rooms, more: false) = try await bob.ask("rooms") else {
                Issue.record("no rooms")
                return
            }
            #expect(rooms.map(\.room) == [receipt.room])
            #expect(rooms.first?.unread == 1 && rooms.first?.last?.message.draft.to == UserID("bob"))
            let joined = try await bob.join("dm:alice+bob", #""since":"0-0""#)
            #expect(joined.isRecovered && joined.messages.map(\.message.draft.text) == ["are you there?"])
            #expect(try await alice.refusal("direct", #""to":"alice","text":"x""#)?.code == .badRequest)
        }
    }

    @Test("What was said while an edge did not hear comes after that, once")
    func interruption() async throws {
        try await RelayWorld.run(edges: [[], []]) { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            let bob = try await Talker.connect(edges[1], as: "bob")
            try await eventually("bob is heard") {
                try await world.cli("PUBSUB", "NUMSUB", "chat:user:{bob}").hasSuffix("1")
            }
            _ = try await direct(alice, to: "bob", "1")
            try await bob.hear(1)
            for number in 2...6 {
                try await world.cli("CLIENT", "KILL", "TYPE", "pubsub")
                _ = try await direct(alice, to: "bob", "\(number)")
            }
            try await bob.hear(6)
            _ = try await direct(alice, to: "bob", "7")
            try await bob.hear(7)
            #expect(bob.messages.map(\.message.seq) == Array(1...7))
        }
    }

    @Test("An op that is refused writes into nobody's keys, and a message says to the other whom to answer")
    func refused() async throws {
        try await RelayWorld.run { world, edges in
            let spam = try await Talker.connect(edges[0], as: "spam")
            for op in ["edit", "delete"] {
                let refusal = try await spam.refusal(op, #""room":"dm:spam+victim","target":"1-1","text":"x""#)
                #expect(refusal?.code == .noSuchRoom)
            }
            let alice = try await Talker.connect(edges[0], as: "alice")
            _ = try await direct(alice, to: "bob", "x")
            #expect(try await world.cli("GET", "chat:user:{bob}:reply") == "alice")
            #expect(try await world.cli("EXISTS", "chat:user:{alice}:reply") == "0")
            // All that the refused ops wrote would be there by now: it went by the same connection.
            #expect(try await world.cli("KEYS", "chat:user:*victim*") == "")
        }
    }

    @Test("After FLUSHALL the next message is in the list of the other as the first one was")
    func flushed() async throws {
        try await RelayWorld.run { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            _ = try await direct(alice, to: "bob", "1")
            try await world.cli("FLUSHALL")
            try await eventually("it is posted") {
                if case .acknowledged = try await alice.ask("direct", #""to":"bob","text":"2""#) { true } else { false }
            }
            try await eventually("it is in the list") {
                try await world.cli("HKEYS", "chat:user:{bob}:rooms") == "dm:alice+bob"
            }
            let bob = try await Talker.connect(edges[0], as: "bob")
            guard case .rooms(let rooms, more: false) = try await bob.ask("rooms") else {
                Issue.record("no rooms")
                return
            }
            #expect(rooms.map(\.room.description) == ["dm:alice+bob"])
        }
    }
}
