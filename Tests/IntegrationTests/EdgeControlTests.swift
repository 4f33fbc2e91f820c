import Foundation
import NIOCore
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// What operators order over the control channel.
@Suite("Operators", .timeLimit(.minutes(20)))
struct EdgeControlTests {
    private static func texts(_ talker: Talker) -> [String] { talker.heard.frames.map { String(buffer: $0) } }

    /// Runs a command of `martlet` against the world's Redis, as the user that operators are.
    private static func martlet(_ world: RelayWorld, _ arguments: [String]) throws -> FinishedCommand {
        try FinishedCommand.run(
            ["\(RelayProgram.programsDirectory)/martlet"] + arguments + ["--redis-url", world.redis.url],
            environment: [
                "MARTLET_REDIS_USERNAME": GuardedRedis.User.operator.rawValue,
                "MARTLET_REDIS_PASSWORD": GuardedRedis.User.operator.password,
            ])
    }

    @Test("say something to everybody or to a room, on every edge")
    func notice() async throws {
        try await RelayWorld.run(edges: [[], []]) { world, edges in
            let here = try await Talker.connect(edges[0], as: "here")
            let there = try await Talker.connect(edges[1], as: "there")
            let elsewhere = try await Talker.connect(edges[1], as: "elsewhere")
            try await here.join("general")
            try await there.join("general")
            let ended = try Self.martlet(world, ["notice", "soon \"over\"", "--room", "general"])
            #expect(ended.exitCode == 0 && ended.output == "2 edges heard it\n", "\(ended)")
            for talker in [here, there] {
                try await eventually("the room's notice comes") {
                    talker.heard.events.contains { $0.event.kind == .notice && $0.event.text == "soon \"over\"" }
                }
                #expect(talker.heard.events.filter { $0.event.kind == .notice }.allSatisfy { !$0.isForeign })
            }
            try await world.cli("PUBLISH", "chat:control", #"{"op":"notice","text":"to all"}"#)
            for talker in [here, there, elsewhere] {
                try await eventually("the notice to all comes") { talker.heard.notices == ["to all"] }
            }
            #expect(Self.texts(elsewhere).count == 1)
        }
    }

    @Test("send a user off the relay: every session is closed with 4503, and stays out on every edge for that long")
    func kick() async throws {
        try await RelayWorld.run(edges: [[], []]) { world, edges in
            let first = try await Talker.connect(edges[0], as: "Mallory")
            let second = try await Talker.connect(edges[1], as: "mallory")
            let alice = try await Talker.connect(edges[1], as: "alice")
            try await alice.join("general")
            let ended = try Self.martlet(world, ["kick", "mallory", "--reason", "enough", "--for", "1h"])
            #expect(ended.exitCode == 0, "\(ended)")
            for session in [first, second] {
                let ending = try await session.ending()
                #expect(ending.code == 4503 && ending.reason == "kicked: enough")
            }
            for edge in edges {
                #expect(try await Talker.connect(edge, as: "mallory").ending().code == 4503)
                let late = try await Talker.connect(edge, as: nil)
                _ = try await late.begin("hello", #""user":"MALLORY""#)
                #expect(try await late.ending().code == 4503)
                #expect(!Self.texts(late).contains { $0.contains("welcome") })
                let answer = try await edge.ask(
                    "POST", "/v1/rooms/general/messages?user=mallory", json: #"{"text":"x"}"#)
                #expect(answer.status == 403 && answer.headers["retry-after"].flatMap { Int($0) } ?? 0 > 3000)
            }
            // An edge that starts later knows it too, out of Redis.
            #expect(try await world.cli("ZRANGE", "chat:kicked", "0", "-1") == "mallory")
            let newcomer = try await world.startEdge()
            try await newcomer.waitUntilReady()
            try await eventually("the new edge knows it") {
                let session = try await Talker.connect(newcomer, as: "mallory")
                _ = try? await session.ask("ping")
                return session.closing?.code == 4503
            }
            #expect(alice.closing == nil)
            #expect(try Self.martlet(world, ["pardon", "mallory"]).exitCode == 0)
            for edge in edges + [newcomer] {
                try await eventually("mallory is back") {
                    let session = try await Talker.connect(edge, as: "mallory")
                    _ = try? await session.ask("ping")
                    return session.closing == nil
                }
            }
            #expect(try await world.cli("EXISTS", "chat:kicked") == "0")
        }
    }

    @Test("without a time a kick is over at once, and one out of a room leaves the rest")
    func kickFromRoom() async throws {
        try await RelayWorld.run { world, edges in
            let bob = try await Talker.connect(edges[0], as: "bob")
            try await bob.join("a")
            try await bob.join("b")
            try await world.cli(
                "PUBLISH", "chat:control", #"{"op":"kick","user":"bob","room":"a","seconds":\#(patience)}"#)
            try await eventually("bob is told") {
                Self.texts(bob).contains { $0.contains(#""type":"left""#) && $0.contains("kicked") }
            }
            let refusal = try #require(try await bob.refusal("join", #""room":"a""#))
            #expect(refusal.code == .forbidden && refusal.retryAfter ?? .zero > .zero)
            let alice = try await Talker.connect(edges[0], as: "alice")
            try await alice.say("to a", in: "a")
            try await alice.say("to b", in: "b")
            try await bob.hear(1)
            #expect(bob.texts == ["to b"])
            try await eventually("its time is over") { try await bob.refusal("join", #""room":"a""#) == nil }
            try await world.cli("PUBLISH", "chat:control", #"{"op":"kick","user":"bob"}"#)
            #expect(try await bob.ending().reason == "kicked")
            let again = try await Talker.connect(edges[0], as: "bob")
            try await again.say("back", in: "b")
        }
    }

    @Test("mute a user: sends are forbidden on every edge for that long, reading is not")
    func mute() async throws {
        try await RelayWorld.run(edges: [[], []]) { world, edges in
            let bob = try await Talker.connect(edges[0], as: "bob")
            try await bob.join("general")
            #expect(try Self.martlet(world, ["mute", "bob", "--room", "general", "--for", "1h"]).exitCode == 0)
            try await eventually("bob is mute") {
                try await bob.refusal("send", #""room":"general","text":"x""#) != nil
            }
            let elsewhere = try await Talker.connect(edges[1], as: "bob")
            try await eventually("there too") {
                try await elsewhere.refusal("send", #""room":"general","text":"x""#) != nil
            }
            let refusal = try #require(try await bob.refusal("send", #""room":"general","text":"x""#))
            #expect(refusal.code == .forbidden && refusal.retryAfter ?? .zero > .seconds(3000))
            let path = "/v1/rooms/general/messages?user=bob"
            #expect(try await edges[1].ask("POST", path, json: #"{"text":"x"}"#).status == 403)
            try await bob.say("elsewhere", in: "other")
            // A name is words for others too.
            #expect(try await edges[1].ask("PATCH", "/v1/rooms/general?user=bob", json: #"{"name":"x"}"#).status == 403)
            let den = #"{"room":"den","topic":"what he may not say"}"#
            #expect(try await edges[1].ask("POST", "/v1/rooms?user=bob", json: den).status == 201)
            #expect(try Self.martlet(world, ["mute", "bob", "--for", "1h"]).exitCode == 0)
            try await eventually("bob is mute everywhere") {
                let name = #"{"name":"x"}"#
                return try await edges[1].ask("PATCH", "/v1/rooms/den?user=bob", json: name).status == 403
            }
            let more = #"{"room":"more","topic":"x"}"#
            #expect(try await edges[1].ask("POST", "/v1/rooms?user=bob", json: more).status == 403)
            #expect(try Self.martlet(world, ["pardon", "bob"]).exitCode == 0)
            let alice = try await Talker.connect(edges[1], as: "alice")
            let heard = bob.messages.count
            try await alice.say("for bob", in: "general")
            try await bob.hear(heard + 1)
            #expect(try Self.martlet(world, ["pardon", "bob", "--room", "general"]).exitCode == 0)
            try await eventually("bob speaks") {
                try await bob.refusal("send", #""room":"general","text":"y""#) == nil
            }
        }
    }

    @Test("are an admin's too, by ops, and nobody else's")
    func admins() async throws {
        try await AuthScene.run(edges: 2) { _, edges, scene in
            let boss = try await Talker.connect(edges[0], token: try scene.token("boss", ["--admin"]))
            let bob = try await Talker.connect(edges[1], token: try scene.token("bob"))
            let bobby = try #require(UserID("bob"))
            #expect(try await bob.refusal("mute", #""user":"boss","seconds":60"#)?.code == .forbidden)
            #expect(try await boss.refusal("mute", #""user":"bob""#)?.code == .badRequest)
            let muted = try await boss.ask("mute", #""user":"bob","seconds":60"#)
            #expect(muted == .ordered("mute", bobby, room: nil))
            let send = #""room":"general","text":"x""#
            try await eventually("is muted") {
                guard let refusal = try await bob.refusal("send", send) else { return false }
                return refusal.code == .forbidden && refusal.retryAfter != nil
            }
            // A room's name is a word too; one that is there may be listened to.
            #expect(try await bob.refusal("join", #""room":"my-words""#)?.code == .forbidden)
            #expect(try await bob.refusal("join", #""room":"general""#) == nil)
            #expect(try await boss.ask("pardon", #""user":"bob""#) == .ordered("pardon", bobby, room: nil))
            try await eventually("may send") { try await bob.refusal("send", send) == nil }
            _ = try await boss.ask("kick", #""user":"bob","reason":"enough","seconds":60"#)
            let closing = try await bob.ending()
            #expect(closing.code == 4503)
            let again = try await Talker.connect(edges[0], token: try scene.token("bob"))
            #expect(try await again.ending().code == 4503)
        }
    }

    @Test("end one edge as SIGTERM does, and no other")
    func drain() async throws {
        try await RelayWorld.run(edges: [["--drain", "1s"], ["--drain", "1s"]]) { world, edges in
            let here = try await Talker.connect(edges[0], as: "here")
            let there = try await Talker.connect(edges[1], as: "there")
            guard case .welcome(let welcome) = try await here.ask("hello", #""user":"here""#) else {
                Issue.record("not welcomed")
                return
            }
            try await world.cli("PUBLISH", "chat:control", #"{"op":"drain","edge":"nobody"}"#)
            let nobody = try Self.martlet(world, ["drain", "nobody"])
            #expect(nobody.exitCode == 1 && nobody.errorOutput.contains("there is no edge nobody"))
            #expect(try Self.martlet(world, ["drain", welcome.edge.description]).exitCode == 0)
            #expect(try await here.ending().code == 4000)
            #expect(try await edges[0].exitStatus(within: .seconds(60)) == 0)
            #expect(there.closing == nil)
            try await there.say("still here", in: "general")
        }
    }

    @Test("what is no order is counted, logged and changes nothing")
    func nonsense() async throws {
        try await RelayWorld.run { world, edges in
            let bob = try await Talker.connect(edges[0], as: "bob")
            try await bob.join("general")
            let orders = [
                "", "drain", "[]", "{}", #"{"op":"dance"}"#, #"{"op":"kick"}"#, #"{"op":"kick","user":"a b"}"#,
                #"{"op":"kick","user":"bob","seconds":"x"}"#, #"{"op":"mute","user":"bob"}"#, "\u{1}\u{2}",
                #"{"op":"notice","text":"\#(String(repeating: "x", count: 5000))"}"#, #"{"op":"secret-word"}"#,
            ]
            for order in orders { try await world.cli("PUBLISH", "chat:control", order) }
            try await eventually("all are counted") {
                try await edges[0].metric("martlet_edge_control_rejected_total") == orders.count
            }
            #expect(try await edges[0].metric("martlet_edge_control_commands_total") == 0)
            let log = await edges[0].program.errorOutput
            #expect(log.components(separatedBy: "Not an order on the control channel").count == 2, "said once a minute")
            #expect(!log.contains("secret-word"))
            try await bob.say("still here", in: "general")
        }
    }

    @Test("whom nobody hears is told so, and wrong arguments end with 64")
    func alone() async throws {
        try await RelayWorld.run(edges: []) { world, _ in
            let ended = try Self.martlet(world, ["notice", "hello?"])
            #expect(ended.exitCode == 1 && ended.output.isEmpty && ended.errorOutput.contains("no edge heard it"))
            for arguments in [
                ["kick", "a b"], ["kick", "bob", "--for", "5"], ["mute", "bob"], ["kick", "bob", "--room", "a b"],
                ["notice", ""], ["mute", "bob", "--for", "0s"],
            ] {
                #expect(try Self.martlet(world, arguments).exitCode == 64, "\(arguments)")
            }
        }
    }
}
