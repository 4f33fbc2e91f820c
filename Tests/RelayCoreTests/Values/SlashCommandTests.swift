import RelayCore
import Testing

@Suite("What a person types")
struct SlashCommandTests {
    @Test(
        "is words, a command or an escaped slash",
        arguments: [
            ("hello", SlashCommand.say("hello")), (" /me x", .say(" /me x")), ("", .say("")), ("//", .say("/")),
            ("//me x", .say("/me x")), ("///x", .say("//x")), ("/me waves", .action("waves")),
            ("/ME waves", .action("waves")), ("/me  waves  twice ", .action("waves  twice ")),
            ("/me\twaves", .action("waves")),
            ("/me\nwaves", .action("waves")), ("/me", .incomplete(usage: "/me ACTION")),
            ("/me   ", .incomplete(usage: "/me ACTION")), ("/men x", .unknown(name: "men")), ("/", .unknown(name: "")),
            ("/ me x", .unknown(name: "")), ("/dance", .unknown(name: "dance")), ("/é x", .unknown(name: "é")),
            ("/me 😀", .action("😀")), ("//\u{301}", .say("/\u{301}")), ("/\u{301}me x", .unknown(name: "\u{301}me")),
        ])
    func reading(typed: String, command: SlashCommand) {
        #expect(SlashCommand(typed: typed) == command)
    }

    @Test(
        "is each command, with its words",
        arguments: [
            ("/help", SlashCommand.help), ("/who", .who), ("/WHO all", .who), ("/rooms", .rooms), ("/quit", .quit),
            ("/msg bob hi  there", .direct(to: "bob", text: "hi  there")),
            ("/msg bob", .incomplete(usage: "/msg USER TEXT")),
            ("/msg  bob  ", .incomplete(usage: "/msg USER TEXT")), ("/msg", .incomplete(usage: "/msg USER TEXT")),
            ("/msg b!b x", .direct(to: "b!b", text: "x")), ("/r yes", .reply("yes")),
            ("/r", .incomplete(usage: "/r TEXT")),
            ("/page bob", .page("bob")), ("/page bob now", .page("bob")), ("/page", .incomplete(usage: "/page USER")),
            ("/join a:b", .join("a:b")), ("/join", .incomplete(usage: "/join ROOM")), ("/topic", .topic(nil)),
            ("/topic new one", .topic("new one")), ("/replay", .replay(nil)), ("/replay 5", .replay(5)),
            ("/replay 100000", .replay(500)), ("/replay 0", .incomplete(usage: "/replay [N]")),
            ("/replay -1", .incomplete(usage: "/replay [N]")), ("/replay all", .incomplete(usage: "/replay [N]")),
        ])
    func commands(typed: String, command: SlashCommand) {
        #expect(SlashCommand(typed: typed) == command)
    }

    @Test("has help for every command, in lines that fit a terminal")
    func help() {
        for line in SlashCommand.helpLines {
            #expect(line.count < 80)
            let name = line.prefix { $0 != " " }
            if case .unknown = SlashCommand(typed: String(name)) { Issue.record("\(name) is no command") }
        }
        for name in SlashCommand.Name.allCases {
            #expect(SlashCommand.helpLines.contains { $0.hasPrefix("/\(name.rawValue) ") }, "/help lacks /\(name)")
        }
    }

    @Test("is cut where its command's name is long")
    func longName() {
        guard case .unknown(let name) = SlashCommand(typed: "/" + String(repeating: "x", count: 4000)) else {
            return #expect(Bool(false), "not unknown")
        }
        #expect(name.utf8.count <= Limits.identifierBytesMax)
    }
}

@Suite("The reasons of a close")
struct CloseReasonTests {
    private static let all: [(CloseReason, UInt16)] = [
        (.normal, 1000), (.protocolViolation("x"), 1002), (.unsupportedData, 1003), (.invalidUTF8, 1007),
        (.messageTooBig, 1009), (.draining, 4000), (.withoutRedis, 4001), (.noPong, 4002), (.tooSlow, 4003),
        (.unauthorized, 4501), (.tokenExpired, 4502), (.kicked(""), 4503), (.flood, 4504),
    ]

    @Test("have the codes of the contract, and texts that fit a close frame")
    func codes() {
        for (reason, code) in Self.all {
            #expect(reason.code == code)
            #expect((1...123).contains(reason.text.utf8.count))
        }
    }

    @Test("ask back whom they do not send away")
    func invitation() {
        for (reason, code) in Self.all {
            #expect(CloseReason.invitesBack(code: reason.code) == (code < 4500))
        }
        #expect(!CloseReason.invitesBack(code: 4999))
        #expect(CloseReason.invitesBack(code: 5000))
    }
}

@Suite("What an op costs")
struct ClientCommandTests {
    @Test("is one, and one more for each 50 messages that it may bring")
    func costs() throws {
        let room = try #require(RoomID("r"))
        #expect(ClientCommand.ping.cost == 1)
        #expect(ClientCommand.who(room).cost == 1)
        #expect(ClientCommand.join(room, from: .history(limit: 0)).cost == 1)
        #expect(ClientCommand.join(room, from: .history(limit: 50)).cost == 2)
        #expect(ClientCommand.join(room, from: .since(.zero, epoch: nil)).cost == 11)
        #expect(ClientCommand.history(room, .latest(limit: 500)).cost == 11)
        #expect(ClientCommand.history(room, .after(.zero, limit: 49)).cost == 1)
        #expect(ClientCommand.history(room, .before(.zero, limit: 100)).cost == 3)
    }
}
