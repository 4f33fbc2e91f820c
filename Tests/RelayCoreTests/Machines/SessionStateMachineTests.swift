import RelayCore
import Testing

@Suite("A session")
struct SessionStateMachineTests {
    private var session = SessionStateMachine(
        identity: nil, limits: Limits(), pingInterval: .seconds(25), now: moment(0))
    /// Each op comes a second after the one before, so that the rate is no matter unless a test says so.
    private var now: Int64 = 0

    private mutating func ask(_ command: ClientCommand, ref: Reference? = nil) -> String {
        now += 1000
        return Self.line(session.requestReceived(command, ref: ref, now: moment(now)))
    }

    private mutating func sayHello(_ user: String = "alice", name: String? = nil) -> String {
        ask(.hello(HelloClaim(user: UserID(user), name: name.flatMap { DisplayName($0) })))
    }

    private func room(_ text: String = "r") throws -> RoomID { try #require(RoomID(text)) }

    private mutating func say(_ text: String, type: MessageType = .message, in name: String = "r") throws -> String {
        ask(.send(Utterance(room: try room(name), type: type, text: text, nonce: Nonce("n"), replyTo: nil)))
    }

    private static func line(_ action: SessionStateMachine.Action) -> String {
        switch action {
        case .reply(.refused(let refusal)): refusal.code.rawValue
        case .reply: "reply"
        case .pong: "pong"
        case .welcome(let identity): "welcome \(identity.user) \(identity.name)"
        case .join(let room, _, let identity): "join \(room) as \(identity.user)"
        case .leave(let room): "leave \(room)"
        case .none: "none"
        case .post(let draft): "\(draft.type.rawValue) \(draft.room) \(draft.user): \(draft.text)"
        case .direct(let draft): "direct \(draft.room) \(draft.user): \(draft.text)"
        case .tellTyping(let room, let identity): "typing \(room) \(identity.user)"
        case .mark(let room, let id, let identity): "mark \(room) \(id) \(identity.user)"
        case .listRooms(let identity, _): "rooms of \(identity.user)"
        case .create(let plan, let identity): "create \(plan.room) by \(identity.user)"
        case .readHistory(let room, _): "history \(room)"
        case .readOccupants(let room, _): "who \(room)"
        case .errand(let errand, _): "\(errand)"
        case .verify, .admit: "token"
        case .order: "order"
        case .close(let reason): "close \(reason.code)"
        }
    }

    @Test("says hello, once as whom it is, and may change its name")
    mutating func hello() {
        #expect(ask(.hello(HelloClaim(user: nil, name: nil))) == "bad_request")
        #expect(sayHello("Alice") == "welcome alice alice")
        #expect(sayHello("alice", name: "Al") == "welcome alice Al")
        #expect(sayHello("ALICE") == "welcome alice Al")
        #expect(sayHello("bob") == "forbidden")
        #expect(session.identity?.user == UserID("alice"))
    }

    @Test("is refused every op before hello, and stays open")
    mutating func beforeHello() throws {
        let room = try room()
        #expect(ask(.join(room, from: .history(limit: 0))) == "unauthorized")
        #expect(ask(.leave(room)) == "unauthorized")
        #expect(try say("x") == "unauthorized")
        #expect(ask(.history(room, .latest(limit: 1))) == "unauthorized")
        #expect(ask(.who(room)) == "unauthorized")
        #expect(ask(.ping) == "unauthorized")
        // Whatever else is wrong with it; what is no op, and a hello, are told what that is.
        let wrong = Refusal(.badRoom, "x")
        func reject(_ op: ClientCommand.Name?, at milliseconds: Int64 = 5000) -> String {
            Self.line(session.requestRejected(wrong, of: op, now: moment(milliseconds)))
        }
        #expect(reject(.join) == "unauthorized" && reject(.hello) == "bad_room" && reject(nil) == "bad_room")
        #expect(sayHello() == "welcome alice alice")
        #expect(reject(.join, at: 9000) == "bad_room")
    }

    @Test("is closed where nobody says who it is for ten seconds")
    mutating func helloDeadline() {
        #expect(session.deadline == moment(10_000))
        #expect(session.timePassed(now: moment(9999)) == .none)
        #expect(session.timePassed(now: moment(10_000)) == .close(.unauthorized))
        var known = self
        _ = known.sayHello()
        #expect(known.session.deadline == moment(25_000))
        #expect(known.session.timePassed(now: moment(10_000)) == .none)
    }

    @Test("pings, and closes without a pong")
    mutating func heartbeat() {
        _ = sayHello()
        #expect(session.timePassed(now: moment(25_000)) == .sendPing)
        session.pongReceived()
        #expect(session.timePassed(now: moment(50_000)) == .sendPing)
        #expect(session.timePassed(now: moment(75_000)) == .close(.noPong))
    }

    @Test("joins, is a member when the room answers, and leaves")
    mutating func membership() throws {
        _ = sayHello()
        let room = try room()
        #expect(ask(.leave(room)) == "not_joined")
        #expect(ask(.join(room, from: .history(limit: 0))) == "join r as alice")
        #expect(session.rooms.isEmpty)
        #expect(ask(.join(room, from: .history(limit: 0))) == "bad_request")
        #expect(session.joinAnswered(room, bringing: 0) == .enter(givingBack: 0))
        #expect(session.rooms == [room])
        #expect(ask(.join(room, from: .history(limit: 9))) == "join r as alice")
        #expect(session.joinRefused(room) == .none)
        #expect(session.rooms == [room])
        #expect(ask(.leave(room)) == "leave r")
        #expect(ask(.leave(room)) == "not_joined")
        #expect(session.joinAnswered(room, bringing: 0) == .none)
    }

    @Test("that leaves while it joins is answered when the room has answered, and is no member")
    mutating func leaveWhileJoining() throws {
        _ = sayHello()
        let room = try room()
        for isAnswered in [true, false] {
            #expect(ask(.join(room, from: .history(limit: 0))) == "join r as alice")
            #expect(ask(.leave(room), ref: .integer(7)) == "none")
            #expect(ask(.leave(room)) == "not_joined")
            // Who wants it after all is told to ask in a moment.
            #expect(ask(.join(room, from: .history(limit: 0))) == "rate_limited")
            let settled = isAnswered ? session.joinAnswered(room, bringing: 0) : session.joinRefused(room)
            #expect(settled == .leave(.integer(7)))
            #expect(session.rooms.isEmpty)
        }
    }

    @Test("may try again after a join that was refused")
    mutating func refusedJoin() throws {
        _ = sayHello()
        let room = try room()
        #expect(ask(.join(room, from: .history(limit: 0))) == "join r as alice")
        #expect(session.joinRefused(room) == .none)
        #expect(ask(.leave(room)) == "not_joined")
        #expect(ask(.join(room, from: .history(limit: 0))) == "join r as alice")
    }

    @Test("may be in 128 rooms, those that it is joining counted, and in the 129th after it left one")
    mutating func rooms() throws {
        _ = sayHello()
        for number in 0..<128 {
            let room = try room("r\(number)")
            #expect(ask(.join(room, from: .history(limit: 0))) == "join \(room) as alice")
            if number.isMultiple(of: 2) { #expect(session.joinAnswered(room, bringing: 0) == .enter(givingBack: 0)) }
        }
        #expect(ask(.join(try room("more"), from: .history(limit: 0))) == "full")
        #expect(ask(.join(try room("r0"), from: .history(limit: 0))) == "join r0 as alice")
        #expect(ask(.leave(try room("r0"))) == "leave r0")
        #expect(ask(.join(try room("more"), from: .history(limit: 0))) == "join more as alice")
    }

    @Test("finds no direct conversation but its own")
    mutating func direct() throws {
        _ = sayHello("alice")
        let (own, others) = (try room("dm:alice+bob"), try room("dm:bob+carol"))
        #expect(ask(.join(own, from: .history(limit: 0))) == "join dm:alice+bob as alice")
        #expect(ask(.join(others, from: .history(limit: 0))) == "no_such_room")
        #expect(ask(.history(others, .latest(limit: 1))) == "no_such_room")
        #expect(ask(.history(own, .latest(limit: 1))) == "history dm:alice+bob")
        #expect(ask(.who(others)) == "no_such_room")
        #expect(try say("x", in: "dm:bob+carol") == "no_such_room")
        #expect(ask(.leave(others)) == "not_joined")
    }

    @Test("says words, actions and escaped slashes, also where it has not joined")
    mutating func saying() throws {
        _ = sayHello()
        #expect(try say("hi") == "message r alice: hi")
        #expect(try say("/me waves") == "action r alice: waves")
        #expect(try say("//me waves") == "message r alice: /me waves")
        #expect(try say("/me") == "bad_request")
        #expect(try say("/dance") == "bad_request")
        #expect(try say("/dance", type: .action) == "action r alice: /dance")
    }

    @Test("is told in the words of the contract that a command is unknown")
    mutating func unknownCommand() throws {
        _ = sayHello()
        let utterance = Utterance(room: try room(), type: .message, text: "/x y", nonce: nil, replyTo: nil)
        guard
            case .reply(.refused(let refusal)) = session.requestReceived(.send(utterance), ref: nil, now: moment(5000))
        else { return #expect(Bool(false), "not refused") }
        #expect(refusal.message == "Unknown command: /x. Type /help for available commands.")
    }

    @Test("pays for a list of rooms by its length, when that is known")
    mutating func listOfRooms() {
        session = Self.known()
        for _ in 0..<30 { #expect(Self.line(session.requestReceived(.ping, ref: nil, now: moment(0))) == "pong") }
        session.roomsListed(49, now: moment(0))
        #expect(Self.line(session.requestReceived(.ping, ref: nil, now: moment(0))) == "pong")
        session.roomsListed(499, now: moment(0))
        #expect(Self.line(session.requestReceived(.ping, ref: nil, now: moment(0))) == "rate_limited")
        #expect(Self.line(session.requestReceived(.ping, ref: nil, now: moment(50))) == "pong")
    }

    @Test("pays for a further list as for the longest while it has not been given the one before")
    mutating func listsAtOnce() {
        session = Self.known()
        let passed = (0..<40).count { _ in
            guard case .listRooms = session.requestReceived(.rooms(), ref: nil, now: moment(0)) else { return false }
            return true
        }
        #expect(passed == 4)
        session = Self.known()
        for _ in 0..<40 {
            guard case .listRooms = session.requestReceived(.rooms(), ref: nil, now: moment(0)) else {
                Issue.record("refused")
                continue
            }
            session.roomsListed(3, now: moment(0))
        }
    }

    @Test("is limited in its rate, with the time to wait, and what is no op counts too")
    mutating func rate() {
        session = Self.known()
        for _ in 0..<20 { #expect(Self.line(session.requestReceived(.ping, ref: nil, now: moment(0))) == "pong") }
        for _ in 0..<20 {
            #expect(Self.line(session.requestRejected(Refusal(.badJSON, "x"), now: moment(0))) == "bad_json")
        }
        guard case .reply(.refused(let refusal)) = session.requestReceived(.ping, ref: nil, now: moment(0)) else {
            return #expect(Bool(false), "not refused")
        }
        #expect(refusal.code == .rateLimited)
        #expect(refusal.retryAfter == .milliseconds(50))
        #expect(Self.line(session.requestRejected(Refusal(.badJSON, "x"), now: moment(0))) == "rate_limited")
        #expect(Self.line(session.requestReceived(.ping, ref: nil, now: moment(50))) == "pong")
    }

    @Test("A join with since counts as what it has brought, once that is known, and until then as the most")
    mutating func costOfComingBack() throws {
        session = Self.known()
        func join(_ number: Int) throws -> ClientCommand {
            .join(try room("r\(number)"), from: .since(.zero, epoch: nil))
        }
        for number in 1...3 {
            #expect(Self.line(session.requestReceived(try join(number), ref: nil, now: moment(0))).hasPrefix("join"))
        }
        #expect(Self.line(session.requestReceived(try join(4), ref: nil, now: moment(0))) == "rate_limited")
        #expect(session.joinAnswered(try room("r1"), bringing: 0) == .enter(givingBack: 10))
        #expect(Self.line(session.requestReceived(try join(4), ref: nil, now: moment(0))).hasPrefix("join"))
        for (number, count) in [(2, 500), (3, nil)] {
            #expect(session.joinAnswered(try room("r\(number)"), bringing: count) == .enter(givingBack: 0))
            #expect(Self.line(session.requestReceived(try join(5), ref: nil, now: moment(0))) == "rate_limited")
        }
        // Given back once, nothing for a room that was not to be had, and nothing to a member who asks again: of two
        // answers under way nobody could tell which is the dear one.
        #expect(session.joinAnswered(try room("r1"), bringing: 0) == .enter(givingBack: 0))
        _ = session.joinRefused(try room("r4"))
        #expect(Self.line(session.requestReceived(try join(5), ref: nil, now: moment(0))) == "rate_limited")
    }

    @Test("is closed where a flood goes on after it was refused, and not before")
    mutating func flood() {
        session = Self.known()
        let refusedMax = 40 * Limits.floodFactor
        for _ in 0..<40 { _ = session.requestReceived(.ping, ref: nil, now: moment(0)) }
        for _ in 0..<refusedMax {
            #expect(Self.line(session.requestReceived(.ping, ref: nil, now: moment(0))) == "rate_limited")
        }
        #expect(Self.line(session.requestReceived(.ping, ref: nil, now: moment(0))) == "close 4504")
    }

    @Test("is closed as a flood also where some of it passes, and kept where it is a little too fast")
    mutating func floodThatPassesInPart() {
        /// Ops evenly over ten seconds; how many until the session is closed.
        func opsUntilClose(perSecond: Int64) -> Int64? {
            var session = Self.known()
            for op in 0..<perSecond * 10 {
                let action = session.requestReceived(.ping, ref: nil, now: moment(op * 1000 / perSecond))
                if Self.line(action) == "close 4504" { return op }
            }
            return nil
        }
        #expect(opsUntilClose(perSecond: 30) == nil)
        #expect(opsUntilClose(perSecond: 200).map { $0 < 500 } == true)
    }

    private static func known() -> SessionStateMachine {
        let identity = UserID("alice").map { Identity(user: $0, name: DisplayName($0)) }
        return SessionStateMachine(identity: identity, limits: Limits(), pingInterval: .seconds(25), now: moment(0))
    }
}
