import RelayCore
import RelayTestKit
import Testing

@Suite("Text of others")
struct PlainTextTests {
    @Test(
        "can neither drive a terminal nor forge a line",
        arguments: [
            ("\u{1b}[2Jhi", "hi"), ("\u{1b}[1;31mred\u{1b}[0m", "red"), ("\u{9b}31mred", "red"),
            ("\u{1b}]0;title\u{7}x", "x"), ("\u{1b}]8;;http://a\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{9d}0;title\u{9c}x", "x"), ("\u{1b}Pq#0\u{1b}\\x", "x"), ("\u{1b}cx", "x"), ("\u{1b}(Bx", "x"),
            ("\u{1b}", ""), ("\u{1b}[", ""), ("\u{1b}[31", ""), ("\u{1b}[31é", "é"), ("\u{1b}]no end", "no end"),
            ("\u{1b}]cut\u{1b}[31mred", "cutred"), ("a\nb\r\tc", "a b  c"), ("a\u{2028}b\u{85}c", "a b c"),
            ("\u{7}\u{0}\u{7f}x", "x"), ("a\u{202e}b\u{2066}c\u{2069}", "abc"), ("a\u{200b}\u{feff}b", "ab"),
            ("häß 日 👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "häß 日 👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿"), ("שלום\u{200f}!", "שלום\u{200f}!"), ("plain", "plain"), ("", ""),
        ])
    func cleaned(text: String, shown: String) {
        #expect(PlainText.cleaned(text) == shown)
    }

    @Test("comes out without one control character, whatever it is made of, and stays so", arguments: 0..<20)
    func property(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let dangerous: [String] = [
            "\u{1b}", "[", "]", "\u{9b}", "\u{9d}", "\u{9c}", "\u{7}", "\\", "31m", ";", "\n", "\u{202e}", "P", "x",
            "é",
            "\u{2029}", " ", "\u{8}", "\u{7f}", "😀",
        ]
        for _ in 0..<500 {
            let text = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                dangerous.randomElement(using: &random) ?? ""
            }.joined()
            let shown = PlainText.cleaned(text)
            #expect(
                shown.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control && $0 != "\u{202e}" },
                "of \(text.debugDescription)")
            #expect(PlainText.cleaned(shown) == shown)
        }
    }
}

@Suite("The lines of a room")
struct ChatLineTests {
    private let alice: UserID
    private let bob: UserID
    private let room: RoomID

    init() throws {
        alice = try #require(UserID("alice"))
        bob = try #require(UserID("bob"))
        room = try #require(RoomID("general"))
    }

    private func draft(_ type: MessageType, _ text: String = "hello\nworld") -> MessageDraft {
        MessageDraft(
            room: type == .direct ? .direct(alice, bob) : room, type: type, user: bob, name: DisplayName(bob),
            text: text,
            to: type == .direct ? alice : nil)
    }

    @Test("say who said or did what")
    func messages() {
        #expect(ChatLine.text(of: draft(.message), for: alice) == "<bob> hello world")
        #expect(ChatLine.text(of: draft(.action), for: alice) == "* bob hello world")
        #expect(ChatLine.text(of: draft(.edit), for: alice) == "<bob> hello world (edited)")
        #expect(ChatLine.text(of: draft(.delete, ""), for: alice) == "*** bob deleted a message")
        #expect(ChatLine.text(of: draft(.topic), for: alice) == "*** bob set the topic: hello world")
        #expect(ChatLine.text(of: draft(.topic, ""), for: alice) == "*** bob took the topic away")
    }

    @Test("have two sides where they are direct, and ring at the one who gets them")
    func direct() {
        #expect(ChatLine.text(of: draft(.direct), for: alice) == "\u{7}[bob -> you] hello world")
        #expect(ChatLine.text(of: draft(.direct), for: bob) == "[you -> alice] hello world")
        #expect(ChatLine.text(of: draft(.direct), for: nil) == "[bob -> alice] hello world")
    }

    @Test("tell what happens, and not what is none of a reader's business")
    func events() {
        #expect(ChatLine.text(of: LiveEvent(.join, room: room, user: bob)) == "*** bob has joined")
        #expect(ChatLine.text(of: LiveEvent(.leave, room: room, user: bob)) == "*** bob has left")
        #expect(ChatLine.text(of: LiveEvent(.page, room: room, user: bob)) == "\u{7}*** bob is paging you")
        #expect(
            ChatLine.text(of: LiveEvent(.notice, room: room, text: "down\n*** bob has left"))
                == "*** Notice: down *** bob has left")
        #expect(ChatLine.text(of: LiveEvent(.typing, room: room, user: bob)) == nil)
        #expect(ChatLine.text(of: Refusal(.noSuchUser, "x\u{7}")) == "!!! x")
    }
}
