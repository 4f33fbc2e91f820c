import Foundation
import NIOCore
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Sessions in lines, on real processes.
@Suite("Lines", .serialized, .timeLimit(.minutes(20)))
struct TextModeTests {
    private static let two = [["--leave-grace", "1s"], ["--leave-grace", "1s"]]
    private static let waiting = RelayWorld.Options(isMostlyWaiting: true)

    @Test(
        "Every command is answered as its page says, word for word, in lines and over JSON, across two edges",
        arguments: ["Every command, in lines", "Every command, over JSON"])
    func commands(heading: String) async throws {
        let path = "\(FinishedCommand.packageRoot)/Sources/RelayEdge/RelayEdge.docc/Lines.md"
        let transcript = try Transcript(below: "## \(heading)", in: String(contentsOfFile: path, encoding: .utf8))
        #expect(transcript.steps.count > 40)
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
        // Who does not read does not answer pings.
        let flags = ["--rate", "100000", "--burst", "100000", "--ping-interval", "20m"]
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
            #expect(FinishedCommand.isSanitized || edge.residentBytes - before < 24 << 20)
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
            let first = #"printf '/page bob\n/msg bob psst\n/msg zoe x\n/nope\n/me waves\n'"#
            // The input stays open until what they bring is there.
            let isThere = "grep -q 'alice waves' \(output) && grep -q 'Welcome to tea' \(output)"
            let patience = "for n in $(seq 300); do \(isThere) && break; sleep 0.1; done"
            let program =
                "\(RelayProgram.programsDirectory)/martlet chat tea --user alice --url ws://\(edges[0].authority)"
            let command = #"(\#(first); \#(patience); printf '/who\n') | \#(program) > \#(output)"#
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
            let heard = Set([try await bob.next(), try await bob.next(), try await bob.next()])
            #expect(
                heard == [
                    "*** alice has joined", "\u{7}*** alice is paging you", "\u{7}[alice -> you] psst",
                ])
        }
    }
}
