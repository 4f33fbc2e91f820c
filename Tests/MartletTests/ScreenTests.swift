import RelayCore
import RelayTestKit
import Testing

@testable import martlet

/// Golden screens: what a terminal shows after each thing that happens.
@Suite("The screen of a conversation")
struct ScreenTests {
    private let general = RoomID.general
    private func room(_ name: String) throws -> RoomID { try #require(RoomID(name)) }
    private func user(_ name: String) throws -> UserID { try #require(UserID(name)) }

    @Test("History above, status and prompt below, the cursor where one types")
    func layout() {
        var scene = ScreenScene([general])
        scene.comes("10:00 <bob> hi", in: general)
        scene.types("hel")
        scene.comes("10:01 <bob> a message of more than forty columns is broken", in: general)
        #expect(
            scene.lines == [
                "", "", "10:00 <bob> hi", "10:01 <bob> a message of more than forty", "      columns is broken",
                " [general]                    connected", "general> hel",
            ])
        #expect(scene.terminal.cursor == (row: 6, column: 12))
        #expect(scene.terminal.unknown.isEmpty && scene.terminal.isCursorShown)
    }

    @Test("What is being typed survives what comes, and only rows that changed are written")
    func survives() {
        var scene = ScreenScene([general])
        scene.types("half a")
        scene.screen.lineCame(StyledLine("10:00 <bob> hi"), in: general)
        let written = scene.draw()
        #expect(!written.contains("half a"))
        #expect(scene.lines.last == "general> half a")
        scene.types(" line")
        #expect(scene.types("\r") == [.say("half a line", in: general)])
        #expect(scene.lines.last == "general>")
        #expect(scene.draw() == "")
    }

    @Test("Wide characters and emoji take their columns, at the prompt and above")
    func wide() {
        var scene = ScreenScene([general], columns: 20, rows: 5)
        scene.comes("<日本> 日本語の文字は二つの", in: general)
        scene.types("日本👨‍👩‍👧🇩🇪é")
        #expect(scene.lines[4] == "general> 日本👨‍👩‍👧🇩🇪é")
        #expect(scene.terminal.cursor.column == 9 + 4 + 2 + 2 + 1)
        // By grapheme: two steps back are over the é and over the flag.
        scene.types("\u{1b}[D\u{1b}[D")
        #expect(scene.terminal.cursor.column == 9 + 4 + 2)
        scene.types("\u{7f}")
        #expect(scene.lines[4] == "general> 日本🇩🇪é")
        #expect(scene.lines[1] == "<日本> 日本語の文字" && scene.lines[2] == "      は二つの")
    }

    @Test("Rooms that are not shown count what is unread, and a rule says where it begins")
    func unread() throws {
        let tea = try room("tea")
        var scene = ScreenScene([general, tea])
        scene.comes("<a> seen", in: tea, counts: false)
        scene.comes("<a> one", in: tea)
        scene.comes("<a> two", in: tea)
        #expect(scene.lines[5] == " [general] tea(2)             connected")
        scene.comes("<a> bob: three", in: tea, isCall: true)
        #expect(scene.lines[5] == " [general] tea(3!)            connected")
        #expect(scene.types("\u{e}") == [.show(tea)])
        #expect(
            scene.lines == [
                "<a> seen", "------ new -----------------------------", "<a> one", "<a> two", "<a> bob: three",
                " general [tea]                connected", "tea>",
            ])
        // What comes while it is shown is read; the rule goes when another room is shown.
        scene.comes("<a> four", in: tea)
        #expect(scene.types("\u{10}") == [.show(general)])
        #expect(scene.lines[5] == " [general] tea                connected")
        #expect(scene.types("\u{1b}2") == [.show(tea)])
        #expect(scene.lines.filter { $0.contains(" new ") }.isEmpty)
        #expect(scene.types("\u{1b}2").isEmpty && scene.types("\u{1b}9").isEmpty)
    }

    @Test("Alt-A goes to the next room with something unread, a call first")
    func unreadFirst() throws {
        let (tea, ops) = (try room("tea"), try room("ops"))
        var scene = ScreenScene([general, tea, ops])
        scene.comes("x", in: tea)
        scene.comes("y", in: ops, isCall: true)
        #expect(scene.types("\u{1b}a") == [.show(ops)])
        #expect(scene.types("\u{1b}a") == [.show(tea)])
        #expect(scene.types("\u{1b}a").isEmpty)
    }

    @Test("A smaller terminal shows the same in fewer rows and columns, down to almost none")
    func resize() {
        var scene = ScreenScene([general], columns: 40, rows: 7)
        for number in 1...9 { scene.comes("<bob> message number \(number)", in: general) }
        scene.types("typed")
        scene.terminal.resize(columns: 24, rows: 5)
        scene.screen.resized(to: TerminalSize(columns: 24, rows: 5))
        scene.draw()
        #expect(
            scene.lines == [
                "<bob> message number 7", "<bob> message number 8", "<bob> message number 9",
                " [general]    connected", "general> typed",
            ])
        for (columns, rows) in [(10, 3), (3, 2), (1, 1)] {
            scene.terminal.resize(columns: columns, rows: rows)
            scene.screen.resized(to: TerminalSize(columns: columns, rows: rows))
            scene.draw()
            #expect(scene.terminal.unknown.isEmpty)
        }
        scene.terminal.resize(columns: 60, rows: 12)
        scene.screen.resized(to: TerminalSize(columns: 60, rows: 12))
        scene.draw()
        #expect(scene.lines[1] == "<bob> message number 1" && scene.lines[11] == "general> typed")
    }

    @Test("PageUp shows what was, keeps it while more comes, and says so; speaking goes back")
    func scroll() {
        var scene = ScreenScene([general])
        for number in 1...12 { scene.comes("line \(number)", in: general) }
        scene.types("\u{1b}[5~")
        #expect(Array(scene.lines[..<5]) == (4...8).map { "line \($0)" })
        #expect(scene.lines[5] == " [general]       more below | connected")
        scene.comes("line 13", in: general)
        #expect(Array(scene.lines[..<5]) == (4...8).map { "line \($0)" })
        scene.types("\u{1b}[5~\u{1b}[5~\u{1b}[5~")
        #expect(Array(scene.lines[..<5]) == (1...5).map { "line \($0)" })
        scene.types("\u{1b}[6~")
        #expect(Array(scene.lines[..<5]) == (5...9).map { "line \($0)" })
        scene.types("x\r")
        #expect(Array(scene.lines[..<5]) == (9...13).map { "line \($0)" })
    }

    @Test("Up and Down bring back lines, and then what was being typed")
    func history() {
        var scene = ScreenScene([general])
        scene.types("one\rtwo\rtwo\rdraft")
        let steps = [
            ("\u{1b}[A", "two"), ("\u{1b}[A", "one"), ("\u{1b}[A", "one"), ("\u{1b}[B", "two"), ("\u{1b}[B", "draft"),
            ("\u{1b}[B", "draft"),
        ]
        for (key, line) in steps {
            scene.types(key)
            #expect(scene.lines[6] == "general> \(line)")
        }
    }

    @Test("Tab completes names, commands and rooms, one after the other")
    func completion() throws {
        var scene = ScreenScene([general, try room("tea")])
        scene.screen.user = try user("me")
        scene.screen.knownRooms = [try room("team-x")]
        for name in ["bob", "bert", "me", "Carol"] { scene.screen.heard(try user(name), in: general) }
        let cases = [
            ("b\t", "bert: "), ("b\t\t", "bob: "), ("b\t\t\t", "bert: "), ("b\t\u{1b}[Z", "bob: "),
            ("hi BO\t!", "hi bob !"), ("@c\t", "@carol "), ("m\t", "m"), ("/wh\t", "/who "), ("/j\t", "/join "),
            ("/join te\t", "/join tea "), ("/join te\t\t", "/join team-x "), ("/le\t", "/leave "), ("x\t", "x"),
            ("hi \t", "hi "), ("/me b\t", "/me bert "),
        ]
        for (keys, line) in cases {
            scene.types("\u{15}" + keys)
            #expect("\(scene.lines[6]) ".hasPrefix("general> \(line)"), "\(keys): \(scene.lines[6])")
            #expect(scene.terminal.cursor.column == 9 + line.count, "\(keys)")
        }
    }

    @Test("What was begun in a room waits there, and is not said in another")
    func drafts() throws {
        let tea = try room("tea")
        var scene = ScreenScene([general, tea])
        scene.types("for general\u{e}")
        #expect(scene.lines[6] == "tea>")
        #expect(scene.types("for tea\r") == [.say("for tea", in: tea)])
        scene.types("more\u{1b}[A\u{10}")
        #expect(scene.lines[6] == "general> for general")
        scene.types("\u{1b}[B")
        #expect(scene.lines[6] == "general> for general")
        scene.screen.roomLeft(general)
        scene.draw()
        #expect(scene.lines[6] == "tea> for tea")
    }

    @Test("What is typed behind /join and /leave is for the room that is shown then, also in one piece with it")
    func typedAhead() throws {
        let tea = try room("tea")
        var scene = ScreenScene([general])
        let wishes = scene.types("/join tea\rhi\r/leave\rhere again\r/leave\r/join .x\r")
        #expect(
            wishes == [
                .join(tea), .say("hi", in: tea), .leave(tea), .say("here again", in: general),
                .say("/leave", in: general), .say("/join .x", in: general),
            ])
    }

    @Test("A line of a room that is not on the screen is shown in no other")
    func elsewhere() throws {
        var scene = ScreenScene([general])
        scene.comes("not for here", in: try room("tea"))
        #expect(!scene.lines.contains("not for here"))
        scene.comes("for here", in: nil)
        #expect(scene.lines.contains("for here"))
    }

    @Test("Who has scrolled up to lines that are gone sees the oldest there are")
    func scrolledToNothing() {
        var scene = ScreenScene([general])
        for number in 0..<RoomBuffer.linesMax { scene.screen.lineCame(StyledLine("\(number)"), in: general) }
        for _ in 0..<2000 { _ = scene.screen.bytesTyped(Array("\u{1b}[5~".utf8)) }
        for number in 0..<RoomBuffer.linesMax { scene.screen.lineCame(StyledLine("new \(number)"), in: general) }
        scene.draw()
        #expect(scene.lines[0].hasPrefix("new "), "\(scene.lines)")
    }

    @Test("A paste of several lines is one message with these lines, and waits for Enter in one row")
    func paste() {
        var scene = ScreenScene([general])
        #expect(scene.types("\u{1b}[200~one\r\ntwo\tthree\u{1b}[201~").isEmpty)
        scene.draw()
        #expect(scene.lines.last == "general> one↵two three", "\(scene.lines)")
        #expect(scene.types("\r") == [.say("one\ntwo three", in: general)])
        #expect(scene.types("\u{1b}[A").isEmpty)
        scene.draw()
        #expect(scene.lines.last == "general> one↵two three", "\(scene.lines)")
    }

    @Test("It rings once for what is drawn at once")
    func bell() {
        var scene = ScreenScene([general])
        scene.screen.lineCame(StyledLine("*** bob is paging you"), in: nil, rings: true)
        scene.screen.lineCame(StyledLine("[bob -> you] hi"), in: nil, rings: true)
        scene.draw()
        #expect(scene.terminal.bellCount == 1)
        scene.draw()
        #expect(scene.terminal.bellCount == 1)
    }

    @Test("Rooms come and go; the last one stays")
    func rooms() throws {
        let tea = try room("tea")
        var scene = ScreenScene([general])
        scene.screen.roomEntered(tea, isShown: true)
        scene.draw()
        #expect(scene.lines[5] == " general [tea]                connected" && scene.lines[6] == "tea>")
        scene.screen.roomLeft(tea)
        scene.screen.roomLeft(general)
        scene.draw()
        #expect(scene.lines[5] == " [general]                    connected" && scene.lines[6] == "general>")
    }

    @Test("Ctrl-D, and Ctrl-C at any time, end it; Ctrl-L draws all anew")
    func quit() {
        var scene = ScreenScene([general])
        #expect(scene.types("\u{4}") == [.quit])
        #expect(scene.types("abc\u{3}") == [.quit])
        #expect(scene.types("\u{c}").isEmpty)
        #expect(scene.lines[6] == "general> abc")
    }

    @Test("A long line shows the part around the cursor")
    func longLine() {
        var scene = ScreenScene([general], columns: 20, rows: 3)
        scene.types(String(repeating: "0123456789", count: 5))
        #expect(scene.lines[2] == "general> 0123456789" && scene.terminal.cursor.column == 19)
        scene.types("\u{1}")
        #expect(scene.lines[2] == "general> 0123456789" && scene.terminal.cursor.column == 9)
    }
}
