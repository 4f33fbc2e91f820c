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
        ///
        /// The rooms that are asked know themselves whether they are for this user, who is no admin any more.
        case admit(Identity, leaving: [RoomID], asking: [RoomID])
        /// Ask the room's feed; answered by `joinAnswered` or `joinRefused`.
        case join(RoomID, from: JoinPoint, as: Identity)
        /// Take the session out of the room, then answer.
        case leave(RoomID)
        /// Nothing: a leave of a room that is still being joined is answered when that is settled, and of those who
        /// type the others are told once in a while.
        case none
        case post(MessageDraft)
        /// Post it, and say in the answer whether the other one has a session.
        case direct(MessageDraft)
        /// Tell the others in the room that this user is typing.
        case tellTyping(RoomID, Identity)
        case mark(RoomID, MessageID, by: Identity)
        case listRooms(Identity, ConversationPage)
        case create(RoomPlan, by: Identity)
        case readHistory(RoomID, HistorySpan)
        case readOccupants(RoomID, OccupantPage)
        /// An admin orders this; tell all edges.
        case order(ControlCommand)
        /// See to what a typed command asks for, as this user.
        case errand(Errand, Identity)
        case close(CloseReason)
    }

    /// What to do with a room's answer.
    public enum JoinAction: Sendable, Equatable {
        /// The session is a member now. So much of what its join was counted as turned out not to be due, and is to be
        /// given back wherever else it was taken.
        case enter(givingBack: Int)
        /// It left meanwhile: answer this leave too, and do not make it a member.
        case leave(Reference?)
        /// It may not be there any more.
        case refuse(Refusal)
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
        /// The feed was asked; so much was taken for messages that it may not bring. Exits: member, gone.
        case joining(prepaid: Int)
        /// As joining, but the client has left again. Exits: gone.
        case leaving(Reference?)
        /// As joining, but the relay has taken the session out again. Exits: gone.
        case barred(ErrorCode)
        /// In the room. Exits: gone.
        case member
    }

    private let limits: Limits
    private var bucket: TokenBucket
    private var heartbeat: HeartbeatStateMachine
    private let helloDeadline: Moment
    /// Whether a list of rooms was asked for and has not come: until then nobody knows what one costs, and a further
    /// one costs the most.
    private var isListing = false
    private static let listCostMax = 1 + Limits.conversationsListed / 50
    private var memberships: [RoomID: Membership] = [:]
    /// Until when a further word that this user types in a room is dropped; of rooms that it is in.
    private var typingUntil: [RoomID: Moment] = [:]
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
    ///
    /// - Parameter cost: what it counts as; nil for what such an op counts as by itself.
    public mutating func requestReceived(
        _ command: ClientCommand, ref: Reference?, cost: Int? = nil, now: Moment
    ) -> Action {
        let isFurtherList = isListing && command.name == .rooms
        let cost = cost ?? (isFurtherList ? Self.listCostMax : command.cost)
        if let action = charge(cost: cost, now: now) { return action }
        if case .hello(let claim) = command { return hello(claim) }
        guard let identity else { return refuse(.unauthorized, "Say hello first.") }
        if let refusal = Self.verdict(on: command, by: identity).refusal { return .reply(.refused(refusal)) }
        return perform(command, ref: ref, as: identity, now: now)
    }

    /// Something came that is no op, or this one with fields that it does not have: it costs like one.
    public mutating func requestRejected(_ refusal: Refusal, of op: ClientCommand.Name? = nil, now: Moment) -> Action {
        if let action = charge(cost: 1, now: now) { return action }
        // Who may not ask is told so first.
        if identity == nil, let op, op != .hello { return refuse(.unauthorized, "Say hello first.") }
        return .reply(.refused(refusal))
    }

    /// A list of so many rooms was answered: it costs as much as a page of history, which only its length could tell.
    public mutating func roomsListed(_ count: Int, now: Moment) {
        isListing = false
        bucket.owe(cost: count / 50, now: now)
    }

    /// The user has sent too much, by this session and others; `wait` is how long to wait.
    public mutating func userRateExceeded(wait: Duration, now: Moment) -> Action {
        if patience.take(cost: 1, now: now) != nil { return .close(.flood) }
        return .reply(.refused(Refusal(.rateLimited, "Too fast, over all sessions of this user.", retryAfter: wait)))
    }

    mutating func charge(cost: Int, now: Moment) -> Action? {
        guard let wait = bucket.take(cost: cost, now: now) else { return nil }
        if patience.take(cost: 1, now: now) != nil { return .close(.flood) }
        return .reply(
            .refused(Refusal(.rateLimited, "Too fast: \(limits.ratePerSecond) a second are allowed.", retryAfter: wait))
        )
    }

    private mutating func hello(_ claim: HelloClaim) -> Action {
        if isTokenNeeded {
            if let token = claim.token { return .verify(token) }
            guard let identity else { return refuse(.unauthorized, "hello needs a token.") }
            // The upgrade request had one, as that of a page has whose site keeps it in a cookie.
            guard claim.user ?? identity.user == identity.user else {
                return refuse(.forbidden, "This session is \(identity.user) already.")
            }
            return .welcome(identity)
        }
        guard let user = claim.user ?? identity?.user else { return refuse(.badRequest, "hello needs a user.") }
        if let identity, identity.user != user {
            return refuse(.forbidden, "This session is \(identity.user) already.")
        }
        let identity = Identity(
            user: user, name: claim.name ?? self.identity?.name ?? DisplayName(user),
            permissions: identity?.permissions ?? .standard)
        self.identity = identity
        return .welcome(identity)
    }

    /// The token is good until `expiry`. Another user's is refused: rooms and rights were given to this one.
    public mutating func tokenAccepted(_ grant: TokenGrant, expiry: Moment) -> Action {
        if let identity, identity.user != grant.identity.user {
            return refuse(.forbidden, "This session is \(identity.user) already.")
        }
        let isDemoted = identity?.permissions.isAdmin == true && !grant.identity.permissions.isAdmin
        identity = grant.identity
        self.expiry = expiry
        let lost = memberships.filter { room, membership in
            // What an admin asked for is not given to one who is none any more.
            if isDemoted, case .joining = membership { return true }
            return RoomPolicy.verdict(.read, in: room, by: grant.identity) != .allowed
        }
        let left = lost.keys.sorted().filter { putOut(of: $0) }
        // The rooms know whether they are private, and to whom.
        return .admit(grant.identity, leaving: left, asking: isDemoted ? rooms : [])
    }

    /// The token is worth nothing. One that is merely late does not end a session that has a better one.
    public mutating func tokenRefused(_ fault: TokenFault) -> Action {
        switch fault {
        case .unusable: .close(.unauthorized)
        case .expired where identity == nil: .close(.tokenExpired)
        case .expired: .reply(.refused(fault.refusal))
        }
    }

    /// What the rooms' ids alone say.
    private static func verdict(on command: ClientCommand, by identity: Identity) -> RoomPolicy.Verdict {
        switch command {
        case .join(let room, _), .history(let room, _), .who(let room, _), .read(let room, _):
            RoomPolicy.verdict(.read, in: room, by: identity)
        // What it may depends on what was typed.
        case .send: .allowed
        case .edit(let amendment), .delete(let amendment):
            RoomPolicy.verdict(.write, in: amendment.room, by: identity)
        case .typing(let room), .page(let room, _): RoomPolicy.verdict(.write, in: room, by: identity)
        case .direct(let utterance):
            RoomPolicy.verdict(.write, in: .direct(identity.user, utterance.to), by: identity)
        case .create(let plan): RoomPolicy.verdict(.create, in: plan.room, by: identity)
        case .kick, .mute, .pardon: identity.permissions.isAdmin ? .allowed : .forbidden
        // One may always leave, also where one may no longer enter.
        case .leave, .rooms, .ping, .hello: .allowed
        }
    }

    private mutating func perform(
        _ command: ClientCommand, ref: Reference?, as identity: Identity, now: Moment
    ) -> Action {
        switch command {
        case .join(let room, let point): join(room, from: point, as: identity)
        case .leave(let room): leave(room, ref: ref)
        case .send(let utterance): send(utterance, ref: ref, as: identity)
        case .direct(let utterance): direct(utterance, as: identity)
        case .edit(let amendment): amend(amendment, type: .edit, as: identity)
        case .delete(let amendment): amend(amendment, type: .delete, as: identity)
        case .typing(let room): typing(in: room, as: identity, now: now)
        case .read(let room, let id): .mark(room, id, by: identity)
        case .rooms(let page): listRooms(page, as: identity)
        case .create(let plan): .create(plan, by: identity)
        case .page(let room, let user): page(user, in: room, as: identity)
        case .history(let room, let span): .readHistory(room, span)
        case .who(let room, let page): .readOccupants(room, page)
        case .kick(let user, let room, let reason, let span):
            .order(.kick(user, room: room, reason: reason, span: span))
        case .mute(let user, let room, let span): .order(.mute(user, room: room, span: span))
        case .pardon(let user, let room): .order(.pardon(user, room: room))
        case .ping: .pong
        case .hello: .none
        }
    }

    private mutating func listRooms(_ page: ConversationPage, as identity: Identity) -> Action {
        isListing = true
        return .listRooms(identity, page)
    }

    mutating func join(_ room: RoomID, from point: JoinPoint, as identity: Identity) -> Action {
        switch memberships[room] {
        case .joining: return refuse(.badRequest, "The join before this one is not settled yet.")
        case .leaving, .barred:
            // Clients try that again by themselves.
            let wait = Limits.unsettledWait
            return .reply(.refused(Refusal(.rateLimited, "The session has not left \(room) yet.", retryAfter: wait)))
        case .member: return .join(room, from: point, as: identity)
        case nil: break
        }
        guard memberships.count < limits.roomsPerSessionMax else {
            return refuse(.full, "A session may be in \(limits.roomsPerSessionMax) rooms.")
        }
        var prepaid = 0
        // No more than the bucket holds was taken.
        if case .since = point { prepaid = min(ClientCommand.sinceCost, limits.burst - 1) }
        memberships[room] = .joining(prepaid: prepaid)
        return .join(room, from: point, as: identity)
    }

    mutating func leave(_ room: RoomID, ref: Reference?) -> Action {
        switch memberships[room] {
        case nil, .leaving, .barred:
            return refuse(.notJoined, "This session is not in \(room).")
        case .joining:
            memberships[room] = .leaving(ref)
            return .none
        case .member:
            memberships[room] = nil
            typingUntil[room] = nil
            return .leave(room)
        }
    }

    private func direct(_ utterance: DirectUtterance, as identity: Identity) -> Action {
        guard utterance.to != identity.user else { return .reply(.refused(.messageToOneself)) }
        return .direct(.direct(utterance.text, to: utterance.to, nonce: utterance.nonce, by: identity))
    }

    private func amend(_ amendment: Amendment, type: MessageType, as identity: Identity) -> Action {
        let draft = MessageDraft(
            room: amendment.room, type: type, user: identity.user, name: identity.name, text: amendment.text,
            nonce: amendment.nonce, target: amendment.target)
        return .post(draft.said(by: identity))
    }

    private mutating func typing(in room: RoomID, as identity: Identity, now: Moment) -> Action {
        guard case .member = memberships[room] else {
            return refuse(.notJoined, "This session is not in \(room).")
        }
        if let until = typingUntil[room], now < until { return .none }
        typingUntil[room] = now + Limits.typingInterval
        return .tellTyping(room, identity)
    }

    func refuse(_ code: ErrorCode, _ message: String) -> Action {
        .reply(.refused(Refusal(code, message)))
    }

    // MARK: Rooms

    func isMember(of room: RoomID) -> Bool {
        if case .member = memberships[room] { true } else { false }
    }

    /// The room's feed gave this session its place, with so many messages; nil where more of them follow.
    ///
    /// Whoever comes back to many rooms in which little was said meanwhile is not held up for what it did not get.
    public mutating func joinAnswered(_ room: RoomID, bringing count: Int?) -> JoinAction {
        switch memberships[room] {
        case nil: return .none
        case .leaving(let ref):
            memberships[room] = nil
            return .leave(ref)
        case .barred(let code):
            memberships[room] = nil
            return .refuse(code == .noSuchRoom ? .noSuchRoom : Refusal(code, "This session was put out of \(room)."))
        case .joining(let prepaid):
            let surplus = count.map { max(0, prepaid - $0 / 50) } ?? 0
            bucket.giveBack(cost: surplus)
            memberships[room] = .member
            return .enter(givingBack: surplus)
        case .member: return .enter(givingBack: 0)
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

    /// The relay takes the session out of a room; a join that is under way comes to nothing, and is refused as `code`.
    ///
    /// - Returns: whether it was a member.
    public mutating func putOut(of room: RoomID, saying code: ErrorCode = .forbidden) -> Bool {
        switch memberships[room] {
        case nil, .leaving, .barred: return false
        case .joining:
            memberships[room] = .barred(code)
            return false
        case .member:
            memberships[room] = nil
            typingUntil[room] = nil
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
