/// One session: who it is, which rooms it is in, how much it may still ask for, and when it ends.
///
/// Opens anonymous or with an identity; an anonymous one has `Limits.helloDeadline` to say who it is. Every op costs of
/// its rate. An error never ends a session, but a flood that goes on does. Where tokens are needed, a session ends with
/// its token, unless a `hello` with a new one prolongs it.
public struct SessionStateMachine: Sendable {
    /// What to do with an op.
    public enum Action: Sendable {
        /// Answer at once.
        case reply(ServerReply)
        /// Answer with the time.
        case pong
        /// The session has become this user: answer with a welcome.
        case welcome(Identity)
        /// Look what this token is worth; answered by `tokenAccepted` or `tokenRefused`.
        case verify(String)
        /// The session is this user by its token: take it out of these rooms, then answer with a welcome.
        case admit(Identity, leaving: [RoomID])
        /// Ask the room's feed; answered by `joinAnswered` or `joinRefused`.
        case join(RoomID, from: JoinPoint, as: Identity)
        /// Take the session out of the room, then answer.
        case leave(RoomID)
        /// The room is still being joined: the leave is answered when that is settled.
        case none
        case post(MessageDraft)
        case readHistory(RoomID, HistorySpan)
        case readOccupants(RoomID)
        case close(CloseReason)
    }

    /// What to do with a room's answer.
    public enum JoinAction: Sendable, Equatable {
        /// The session is a member now.
        case enter
        /// It left meanwhile: answer this leave too, and do not make it a member.
        case leave(Reference?)
        /// The session is not waiting for this.
        case none
    }

    /// What to do at a moment.
    public enum TimeAction: Sendable, Equatable {
        case none
        case sendPing
        case close(CloseReason)
    }

    private enum Membership: Sendable {
        /// The feed was asked. Exits: member, gone.
        case joining
        /// As joining, but the client has left again. Exits: gone.
        case leaving(Reference?)
        /// In the room. Exits: gone.
        case member
    }

    private let limits: Limits
    private var bucket: TokenBucket
    private var heartbeat: HeartbeatStateMachine
    private let helloDeadline: Moment
    private var memberships: [RoomID: Membership] = [:]
    /// What a session may go on asking for while it is refused; who empties this too is a flood.
    private var patience: TokenBucket

    private let isTokenNeeded: Bool
    /// When the token ends; nil where there is none.
    private var expiry: Moment?

    /// Who this is; nil as long as nobody said so.
    public private(set) var identity: Identity?

    /// A session that opens at `now`; with an identity where the upgrade request gave one.
    ///
    /// - Parameter isTokenNeeded: whether a `hello` has to prove who it is.
    public init(
        identity: Identity?, isTokenNeeded: Bool = false, limits: Limits, pingInterval: Duration, now: Moment
    ) {
        self.identity = identity
        self.isTokenNeeded = isTokenNeeded
        self.limits = limits
        bucket = TokenBucket(ratePerSecond: limits.ratePerSecond, burst: limits.burst)
        patience = TokenBucket(
            ratePerSecond: limits.ratePerSecond, burst: limits.burst * Limits.floodFactor)
        heartbeat = HeartbeatStateMachine(interval: pingInterval, now: now)
        helloDeadline = now + Limits.helloDeadline
    }

    /// When to call `timePassed` again.
    public var deadline: Moment {
        let next = min(heartbeat.deadline, expiry ?? heartbeat.deadline)
        return identity == nil ? min(helloDeadline, next) : next
    }

    /// The rooms that the session is a member of.
    public var rooms: [RoomID] {
        memberships.compactMap { if case .member = $0.value { $0.key } else { nil } }
    }

    // MARK: Ops

    /// An op came.
    public mutating func requestReceived(_ command: ClientCommand, ref: Reference?, now: Moment) -> Action {
        if let action = charge(cost: command.cost, now: now) { return action }
        switch command {
        case .hello(let claim):
            return hello(claim)
        case .join, .leave, .send, .history, .who, .ping:
            guard let identity else {
                return refuse(.unauthorized, "Say hello first.")
            }
            return perform(command, ref: ref, as: identity)
        }
    }

    /// Something came that is no op: it costs like one.
    public mutating func requestRejected(_ refusal: Refusal, now: Moment) -> Action {
        charge(cost: 1, now: now) ?? .reply(.refused(refusal))
    }

    /// The user has sent too much, by this session and others; `wait` is how long to wait.
    public mutating func userRateExceeded(wait: Duration, now: Moment) -> Action {
        if patience.take(cost: 1, now: now) != nil { return .close(.flood) }
        return .reply(.refused(Refusal(.rateLimited, "Too fast, over all sessions of this user.", retryAfter: wait)))
    }

    private mutating func charge(cost: Int, now: Moment) -> Action? {
        guard let wait = bucket.take(cost: cost, now: now) else { return nil }
        if patience.take(cost: 1, now: now) != nil { return .close(.flood) }
        return .reply(
            .refused(Refusal(.rateLimited, "Too fast: \(limits.ratePerSecond) a second are allowed.", retryAfter: wait))
        )
    }

    private mutating func hello(_ claim: HelloClaim) -> Action {
        if isTokenNeeded {
            guard let token = claim.token else { return refuse(.unauthorized, "hello needs a token.") }
            return .verify(token)
        }
        guard let user = claim.user ?? identity?.user else { return refuse(.badRequest, "hello needs a user.") }
        if let identity, identity.user != user {
            return refuse(.forbidden, "This session is \(identity.user) already.")
        }
        let identity = Identity(user: user, name: claim.name ?? self.identity?.name ?? DisplayName(user))
        self.identity = identity
        return .welcome(identity)
    }

    /// The token is good until `expiry`. Another user's is refused: rooms and rights were given to this one.
    public mutating func tokenAccepted(_ grant: TokenGrant, expiry: Moment) -> Action {
        if let identity, identity.user != grant.identity.user {
            return refuse(.forbidden, "This session is \(identity.user) already.")
        }
        identity = grant.identity
        self.expiry = expiry
        let lost = memberships.keys.filter { objection(toReading: $0, as: grant.identity) != nil }.sorted()
        return .admit(grant.identity, leaving: lost.filter { putOut(of: $0) })
    }

    /// The token is worth nothing. One that is merely late does not end a session that has a better one.
    public mutating func tokenRefused(_ fault: TokenFault) -> Action {
        switch fault {
        case .unusable: .close(.unauthorized)
        case .expired where identity == nil: .close(.tokenExpired)
        case .expired: .reply(.refused(fault.refusal))
        }
    }

    private mutating func perform(_ command: ClientCommand, ref: Reference?, as identity: Identity) -> Action {
        switch command {
        case .join(let room, let point):
            return join(room, from: point, as: identity)
        case .leave(let room):
            return leave(room, ref: ref)
        case .send(let utterance):
            return send(utterance, as: identity)
        case .history(let room, let span):
            if let refusal = objection(toReading: room, as: identity) { return .reply(.refused(refusal)) }
            return .readHistory(room, span)
        case .who(let room):
            if let refusal = objection(toReading: room, as: identity) { return .reply(.refused(refusal)) }
            return .readOccupants(room)
        case .ping:
            return .pong
        case .hello:
            return .none
        }
    }

    private mutating func join(_ room: RoomID, from point: JoinPoint, as identity: Identity) -> Action {
        if let refusal = objection(toReading: room, as: identity) { return .reply(.refused(refusal)) }
        switch memberships[room] {
        case .joining, .leaving: return refuse(.badRequest, "The join before this one is not settled yet.")
        case .member: return .join(room, from: point, as: identity)
        case nil: break
        }
        guard memberships.count < limits.roomsPerSessionMax else {
            return refuse(.full, "A session may be in \(limits.roomsPerSessionMax) rooms.")
        }
        memberships[room] = .joining
        return .join(room, from: point, as: identity)
    }

    private mutating func leave(_ room: RoomID, ref: Reference?) -> Action {
        switch memberships[room] {
        case nil, .leaving:
            return refuse(.notJoined, "This session is not in \(room).")
        case .joining:
            memberships[room] = .leaving(ref)
            return .none
        case .member:
            memberships[room] = nil
            return .leave(room)
        }
    }

    private mutating func send(_ utterance: Utterance, as identity: Identity) -> Action {
        if let refusal = objection(toWriting: utterance.room, as: identity) { return .reply(.refused(refusal)) }
        var text = utterance.text
        var type = utterance.type
        if type == .message {
            switch SlashCommand(typed: text) {
            case .say(let said): text = said
            case .action(let done): (text, type) = (done, .action)
            case .incomplete(let usage): return refuse(.badRequest, "Usage: \(usage)")
            case .unknown(let name):
                return refuse(.badRequest, "Unknown command: /\(name). Type /help for available commands.")
            }
        }
        return .post(
            MessageDraft(
                room: utterance.room, type: type, user: identity.user, name: identity.name, text: text,
                nonce: utterance.nonce, replyTo: utterance.replyTo))
    }

    private func objection(toReading room: RoomID, as identity: Identity) -> Refusal? {
        guard isOpen(room, to: identity) else { return Refusal(.noSuchRoom, "There is no such room.") }
        let permissions = identity.permissions
        return permissions.isAdmin || permissions.readable.contains(room) ? nil : .notCovered
    }

    private func objection(toWriting room: RoomID, as identity: Identity) -> Refusal? {
        if let refusal = objection(toReading: room, as: identity) { return refusal }
        let permissions = identity.permissions
        return permissions.isAdmin || permissions.writable.contains(room) ? nil : .notCovered
    }

    /// A direct conversation does not exist for anybody but its two people.
    private func isOpen(_ room: RoomID, to identity: Identity) -> Bool {
        guard let (first, second) = room.directUsers else { return true }
        return identity.user == first || identity.user == second
    }

    private func refuse(_ code: ErrorCode, _ message: String) -> Action {
        .reply(.refused(Refusal(code, message)))
    }

    // MARK: Rooms

    /// The room's feed gave this session its place.
    public mutating func joinAnswered(_ room: RoomID) -> JoinAction {
        switch memberships[room] {
        case nil: return .none
        case .leaving(let ref):
            memberships[room] = nil
            return .leave(ref)
        case .joining, .member:
            memberships[room] = .member
            return .enter
        }
    }

    /// The room's feed has no place for this session.
    public mutating func joinRefused(_ room: RoomID) -> JoinAction {
        guard let membership = memberships[room] else { return .none }
        if case .member = membership { return .none }
        memberships[room] = nil
        if case .leaving(let ref) = membership { return .leave(ref) }
        return .none
    }

    /// The relay takes the session out of a room. Answers whether it was a member; a join that is under way comes to
    /// nothing.
    public mutating func putOut(of room: RoomID) -> Bool {
        switch memberships[room] {
        case nil, .leaving: return false
        case .joining:
            memberships[room] = .leaving(nil)
            return false
        case .member:
            memberships[room] = nil
            return true
        }
    }

    // MARK: Time

    /// A pong came.
    public mutating func pongReceived() {
        heartbeat.pongReceived()
    }

    /// Time went by.
    public mutating func timePassed(now: Moment) -> TimeAction {
        if identity == nil, now >= helloDeadline { return .close(.unauthorized) }
        if let expiry, now >= expiry { return .close(.tokenExpired) }
        switch heartbeat.timePassed(now: now) {
        case .none: return .none
        case .sendPing: return .sendPing
        case .close: return .close(.noPong)
        }
    }
}
