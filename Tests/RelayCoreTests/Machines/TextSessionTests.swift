import NIOCore
import RelayCore
import Testing

@Suite("A session that types lines")
struct TextSessionTests {
    private var session: TextSessionStateMachine
    private let alice: UserID
    private let bob: UserID
    private let tea: RoomID
    private let ale: RoomID

    init() throws {
        alice = try #require(UserID("alice"))
        bob = try #require(UserID("bob"))
        tea = try #require(RoomID("tea"))
        ale = try #require(RoomID("ale"))
        session = TextSessionStateMachine(
            identity: Identity(user: alice, name: try #require(DisplayName("Älice\u{202e}"))))
    }

    /// What is done, a word each, without refs.
    private func words(_ actions: [TextSessionStateMachine.Action]) -> [String] {
        actions.flatMap { action -> [String] in
            switch action {
            case .perform(.who(let room, _), _): ["who \(room)"]
            case .perform(.join(let room, _), _): ["join \(room)"]
            case .perform(.leave(let room), _): ["leave \(room)"]
            case .perform(.history(let room, let span), _): ["history \(room) \(span)"]
            case .perform(let command, _): ["\(command)"]
            case .command(let command, let room, _): ["\(command) in \(room.map { "\($0)" } ?? "lobby")"]
            case .write(let lines): lines
            case .answer(let answer): ["answer \(answer.command)"]
            case .show(let page): ["show \(page.frames.map(\.seq))"]
            case .close(let reason): ["close \(reason.code)"]
            }
        }
    }

    private func lastRef(_ actions: [TextSessionStateMachine.Action]) -> Reference? {
        for action in actions.reversed() {
            switch action {
            case .perform(_, let ref?), .command(_, _, let ref?): return ref
            default: continue
            }
        }
        return nil
    }

    private func page(_ seqs: ClosedRange<UInt64>?, more: Bool = false) -> HistoryPage {
        let frames = (seqs.map { Array($0) } ?? []).map {
            StoredFrame(id: MessageID(milliseconds: $0, sequence: 0), seq: $0, envelope: ByteBuffer())
        }
        return HistoryPage(standing: standing, frames: frames, more: more)
    }

    private var standing: RoomStanding { RoomStanding(epoch: 1, lastSeq: 2, lastID: nil, oldestSeq: nil) }

    private func joined(_ room: RoomID) -> ServerReply {
        let recovery = Recovery(
            standing: standing, frames: page(1...2).frames, isLive: true, cursor: ReadCursor(id: .zero, seq: 2))
        return .joined(room, recovery, here: 2)
    }

    private func people(_ room: RoomID, _ users: UserID...) -> ServerReply {
        .who(room, users.map { Occupant(user: $0, name: "x", since: 1, sessions: 1) })
    }

    /// Enters a room from wherever it is.
    private mutating func enter(_ room: RoomID) -> [String] {
        let asked = session.lineTyped("/join \(room)")
        let found = session.answered(people(room, bob), ref: lastRef(asked))
        return words(session.answered(joined(room), ref: lastRef(found)))
    }

    private static let hint = "*** Type a room's name to enter it, /help for commands, /quit to leave."

    @Test("enters the room that it asked for: who is there, then the join, then the welcome and the last messages")
    mutating func opening() {
        let asked = session.opened(in: tea)
        #expect(words(asked) == ["who tea"])
        let found = session.answered(people(tea, bob, alice), ref: lastRef(asked))
        #expect(words(found) == ["join tea"])
        #expect(
            words(session.answered(joined(tea), ref: lastRef(found))) == [
                "*** Welcome to tea, Älice. 2 here: alice, bob. Type /help for commands.", "show [1, 2]",
            ])
        #expect(session.room == tea)
    }

    @Test("enters a room in which nobody has been, and stays in the lobby where it may not")
    mutating func openings() {
        var asked = session.opened(in: tea)
        asked = session.answered(.refused(.noSuchRoom), ref: lastRef(asked))
        #expect(words(asked) == ["join tea"])
        #expect(session.lineTyped("for the others in tea").isEmpty)
        let refused = session.answered(.refused(Refusal(.forbidden, "You may not.")), ref: lastRef(asked))
        #expect(
            words(refused) == [
                "!!! You may not.", "!!! What you have typed since is lost.", "*** This is the lobby.",
                "rooms in lobby",
            ])
        let lobby = session.answered(.typed(answer(.rooms, .rooms([]))), ref: lastRef(refused))
        #expect(words(lobby) == ["answer rooms", Self.hint])
        #expect(session.room == nil)
    }

    private func answer(_ command: SlashCommand.Name, _ content: TypedAnswer.Content) -> TypedAnswer {
        TypedAnswer(command, for: Identity(user: alice, name: DisplayName(alice)), content)
    }

    @Test("stands in the lobby, where what is typed is the name of a room")
    mutating func lobby() {
        let opened = session.opened(in: nil)
        #expect(words(opened) == ["*** Welcome, Älice. This is the lobby.", "rooms in lobby"])
        #expect(session.lineTyped("tea").isEmpty, "it waits for the list")
        let listed = session.answered(.typed(answer(.rooms, .rooms([]))), ref: lastRef(opened))
        #expect(words(listed) == ["answer rooms", Self.hint, "who tea"])
        _ = session.answered(.refused(.unavailable), ref: lastRef(listed))
        #expect(words(session.lineTyped("hello everybody")) == ["!!! hello everybody is not the name of a room."])
        for line in ["/who", "/me waves", "/topic", "/replay"] {
            #expect(
                words(session.lineTyped(line)) == [
                    "!!! You are in the lobby. Type a room's name to enter it, or /help for commands."
                ])
        }
        #expect(words(session.lineTyped("/msg bob hi")) == ["direct(to: \"bob\", text: \"hi\") in lobby"])
        #expect(words(session.lineTyped("/quit")) == ["*** Bye.", "close 1000"])
    }

    @Test("that is put out of its room on the way to another goes on to there, and what was typed is for that")
    mutating func putOutOnTheWay() {
        _ = enter(tea)
        let asked = session.lineTyped("/join ale")
        #expect(session.lineTyped("a secret").isEmpty)
        #expect(words(session.answered(.left(tea), ref: nil)) == ["*** You are no longer in tea."])
        let found = session.answered(people(ale), ref: lastRef(asked))
        #expect(
            words(session.answered(joined(ale), ref: lastRef(found))) == [
                "*** Welcome to ale, Älice. 1 here: alice. Type /help for commands.", "show [1, 2]",
                "say(\"a secret\") in ale",
            ])
    }

    @Test("that is put out on the way, and not let in there either, is in the lobby, and what was typed is lost")
    mutating func putOutForGood() {
        _ = enter(tea)
        let asked = session.lineTyped("/join ale")
        #expect(session.lineTyped("a secret").isEmpty)
        let out = session.answered(.removed(tea, reason: "Enough"), ref: nil)
        #expect(words(out) == ["*** You are no longer in tea: Enough."])
        let refused = session.answered(.refused(.unavailable), ref: lastRef(asked))
        #expect(
            words(refused).suffix(3) == [
                "!!! What you have typed since is lost.", "*** This is the lobby.", "rooms in lobby",
            ])
        let lobby = session.answered(.typed(answer(.rooms, .rooms([]))), ref: lastRef(refused))
        #expect(words(lobby) == ["answer rooms", Self.hint])
    }

    @Test("leaves one room when it has entered the next, and what is typed on the way is for that")
    mutating func moving() {
        _ = enter(tea)
        let asked = session.lineTyped("/join ale")
        #expect(session.lineTyped("cheers\n").isEmpty)
        let found = session.answered(people(ale), ref: lastRef(asked))
        #expect(
            words(session.answered(joined(ale), ref: lastRef(found))) == [
                "leave tea", "*** Welcome to ale, Älice. 1 here: alice. Type /help for commands.", "show [1, 2]",
                "say(\"cheers\") in ale",
            ])
        #expect(words(session.lineTyped("/join ale")) == ["!!! You are in ale already."])
        #expect(
            words(session.lineTyped("/quit")) == [
                "leave ale", "*** You have left ale. This is the lobby.", "rooms in lobby",
            ])
    }

    @Test("says what is typed, line breaks of the terminal apart, and nothing where nothing is typed")
    mutating func saying() {
        _ = enter(tea)
        #expect(words(session.lineTyped("hi\r\n")) == ["say(\"hi\") in tea"])
        #expect(words(session.lineTyped(" two\nlines")) == ["say(\" two\\nlines\") in tea"])
        #expect(words(session.lineTyped("//x")) == ["say(\"/x\") in tea"])
        for line in ["", "\n", " \t "] { #expect(session.lineTyped(line).isEmpty) }
    }

    @Test("answers in lines")
    mutating func answers() {
        _ = enter(tea)
        #expect(words(session.answered(.paged(tea, bob), ref: nil)) == ["*** Paged bob"])
        #expect(
            words(session.answered(.refused(.notInChat("b\u{1b}[1mob")), ref: nil)) == ["!!! bob is not in chat"])
        #expect(words(session.answered(.typed(answer(.who, .people([]))), ref: nil)) == ["answer who"])
        #expect(words(session.answered(.typed(answer(.topic, .topic(tea, "x"))), ref: nil)) == ["answer topic"])
        #expect(session.answered(.typed(answer(.topic, .topicSet(tea, "x"))), ref: nil).isEmpty, "the room says it")
        #expect(session.answered(.left(ale), ref: nil).isEmpty)
        #expect(
            words(session.answered(.left(tea), ref: nil)) == [
                "*** You are no longer in tea. This is the lobby.", "rooms in lobby",
            ])
    }

    @Test("is told how many it missed, and reads exactly these, in as many goes as it takes")
    mutating func missing() throws {
        _ = enter(tea)
        func id(_ number: UInt64) -> MessageID { MessageID(milliseconds: number, sequence: 0) }
        #expect(
            words(session.skipped(12, after: id(2), through: id(14))) == [
                "!!! Missed 12 messages. Type /replay to read them."
            ])
        #expect(
            words(session.skipped(1, after: id(20), through: id(21))) == [
                "!!! Missed 1 message. Type /replay to read them."
            ])
        var asked = session.lineTyped("/replay")
        #expect(words(asked) == ["history tea after(2-0, limit: 500)"])
        #expect(words(session.answered(.refused(.unavailable), ref: lastRef(asked))).count == 1)
        asked = session.lineTyped("/replay")
        #expect(words(asked) == ["history tea after(2-0, limit: 500)"], "what failed is still to be read")
        #expect(
            words(session.answered(.history(tea, page(3...10, more: true)), ref: lastRef(asked))) == [
                "show [3, 4, 5, 6, 7, 8, 9, 10]", "*** There is more. Type /replay to go on.",
            ])
        asked = session.lineTyped("/replay")
        #expect(words(asked) == ["history tea after(10-0, limit: 500)"])
        #expect(
            words(session.answered(.history(tea, page(11...30)), ref: lastRef(asked))) == [
                "show \(Array(UInt64(11)...21))"
            ])
        asked = session.lineTyped("/replay")
        #expect(words(asked) == ["history tea latest(limit: 50)"])
        #expect(
            words(session.answered(.history(tea, page(nil)), ref: lastRef(asked))) == ["*** Nothing is there to read."])
        #expect(words(session.lineTyped("/replay 7")) == ["history tea latest(limit: 7)"])
        #expect(words(session.skipped(nil, after: id(1), through: id(2)))[0].hasPrefix("!!! Missed messages."))
    }

    @Test("keeps so many lines on its way and no more")
    mutating func bound() {
        _ = session.opened(in: tea)
        for _ in 0..<Limits.heldLinesMax { #expect(session.lineTyped("x").isEmpty) }
        #expect(words(session.lineTyped("x")) == ["!!! Not so much at once: that line is lost."])
    }
}
