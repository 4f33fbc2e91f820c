import NIOCore
import RelayCore
import RelayTestKit
import RelayWire
import Testing

@Suite("Rooms, on real processes", .serialized)
struct RoomTests {
    private static let two = [["--leave-grace", "1s"], ["--leave-grace", "1s"]]

    @Test("A private room is one for its members on any edge, and none for others")
    func privacy() async throws {
        try await RelayWorld.run(edges: Self.two) { _, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            let (bob, eve) = (
                try await Talker.connect(edges[1], as: "bob"), try await Talker.connect(edges[1], as: "eve")
            )
            let fields = #""room":"club","name":"The Club","private":true,"members":["bob"],"topic":"tea""#
            guard case .created(let made) = try await alice.ask("create", fields) else {
                Issue.record("not made")
                return
            }
            #expect(made.name == "The Club" && made.topic == "tea" && made.isPrivate)
            #expect(try await eve.refusal("create", #""room":"club""#)?.code == .exists)
            for op in ["join", "history", "who", "typing"] {
                let code = try await eve.refusal(op, #""room":"club""#)?.code
                #expect(code == (op == "typing" ? .notJoined : .noSuchRoom), "\(op)")
            }
            #expect(try await eve.refusal("send", #""room":"club","text":"x""#)?.code == .noSuchRoom)
            #expect(try await eve.refusal("read", #""room":"club","id":"5-0""#)?.code == .noSuchRoom)
            for talker in [alice, bob] { try await talker.join("club") }
            try await alice.say("hello", in: "club")
            try await bob.hear(1)
            let page = try await edges[1].ask("GET", "/v1/rooms/club/messages?user=eve")
            #expect(page.status == 404)
            #expect(try await edges[1].ask("GET", "/v1/rooms/club/messages?user=bob").status == 200)
            #expect(try await edges[1].ask("GET", "/v1/rooms/club/messages").status == 404)
        }
    }

    @Test("The conversation list has what is unread, and a marker moves on every session of the user at once")
    func lists() async throws {
        try await RelayWorld.run(edges: Self.two) { _, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            let (here, there) = (
                try await Talker.connect(edges[0], as: "bob"), try await Talker.connect(edges[1], as: "bob")
            )
            try await here.join("general")
            try await here.ask("leave", #""room":"general""#)
            for number in 1...3 { try await alice.say("\(number)", in: "general") }
            let third = try await alice.say("4", in: "general")
            func rooms(_ talker: Talker) async throws -> [ListedRoom] {
                guard case .rooms(let rooms, more: false) = try await talker.ask("rooms") else { return [] }
                return rooms
            }
            try await eventually("it is listed") { try await rooms(there).count == 1 }
            let listed = try #require(try await rooms(there).first)
            #expect(listed.unread == 4 && listed.last?.message.seq == 4)
            let answer = try await there.ask("read", #""room":"general","id":"\#(third.id)""#)
            #expect(answer == .marked(try #require(RoomID("general")), ReadMarker(id: third.id, seq: 4)))
            for talker in [here, there] {
                try await eventually("both are told") { talker.count(.read, of: "bob") == 1 }
            }
            #expect(try await rooms(here).first?.unread == 0)
            let back = try await here.ask("read", #""room":"general","id":"0-1""#)
            #expect(back == .marked(try #require(RoomID("general")), ReadMarker(id: third.id, seq: 4)))
            #expect(try await rooms(alice).first?.unread == 0, "one's own words are read")
        }
    }

    @Test("Who is there and the conversation list come in pages")
    func pages() async throws {
        try await RelayWorld.run(edges: Self.two) { _, edges in
            var talkers: [Talker] = []
            for (number, name) in ["alice", "bob", "carol"].enumerated() {
                talkers.append(try await Talker.connect(edges[number % 2], as: name))
            }
            for talker in talkers { try await talker.join("general") }
            let alice = talkers[0]
            func who(_ fields: String) async throws -> ([String], Bool) {
                guard case .who(_, let people, let more) = try await alice.ask("who", #""room":"general""# + fields)
                else { return ([], true) }
                return (people.map(\.user.description), more)
            }
            try await eventually("all are there") { try await who("").0.count == 3 }
            #expect(try await who(#","limit":2"#) == (["alice", "bob"], true))
            #expect(try await who(#","limit":2,"after":"bob""#) == (["carol"], false))
            let path = "/v1/rooms/general/members?user=alice&limit=1&after=alice"
            let answer = try JSONReader.object(from: try await edges[1].ask("GET", path).body)
            #expect(answer["next"]?.string == "bob" && answer["more"]?.bool == true)
            for room in ["r1", "r2"] { try await alice.say("x", in: room) }
            func rooms(_ fields: String) async throws -> ([String], String?) {
                let ref = try await alice.begin("rooms", fields)
                guard case .rooms(let rooms, let more) = try await alice.answer(to: ref) else { return ([], nil) }
                let frame = try #require(alice.heard.frames.last { String(buffer: $0).contains(#""type":"rooms""#) })
                let next = try JSONReader.object(from: frame)["next"]?.string
                #expect(more == (next != nil))
                return (rooms.map(\.room.description), next)
            }
            try await eventually("all are listed") { try await rooms("").0.count == 3 }
            let first = try await rooms(#""limit":2"#)
            #expect(first.0 == ["r2", "r1"])
            let next = try #require(first.1)
            #expect(try await rooms(#""limit":2,"after":"\#(next)""#).0 == ["general"])
            #expect(try await alice.refusal("rooms", #""after":"general""#)?.code == .badRequest)
            #expect(try await alice.refusal("rooms", #""limit":0"#)?.code == .badRequest)
        }
    }

    @Test("An edit and a deletion are told as messages, and history shows what is left")
    func amending() async throws {
        try await RelayWorld.run(edges: Self.two) { _, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            let bob = try await Talker.connect(edges[1], as: "bob")
            for talker in [alice, bob] { try await talker.join("general") }
            let said = try await alice.say("one", in: "general").id
            let target = #""room":"general","target":"\#(said)""#
            #expect(try await bob.refusal("edit", target + #","text":"x""#)?.code == .forbidden)
            #expect(try await bob.refusal("delete", target)?.code == .forbidden)
            guard case .acknowledged = try await alice.ask("edit", target + #","text":"two""#),
                case .acknowledged = try await alice.ask("delete", target)
            else {
                Issue.record("not acknowledged")
                return
            }
            try await bob.hear(3)
            #expect(bob.messages.map(\.message.draft.type) == [.message, .edit, .delete])
            #expect(bob.messages.map(\.message.draft.target) == [nil, said, said])
            #expect(bob.texts == ["one", "two", ""], "live it is told as it happened")
            guard case .history(let page) = try await bob.ask("history", #""room":"general""#) else {
                Issue.record("no history")
                return
            }
            #expect(page.messages.map(\.message.draft.text) == ["", "", ""])
            #expect(page.messages.map(\.isDeleted) == [true, true, false])
            let later = try await Talker.connect(edges[1], as: "carol")
            #expect(try await later.join("general").messages.map(\.isDeleted) == [true, true, false])
            #expect(try await alice.refusal("delete", target)?.code == .noSuchMessage)
        }
    }

    @Test("Who types is told to the others once in two seconds, and who has done nothing for how long")
    func presence() async throws {
        try await RelayWorld.run(edges: Self.two) { _, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            let bob = try await Talker.connect(edges[1], as: "bob")
            for talker in [alice, bob] { try await talker.join("general") }
            for _ in 1...3 { _ = try await alice.begin("typing", #""room":"general""#) }
            try await alice.say("done", in: "general")
            try await bob.hear(1)
            #expect(bob.count(.typing, of: "alice") == 1)
            guard case .who(_, let people, _) = try await bob.ask("who", #""room":"general""#) else {
                Issue.record("no who")
                return
            }
            #expect(people.map(\.user.description) == ["alice", "bob"])
            for occupant in people { #expect(try #require(occupant.idle) < .seconds(15)) }
        }
    }

    @Test("With --auto-create off only general comes into being by itself, and others by create")
    func autoCreate() async throws {
        try await RelayWorld.run(edges: [["--auto-create", "off"]]) { _, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            #expect(try await alice.refusal("join", #""room":"other""#)?.code == .noSuchRoom)
            #expect(try await alice.refusal("send", #""room":"other","text":"x""#)?.code == .noSuchRoom)
            try await alice.join("general")
            #expect(try await alice.say("x", in: "general").seq == 1)
            guard case .created = try await alice.ask("create", #""room":"other""#) else {
                Issue.record("not made")
                return
            }
            #expect(try await alice.say("x", in: "other").seq == 1)
        }
    }
}
