import RelayCore
import Testing

@Suite("A name that comes from outside")
struct IdentifierTests {
    @Test(
        "is a room's id where it keeps to the grammar",
        arguments: ["a", "0", "General", "a.b_c:d-e", "DM:a+b".replacing("+", with: "-"), "dm", "dmx:a", "dm.a"])
    func goodRooms(text: String) {
        #expect(RoomID(text)?.description == text)
        #expect(RoomID(text)?.directUsers == nil)
    }

    @Test(
        "is no room's id otherwise",
        arguments: [
            "", ".a", "_a", ":a", "-a", " a", "a ", "a b", "a+b", "a@b", "a/b", "a{b}", "é", "aé", "a\u{301}", "a\n",
            "a\0", "dm:", "dm:a", "dm:a+", "dm:+a", "dm:a+a", "dm:a+A", "dm:b+a", "dm:a+b+c", "dm:a b+c", "dm:a-b",
            "dm:\u{301}a+b", "dm:a+\u{301}b", "dm: a+b", "dm:.a+b",
        ])
    func badRooms(text: String) {
        #expect(RoomID(text) == nil)
    }

    @Test("is at most 64 bytes")
    func lengths() {
        let longest = String(repeating: "a", count: 64)
        #expect(RoomID(longest) != nil)
        #expect(RoomID(longest + "a") == nil)
        #expect(UserID(longest) != nil)
        #expect(UserID(longest + "a") == nil)
    }

    @Test("is a direct conversation's where it is two users, sorted and folded")
    func direct() throws {
        let alice = try #require(UserID("Alice"))
        let bob = try #require(UserID("bob"))
        #expect(RoomID.direct(alice, bob) == RoomID.direct(bob, alice))
        #expect(RoomID.direct(bob, alice).description == "dm:alice+bob")
        #expect(RoomID("dm:alice+bob") == RoomID.direct(alice, bob))
        #expect(RoomID("dm:Alice+BOB") == RoomID.direct(alice, bob))
        let users = try #require(RoomID("dm:alice+bob")?.directUsers)
        #expect(users == (alice, bob))
        let long = try #require(UserID(String(repeating: "z", count: 64)))
        #expect(RoomID(RoomID.direct(long, alice).description) == RoomID.direct(alice, long))
    }

    @Test("keeps the case of a room and folds that of a user")
    func folding() {
        #expect(RoomID("General") != RoomID("general"))
        #expect(UserID("Alice@Example.ORG") == UserID("alice@example.org"))
        #expect(UserID("ALICE")?.description == "alice")
        #expect(UserID("a").flatMap { a in UserID("B").map { a < $0 } } == true)
    }

    @Test(
        "is no user's id where it has other bytes",
        arguments: ["", ".a", "@a", "a b", "a:b", "a+b", "a/b", "é", "a\u{212a}", "a\u{301}", "a\n", "İ"])
    func badUsers(text: String) {
        #expect(UserID(text) == nil)
    }

    @Test("is a display name where it is 1 to 64 bytes without control characters")
    func displayNames() throws {
        for good in ["A", "Ä ö", "😀", " ", String(repeating: "a", count: 64), String(repeating: "é", count: 32)] {
            #expect(DisplayName(good)?.description == good)
        }
        let controls = [
            "\0", "\n", "\r", "\t", "\u{7}", "\u{1b}", "\u{7f}", "\u{85}", "\u{9b}", "\u{2028}", "\u{2029}",
        ]
        for control in controls { #expect(DisplayName("a" + control + "b") == nil, "\(control.debugDescription)") }
        #expect(DisplayName("") == nil)
        #expect(DisplayName(String(repeating: "a", count: 65)) == nil)
        #expect(DisplayName(String(repeating: "é", count: 33)) == nil)
        #expect(DisplayName("a\r\nb") == nil)
        #expect(DisplayName(try #require(UserID("Bob"))).description == "bob")
    }

    @Test("is a nonce where it is 1 to 64 printable ASCII bytes")
    func nonces() {
        let printable = String(String.UnicodeScalarView((0x20...0x7e).map { Unicode.Scalar(UInt8($0)) }))
        for character in printable { #expect(Nonce(String(character)) != nil) }
        #expect(Nonce(String(repeating: "n", count: 64)) != nil)
        for bad in ["", String(repeating: "n", count: 65), "\n", "a\u{7f}", "é", "a\0"] { #expect(Nonce(bad) == nil) }
    }
}

@Suite("A message's id")
struct MessageIDTests {
    @Test("is two numbers, or one where the second is 0")
    func parsing() {
        #expect(MessageID("1763691000123-7") == MessageID(milliseconds: 1_763_691_000_123, sequence: 7))
        #expect(MessageID("1763691000123") == MessageID(milliseconds: 1_763_691_000_123, sequence: 0))
        #expect(MessageID("0-0") == .zero)
        let top = "18446744073709551615-18446744073709551615"
        #expect(MessageID(top) == MessageID(milliseconds: .max, sequence: .max))
        #expect(MessageID(top)?.description == top)
    }

    @Test(
        "is nothing else",
        arguments: [
            "", "-", "1-", "-1", "1-1-1", "--1", "1--1", "a", "1-a", "a-1", "+1-0", "1-+0", " 1-0", "1-0 ", "1_0",
            "1.0",
            "18446744073709551616-0", "1-18446744073709551616", "99999999999999999999999999-0", "$", ">", "*", "١-0",
            "1-0\n", "1\u{301}-0",
        ])
    func garbage(text: String) {
        #expect(MessageID(text) == nil)
    }

    @Test("is ordered by its first number, then by its second")
    func order() {
        let ordered = ["0-0", "0-1", "1-0", "1-1", "1-18446744073709551615", "2-0", "10-0"].compactMap { MessageID($0) }
        #expect(ordered.count == 7)
        for low in ordered.indices {
            for high in ordered.indices { #expect((ordered[low] < ordered[high]) == (low < high)) }
        }
        #expect(MessageID("1-1")?.next == MessageID("1-2"))
        #expect(MessageID("1-18446744073709551615")?.next == MessageID("2-0"))
        let greatest = MessageID(milliseconds: .max, sequence: .max)
        #expect(greatest.next == greatest)
    }
}
