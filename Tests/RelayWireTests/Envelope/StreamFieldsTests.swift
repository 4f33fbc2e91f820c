import RelayCore
import RelayWire
import Testing

@Suite("The fields of a stream entry")
struct StreamFieldsTests {
    private static let good = [
        (name: "seq", value: "42"), (name: "type", value: "message"), (name: "user", value: "alice"),
        (name: "name", value: "Alice"), (name: "text", value: "hi"),
    ]

    private func message(_ fields: [(name: String, value: String)]) throws -> Message? {
        StreamFields.message(id: try Sample.id("7-0"), room: try #require(RoomID("general")), fields: fields)
    }

    @Test("make the message again that was posted, absent fields and all")
    func roundTrip() throws {
        #expect(try message(Self.good)?.draft == Sample.draft())
        #expect(try message(Self.good)?.seq == 42)
        let more = [
            (name: "nonce", value: "n-1"), (name: "to", value: "bob"), (name: "target", value: "1-2"),
            (name: "reply_to", value: "3-4"), (name: "colour", value: "red"),
        ]
        let draft = try #require(try message(Self.good + more)).draft
        #expect(draft.nonce == Nonce("n-1"))
        #expect(draft.to == UserID("bob"))
        #expect(try draft.target == Sample.id("1-2"))
        #expect(try draft.replyTo == Sample.id("3-4"))
        #expect(try message((Self.good + more).reversed())?.draft == draft)
        #expect(
            StreamFields.Name.allCases.map(\.rawValue).joined(separator: " ")
                == "seq type user name text nonce to target reply_to")
    }

    @Test("make none where one is missing", arguments: ["seq", "type", "user", "name", "text"])
    func missing(name: String) throws {
        #expect(try message(Self.good.filter { $0.name != name }) == nil)
    }

    @Test(
        "make none where one is not what it has to be",
        arguments: [
            ("seq", "0"), ("seq", "-1"), ("seq", "x"), ("seq", ""), ("seq", "18446744073709551616"), ("seq", "+5"),
            ("seq", "1.0"), ("type", "shout"), ("type", "Message"), ("type", "join"), ("user", "a b"), ("user", ""),
            ("name", ""), ("name", "a\nb"), ("nonce", ""), ("nonce", "é"), ("to", "a b"), ("target", "x"),
            ("reply_to", "1-x"),
        ])
    func invalid(name: String, value: String) throws {
        #expect(try message(Self.good.filter { $0.name != name } + [(name: name, value: value)]) == nil)
    }

    @Test("survive names and values of any kind", arguments: ["", "seq ", "SEQ", "\0", "текст"])
    func strange(name: String) throws {
        #expect(try message(Self.good + [(name: name, value: "\0")])?.seq == 42)
    }
}
