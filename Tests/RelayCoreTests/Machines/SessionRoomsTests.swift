import RelayCore
import Testing

@Suite("A session, beyond joining and saying")
struct SessionRoomsTests {
    private var session: SessionStateMachine
    private var now: Int64 = 0
    private let alice: UserID
    private let bob: UserID

    init() throws {
        alice = try #require(UserID("alice"))
        bob = try #require(UserID("bob"))
        session = SessionStateMachine(
            identity: Identity(user: alice, name: DisplayName(alice)), limits: Limits(), pingInterval: .seconds(25),
            now: Moment(nanoseconds: 0))
    }

    private mutating func ask(_ command: ClientCommand, after milliseconds: Int64 = 1000) -> String {
        now += milliseconds
        let action = session.requestReceived(command, ref: nil, now: Moment(nanoseconds: now * 1_000_000))
        return switch action {
        case .reply(.refused(let refusal)): refusal.code.rawValue
        case .post(let draft), .direct(let draft):
            "\(draft.type) \(draft.room)\(draft.to.map { " to \($0)" } ?? "")\(draft.isPrivileged ? "!" : "") "
                + "\(draft.target.map { "\($0)" } ?? "") \(draft.text)"
        case .tellTyping(let room, _): "typing \(room)"
        case .mark(let room, let id, _): "mark \(room) \(id)"
        case .listRooms(let identity, _): "rooms \(identity.user)"
        case .create(let plan, let identity): "create \(plan.room) \(identity.user)"
        case .none: "none"
        default: "other"
        }
    }

    private func room(_ name: String = "r") throws -> RoomID { try #require(RoomID(name)) }

    @Test("writes to one user in their common room, and never to itself")
    mutating func direct() throws {
        #expect(
            ask(.direct(DirectUtterance(to: bob, text: "/hi", nonce: nil))) == "direct dm:alice+bob to bob  /hi")
        #expect(ask(.direct(DirectUtterance(to: alice, text: "hi", nonce: nil))) == "bad_request")
    }

    @Test("says in a direct conversation what is direct, and nothing in that of others")
    mutating func directRoom() throws {
        let said = Utterance(
            room: .direct(alice, bob), type: .message, text: "x", nonce: nil, replyTo: nil)
        #expect(ask(.send(said)) == "direct dm:alice+bob to bob  x")
        let others = RoomID.direct(bob, try #require(UserID("carol")))
        let commands: [ClientCommand] = [
            .send(Utterance(room: others, type: .message, text: "x", nonce: nil, replyTo: nil)),
            .join(others, from: .history(limit: 0)), .history(others, .latest(limit: 1)), .who(others),
            .read(others, .zero), .typing(others), .edit(Amendment(room: others, target: .zero, text: "x")),
            .delete(Amendment(room: others, target: .zero)),
        ]
        for command in commands { #expect(ask(command) == "no_such_room", "\(command)") }
    }

    @Test("edits and deletes by messages with a target")
    mutating func amend() throws {
        let target = MessageID(milliseconds: 5, sequence: 1)
        #expect(ask(.edit(Amendment(room: try room(), target: target, text: "new"))) == "edit r 5-1 new")
        #expect(ask(.delete(Amendment(room: try room(), target: target))) == "delete r 5-1 ")
    }

    @Test("types only where it is, and only once in two seconds")
    mutating func typing() throws {
        let room = try room()
        #expect(ask(.typing(room)) == "not_joined")
        #expect(ask(.join(room, from: .history(limit: 0))) == "other")
        #expect(ask(.typing(room)) == "not_joined")
        #expect(session.joinAnswered(room, bringing: 0) == .enter(givingBack: 0))
        #expect(ask(.typing(room)) == "typing r")
        #expect(ask(.typing(room), after: 1999) == "none")
        #expect(ask(.typing(room), after: 1) == "typing r")
    }

    @Test("is refused the room that it is put out of while it joins, and may join it again")
    mutating func barred() throws {
        let room = try room()
        _ = ask(.join(room, from: .history(limit: 0)))
        #expect(session.putOut(of: room, saying: .noSuchRoom) == false)
        #expect(ask(.leave(room)) == "not_joined")
        #expect(ask(.join(room, from: .history(limit: 0))) == "rate_limited")
        #expect(session.joinAnswered(room, bringing: 0) == .refuse(.noSuchRoom))
        #expect(session.joinAnswered(room, bringing: 0) == .none)
        #expect(session.rooms.isEmpty)
        _ = ask(.join(room, from: .history(limit: 0)))
        #expect(session.putOut(of: room) == false)
        #expect(session.joinRefused(room) == .none, "the answer says why")
        _ = ask(.join(room, from: .history(limit: 0)))
        #expect(session.joinAnswered(room, bringing: 0) == .enter(givingBack: 0))
    }

    @Test("is put out of a room once, and may leave it no more")
    mutating func putOut() throws {
        let room = try room()
        #expect(session.putOut(of: room) == false)
        _ = ask(.join(room, from: .history(limit: 0)))
        _ = session.joinAnswered(room, bringing: 0)
        #expect(session.putOut(of: room) == true)
        #expect(session.putOut(of: room) == false)
        #expect(ask(.leave(room)) == "not_joined")
    }

    @Test("asks for its list, makes rooms and marks")
    mutating func lists() throws {
        #expect(ask(.rooms()) == "rooms alice")
        #expect(ask(.create(RoomPlan(room: try room("new")))) == "create new alice")
        #expect(ask(.read(try room(), MessageID(milliseconds: 7, sequence: 0))) == "mark r 7-0")
    }

    @Test("with a token for other rooms is forbidden here, and an admin's posts say so")
    mutating func permissions() throws {
        let other = try #require(RoomPattern("team-*"))
        session = SessionStateMachine(
            identity: Identity(
                user: alice, name: DisplayName(alice),
                permissions: Permissions(isAdmin: false, rooms: [other], read: nil)), limits: Limits(),
            pingInterval: .seconds(25), now: Moment(nanoseconds: 0))
        let said = Utterance(room: try room(), type: .message, text: "x", nonce: nil, replyTo: nil)
        #expect(ask(.send(said)) == "forbidden")
        #expect(ask(.who(try room())) == "forbidden")
        #expect(ask(.who(try room("team-1"))) == "other")
        session = SessionStateMachine(
            identity: Identity(
                user: alice, name: DisplayName(alice),
                permissions: Permissions(isAdmin: true, rooms: [other], read: nil)), limits: Limits(),
            pingInterval: .seconds(25), now: Moment(nanoseconds: 0))
        now = 0
        #expect(ask(.send(said)) == "message r!  x")
        #expect(ask(.direct(DirectUtterance(to: bob, text: "x", nonce: nil))) == "direct dm:alice+bob to bob  x")
    }
}
