import NIOCore
import RelayCore
import RelayWire

/// What a session's ops do.
extension SessionHandler {
    /// Does what the session's machine wants done.
    func perform(_ action: SessionStateMachine.Action, ref: Reference?) {
        switch action {
        case .none: break
        case .reply(let answer): reply(answer, ref: ref)
        case .pong: reply(.pong(milliseconds: Clock.milliseconds), ref: ref)
        case .welcome(let identity):
            known(as: identity)
            welcome(identity, ref: ref)
        case .verify(let token): perform(outcome(of: token), ref: ref)
        case .admit(let identity, let lost, let mustAsk):
            admit(identity, leaving: lost, asking: mustAsk)
            welcome(identity, ref: ref)
        case .join(let room, let point, let identity): join(room, from: point, as: identity, ref: ref)
        case .leave(let room):
            seats.removeValue(forKey: room)?.leave(bySaying: true, shard: shard)
            reply(.left(room), ref: ref)
        case .post(let draft): post(draft, ref: ref)
        case .direct(let draft): direct(draft, ref: ref)
        case .tellTyping(let room, let identity): shard.hub.run { $0.tellTyping(identity, in: room) }
        case .mark(let room, let id, let identity):
            ask(ref: ref) { hub, done in
                hub.mark(room, at: id, by: identity) { done($0.map { .marked(room, $0) }) }
            }
        case .listRooms(let identity, let page):
            ask(ref: ref, isForList: true) { hub, done in
                hub.readConversations(of: identity, page) { done($0.map { .rooms($0) }) }
            }
        case .create(let plan, let identity):
            ask(ref: ref) { hub, done in
                hub.createRoom(plan, by: identity) { done($0.map { .created(plan.room, $0) }) }
            }
        case .readHistory(let room, let span):
            ask(ref: ref) { [identity = machine.identity] hub, done in
                hub.readHistory(span, of: room, as: identity) { done($0.map { .history(room, $0) }) }
            }
        case .readOccupants(let room, let page):
            ask(ref: ref) { [identity = machine.identity] hub, done in
                hub.readOccupants(of: room, as: identity, page) {
                    done($0.map { .who(room, $0.shown, more: $0.more) })
                }
            }
        case .order(let command):
            ask(ref: ref) { hub, done in
                hub.order(command) { done($0.map { .failure($0) } ?? .success(.ordered(command))) }
            }
        case .errand(let errand, let identity): perform(errand, as: identity, ref: ref)
        case .close(let reason): close(reason)
        }
    }

    /// What a token makes of the session. Whoever verifies answers at once.
    func outcome(of token: String) -> SessionStateMachine.Action {
        guard let verifier = shard.configuration.verifier else { return .none }
        do {
            return accept(try verifier.verify(token, nowMilliseconds: Clock.milliseconds))
        } catch {
            return machine.tokenRefused(error)
        }
    }

    /// What a token that was verified makes of the session, until it ends.
    func accept(_ grant: TokenGrant) -> SessionStateMachine.Action {
        // It may have ended since it was verified.
        let now = min(Clock.milliseconds, grant.expiresMilliseconds)
        let left = Duration.milliseconds(Int64(clamping: grant.expiresMilliseconds - now))
        defer { wake() }
        return machine.tokenAccepted(grant, expiry: Clock.now + min(left, .seconds(86_400 * 365 * 100)))
    }

    /// The session is this user by a token: what its seats may is what this token says.
    private func admit(_ identity: Identity, leaving lost: [RoomID], asking rooms: [RoomID]) {
        for room in lost { leave(room, reason: "The token does not cover this room.") }
        known(as: identity)
        let index = shard.index
        for room in rooms { shard.hub.run { hub in hub.rightsChanged(in: room, on: index) } }
    }

    /// It is known who the session is, or once more, and perhaps under another name: so it stands in its rooms too.
    private func known(as identity: Identity) {
        shard.identified(self, as: identity.user)
        for seat in seats.values { seat.identity = identity }
        tellNames(of: Array(seats.values.filter { !$0.isJoining }))
    }

    /// Tells the relay by what name the user goes now, where it knows another one. Of a room whose join is under way it
    /// is asked again when that is answered.
    func tellNames(of seats: [Seat]) {
        guard let identity = seats.first?.identity else { return }
        let rooms = seats.filter { $0.takeRenaming() }.map(\.room.id)
        if !rooms.isEmpty { shard.hub.run { hub in hub.renamed(identity, in: rooms) } }
    }

    /// Whoever was sent away for a time is so on every edge; true where that is so.
    @discardableResult
    func closeIfKicked() -> Bool {
        guard let user = machine.identity?.user, shard.hub.guards.objection(toBeingHere: user) != nil else {
            return false
        }
        close(.kicked(""))
        return true
    }

    /// Takes the session out of a room, where it is in it, and tells it why; a join under way is refused.
    func putOut(of room: RoomID, reason: String?, saying code: ErrorCode = .forbidden) {
        if machine.putOut(of: room, saying: code) { leave(room, reason: reason) }
    }

    private func leave(_ room: RoomID, reason: String?) {
        seats.removeValue(forKey: room)?.leave(bySaying: true, shard: shard)
        reply(reason.map { .removed(room, reason: $0) } ?? .left(room), ref: nil)
    }

    /// Writes one frame of this session alone, compressed where that was agreed and pays.
    func write(_ opcode: FrameOpcode, _ payload: ByteBuffer) {
        var frame = ByteBuffer()
        let isDeflatable = !opcode.isControl && payload.readableBytes <= deflatedBytesMax
        if !isDeflatable || !shard.codec.writeFrame(opcode, payload: payload, into: &frame) {
            FrameEncoder.write(opcode, payload: payload, into: &frame)
        }
        write(frame)
    }

    private func welcome(_ identity: Identity, ref: Reference?) {
        guard !closeIfKicked() else { return }
        let welcome = Welcome(
            identity: identity, edge: shard.configuration.edge, session: id,
            pingInterval: shard.configuration.pingInterval, limits: shard.configuration.limits)
        reply(.welcome(welcome), ref: ref)
    }

    /// What an op of this session cost less than was taken is its user's again, over all sessions. Of who listens over
    /// HTTP nothing was taken for it.
    func giveBack(_ cost: Int) {
        guard cost > 0, !isListener, let user = machine.identity?.user else { return }
        shard.hub.guards.giveBack(.user(user), cost: cost)
    }

    func join(_ room: RoomID, from point: JoinPoint, as identity: Identity, ref: Reference?) {
        if let seat = seats[room] {
            // A member asks again: what it is given does not change its place, unless it follows on that.
            shard.ask(for: seat, purpose: .again(ref: ref), at: point)
            return
        }
        let shardRoom = shard.room(room)
        shardRoom.seatCount += 1
        let seat = Seat(session: self, room: shardRoom, identity: identity)
        if case .since = point { seat.isRecovering = true }
        seats[room] = seat
        shard.ask(for: seat, purpose: .enter(point, ref: ref), at: .history(limit: 0))
    }

    private func post(_ draft: MessageDraft, ref: Reference?) {
        let nonce = draft.nonce
        let room = draft.room
        ask(ref: ref) { hub, done in
            hub.post(draft) { done($0.map { .acknowledged(room, $0, nonce: nonce) }) }
        }
    }

    private func direct(_ draft: MessageDraft, ref: Reference?) {
        let nonce = draft.nonce
        let room = draft.room
        ask(ref: ref) { hub, done in
            hub.direct(draft) { result in
                done(result.map { .directed(room, $0.receipt, nonce: nonce, isOnline: $0.isOnline) })
            }
        }
    }

    /// Tells this session alone of an event.
    func write(event: LiveEvent) {
        write(event: EventCoder.encode(event, edge: shard.configuration.edge))
    }

    /// Tells this session alone of an event that is encoded already.
    func write(event: ByteBuffer) {
        if isOpen { write(.text, event) }
    }

    /// How a session ends that breaks the protocol.
    static func reason(for violation: FrameViolation) -> CloseReason {
        switch violation {
        case .invalidUTF8: .invalidUTF8
        case .invalidCompression: .invalidCompression
        case .messageTooLong: .messageTooBig
        default: .protocolViolation("protocol violation: \(violation)")
        }
    }
}
