import Foundation
import RelayTestKit
import Testing

/// The real program, under a real terminal, on a real edge.
@Suite("`martlet chat` in a terminal", .timeLimit(.minutes(20)), .serialized)
struct ChatTerminalTests {
    @Test("Two people talk; what one types survives what comes, and is edited as in a shell")
    func talk() async throws {
        try await ChatScene.meet { edge, alice, bob in
            try await alice.sees("*** bob has joined")
            alice.type("ello 日本\u{1}h")
            try await alice.prompts("general> hello 日本")
            bob.type("I say something meanwhile\r")
            try await alice.sees("<bob> I say something meanwhile")
            #expect(alice.prompt == "general> hello 日本")
            #expect(alice.look { $0.cursor.column } == 10)
            alice.type("\u{5}👨‍👩‍👧x\u{7f}!\r")
            try await bob.sees("<alice> hello 日本👨‍👩‍👧!")
            try await alice.sees("<alice> hello 日本👨‍👩‍👧!")
            try await alice.prompts("general>")
            alice.type("\u{1b}[A\u{17}again\r")
            try await bob.sees("<alice> hello again")
            alice.type("b\tsee this?\r")
            try await bob.sees("<alice> bob: see this?")
            #expect(bob.look { model in model.lines.indices.contains { model.look(of: "alice", inRow: $0) != nil } })
            #expect(alice.look { $0.unknown } == [])
            // Later ones see what was said.
            let carol = try await ChatScene.arrive("carol", at: edge)
            defer { carol.close() }
            try await carol.sees("<bob> I say something meanwhile")
            alice.type("/quit\r")
            #expect(try await alice.end() == 0)
            #expect(alice.look { !$0.isOtherScreen && !$0.marksPastes && $0.isCursorShown })
            try await bob.sees("*** alice has left")
        }
    }

    @Test("Several rooms: what is unread is counted, a rule says where it begins, and keys switch")
    func rooms() async throws {
        try await ChatScene.meet(alice: ["general", "ops"], bob: ["ops"]) { _, alice, bob in
            try await alice.shows("[general] ops ")
            bob.type("the disk is full\rAlice, look\r")
            try await alice.shows("[general] ops(2!)")
            alice.type("\u{e}")
            try await alice.sees("<bob> Alice, look")
            try await alice.shows("general [ops] ")
            let lines = alice.lines
            let rule = try #require(lines.firstIndex { $0.hasPrefix("------ new ---") })
            #expect(lines[rule + 1].hasSuffix("<bob> the disk is full"))
            alice.type("/join tea\r")
            try await alice.sees("*** Welcome to tea, alice.")
            try await alice.shows("general ops [tea] ")
            try await alice.prompts("tea>")
            alice.type("/join no room\r/join .x\r")
            try await alice.sees("!!! .x is not the name of a room.")
            // To a room that is on the screen already, by Tab.
            alice.type("/join ge\t\r")
            try await alice.prompts("general>")
            alice.type("/leave tea\r")
            try await alice.sees("one room less") { $0.dropLast().last?.contains("tea") == false }
            alice.type("/help\r")
            try await alice.sees("/leave [ROOM]")
        }
    }

    @Test("A page and a direct message ring, whatever room is shown; history does not")
    func bell() async throws {
        try await ChatScene.meet { _, alice, bob in
            try await alice.sees("*** bob has joined")
            #expect(alice.look { $0.bellCount } == 0)
            bob.type("/page alice\r")
            try await alice.sees("*** bob is paging you")
            try await bob.sees("*** Paged alice")
            #expect(alice.look { $0.bellCount } == 1)
            bob.type("/msg alice a secret\r")
            try await alice.sees("[bob -> you] a secret")
            try await bob.sees("[you -> alice] a secret")
            #expect(alice.look { $0.bellCount } == 2 && bob.look { $0.bellCount } == 0)
            alice.type("/r yes?\r")
            try await bob.sees("[alice -> you] yes?")
            alice.type("/join dm:alice+bob\r")
            try await alice.sees("*** Welcome to dm:alice+bob")
            try await alice.sees("[you -> bob] yes?")
            #expect(alice.look { $0.bellCount } == 2)
        }
    }

    @Test("Without a connection it says so, keeps what is typed, and goes on by itself with nothing missed")
    func reconnection() async throws {
        try await ChatScene.meetByPort { edge, port, alice in
            let bob = try await ChatScene.arrive("bob", at: edge)
            defer { bob.close() }
            port.lead(to: 1)
            try await alice.shows("no connection, next try in ")
            try await alice.sees("!!! no connection: ")
            alice.type("said while away\r")
            try await alice.shows("1 not confirmed")
            bob.type("said meanwhile\r")
            try await bob.sees("<bob> said meanwhile")
            port.lead(to: edge.port)
            try await alice.sees("!!! connected")
            try await alice.sees("<bob> said meanwhile")
            try await bob.sees("<alice> said while away")
            try await alice.shows("| connected")
            try await alice.sees("the message of its own, once") { lines in
                lines.count { $0.hasSuffix("<alice> said while away") } == 1
            }
        }
    }

    @Test("Another size is another layout; without colours there are no looks")
    func resize() async throws {
        try await RelayWorld.run(options: .init(isMostlyWaiting: true)) { _, edges in
            let alice = try ChatScene.start(
                "alice", url: "ws://\(edges[0].authority)", environment: ["NO_COLOR": "1"], columns: 100, rows: 20)
            defer { alice.close() }
            try await alice.sees("*** Welcome to general, alice.")
            alice.type("a message that is a good deal longer than forty columns are\r")
            try await alice.sees("<alice> a message that is a good deal longer than forty columns are")
            alice.type("half")
            try await alice.prompts("general> half")
            alice.resize(columns: 40, rows: 8)
            try await alice.sees("the message in two rows") { lines in
                lines.count == 8 && lines.last == "general> half"
                    && lines[5].hasPrefix("      ") && lines[5].hasSuffix("forty columns are")
            }
            #expect(alice.look { !$0.hasLooks && $0.unknown.isEmpty })
            #expect(alice.status.hasSuffix("alice | connected"))
        }
    }

    @Test("It talks over TLS with a token; a relay that refuses it ends it with 1 and the terminal as it was")
    func secure() async throws {
        let certificate = try await TestCertificate.make()
        let flags = ["--tls-cert", certificate.certificatePath, "--tls-key", certificate.keyPath]
        try await RelayWorld.run(edges: []) { world, _ in
            let scene = try AuthScene(world)
            let program = try await world.startEdge(scene.flags + flags)
            let file = "\(world.directory)/token"
            try (try scene.token("alice") + "\n").write(toFile: file, atomically: true, encoding: .utf8)
            let url = "wss://localhost:\(program.port)"
            let authority = ["--ca-file", certificate.authorityPath]
            let alice = try ChatScene.start("ignored", url: url, flags: authority + ["--token-file", file])
            defer { alice.close() }
            try await alice.sees("*** Welcome to general, alice.")
            alice.type("over TLS\r")
            try await alice.sees("<alice> over TLS")
            let token = try scene.token("bob", ["--rooms", "tea"])
            let bob = try ChatScene.start("bob", url: url, flags: authority, environment: ["MARTLET_TOKEN": token])
            defer { bob.close() }
            #expect(try await bob.end() == 1)
            #expect(bob.lines.contains { $0.hasPrefix("martlet: general: ") }, "\(bob.lines)")
            #expect(bob.look { !$0.isOtherScreen && !$0.marksPastes })
            // Of several rooms those that refuse are left out, with a word about why.
            let carol = try ChatScene.start(
                "bob", ["general", "tea"], url: url, flags: authority, environment: ["MARTLET_TOKEN": token])
            defer { carol.close() }
            try await carol.sees("!!! general: You may not do that here. /leave takes it off the screen.")
            try await carol.shows(" [general] tea")
            // What is being typed stays where it was meant to go.
            carol.type("/join dm:x+y\rmy salary")
            try await carol.sees("!!! dm:x+y: ")
            carol.type(" is 100\r")
            try await carol.sees("!!! There is no such room.")
            carol.type("/leave\r\u{10}\u{10}/leave general\r")
            try await carol.sees("*** Welcome to tea, bob.")
            try await carol.shows(" [tea] ")
            let mallory = try ChatScene.start(
                "mallory", url: url, flags: authority, environment: ["MARTLET_TOKEN": "x.y.z"])
            defer { mallory.close() }
            #expect(try await mallory.end() == 1)
        }
    }

    @Test("A visit with all commands")
    func commands() async throws {
        try await ChatScene.meet(alice: ["tea"], bob: ["tea"], columns: 100, rows: 40) { _, alice, bob in
            let steps = [
                ("Good evening", "<alice> Good evening"), ("/me pours", "* alice pours"),
                ("//slash", "<alice> /slash"), ("/who", "*** 2 here: alice, bob"),
                ("/topic tea at four", "*** alice set the topic: tea at four"),
                ("/topic", "*** The topic of tea: tea at four"), ("/rooms", "*** tea (2 here): tea at four"),
                ("/replay 2", "<alice> /slash"), ("/msg bob psst", "[you -> bob] psst"), ("/page bob", "*** Paged bob"),
                ("/msg nobody hm", "nobody is not in chat"), ("/page alice", "!!! "),
                ("/x", "Unknown command: /x. Type /help for available commands."), ("/msg bob", "/msg USER TEXT"),
            ]
            for (typed, seen) in steps {
                let before = alice.lines.count { $0.contains(seen) }
                alice.type(typed + "\r")
                try await alice.sees("\(typed): \(seen)") { lines in lines.count { $0.contains(seen) } > before }
            }
            try await bob.sees("[alice -> you] psst")
            bob.type("/r what is it?\r")
            try await alice.sees("[bob -> you] what is it?")
            alice.type("/help\r")
            try await alice.sees("/replay [N]")
            try await alice.sees("the next room with something unread")
            alice.type("/quit\r")
            #expect(try await alice.end() == 0)
        }
    }

    @Test("What is shown is read, on every device; where the terminal goes away, the program ends and its user leaves")
    func reading() async throws {
        try await ChatScene.meet(alice: ["general", "ops"], bob: ["general", "ops"]) { edge, alice, bob in
            bob.type("read by alice\r")
            bob.type("\u{e}not yet\r")
            try await alice.sees("<bob> read by alice")
            try await alice.shows("ops(1)")
            func unread(_ room: String) async throws -> Int? {
                let answer = try await edge.ask("GET", "/v1/rooms?user=alice").text
                let object = try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any]
                let rooms = object?["rooms"] as? [[String: Any]] ?? []
                return rooms.first { $0["room"] as? String == room }?["unread"] as? Int
            }
            try await eventually("general is read") { try await unread("general") == 0 }
            #expect(try await unread("ops") == 1)
            alice.type("\u{e}")
            try await eventually("ops is read") { try await unread("ops") == 0 }
            alice.close()
            #expect(try await alice.end() == 0)
            try await bob.sees("*** alice has left")
        }
    }

    @Test("Piped it is plain: a line in is a line sent, lines out have nothing of a terminal")
    func piped() async throws {
        try await RelayWorld.run(options: .init(isMostlyWaiting: true)) { world, edges in
            let bob = try await ChatScene.arrive("bob", at: edges[0])
            defer { bob.close() }
            // The input ends when what was said has come back.
            let script = """
                (printf 'one\\n/me waves\\n/join tea\\ntwo\\n'
                for n in $(seq 600); do grep -q '<alice> two' \(world.directory)/said && break; sleep 0.1; done) \
                | \(RelayProgram.programsDirectory)/martlet chat --user alice --url ws://\(edges[0].authority) \
                | tee \(world.directory)/said
                """
            let ended = try await FinishedCommand.runAside(["/bin/sh", "-c", script])
            #expect(ended.exitCode == 0, "\(ended.errorOutput)")
            try await bob.sees("<alice> one")
            try await bob.sees("* alice waves")
            for text in ["*** Welcome to general, alice.", "<alice> one", "*** Welcome to tea, alice.", "<alice> two"] {
                #expect(ended.output.contains(text), "\(ended.output)")
            }
            #expect(!ended.output.contains("\u{1b}"))
            // What was not stored is an error, and said as one.
            let long = "printf 'a%.0s' $(seq 5000) | \(RelayProgram.programsDirectory)/martlet chat --user alice"
            let refused = try await FinishedCommand.runAside([
                "/bin/sh", "-c", "\(long) --url ws://\(edges[0].authority)",
            ])
            #expect(refused.exitCode == 1 && refused.errorOutput.contains("not done: 1 "), "\(refused.errorOutput)")
            #expect(refused.output.contains("!!! "), "\(refused.output)")
        }
    }
}
