import Foundation
import NIOCore
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Sessions in lines, on real processes.
@Suite("Lines", .serialized, .timeLimit(.minutes(10)))
struct TextModeTests {
    private static let two = [["--leave-grace", "1s"], ["--leave-grace", "1s"]]
    private static let waiting = RelayWorld.Options(isMostlyWaiting: true)

    @Test("Every command is answered as the protocol says, word for word, across two edges")
    func commands() async throws {
        let transcript = try Transcript(
            """
            alice$ websocat 'ws://127.0.0.1:8080/v1/ws?format=text&user=alice&name=Alice%20A.'
            alice< *** Welcome, Alice A.. This is the lobby.
            alice< *** general (0 here)
            alice< *** Type a room's name to enter it, /help for commands, /quit to leave.
            alice> general
            alice< *** Welcome to general, Alice A.. 1 here: alice. Type /help for commands.
            bob$ websocat 'ws://127.0.0.1:8081/v1/ws?format=text&user=Bob&room=general'
            bob< *** Welcome to general, bob. 2 here: alice, bob. Type /help for commands.
            alice< *** bob has joined
            bob> hello
            bob< <bob> hello
            alice< <bob> hello
            alice> /me waves
            alice< * alice waves
            bob< * alice waves
            alice> //shrug
            alice< <alice> /shrug
            bob< <alice> /shrug
            alice> /WHO
            alice< *** 2 here: alice, bob
            alice> /page BOB
            alice< *** Paged bob
            bob< ␇*** alice is paging you
            bob> /r what?
            bob< !!! No one to reply to
            alice> /msg Bob psst
            alice< [you -> bob] psst
            bob< ␇[alice -> you] psst
            bob> /r what?
            bob< [you -> alice] what?
            alice< ␇[bob -> you] what?
            alice> /msg alice x
            alice< !!! Cannot message yourself
            alice> /msg carol x
            alice< !!! carol is not in chat
            alice> /page carol
            alice< !!! carol is not in chat
            alice> /msg bob
            alice< !!! Usage: /msg USER TEXT
            alice> /nope
            alice< !!! Unknown command: /nope. Type /help for available commands.
            alice> /topic
            alice< *** general has no topic.
            bob> /topic tea
            bob< !!! You may not do that here.
            alice> /topic Tea & biscuits
            alice< *** alice set the topic: Tea & biscuits
            bob< *** alice set the topic: Tea & biscuits
            bob> /topic
            bob< *** The topic of general: Tea & biscuits
            bob> /rooms
            bob< *** general (2 here): Tea & biscuits
            bob> /replay 2
            bob< <alice> /shrug
            bob< *** alice set the topic: Tea & biscuits
            bob> /join garden
            bob< *** Welcome to garden, bob. 1 here: bob. Type /help for commands.
            alice< *** bob has left
            bob> /quit
            bob< *** You have left garden. This is the lobby.
            bob< *** general (1 here): Tea & biscuits
            bob< *** Type a room's name to enter it, /help for commands, /quit to leave.
            bob> /who
            bob< !!! You are in the lobby. Type a room's name to enter it, or /help for commands.
            bob> /quit
            bob< *** Bye.
            """)
        try await RelayWorld.run(edges: Self.two, options: Self.waiting) { _, edges in
            try await transcript.play(on: edges)
        }
    }

    @Test("The same commands over JSON: an ack or paged where there is an op, lines where there is none")
    func json() async throws {
        let transcript = try Transcript(
            #"""
            bob$ websocat 'ws://127.0.0.1:8081/v1/ws?format=text&user=bob&room=tea'
            bob< *** Welcome to tea, bob. 1 here: bob. Type /help for commands.
            alice$ websocat 'ws://127.0.0.1:8080/v1/ws?user=alice'
            alice> {"op":"join","room":"tea","ref":1}
            alice< {"type":"joined","ref":1,"room":"tea","epoch":1795251097526,"last":null,"seq":0,"here":2,"recovered":true,"messages":[]}
            bob< *** alice has joined
            alice> {"op":"send","room":"tea","text":"/me pours","nonce":"n1","ref":2}
            alice< {"type":"ack","ref":2,"room":"tea","id":"1795251097528-0","seq":1,"ts":1795251097528,"nonce":"n1"}
            alice< {"id":"1795251097528-0","seq":1,"ts":1795251097528,"room":"tea","type":"action","user":"alice","name":"alice","text":"pours","nonce":"n1"}
            bob< * alice pours
            alice> {"op":"send","room":"tea","text":"/who","ref":3}
            alice< {"type":"output","ref":3,"command":"who","lines":["*** 2 here: alice, bob"]}
            alice> {"op":"send","room":"tea","text":"/msg bob sugar?","nonce":"n2","ref":4}
            alice< {"type":"ack","ref":4,"room":"dm:alice+bob","id":"1795251097528-0","seq":1,"ts":1795251097528,"nonce":"n2","online":true}
            alice< {"id":"1795251097528-0","seq":1,"ts":1795251097528,"room":"dm:alice+bob","type":"direct","user":"alice","name":"alice","text":"sugar?","nonce":"n2","to":"bob"}
            bob< ␇[alice -> you] sugar?
            bob> /r two
            bob< [you -> alice] two
            alice< {"id":"1795251097528-0","seq":2,"ts":1795251097528,"room":"dm:alice+bob","type":"direct","user":"bob","name":"bob","text":"two","to":"alice"}
            alice> {"op":"send","room":"tea","text":"/r fine","ref":5}
            alice< {"type":"ack","ref":5,"room":"dm:alice+bob","id":"1795251097528-0","seq":3,"ts":1795251097528,"online":true}
            bob< ␇[alice -> you] fine
            alice> {"op":"page","room":"tea","to":"bob","ref":6}
            alice< {"type":"paged","ref":6,"room":"tea","to":"bob"}
            bob< ␇*** alice is paging you
            alice> {"op":"send","room":"tea","text":"/page bob","ref":7}
            alice< {"type":"paged","ref":7,"room":"tea","to":"bob"}
            bob< ␇*** alice is paging you
            bob> /page alice
            bob< *** Paged alice
            alice< {"type":"page","room":"tea","user":"bob","name":"bob","edge":"edge-1"}
            alice> {"op":"send","room":"tea","text":"/rooms","ref":8}
            alice< {"type":"output","ref":8,"command":"rooms","lines":["*** tea (2 here)","*** general (0 here)"]}
            alice> {"op":"send","room":"tea","text":"/replay","ref":9}
            alice< {"type":"output","ref":9,"command":"replay","lines":["* alice pours"]}
            alice> {"op":"send","room":"tea","text":"/topic","ref":10}
            alice< {"type":"output","ref":10,"command":"topic","lines":["*** tea has no topic."]}
            alice> {"op":"send","room":"tea","text":"/topic x","ref":11}
            alice< {"type":"error","ref":11,"code":"forbidden","message":"You may not do that here."}
            alice> {"op":"send","room":"tea","text":"/join other","ref":12}
            alice< {"type":"output","ref":12,"command":"join","lines":["*** Welcome to other, alice. 1 here: alice. Type /help for commands."]}
            alice> {"op":"send","room":"other","text":"/topic mine","ref":13}
            alice< {"type":"output","ref":13,"command":"topic","lines":["*** alice set the topic: mine"]}
            alice> {"op":"send","room":"tea","text":"/quit","ref":14}
            alice< {"type":"output","ref":14,"command":"quit","lines":["*** You have left tea."]}
            bob< *** alice has left
            alice> {"op":"send","room":"tea","text":"/quit","ref":15}
            alice< {"type":"error","ref":15,"code":"not_joined","message":"This session is not in tea."}
            alice> {"op":"send","room":"tea","text":"/x","ref":16}
            alice< {"type":"error","ref":16,"code":"bad_request","message":"Unknown command: /x. Type /help for available commands."}
            alice> {"op":"send","room":"tea","text":"/msg zoe x","ref":17}
            alice< {"type":"error","ref":17,"code":"no_such_user","message":"zoe is not in chat"}
            alice> {"op":"page","room":"tea","to":"zoe","ref":18}
            alice< {"type":"error","ref":18,"code":"no_such_user","message":"zoe is not in chat"}
            """#)
        try await RelayWorld.run(edges: Self.two, options: Self.waiting) { _, edges in
            try await transcript.play(on: edges)
        }
    }

    @Test("Lines, JSON and HTTP see the same messages in the same order, whoever says them and how")
    func sameOrder() async throws {
        let loud = ["--rate", "10000", "--burst", "10000"]
        try await RelayWorld.run(edges: [loud, loud]) { _, edges in
            let (near, far) = (
                try await Typist.arrive(edges[0], as: "near", in: "tea"),
                try await Typist.arrive(edges[1], as: "far", in: "tea")
            )
            let json = try await Talker.connect(edges[1], as: "json")
            try await json.join("tea")
            async let typed: Void = { for number in 1...50 { try await near.type("near \(number)") } }()
            async let also: Void = { for number in 1...50 { try await far.type("far \(number)") } }()
            async let said: Void = {
                for number in 1...50 { _ = try await json.begin("send", #""room":"tea","text":"json \#(number)""#) }
            }()
            async let posted: Void = {
                for number in 1...20 {
                    let answer = try await edges[0].ask(
                        "POST", "/v1/rooms/tea/messages?user=http", json: #"{"text":"http \#(number)"}"#)
                    #expect(answer.status == 201)
                }
            }()
            _ = try await (typed, also, said, posted)
            try await json.hear(170)
            let order = json.messages.map { "<\($0.message.draft.user)> \($0.message.draft.text)" }
            for typist in [near, far] {
                try await eventually("all lines have come", within: .seconds(60)) {
                    typist.texts.count { $0.hasPrefix("<") } >= 170
                }
                #expect(typist.texts.filter { $0.hasPrefix("<") } == order)
            }
            let page = try await edges[1].ask("GET", "/v1/rooms/tea/messages?limit=500")
            let read = try JSONReader.object(from: page.body)["messages"]?.elements ?? []
            let history = try read.map { try ServerFrameDecoder.message(from: $0.json).message.draft }
            #expect(history.map { "<\($0.user)> \($0.text)" } == order)
        }
    }

    @Test("An answer goes to the last one who wrote, on another edge and after a reconnection")
    func replies() async throws {
        try await RelayWorld.run(edges: Self.two, options: Self.waiting) { world, edges in
            let alice = try await Typist.arrive(edges[0], as: "alice", in: "tea")
            let carol = try await Typist.arrive(edges[1], as: "carol")
            let before = try await Typist.arrive(edges[0], as: "bob")
            try await carol.type("/msg bob from carol")
            try await before.reads("\u{7}[carol -> you] from carol")
            try await alice.type("/msg bob from alice")
            try await before.reads("\u{7}[alice -> you] from alice")
            await before.connection.close()
            let bob = try await Typist.arrive(edges[1], as: "BOB", in: "elsewhere")
            try await bob.type("/r back again")
            try await bob.reads("[you -> alice] back again")
            try await alice.reads("[you -> bob] from alice", "\u{7}[bob -> you] back again")
            await alice.connection.close()
            try await eventually("alice has gone") {
                try await world.cli("PUBSUB", "NUMSUB", "chat:user:{alice}").hasSuffix("0")
            }
            try await bob.type("/r still there?")
            try await bob.reads("!!! alice is no longer in chat")
        }
    }

    @Test("Leaving by disconnect is announced after the grace, and not at all if the user is back by then")
    func grace() async throws {
        try await RelayWorld.run(edges: Self.two, options: Self.waiting) { _, edges in
            let alice = try await Typist.arrive(edges[0], as: "alice", in: "tea")
            let bob = try await Typist.arrive(edges[1], as: "bob", in: "tea")
            try await alice.reads("*** bob has joined")
            await bob.connection.close()
            let back = try await Typist.arrive(edges[1], as: "bob", in: "tea")
            try await back.type("here")
            try await alice.reads("<bob> here")
            await back.connection.close()
            try await alice.reads("*** bob has left")
        }
    }

    @Test("A reader that does not read costs a bounded share of memory and is told how much it missed, exactly")
    func slow() async throws {
        let flags = ["--rate", "100000", "--burst", "100000"]
        try await RelayWorld.run(edges: [flags]) { _, edges in
            let edge = edges[0]
            let url = try #require(RelayURL("ws://\(edge.authority)/v1/ws?format=text&user=slow&room=general"))
            var configuration = RelayConnectionConfiguration(url: url)
            configuration.eventsMax = 8
            let slow = try await RelayConnection.open(configuration)
            let writer = try await Talker.connect(edge, as: "writer")
            try await writer.join("general")
            try await eventually("the slow one is there") {
                guard case .who(_, let people, _) = try await writer.ask("who", #""room":"general""#) else {
                    return false
                }
                return people.count == 2
            }
            let before = edge.residentBytes
            try await writer.fill(6000)
            #expect(edge.residentBytes - before < 24 << 20)
            try await writer.say("last", in: "general")
            var (read, missed) = (0, 0)
            while true {
                guard case .text(let text)? = await slow.next(within: .seconds(40)) else {
                    throw NeverHappened(description: "the end after \(read) lines and \(missed) missed")
                }
                let line = String(buffer: text)
                if let match = line.wholeMatch(of: /!!! Missed ([0-9]+) messages?\. Type \/replay to read them\./) {
                    missed += try #require(Int(match.1))
                    if read + missed >= 6001 { break }
                } else if line.hasPrefix("<writer> ") {
                    read += 1
                    if read + missed >= 6001 { break }
                }
            }
            #expect(missed > 0 && read + missed == 6001)
            try await writer.say("awake", in: "general")
            guard case .text(let text)? = await slow.next(within: .seconds(40)) else {
                throw NeverHappened(description: "a line")
            }
            #expect(String(buffer: text) == "<writer> awake")
            // The first five hundred of them, and then the next.
            for _ in 0..<2 {
                try await slow.send("/replay")
                for number in 1...500 where number < missed {
                    guard case .text(let text)? = await slow.next(within: .seconds(40)) else {
                        throw NeverHappened(description: "line \(number) of the replay")
                    }
                    #expect(String(buffer: text).hasPrefix("<writer> "))
                }
                guard missed > 500, case .text(let hint)? = await slow.next(within: .seconds(40)) else { break }
                #expect(String(buffer: hint) == "*** There is more. Type /replay to go on.")
                missed -= 500
            }
            await slow.close()
        }
    }

    @Test("The subprotocol asks for lines as well, and is answered")
    func subprotocol() async throws {
        try await RelayWorld.run(options: Self.waiting) { _, edges in
            let socket = try await RawSocket.connect(port: edges[0].port)
            try await socket.send(
                ([
                    "GET /v1/ws?user=alice&room=tea HTTP/1.1", "Host: \(edges[0].authority)", "Upgrade: websocket",
                    "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                    "Sec-WebSocket-Protocol: chat, martlet.text",
                ] + ["", ""]).joined(separator: "\r\n"))
            try await socket.waitFor("*** Welcome to tea, alice. 1 here: alice. Type /help for commands.")
            #expect(String(buffer: socket.received).lowercased().contains("sec-websocket-protocol: martlet.text\r\n"))
            let bare = try await edges[0].ask("GET", "/v1/ws?format=text&user=alice&room=!")
            #expect(bare.status == 400 && bare.text.contains("bad_room"))
        }
    }

    @Test("`martlet chat` answers the same commands with the same lines")
    func terminal() async throws {
        try await RelayWorld.run(options: Self.waiting) { world, edges in
            let bob = try await Typist.arrive(edges[0], as: "bob", in: "tea")
            let output = "\(world.directory)/chat"
            let script = "printf '/who\\n/page bob\\n/msg bob psst\\n/msg zoe x\\n/nope\\n/me waves\\n'"
            let program = "\(RelayProgram.programsDirectory)/martlet"
            // The input stays open until the last line is there.
            let patience = "timeout 60 sh -c 'until grep -q \"alice waves\" \(output); do sleep 0.1; done'"
            let command =
                "(\(script); \(patience)) | \(program) chat tea --user alice --url ws://\(edges[0].authority) > \(output)"
            _ = try FinishedCommand.run(["/bin/sh", "-c", command])
            let lines = try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n").map(String.init)
            for line in [
                "*** 2 here: alice, bob", "*** Paged bob", "!!! zoe is not in chat",
                "!!! Unknown command: /nope. Type /help for available commands.",
                "*** Welcome to tea, alice. 2 here: alice, bob. Type /help for commands.",
            ] {
                #expect(lines.contains(line), "\(lines)")
            }
            for end in [" [you -> bob] psst", " * alice waves"] {
                #expect(lines.contains { $0.hasSuffix(end) }, "\(lines)")
            }
            try await bob.reads("*** alice has joined")
            #expect(
                Set([try await bob.next(), try await bob.next()]) == [
                    "\u{7}*** alice is paging you", "\u{7}[alice -> you] psst",
                ])
        }
    }
}
