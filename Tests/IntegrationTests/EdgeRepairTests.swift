import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// What the channel did not bring, the stream does.
@Suite("Repair")
struct EdgeRepairTests {
    private static let fast = ["--rate", "100000", "--burst", "100000"]

    @Test("Subscriptions are cut again and again while people talk: nothing is missing, twice or out of order")
    func cutSubscriptions() async throws {
        try await RelayWorld.run(edges: [Self.fast, Self.fast]) { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            let bob = try await Talker.connect(edges[1], as: "bob")
            try await alice.join("general")
            try await bob.join("general")
            var acknowledged: [MessageID] = []
            var interruptions = 0
            for number in 1...300 {
                if number.isMultiple(of: 60) {
                    interruptions += 1
                    #expect(try await world.cli("CLIENT", "KILL", "TYPE", "pubsub") == "2")
                    acknowledged.append(try await alice.say("\(number)", in: "general").id)
                    try await eventually("both edges listen again") {
                        try await world.cli("PUBSUB", "NUMSUB", "chat:{general}").split(separator: "\n").last == "2"
                    }
                } else {
                    acknowledged.append(try await alice.say("\(number)", in: "general").id)
                }
            }
            for talker in [alice, bob] {
                try await talker.hear(300)
                #expect(talker.messages.map(\.message.id) == acknowledged)
                #expect(talker.texts == (1...300).map(String.init))
                #expect(talker.closing == nil && talker.look { $0.events.allSatisfy { $0.event.kind == .join } })
            }
            #expect(try await edges[1].metric("martlet_edge_interruptions_total") >= interruptions)
        }
    }

    @Test("A message that was published to nobody comes with the next one, or by the check of quiet rooms")
    func missedPublish() async throws {
        let store = """
            local seq = redis.call('HINCRBY', KEYS[2], 'seq', 1)
            local id = redis.call('XADD', KEYS[1], '*', 'seq', seq, 'type', 'message', 'user', 'carol', 'name', 'Carol',
              'text', 'silent ' .. seq)
            redis.call('ZADD', KEYS[3], string.match(id, '^%d+'), 'general')
            return seq
            """
        try await RelayWorld.run { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            try await alice.join("general")
            try await alice.say("one", in: "general")
            func storeSilently() async throws {
                try await world.cli(
                    "EVAL", store, "3", "chat:{general}:stream", "chat:{general}:meta", "chat:rooms")
            }
            try await storeSilently()
            try await alice.say("three", in: "general")
            try await alice.hear(3)
            #expect(alice.texts == ["one", "silent 2", "three"])
            try await storeSilently()
            try await alice.hear(4, within: .seconds(25))
            #expect(alice.texts == ["one", "silent 2", "three", "silent 4"])
            #expect(alice.messages.map(\.message.seq) == [1, 2, 3, 4])
        }
    }

    @Test("Typed commands: /me is an action, // one slash, an unknown one is refused and nothing is stored")
    func commands() async throws {
        try await RelayWorld.run { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            try await alice.join("general")
            try await alice.say("/me waves", in: "general")
            try await alice.say("//etc", in: "general")
            #expect(try await alice.refusal("send", #""room":"general","text":"/dance""#)?.code == .badRequest)
            try await alice.hear(2)
            #expect(alice.messages.map(\.message.draft.type) == [.action, .message])
            #expect(alice.texts == ["waves", "/etc"])
            #expect(try await world.cli("XLEN", "chat:{general}:stream") == "2")
        }
    }

    @Test("With --auto-create off only the default room and rooms that exist can be joined and written to")
    func withoutAutoCreate() async throws {
        try await RelayWorld.run(edges: [["--auto-create", "off"], []]) { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            #expect(try await alice.refusal("join", #""room":"attic""#)?.code == .noSuchRoom)
            #expect(try await alice.refusal("send", #""room":"attic","text":"x""#)?.code == .noSuchRoom)
            #expect(try await world.cli("EXISTS", "chat:{attic}:meta", "chat:{attic}:stream") == "0")
            try await alice.join("general")
            let founder = try await Talker.connect(edges[1], as: "founder")
            try await founder.join("attic")
            try await alice.join("attic")
            try await alice.say("now", in: "attic")
            try await founder.hear(1)
        }
    }

    @Test("Past --ceiling a room is full, for sockets and for HTTP, and other rooms are not")
    func ceiling() async throws {
        try await RelayWorld.run(edges: [["--ceiling", "3"]]) { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            for number in 1...3 { try await alice.say("\(number)", in: "general") }
            #expect(try await alice.refusal("send", #""room":"general","text":"4""#)?.code == .full)
            let posted = try await edges[0].ask(
                "POST", "/v1/rooms/general/messages?user=alice", json: #"{"text":"4"}"#)
            #expect(posted.status == 503 && posted.text.contains(#""code":"full""#))
            try await alice.say("1", in: "other")
            #expect(try await world.cli("XLEN", "chat:{general}:stream") == "3")
        }
    }
}
