import RelayCore
import RelayTestKit
import Testing

@testable import martlet

@Suite("What stands on the screen of a conversation")
struct ScreenTextTests {
    private let general = RoomID.general
    private func user(_ name: String) throws -> UserID { try #require(UserID(name)) }

    @Test("Names have their colour, the same every time, and none where colours are not wanted")
    func colors() throws {
        var scene = ScreenScene([general], hasColors: true)
        let line = StyledLine([
            .init(text: "<", look: .plain), .init(text: "bob", look: .color(NameColor.of("bob"))),
            .init(text: "> hi", look: .plain),
        ])
        scene.screen.lineCame(line, in: general)
        scene.draw()
        #expect(scene.terminal.look(of: "bob", inRow: 4) == "38;5;\(NameColor.of("bob"))")
        #expect(scene.terminal.look(of: "> hi", inRow: 4) == "")
        #expect(scene.terminal.look(of: "[general]", inRow: 5) == "7")
        #expect(NameColor.of("bob") == 97 || NameColor.of("bob") != NameColor.of("alice"))
        var plain = ScreenScene([general])
        plain.screen.lineCame(line, in: general)
        plain.draw()
        #expect(!plain.terminal.hasLooks && plain.lines[4] == "<bob> hi")
        #expect(!TerminalStyle(environment: ["NO_COLOR": "1"]).hasColors)
    }

    @Test("Nothing that others say drives the terminal")
    func injection() {
        var scene = ScreenScene([general])
        for text in ["*** \u{1b}[2J\u{1b}]0;title\u{7}x", "!!! a\rb\nc\u{9b}31md", "\u{7}\u{7}*** y"] {
            scene.screen.lineCame(ChatPainter.line(text), in: general)
        }
        scene.draw()
        #expect(Array(scene.lines[2...4]) == ["*** x", "!!! a b cd", "*** y"])
        #expect(scene.terminal.bellCount == 0 && scene.terminal.unknown.isEmpty)
    }

    @Test("Characters take as many columns as terminals give them")
    func widths() {
        let cases: [(Character, Int)] = [
            ("a", 1), ("ä", 1), ("e\u{301}", 1), ("日", 2), ("한", 2), ("ｱ", 1), ("Ａ", 2), ("😀", 2), ("👨‍👩‍👧", 2), ("🇩🇪", 2),
            ("☝🏽", 2), ("❤\u{fe0f}", 2), ("❤", 1), ("1\u{fe0f}\u{20e3}", 2), ("का", 2), ("कि", 2), ("कु", 1),
            ("\u{200b}", 0),
            ("…", 1), ("─", 1), ("ไ", 1),
        ]
        for (character, width) in cases { #expect(TerminalText.width(of: character) == width, "\(character)") }
    }

    @Test("A room keeps a bounded number of lines and people")
    func bounds() throws {
        var buffer = RoomBuffer(room: general)
        for number in 0..<RoomBuffer.linesMax + 10 {
            buffer.added(StyledLine("\(number)"), isSeen: false, counts: true, isCall: false)
        }
        #expect(buffer.lines.count <= RoomBuffer.linesMax && buffer.unreadCount == RoomBuffer.linesMax + 10)
        #expect(buffer.lines.last?.text == "\(RoomBuffer.linesMax + 9)" && buffer.unreadLine == 0)
        for number in 0..<RoomBuffer.peopleMax + 5 { buffer.heard(try user("u\(number)")) }
        #expect(buffer.people.count == RoomBuffer.peopleMax)
    }
}
