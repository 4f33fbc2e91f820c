import Foundation
import NIOCore
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Who somebody is, where that has to be proven.
@Suite("An edge that wants tokens", .timeLimit(.minutes(20)))
struct EdgeAuthTests {
    private static let path = "/v1/rooms/general/messages"

    private static func code(_ answer: HTTPAnswer) -> String? {
        (try? JSONReader.object(from: answer.body))?["code"]?.string
    }

    @Test("knows a session by hello, by Authorization and by a cookie, and people by what the token says")
    func ways() async throws {
        try await AuthScene.run { _, edges, scene in
            let edge = edges[0]
            let token = try scene.token("Alice", ["--name", "Alice Ä"])
            let byHello = try await Talker.connect(edge, as: "mallory")
            #expect(try await byHello.refusal("join", #""room":"general""#)?.code == .unauthorized)
            #expect(try await byHello.refusal("hello", #""user":"mallory""#)?.code == .unauthorized)
            let answer = try await byHello.ask("hello", #""user":"mallory","name":"M","token":"\#(token)""#)
            guard case .welcome(let welcome) = answer else { throw NeverHappened(description: "\(answer)") }
            #expect(welcome.identity.user.description == "alice" && welcome.identity.name.description == "Alice Ä")
            try await byHello.join("general")
            try await byHello.say("by hello", in: "general")
            let byHeader = try await Talker.connect(edge, token: token)
            try await byHeader.say("by header", in: "general")
            let byCookie = try await Talker.connect(
                edge, headers: [("Cookie", "a=b; martlet_token=\(token)"), ("Origin", "http://\(edge.authority)")])
            try await byCookie.say("by cookie", in: "general")
            try await byHello.hear(3)
            #expect(byHello.messages.allSatisfy { $0.message.draft.user.description == "alice" })
            #expect(byHello.messages.allSatisfy { $0.message.draft.name.description == "Alice Ä" })
        }
    }

    @Test("closes with 4501 who brings a bad token, 4502 who brings a late one, and tells no more than that")
    func bad() async throws {
        try await AuthScene.run { world, edges, scene in
            let edge = edges[0]
            let other = "\(world.directory)/other"
            try "another secret of more than 32 bytes".write(toFile: other, atomically: true, encoding: .utf8)
            let stranger = try AuthScene.mint(["--jwt-secret-file", other, "--user", "alice", "--admin"])
            let good = try scene.token("alice")
            let late = try scene.token("alice", ["--expires", "1s"])
            var reasons: Set<String> = []
            for token in [stranger, good + "x", "x", "", "a.b.c", String(repeating: "x", count: 9000)] {
                let byHello = try await Talker.connect(edge, as: nil)
                _ = try await byHello.begin("hello", #""token":"\#(token)""#)
                let ending = try await byHello.ending()
                #expect(ending.code == 4501, "\(token.prefix(20))")
                reasons.insert(ending.reason)
                #expect(byHello.heard.frames.isEmpty)
                guard !token.isEmpty else { continue }
                let byHeader = try await Talker.connect(edge, token: token)
                let end = try await byHeader.ending()
                #expect(end.code == 4501)
                reasons.insert(end.reason)
                let answer = try await edge.ask("GET", Self.path, headers: ["Authorization: Bearer \(token)"])
                #expect(answer.status == 401 && answer.headers["www-authenticate"] == "Bearer")
                reasons.insert(Self.code(answer) ?? "none")
            }
            #expect(reasons == ["unauthorized"])
            let holder = try await Talker.connect(edge, token: good)
            try await eventually("the token is late") {
                try await edge.ask("GET", Self.path, headers: ["Authorization: Bearer \(late)"]).status == 401
            }
            let answer = try await edge.ask("GET", Self.path, headers: ["Authorization: Bearer \(late)"])
            #expect(Self.code(answer) == "token_expired")
            #expect(try await Talker.connect(edge, token: late).ending().code == 4502)
            // Who has a better one keeps it.
            #expect(try await holder.refusal("hello", #""token":"\#(late)""#)?.code == .tokenExpired)
            #expect(holder.closing == nil)
        }
    }

    @Test("ends a session with its token, within a second, and not one whose user has brought another")
    func ends() async throws {
        try await AuthScene.run { _, edges, scene in
            let edge = edges[0]
            let (long, foreign) = (try scene.token("alice"), try scene.token("bob"))
            // Making one takes its time too.
            let made = ContinuousClock.now
            let short = try scene.token("alice", ["--expires", "10s"])
            let ending = try await Talker.connect(edge, token: short)
            let prolonged = try await Talker.connect(edge, token: short)
            try await prolonged.join("general")
            #expect(try await prolonged.refusal("hello", #""token":"\#(foreign)""#)?.code == .forbidden)
            guard case .welcome = try await prolonged.ask("hello", #""token":"\#(long)""#) else {
                Issue.record("not welcomed")
                return
            }
            #expect(try await ending.ending().code == 4502)
            // Tokens count whole seconds: it ends up to a second earlier than it was asked to.
            let closed = try #require(ending.heard.closedAt)
            #expect(closed - made > .milliseconds(8_500) && closed - made < .seconds(40))
            #expect(prolonged.closing == nil)
            try await prolonged.say("still here", in: "general")
        }
    }

    @Test("takes a session out of the rooms that its new token does not cover")
    func narrowed() async throws {
        try await AuthScene.run { _, edges, scene in
            let alice = try await Talker.connect(edges[0], token: try scene.token("alice"))
            try await alice.join("a")
            try await alice.join("b")
            let narrow = try scene.token("alice", ["--rooms", "b"])
            guard case .welcome = try await alice.ask("hello", #""token":"\#(narrow)""#) else {
                Issue.record("not welcomed")
                return
            }
            let left = alice.heard.frames.map { String(buffer: $0) }.filter { $0.contains(#""type":"left""#) }
            #expect(left.count == 1 && left.first?.contains(#""room":"a""#) == true, "\(left)")
            let bob = try await Talker.connect(edges[0], token: try scene.token("bob"))
            try await bob.say("one", in: "a")
            try await bob.say("two", in: "b")
            try await alice.hear(1)
            #expect(alice.texts == ["two"])
        }
    }

    @Test("takes a session out of private rooms where its new token is no admin's any more")
    func demotion() async throws {
        try await AuthScene.run { _, edges, scene in
            let zoe = try await Talker.connect(edges[0], token: try scene.token("zoe"))
            #expect(try await zoe.refusal("create", #""room":"club","private":true"#)?.code == nil)
            let boss = try await Talker.connect(edges[0], token: try scene.token("boss", ["--admin"]))
            for talker in [zoe, boss] {
                for room in ["club", "general"] { try await talker.join(room) }
            }
            try await zoe.say("1", in: "club")
            try await boss.hear(1)
            let refusal = try await boss.refusal("hello", #""token":"\#(try scene.token("boss"))""#)
            #expect(refusal == nil)
            try await eventually("it is told") { boss.heard.unmarked.contains(.left(try #require(RoomID("club")))) }
            try await zoe.say("2", in: "club")
            try await zoe.say("3", in: "general")
            try await boss.hear(2)
            #expect(boss.texts == ["1", "3"])
            #expect(try await boss.refusal("join", #""room":"club""#)?.code == .noSuchRoom)
        }
    }

    @Test("takes no token out of a query, and a cookie from its own pages only")
    func origins() async throws {
        try await AuthScene.run(["--allow-origin", "https://chat.example", "--allow-origin", "*"]) {
            _, edges, scene in
            let edge = edges[0]
            let token = try scene.token("alice")
            let cookie = "Cookie: martlet_token=\(token)"
            let own = "Origin: http://\(edge.authority)"
            let body = #"{"text":"x"}"#
            #expect(try await edge.ask("GET", Self.path + "?token=\(token)").status == 400)
            await #expect(throws: RelayConnectionError.self) {
                try await Talker.connect(edge, as: "alice&token=\(token)")
            }
            // Without Origin, from elsewhere, and from elsewhere though `*` is allowed.
            for headers in [[cookie], [cookie, "Origin: https://evil.example"], [cookie, "Origin: null"]] {
                let answer = try await edge.ask("POST", Self.path, headers: headers, json: body)
                #expect(answer.status == 403, "\(headers)")
                let pairs = headers.map { $0.split(separator: ":", maxSplits: 1) }
                await #expect(throws: RelayConnectionError.self) {
                    try await Talker.connect(
                        edge, headers: pairs.map { (String($0[0]), $0[1].trimmingCharacters(in: .whitespaces)) })
                }
            }
            for origin in [own, "Origin: https://chat.example"] {
                #expect(try await edge.ask("POST", Self.path, headers: [cookie, origin], json: body).status == 201)
            }
            let form = [cookie, own, "Content-Type: text/plain"]
            #expect(try await edge.ask("POST", Self.path, headers: form, json: body).status == 415)
            // Without a body too: a form of another site could ask for that.
            #expect(try await edge.ask("DELETE", Self.path, headers: [cookie, own]).status == 415)
            let json = [cookie, own, "Content-Type: application/json"]
            #expect(try await edge.ask("DELETE", Self.path, headers: json).status == 405)
            #expect(try await edge.ask("GET", Self.path, headers: [cookie]).status == 200)
            // A header is no cookie: no page can make a browser send it.
            let bearer = ["Authorization: Bearer \(token)", "Origin: https://other.example"]
            #expect(try await edge.ask("POST", Self.path, headers: bearer, json: body).status == 201)
            for wrong in ["Bearer", "Basic \(token)", "Bearer \(token) x", token] {
                let answer = try await edge.ask("GET", Self.path, headers: ["Authorization: \(wrong)", cookie])
                #expect(answer.status == 401, "\(wrong.prefix(12))")
            }
        }
    }

    @Test("may listen where others reach it, and under any name")
    func reach() async throws {
        try await AuthScene.run(["--listen", "0.0.0.0:0"]) { _, edges, scene in
            let token = "Authorization: Bearer \(try scene.token("alice"))"
            let body = #"{"text":"x"}"#
            let answer = try await edges[0].ask(
                "POST", Self.path, host: "chat.example", headers: [token], json: body)
            #expect(answer.status == 201)
            #expect(try await edges[0].ask("GET", Self.path, host: "chat.example").status == 401)
            #expect(try await edges[0].ask("GET", "/health/live", host: "chat.example").status == 200)
        }
    }

    @Test("reads a JWKS again when it changes, while it serves")
    func reload() async throws {
        try await RelayWorld.run(edges: []) { world, _ in
            func pair(_ name: String) async throws -> (own: String, entry: String) {
                let (own, shown) = ("\(world.directory)/\(name).pem", "\(world.directory)/\(name).pub")
                _ = try await Executable.run("openssl", ["genpkey", "-quiet", "-algorithm", "ED25519", "-out", own])
                _ = try await Executable.run(
                    "openssl", ["pkey", "-in", own, "-pubout", "-outform", "DER", "-out", shown])
                let raw = try Data(contentsOf: URL(fileURLWithPath: shown)).suffix(32).base64EncodedString()
                let x = raw.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
                return (own, #"{"kty":"OKP","crv":"Ed25519","kid":"\#(name)","x":"\#(x)"}"#)
            }
            let (one, two) = (try await pair("one"), try await pair("two"))
            let set = "\(world.directory)/jwks.json"
            try #"{"keys":[\#(one.entry)]}"#.write(toFile: set, atomically: true, encoding: .utf8)
            let edge = try await world.startEdge(["--auth", "jwt", "--jwks-file", set])
            try await edge.waitUntilReady()
            func status(_ pair: (own: String, entry: String), _ kid: String) async throws -> Int {
                let token = try AuthScene.mint(["--jwt-key-file", pair.own, "--kid", kid, "--user", "alice"])
                let head = ["Authorization: Bearer \(token)"]
                return try await edge.ask("POST", Self.path, headers: head, json: #"{"text":"x"}"#).status
            }
            #expect(try await status(one, "one") == 201)
            #expect(try await status(two, "two") == 401)
            try #"{"keys":[\#(two.entry)]}"#.write(toFile: set, atomically: true, encoding: .utf8)
            try await eventually("the new key counts") { try await status(two, "two") == 201 }
            #expect(try await status(one, "one") == 401)
            try "broken".write(toFile: set, atomically: true, encoding: .utf8)
            try await eventually("the edge says so") {
                await edge.program.errorOutput.contains("--jwks-file cannot be used")
            }
            #expect(try await status(two, "two") == 201)
        }
    }

    @Test("a wrong setting of keys ends the edge with 64 and one line that names it")
    func settings() throws {
        let directory = try TemporaryDirectory.make("martlet-auth")
        defer { TemporaryDirectory.remove(directory) }
        let short = "\(directory)/short"
        try "too short\n".write(toFile: short, atomically: true, encoding: .utf8)
        let good = "\(directory)/good"
        try "0123456789abcdef0123456789abcdef".write(toFile: good, atomically: true, encoding: .utf8)
        for (arguments, named) in [
            (["--auth", "jwt"], "--auth"), (["--jwt-secret-file", good], "--jwt-secret-file"),
            (["--auth", "jwt", "--jwt-secret-file", short], "--jwt-secret-file"),
            (["--auth", "jwt", "--jwt-secret-file", "/nonexistent"], "--jwt-secret-file"),
            (["--auth", "jwt", "--jwt-key-file", good], "--jwt-key-file"),
            (["--auth", "jwt", "--jwks-file", good], "--jwks-file"),
            (["--auth", "jwt", "--jwt-secret-file", good, "--jwks-file", good], "--jwks-file"),
            (["--trust-proxy", "10.0.0.1/8"], "--trust-proxy"), (["--user-rate", "0"], "--user-rate"),
            (["--max-connections-per-address", "-1"], "--max-connections-per-address"),
            (["--metrics-listen", "9100"], "--metrics-listen"),
        ] {
            let ended = try FinishedCommand.run(["\(RelayProgram.programsDirectory)/martlet-edge"] + arguments)
            #expect(ended.exitCode == 64 && ended.output.isEmpty, "\(arguments)")
            #expect(ended.errorOutput.split(separator: "\n").count == 1, "\(ended.errorOutput)")
            #expect(ended.errorOutput.contains(named), "\(ended.errorOutput)")
            #expect(!ended.errorOutput.contains("too short"))
        }
    }
}

/// What prints tokens.
@Suite("martlet token", .timeLimit(.minutes(20)))
struct TokenCommandTests {
    @Test("says which argument is wrong, and prints no token then")
    func wrong() throws {
        let directory = try TemporaryDirectory.make("martlet-token")
        defer { TemporaryDirectory.remove(directory) }
        let secret = "\(directory)/secret"
        try "0123456789abcdef0123456789abcdef".write(toFile: secret, atomically: true, encoding: .utf8)
        let user = ["--user", "alice"]
        let key = ["--jwt-secret-file", secret]
        for (arguments, named) in [
            (user, "--jwt-secret-file"), (key, "--user"), (key + ["--user", "a b"], "--user"),
            (key + user + ["--jwt-key-file", secret], "--jwt-key-file"),
            (["--jwt-key-file", secret] + user, "--jwt-key-file"),
            (["--jwt-secret-file", "/nonexistent"] + user, "--jwt-secret-file"),
            (key + user + ["--rooms", "a b*"], "--rooms"), (key + user + ["--read", ""], "--read"),
            (key + user + ["--name", "a\u{7}"], "--name"), (key + user + ["--expires", "60"], "--expires"),
            (key + user + ["--expires", "0s"], "--expires"),
        ] {
            let ended = try FinishedCommand.run(["\(RelayProgram.programsDirectory)/martlet", "token"] + arguments)
            #expect(ended.exitCode == 64 && ended.output.isEmpty, "\(arguments): \(ended)")
            #expect(ended.errorOutput.contains(named), "\(ended.errorOutput)")
        }
    }
}
