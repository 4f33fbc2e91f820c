import RelayCore
import Testing

@Suite("Commands that a session types")
struct SessionCommandTests {
    private var session: SessionStateMachine
    private var now: Int64 = 0
    private let alice: UserID
    private let bob: UserID
    private let tea: RoomID

    init() throws {
        alice = try #require(UserID("alice"))
        bob = try #require(UserID("bob"))
        tea = try #require(RoomID("tea"))
        session = SessionStateMachine(
            identity: Identity(user: alice, name: DisplayName(alice)), limits: Limits(), pingInterval: .seconds(25),
            now: Moment(nanoseconds: 0))
    }

    private func word(_ action: SessionStateMachine.Action) -> String {
        switch action {
        case .reply(.refused(let refusal)): "\(refusal.code.rawValue): \(refusal.message)"
        case .reply(.typed(let answer)): "answer \(answer.command)"
        case .post(let draft): "\(draft.type) \(draft.room) \(draft.text)"
        case .errand(.who(let room), _): "who \(room)"
        case .errand(.direct(let draft), _):
            "\(draft.type) \(draft.room) \(draft.text) \(draft.nonce.map { "\($0)" } ?? "-")"
        case .errand(.reply(let text, let nonce), _): "reply \(text) \(nonce.map { "\($0)" } ?? "-")"
        case .errand(.page(let user, let room), _): "page \(user) \(room.map { "\($0)" } ?? "-")"
        case .errand(.enter(let room), _): "enter \(room)"
        case .errand(.leave(let room), _): "leave \(room)"
        case .errand(.rooms, _): "rooms"
        case .errand(.topic(let room), _): "topic \(room)"
        case .errand(.setTopic(let room, let text, _), _): "topic \(room) \(text)"
        case .errand(.replay(let room, let limit), _): "replay \(room) \(limit)"
        case .none: "none"
        default: "other"
        }
    }

    private mutating func say(_ text: String, in room: RoomID? = nil, type: MessageType = .message) -> String {
        now += 1_000_000_000
        let utterance = Utterance(
            room: room ?? tea, type: type, text: text, nonce: Nonce("n"), replyTo: nil)
        return word(session.requestReceived(.send(utterance), ref: nil, now: Moment(nanoseconds: now)))
    }

    @Test("are what they are over JSON, in the room that the op names")
    mutating func json() throws {
        for (text, expected) in [
            ("/help", "answer help"), ("/who", "who tea"), ("/me waves", "action tea waves"),
            ("/msg BOB hi", "direct dm:alice+bob hi n"), ("/r hi", "reply hi n"), ("/page Bob", "page bob tea"),
            ("/rooms", "rooms"), ("/topic", "topic tea"), ("/topic new", "topic tea new"), ("/replay", "replay tea 50"),
            ("/replay 9", "replay tea 9"), ("//x", "message tea /x"), ("hi", "message tea hi"),
            ("/page", "bad_request: Usage: /page USER"), ("/join a b", "enter a"), ("/join !", ""),
            ("/msg alice x", "bad_request: Cannot message yourself"),
            ("/page ALICE", "bad_request: Cannot page yourself"), ("/msg b!b x", "no_such_user: b!b is not in chat"),
            ("/nope x", "bad_request: Unknown command: /nope. Type /help for available commands."),
            ("/quit", "not_joined: This session is not in tea."),
        ] {
            let word = say(text)
            #expect(expected.isEmpty ? word.hasPrefix("bad_room") : word == expected, "\(text)")
        }
        #expect(say("/who", type: .action) == "action tea /who", "an op of type action is no command")
        let long = say("/topic " + String(repeating: "x", count: Limits.topicBytesMax + 1))
        #expect(long.hasPrefix("too_large"))
    }

    @Test("enter and leave rooms as the ops do")
    mutating func rooms() throws {
        #expect(say("/join tea") == "enter tea")
        #expect(say("/join tea").hasPrefix("bad_request"), "the first is not settled")
        _ = session.joinAnswered(tea, bringing: 0)
        #expect(say("/join tea") == "bad_request: You are in tea already.")
        #expect(say("/quit") == "leave tea")
        #expect(session.rooms.isEmpty)
        // One that is under way is left when it is answered, and that answers the word.
        #expect(say("/join tea") == "enter tea")
        let quit = Utterance(room: tea, type: .message, text: "/quit", nonce: nil, replyTo: nil)
        let later = Moment(nanoseconds: now + 1_000_000_000)
        #expect(word(session.requestReceived(.send(quit), ref: .integer(7), now: later)) == "none")
        #expect(session.joinAnswered(tea, bringing: 0) == .leave(.integer(7)))
    }

    @Test("are held to what their user may, each by what it does")
    mutating func rights() throws {
        let readable = try #require(RoomPattern("t*"))
        session = SessionStateMachine(
            identity: Identity(
                user: alice, name: DisplayName(alice),
                permissions: Permissions(isAdmin: false, rooms: nil, read: [readable])), limits: Limits(),
            pingInterval: .seconds(25), now: Moment(nanoseconds: 0))
        for text in ["/who", "/replay", "/topic", "/join tea", "/help", "/rooms", "/r hi"] {
            #expect(!say(text).hasPrefix("forbidden"), "\(text)")
        }
        let ale = try #require(RoomID("ale"))
        for text in ["hi", "//hi", "/me waves", "/page bob", "/msg bob hi", "/topic x"] {
            #expect(say(text).hasPrefix("forbidden"), "\(text)")
        }
        for text in ["/who", "/replay", "/topic", "/join ale"] { #expect(say(text, in: ale).hasPrefix("forbidden")) }
        let others = RoomID.direct(bob, try #require(UserID("carol")))
        for text in ["hi", "/who", "/replay", "/topic", "/page bob", "/join \(others)"] {
            #expect(say(text, in: others).hasPrefix("no_such_room"), "\(text)")
        }
    }

    @Test("ring from a room or from none, and are said by somebody")
    mutating func page() throws {
        let moment = Moment(nanoseconds: 1)
        #expect(word(session.requestReceived(.page(tea, to: bob), ref: nil, now: moment)) == "page bob tea")
        #expect(
            word(session.requestReceived(.page(tea, to: alice), ref: nil, now: moment))
                == "bad_request: Cannot page yourself")
        #expect(word(session.commandTyped(.page("bob"), in: nil)) == "page bob -")
        #expect(word(session.commandTyped(.who, in: nil)).hasPrefix("bad_request"))
        var nobody = SessionStateMachine(
            identity: nil, limits: Limits(), pingInterval: .seconds(25), now: Moment(nanoseconds: 0))
        #expect(word(nobody.commandTyped(.help, in: nil)).hasPrefix("unauthorized"))
    }

    @Test("count by what they bring, and lines by themselves")
    mutating func cost() {
        func cost(_ text: String) -> Int {
            ClientCommand.send(Utterance(room: tea, type: .message, text: text, nonce: nil, replyTo: nil)).cost
        }
        #expect([cost("hi"), cost("/who"), cost("/replay"), cost("/replay 500"), cost("/join x")] == [1, 1, 2, 11, 2])
        let moment = Moment(nanoseconds: 0)
        var passed = 0
        while session.lineReceived(now: moment) == nil { passed += 1 }
        #expect(passed == Limits().burst)
        let free = session.requestReceived(.leave(tea), ref: nil, cost: 0, now: moment)
        #expect(word(free).hasPrefix("not_joined"), "what a line has been charged for costs nothing more")
    }
}
