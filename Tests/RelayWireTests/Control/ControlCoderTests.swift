import NIOCore
import RelayCore
import RelayWire
import Testing

@Suite("The control channel's JSON")
struct ControlCoderTests {
    private static func decode(_ text: String) throws(Refusal) -> ControlCommand {
        try ControlCoder.decode(ByteBuffer(string: text))
    }

    @Test("is read as operators type it")
    func typed() throws {
        let bob = try #require(UserID("bob"))
        let general = try #require(RoomID("general"))
        #expect(try Self.decode(#"{"op":"notice","text":"hi"}"#) == .notice(text: "hi", room: nil))
        #expect(try Self.decode(#"{"op":"notice","text":"hi","room":"general"}"#) == .notice(text: "hi", room: general))
        #expect(try Self.decode(#"{"op":"kick","user":"BOB"}"#) == .kick(bob, room: nil, reason: "", span: nil))
        #expect(
            try Self.decode(#"{"op":"kick","user":"bob","room":"general","reason":"r","seconds":60}"#)
                == .kick(bob, room: general, reason: "r", span: .seconds(60)))
        #expect(try Self.decode(#"{"op":"mute","user":"bob","seconds":5}"#) == .mute(bob, room: nil, span: .seconds(5)))
        #expect(
            try Self.decode(#"{"op":"kick","user":"bob","seconds":9000000000}"#)
                == .kick(bob, room: nil, reason: "", span: SanctionLedger.spanMax))
        #expect(try Self.decode(#"{"op":"pardon","user":"bob","room":"general"}"#) == .pardon(bob, room: general))
        #expect(try Self.decode(#"{"op":"drain","edge":"e-1","more":1}"#) == .drain(EdgeID("e-1")))
    }

    @Test(
        "is refused where it is anything else",
        arguments: [
            "", "drain", "[]", "{}", #"{"op":"dance"}"#, #"{"op":7}"#, #"{"op":"notice"}"#,
            #"{"op":"notice","text":""}"#, #"{"op":"notice","text":"x","room":"a b"}"#, #"{"op":"kick"}"#,
            #"{"op":"kick","user":"a b"}"#, #"{"op":"kick","user":"bob","seconds":-1}"#,
            #"{"op":"kick","user":"bob","seconds":"60"}"#, #"{"op":"kick","user":"bob","room":7}"#,
            #"{"op":"mute","user":"bob"}"#, #"{"op":"mute","user":"bob","seconds":0}"#, #"{"op":"pardon"}"#,
            #"{"op":"drain"}"#, #"{"op":"kick","op":"kick","user":"bob"}"#,
        ])
    func wrong(_ text: String) {
        #expect(throws: Refusal.self) { try Self.decode(text) }
    }

    @Test("comes back as it was written")
    func roundTrip() throws {
        let bob = try #require(UserID("bob"))
        let room = try #require(RoomID("general"))
        for command: ControlCommand in [
            .notice(text: "\"ä\n", room: nil), .notice(text: "x", room: room),
            .kick(bob, room: room, reason: "why", span: .seconds(1)), .kick(bob, room: nil, reason: "", span: nil),
            .mute(bob, room: room, span: .seconds(7)), .pardon(bob, room: nil), .drain(EdgeID("e")),
        ] {
            #expect(try ControlCoder.decode(ControlCoder.encode(command)) == command)
        }
    }

    @Test("of usage comes back too, and nothing else is taken for it")
    func usage() throws {
        let usages = [UserUsage(user: try #require(UserID("bob")), count: 45)]
        let told = try #require(UsageCoder.decode(UsageCoder.encode(usages, edge: EdgeID("e"))))
        #expect(told.edge == EdgeID("e") && told.usages == usages)
        for text in [
            "", "{}", #"{"edge":"e"}"#, #"{"users":{}}"#, #"{"edge":"e","users":{"a b":1}}"#,
            #"{"edge":"e","users":{"bob":-1}}"#, #"{"edge":"e","users":{"bob":"1"}}"#, #"{"edge":"","users":{}}"#,
        ] {
            #expect(UsageCoder.decode(ByteBuffer(string: text)) == nil, "\(text)")
        }
    }
}
