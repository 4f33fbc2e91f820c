import RelayCore
import Testing

@Suite("What a token lets a user do in rooms")
struct PermissionsTests {
    private static func room(_ text: String) throws -> RoomID { try #require(RoomID(text)) }
    private static func patterns(_ texts: [String]) throws -> [RoomPattern] {
        try texts.map { try #require(RoomPattern($0)) }
    }

    @Test("a pattern is a room's id with stars in it")
    func patterns() throws {
        for text in ["a", "a*", "*", "appointment:*", "dm:alice+bob", "dm:*", "dm:alice+*", "DM", "**", "*a", "a*b"] {
            #expect(RoomPattern(text)?.description == text)
        }
        let long = String(repeating: "a", count: 200)
        for text in [
            "", "a b*", " *", ":*", "+*", "é*", "\u{600}*", "a\u{301}*", "dm:", long + "*",
        ] {
            #expect(RoomPattern(text) == nil, "\(text)")
        }
    }

    @Test("a pattern covers what it names and nothing else")
    func covering() throws {
        let appointments = try #require(RoomPattern("appointment:*"))
        #expect(appointments.covers(try Self.room("appointment:1")))
        #expect(!appointments.covers(try Self.room("appointment")))
        #expect(!appointments.covers(try Self.room("Appointment:1")))
        let one = try #require(RoomPattern("a"))
        #expect(one.covers(try Self.room("a")))
        #expect(!one.covers(try Self.room("ab")))
        let direct = try #require(RoomPattern("dm:Alice+bob"))
        #expect(direct.covers(try Self.room("dm:alice+bob")))
        #expect(try #require(RoomPattern("dm:Alice+*")).covers(try Self.room("dm:alice+bob")))
        #expect(try #require(RoomPattern("*")).covers(try Self.room("dm:alice+bob")))
    }

    @Test("without rooms every one may be written, with none of them none")
    func rights() throws {
        let (a, b, c) = (try Self.room("a1"), try Self.room("b1"), try Self.room("c1"))
        #expect(Permissions.standard.writable.contains(a) && Permissions.standard.readable.contains(a))
        let some = Permissions(isAdmin: false, rooms: try Self.patterns(["a*"]), read: try Self.patterns(["b*"]))
        #expect(some.writable.contains(a) && some.readable.contains(a))
        #expect(!some.writable.contains(b) && some.readable.contains(b))
        #expect(!some.writable.contains(c) && !some.readable.contains(c))
        let reader = Permissions(isAdmin: false, rooms: nil, read: try Self.patterns(["b*"]))
        #expect(!reader.writable.contains(b) && reader.readable.contains(b) && !reader.readable.contains(a))
        let none = Permissions(isAdmin: false, rooms: [], read: nil)
        #expect(!none.writable.contains(a) && !none.readable.contains(a))
    }
}
