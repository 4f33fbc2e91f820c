import NIOCore
import NIOEmbedded
import RelayCore
import RelayWire
import Testing

@testable import RelayEdge

@Suite("Sessions in lines, on one edge")
struct TextRoomTests {
    private let edge = OneLoopEdge()
    private let room: RoomID

    init() throws {
        room = try #require(RoomID("tea"))
    }

    @Test("A line is made once a room, however many read it, and JSON readers get envelopes as ever")
    func once() throws {
        let readers = try (0..<20).map { try edge.connect(typing: "reader\($0)", in: "tea") }
        let json = try edge.connect(as: "json")
        try json.send(#"{"op":"join","room":"tea","history":0,"ref":1}"#)
        for reader in readers { _ = try reader.lines() }
        _ = try json.received()
        let before = edge.shard.figures.textLines
        for number in 1...5 { try edge.store.post("\(number)", in: room) }
        for reader in readers { #expect(try reader.lines() == (1...5).map { "<writer> \($0)" }) }
        #expect(try json.receivedNumbers() == [1, 2, 3, 4, 5])
        #expect(edge.shard.figures.textLines - before == 5)
    }

    @Test("Without readers of lines none is made")
    func none() throws {
        let json = try edge.connect(as: "json")
        try json.send(#"{"op":"join","room":"tea","history":0,"ref":1}"#)
        let text = try edge.connect(typing: "alice", in: "tea")
        try text.send("/quit")
        _ = try text.lines()
        let before = edge.shard.figures.textLines
        try edge.store.post("x", in: room)
        #expect(try json.receivedNumbers() == [1])
        #expect(edge.shard.figures.textLines == before)
        #expect(try text.lines().isEmpty)
    }

    @Test("Who comes is welcomed with who is there and what was said; the others are told, they themselves are not")
    func entering() throws {
        try edge.store.post("before", in: room)
        let alice = try edge.connect(typing: "alice", in: "tea")
        #expect(
            try alice.lines() == [
                "*** Welcome to tea, alice. 1 here: alice. Type /help for commands.", "<writer> before",
            ])
        let bob = try edge.connect(typing: "bob")
        #expect(try bob.lines().first == "*** Welcome, bob. This is the lobby.")
        try bob.send("tea")
        #expect(
            try bob.lines() == [
                "*** Welcome to tea, bob. 2 here: alice, bob. Type /help for commands.", "<writer> before",
            ])
        #expect(try alice.lines() == ["*** bob has joined"])
        try bob.send("/quit")
        #expect(try bob.lines().first == "*** You have left tea. This is the lobby.")
        #expect(try alice.lines() == ["*** bob has left"])
        try bob.send("/quit")
        #expect(try bob.lines() == ["*** Bye.", "close 1000"])
    }

    @Test("The lobby lists rooms with topics and counts")
    func lobby() throws {
        let topic = RoomFacts(name: "tea", createdBy: nil, createdAt: 1, topic: "Darjeeling\u{1b}[31m & co")
        edge.store.publicFacts = [(room, topic)]
        _ = try edge.connect(typing: "alice", in: "tea")
        let bob = try edge.connect(typing: "bob")
        #expect(
            try bob.lines() == [
                "*** Welcome, bob. This is the lobby.", "*** tea (1 here): Darjeeling & co", "*** general (0 here)",
                "*** Type a room's name to enter it, /help for commands, /quit to leave.",
            ])
    }

    @Test("A reader over its budget is told how many it missed, reads on at now, and can read the missed ones")
    func slow() throws {
        let alice = try edge.connect(typing: "alice", in: "tea")
        let other = try edge.connect(typing: "other", in: "tea")
        try edge.store.post("1", in: room)
        _ = try alice.lines()
        alice.setWritable(false)
        for number in 2...13 { try edge.store.post("\(number)", in: room) }
        #expect(try alice.lines().isEmpty)
        alice.setWritable(true)
        #expect(try alice.lines() == ["!!! Missed 12 messages. Type /replay to read them."])
        try edge.store.post("14", in: room)
        #expect(try alice.lines() == ["<writer> 14"])
        try alice.send("/replay")
        #expect(try alice.lines() == (2...13).map { "<writer> \($0)" })
        try alice.send("/replay 2")
        #expect(try alice.lines() == ["<writer> 13", "<writer> 14"])
        #expect(try other.lines().count { $0.hasPrefix("<writer>") } == 14)
        alice.setWritable(false)
        try edge.store.post("15", in: room)
        alice.setWritable(true)
        #expect(try alice.lines() == ["!!! Missed 1 message. Type /replay to read them."])
    }

    @Test("Nothing of what others say drives a terminal, whatever the format in which they say it")
    func cleaned() throws {
        let alice = try edge.connect(typing: "alice", in: "tea")
        let eve = try edge.connect(as: "eve")
        _ = try alice.lines()
        let text = #"\u001b[2J\u001b]0;x\u0007hi\r\n*** bob has left\u202e\u009b31m"#
        try eve.send(#"{"op":"send","room":"tea","text":"\#(text)","ref":1}"#)
        #expect(try alice.lines() == ["<eve> hi  *** bob has left"])
        try eve.send(#"{"op":"direct","to":"alice","text":"\u0007\u001b[31mpsst","ref":2}"#)
        #expect(try alice.lines() == ["\u{7}[eve -> you] psst"])
        edge.store.publish(ByteBuffer(string: #"{"type":"notice","text":"\u001b[2Jdown\n<bob> x"}"#), in: room)
        edge.loop.run()
        #expect(try alice.lines() == ["*** Notice: down <bob> x"])
    }

    @Test("A direct message has two sides, in whatever room and format the two are")
    func direct() throws {
        let (alice, bob) = (try edge.connect(typing: "alice", in: "tea"), try edge.connect(typing: "bob"))
        let json = try edge.connect(as: "bob")
        for person in [alice, bob] { _ = try person.lines() }
        try alice.send("/msg BOB Two  sugars?")
        #expect(try alice.lines() == ["[you -> bob] Two  sugars?"])
        #expect(try bob.lines() == ["\u{7}[alice -> you] Two  sugars?"])
        #expect(try json.receivedNumbers() == [1])
        try bob.send("/r none")
        #expect(try alice.lines() == ["\u{7}[bob -> you] none"])
        try bob.send("dm:alice+bob")
        #expect(
            try bob.lines() == [
                "[you -> alice] none", "*** Welcome to dm:alice+bob, bob. 1 here: bob. Type /help for commands.",
                "\u{7}[alice -> you] Two  sugars?", "[you -> alice] none",
            ])
        try alice.send("/join dm:alice+bob")
        _ = try alice.lines()
        _ = try bob.lines()
        try alice.send("/me stirs")
        #expect(try alice.lines() == ["[you -> bob] * alice stirs"])
        #expect(try bob.lines() == ["\u{7}[alice -> you] * alice stirs"])
        try alice.send("/msg alice x")
        try alice.send("/msg nobody x")
        try alice.send("/page nobody")
        try alice.send("/msg b!b x")
        #expect(
            try alice.lines() == [
                "!!! Cannot message yourself", "!!! nobody is not in chat", "!!! nobody is not in chat",
                "!!! b!b is not in chat",
            ])
    }

    @Test("A page rings at every session of a user, and names no room that does not exist for them")
    func page() throws {
        let alice = try edge.connect(typing: "alice", in: "tea")
        let (bob, json) = (try edge.connect(typing: "bob"), try edge.connect(as: "bob"))
        for person in [alice, bob] { _ = try person.lines() }
        try alice.send("/page bob")
        #expect(try alice.lines() == ["*** Paged bob"])
        #expect(try bob.lines() == ["\u{7}*** alice is paging you"])
        func pages() throws -> [RoomID] {
            try json.received().compactMap {
                if case .event(let event) = $0, event.event.kind == .page { event.event.room } else { nil }
            }
        }
        #expect(try pages() == [room])
        let club = try #require(RoomID("club"))
        let owner = try #require(UserID("alice"))
        edge.store.facts[club] = RoomFacts(name: "club", createdBy: owner, createdAt: 1, isPrivate: true)
        try edge.store.post("x", in: club)
        try alice.send("/join club")
        try alice.send("/page bob")
        let own = RoomID.direct(owner, try #require(UserID("bob")))
        #expect(try pages() == [own])
        try json.send(#"{"op":"page","room":"club","to":"alice","ref":5}"#)
        guard case .refused(let refusal)? = try json.received().answers(to: 5).first else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.code == .noSuchRoom)
    }

    @Test("Commands over JSON answer like ops where they have one, and in lines where they have none")
    func json() throws {
        try edge.store.post("before", in: room)
        let (alice, bob) = (try edge.connect(as: "alice"), try edge.connect(as: "bob"))
        try alice.send(#"{"op":"join","room":"tea","history":0,"ref":1}"#)
        _ = try alice.received()
        var ref: Int64 = 10
        func typed(_ text: String) throws -> ServerAnswer? {
            ref += 1
            try alice.send(#"{"op":"send","room":"tea","text":"\#(text)","ref":\#(ref)}"#)
            return try alice.received().answers(to: ref).first
        }
        #expect(try typed("/who") == .output(command: "who", lines: ["*** 1 here: alice"]))
        #expect(try typed("/help") == .output(command: "help", lines: SlashCommand.helpLines))
        #expect(try typed("/replay 1") == .output(command: "replay", lines: ["<writer> before"]))
        #expect(try typed("/rooms") == .output(command: "rooms", lines: ["*** general (0 here)"]))
        #expect(try typed("/page bob") == .paged(room, try #require(UserID("bob"))))
        guard case .acknowledged(let ack)? = try typed("/msg bob hi") else {
            Issue.record("no ack")
            return
        }
        #expect(ack.isOnline == true && ack.room.description == "dm:alice+bob")
        #expect(
            try typed("/join other")
                == .output(
                    command: "join",
                    lines: ["*** Welcome to other, alice. 1 here: alice. Type /help for commands."]))
        #expect(try typed("/quit") == .output(command: "quit", lines: ["*** You have left tea."]))
        for (text, message) in [
            ("/x", "Unknown command: /x. Type /help for available commands."), ("/r hi", "No one to reply to"),
            ("/msg alice x", "Cannot message yourself"), ("/msg carol x", "carol is not in chat"),
            ("/page carol", "carol is not in chat"), ("/page alice", "Cannot page yourself"),
        ] {
            guard case .refused(let refusal)? = try typed(text) else {
                Issue.record("\(text) is not refused")
                continue
            }
            #expect(refusal.message == message)
        }
        try bob.send(#"{"op":"direct","to":"alice","text":"x"}"#)
        bob.vanish()
        guard case .refused(let gone)? = try typed("/r hi") else {
            Issue.record("an answer to one who has gone")
            return
        }
        #expect(gone == Refusal(.noSuchUser, "bob is no longer in chat"))
    }

    @Test("Who is put out of a room stands in the lobby")
    func putOut() throws {
        let alice = try edge.connect(typing: "alice", in: "tea")
        try edge.store.post("x", in: room)
        _ = try alice.lines()
        edge.store.deletedRooms = [room]
        let event = LiveEvent.notice(.deleted, in: room, by: try #require(UserID("bob")), text: "")
        edge.store.publish(EventCoder.encode(event, edge: EdgeID("other")), in: room)
        edge.loop.run()
        #expect(try alice.lines().contains("*** You are no longer in tea. This is the lobby."))
    }

    @Test("Nobody in particular is told so, and sent away")
    func anonymous() throws {
        let client = try OneLoopClient(edge, .text(nil, nil), nil)
        edge.loop.run()
        let words = "!!! Say who you are: connect with ?user=NAME, or, to a relay that wants one, with a token."
        #expect(try client.lines() == [words, "close 4501"])
    }

    @Test("What is typed before the room is entered is for that room, and nothing typed is nothing")
    func early() throws {
        edge.store.holding = [.announce]
        let alice = try edge.connect(typing: "alice", in: "tea")
        for line in ["", "  \r\n", "first\n", "second\r\n"] { try alice.send(line) }
        #expect(try alice.lines().isEmpty)
        edge.store.holding = []
        edge.store.release(.announce)
        #expect(
            try alice.lines() == [
                "*** Welcome to tea, alice. 1 here: alice. Type /help for commands.", "<alice> first",
                "<alice> second",
            ])
    }

    @Test("A line over the limit, and one with NUL, are refused and said by nobody")
    func bounds() throws {
        let alice = try edge.connect(typing: "alice", in: "tea")
        _ = try alice.lines()
        try alice.send(String(repeating: "x", count: 4097))
        try alice.send("a\u{0}b")
        #expect(try alice.lines() == ["!!! That line has 4097 bytes, 4096 are allowed.", "!!! That line holds NUL."])
        #expect(edge.store.newest(in: room) == nil)
        let narrow = OneLoopEdge {
            $0.limits.burst = 4
            $0.limits.ratePerSecond = 1
        }
        let bob = try narrow.connect(typing: "bob", in: "tea")
        for _ in 0..<5 { try bob.send("/help") }
        #expect(try bob.lines().last == "!!! Too fast: 1 a second are allowed.")
        for _ in 0..<40 { try bob.send("/help") }
        #expect(try bob.lines().last == "close 4504")
    }
}
