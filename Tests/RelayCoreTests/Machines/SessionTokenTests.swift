import RelayCore
import Testing

@Suite("A session where tokens are needed")
struct SessionTokenTests {
    private let start = Moment(nanoseconds: 1_000_000_000)

    private func session() -> SessionStateMachine {
        SessionStateMachine(
            identity: nil, isTokenNeeded: true, limits: Limits(), pingInterval: .seconds(25), now: start)
    }

    private func grant(_ user: String = "alice", rooms: [String]? = nil, read: [String]? = nil) throws -> TokenGrant {
        let id = try #require(UserID(user))
        func patterns(_ texts: [String]?) throws -> [RoomPattern]? {
            try texts?.map { try #require(RoomPattern($0)) }
        }
        return TokenGrant(
            identity: Identity(
                user: id, name: DisplayName(id),
                permissions: Permissions(isAdmin: false, rooms: try patterns(rooms), read: try patterns(read))),
            expiresMilliseconds: 0)
    }

    private func hello(_ session: inout SessionStateMachine, token: String?, user: String? = nil) -> String {
        let claim = HelloClaim(user: user.flatMap { UserID($0) }, name: nil, token: token)
        return say(session.requestReceived(.hello(claim), ref: nil, now: start))
    }

    /// An action in a few words.
    private func say(_ action: SessionStateMachine.Action) -> String {
        switch action {
        case .reply(.refused(let refusal)): refusal.code.rawValue
        case .verify(let token): "verify \(token)"
        case .welcome(let identity): "welcome \(identity.user)"
        case .admit(let identity, let lost, let asked):
            "admit \(identity.user) without \(lost)" + (asked.isEmpty ? "" : ", ask \(asked)")
        case .close(let reason): "close \(reason.code)"
        case .join: "join"
        case .post: "post"
        case .readHistory: "history"
        case .readOccupants: "who"
        default: "else"
        }
    }

    @Test("a name alone is nothing; a token is looked at before it counts")
    func hello() throws {
        var session = session()
        #expect(hello(&session, token: nil, user: "alice") == "unauthorized")
        #expect(session.identity == nil)
        #expect(hello(&session, token: "t", user: "bob") == "verify t")
        #expect(session.identity == nil)
        #expect(say(session.tokenAccepted(try grant(), expiry: start + .seconds(60))) == "admit alice without []")
        #expect(session.identity?.user.description == "alice")
    }

    @Test("a bad token closes, a late one closes who has no better one")
    func faults() throws {
        var session = session()
        #expect(say(session.tokenRefused(.unusable)) == "close 4501")
        #expect(say(session.tokenRefused(.expired)) == "close 4502")
        _ = session.tokenAccepted(try grant(), expiry: start + .seconds(60))
        #expect(say(session.tokenRefused(.expired)) == "token_expired")
        #expect(say(session.tokenRefused(.unusable)) == "close 4501")
    }

    @Test("ends with its token, unless another of the same user prolongs it")
    func expiry() throws {
        var session = session()
        #expect(session.deadline == start + Limits.helloDeadline)
        _ = session.tokenAccepted(try grant(), expiry: start + .seconds(5))
        #expect(session.deadline == start + .seconds(5))
        #expect(session.timePassed(now: start + .milliseconds(4999)) == .none)
        _ = session.tokenAccepted(try grant(), expiry: start + .seconds(12))
        #expect(session.timePassed(now: start + .seconds(5)) == .none)
        #expect(say(session.tokenAccepted(try grant("bob"), expiry: start + .seconds(100))) == "forbidden")
        #expect(session.timePassed(now: start + .seconds(12)) == .close(.tokenExpired))
    }

    @Test("is who its token says, whatever a hello without one says after it")
    func helloWithoutToken() throws {
        var session = session()
        func hello(_ user: String?) -> String {
            let claim = HelloClaim(user: user.flatMap { UserID($0) }, name: nil)
            return say(session.requestReceived(.hello(claim), ref: nil, now: start))
        }
        #expect(hello(nil) == "unauthorized")
        _ = session.tokenAccepted(try grant(), expiry: start + .seconds(5))
        #expect(hello(nil) == "welcome alice" && hello("alice") == "welcome alice" && hello("bob") == "forbidden")
        #expect(session.timePassed(now: start + .seconds(5)) == .close(.tokenExpired))
    }

    @Test("has the rights of its token, and loses rooms that a new one does not cover")
    func rights() throws {
        var session = session()
        let (a, b, c) = (try #require(RoomID("a")), try #require(RoomID("b")), try #require(RoomID("c")))
        func ask(_ command: ClientCommand) -> String { say(session.requestReceived(command, ref: nil, now: start)) }
        func send(_ room: RoomID) -> String {
            ask(.send(Utterance(room: room, type: .message, text: "x", nonce: nil, replyTo: nil)))
        }
        #expect(ask(.join(a, from: .history(limit: 0))) == "unauthorized")
        _ = session.tokenAccepted(try grant(rooms: ["a"], read: ["b"]), expiry: start + .seconds(5))
        #expect(ask(.join(a, from: .history(limit: 0))) == "join")
        #expect(session.joinAnswered(a, bringing: 0) == .enter(givingBack: 0))
        #expect(ask(.join(b, from: .history(limit: 0))) == "join")
        #expect(session.joinAnswered(b, bringing: 0) == .enter(givingBack: 0))
        #expect(ask(.join(c, from: .history(limit: 0))) == "forbidden")
        #expect(send(a) == "post" && send(b) == "forbidden" && send(c) == "forbidden")
        #expect(ask(.history(b, .latest(limit: 1))) == "history" && ask(.history(c, .latest(limit: 1))) == "forbidden")
        #expect(ask(.who(b)) == "who" && ask(.who(c)) == "forbidden")
        let next = session.tokenAccepted(try grant(rooms: ["b"]), expiry: start + .seconds(5))
        #expect(say(next) == "admit alice without [a]")
        #expect(session.rooms == [b])
        #expect(ask(.leave(a)) == "not_joined")
    }

    @Test("is asked about in its rooms where it is no admin's any more, and what it still joins is not given to it")
    func demotion() throws {
        var session = session()
        let (a, b) = (try #require(RoomID("a")), try #require(RoomID("b")))
        var admin = try grant()
        admin.identity.permissions.isAdmin = true
        _ = session.tokenAccepted(admin, expiry: start + .seconds(5))
        for room in [a, b] { _ = session.requestReceived(.join(room, from: .history(limit: 0)), ref: nil, now: start) }
        #expect(session.joinAnswered(a, bringing: 0) == .enter(givingBack: 0))
        #expect(say(session.tokenAccepted(admin, expiry: start + .seconds(6))) == "admit alice without []")
        #expect(
            say(session.tokenAccepted(try grant(), expiry: start + .seconds(7))) == "admit alice without [], ask [a]")
        guard case .refuse(let refusal) = session.joinAnswered(b, bringing: 0) else {
            Issue.record("it was let in")
            return
        }
        #expect(refusal.code == .forbidden && session.rooms == [a])
    }

    @Test("an admin orders, and nobody else")
    func orders() throws {
        var session = session()
        let bob = try #require(UserID("bob"))
        let orders: [(ClientCommand, ControlCommand)] = [
            (.kick(bob, room: nil, reason: "r", span: nil), .kick(bob, room: nil, reason: "r", span: nil)),
            (.mute(bob, room: nil, span: .seconds(1)), .mute(bob, room: nil, span: .seconds(1))),
            (.pardon(bob, room: nil), .pardon(bob, room: nil)),
        ]
        for isAdmin in [false, true] {
            var grant = try grant()
            grant.identity.permissions.isAdmin = isAdmin
            _ = session.tokenAccepted(grant, expiry: start + .seconds(5))
            for (command, order) in orders {
                switch session.requestReceived(command, ref: nil, now: start) {
                case .order(let ordered): #expect(isAdmin && ordered == order)
                case .reply(.refused(let refusal)): #expect(!isAdmin && refusal.code == .forbidden)
                default: Issue.record("\(command)")
                }
            }
        }
    }

    @Test("a direct conversation of others does not exist, whatever the token says")
    func direct() throws {
        var session = session()
        _ = session.tokenAccepted(try grant(rooms: ["*"]), expiry: start + .seconds(5))
        let room = try #require(RoomID("dm:bob+carol"))
        #expect(say(session.requestReceived(.who(room), ref: nil, now: start)) == "no_such_room")
    }
}
