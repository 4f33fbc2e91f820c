import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Tokens, rights and operators' orders, for who speaks in lines.
@Suite("Lines, and who may", .serialized, .timeLimit(.minutes(20)))
struct TextAccessTests {
    @Test("A token in the upgrade request says who it is and what it may; without one nobody gets in")
    func tokens() async throws {
        try await AuthScene.run { _, edges, scene in
            let edge = edges[0]
            let nobody = try await Typist.connect(edge, "format=text&user=alice&room=tea")
            try await nobody.reads(
                "!!! Say who you are: connect with ?user=NAME, or, to a relay that wants one, with a token.")
            #expect(try await nobody.ending().code == 4501)
            let zoe = try await Talker.connect(edge, token: try scene.token("zoe", ["--admin"]))
            try await zoe.say("first", in: "news")
            let token = try scene.token("alice", ["--name", "Alice", "--rooms", "tea", "--read", "news"])
            let alice = try await Typist.connect(edge, "format=text&user=bob&room=tea") {
                $0.headers.append(("Authorization", "Bearer \(token)"))
            }
            try await alice.reads("*** Welcome to tea, Alice. 1 here: alice. Type /help for commands.")
            try await alice.type("/join other")
            try await alice.reads("!!! You may not do that here.")
            try await alice.type("still here")
            try await alice.reads("<alice> still here")
            try await alice.type("/join news")
            try await alice.type("hello")
            try await alice.reads(
                "*** Welcome to news, Alice. 1 here: alice. Type /help for commands.", "<zoe> first",
                "!!! You may not do that here.")
            try await alice.type("/quit")
            let lobby = try await alice.readUp(to: "*** Type a room's name")
            #expect(lobby.first == "*** You have left news. This is the lobby.")
            let barred = lobby.filter { line in line.contains("general") }
            #expect(barred.isEmpty, "it lists what one may enter")
        }
    }

    @Test("A private room is one for its members, in lines too")
    func privacy() async throws {
        try await RelayWorld.run { _, edges in
            let owner = try await Talker.connect(edges[0], as: "alice")
            let plan = #""room":"club","private":true,"members":["bob"],"topic":"secret""#
            guard case .created = try await owner.ask("create", plan) else {
                Issue.record("not made")
                return
            }
            let bob = try await Typist.arrive(edges[0], as: "bob", in: "club")
            let eve = try await Typist.connect(edges[0], "format=text&user=eve&room=club")
            try await eve.reads("!!! There is no such room.", "*** This is the lobby.")
            let shown = try await eve.readUp(to: "*** Type a room's name")
            let named = shown.filter { line in line.contains("club") || line.contains("secret") }
            #expect(named.isEmpty)
            try await eve.type("club")
            try await eve.reads("!!! There is no such room.")
            try await bob.type("/rooms")
            try await bob.reads("*** club (1 here): secret", "*** general (0 here)")
            try await bob.type("/page eve")
            try await eve.reads("\u{7}*** bob is paging you")
        }
    }

    @Test("Operators reach who speaks in lines as they reach all others")
    func orders() async throws {
        try await RelayWorld.run { world, edges in
            let alice = try await Typist.arrive(edges[0], as: "alice", in: "tea")
            func order(_ json: String) async throws { try await world.cli("PUBLISH", "chat:control", json) }
            try await order(#"{"op":"notice","text":"back\u001b[31m in five"}"#)
            try await alice.reads("*** Notice: back in five")
            try await order(#"{"op":"notice","text":"tea is ready","room":"tea"}"#)
            try await alice.reads("*** Notice: tea is ready")
            try await world.cli("PUBLISH", "chat:{tea}", #"{"type":"notice","text":"by hand"}"#)
            try await alice.reads("*** Notice: by hand")
            try await order(#"{"op":"kick","user":"alice","room":"tea","reason":"noise","seconds":600}"#)
            #expect(try await alice.next().hasPrefix("*** You are no longer in tea: "))
            _ = try await alice.readUp(to: "*** Type a room's name")
            try await alice.type("tea")
            #expect(try await alice.next().hasPrefix("!!! "))
            let bob = try await Typist.arrive(edges[0], as: "bob")
            try await order(#"{"op":"mute","user":"alice","seconds":600}"#)
            try await eventually("alice is mute") {
                try await alice.type("/page bob")
                return try await alice.next().hasPrefix("!!! ")
            }
            try await order(#"{"op":"kick","user":"bob"}"#)
            #expect(try await bob.ending().code == 4503)
        }
    }
}
