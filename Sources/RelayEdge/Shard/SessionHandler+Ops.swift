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
            shard.identified(self, as: identity.user)
            reply(.welcome(welcome(identity)), ref: ref)
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
        case .listRooms(let identity):
            ask(ref: ref) { hub, done in
                hub.roomDirectory.conversations(of: identity.user) { done($0.map { .rooms($0) }) }
            }
        case .create(let plan, let identity):
            ask(ref: ref) { hub, done in
                hub.createRoom(plan, by: identity) { done($0.map { .created(plan.room, $0) }) }
            }
        case .readHistory(let room, let span):
            ask(ref: ref) { [identity = machine.identity] hub, done in
                hub.readHistory(span, of: room, as: identity) { done($0.map { .history(room, $0) }) }
            }
        case .readOccupants(let room):
            ask(ref: ref) { [identity = machine.identity] hub, done in
                hub.readOccupants(of: room, as: identity) { done($0.map { .who(room, $0) }) }
            }
        case .close(let reason): close(reason)
        }
    }

    private func welcome(_ identity: Identity) -> Welcome {
        Welcome(
            identity: identity, edge: shard.configuration.edge, session: id,
            pingInterval: shard.configuration.pingInterval, limits: shard.configuration.limits)
    }

    private func join(_ room: RoomID, from point: JoinPoint, as identity: Identity, ref: Reference?) {
        if let seat = seats[room] {
            // A member asks again: what it is given does not change its place unless it reaches less far.
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

    /// Asks the hub; the reply comes back with the hub's next crossing to this shard.
    private func ask(
        ref: Reference?,
        _ question: @escaping @Sendable (RoomHub, @escaping (Result<ServerReply, Refusal>) -> Void) -> Void
    ) {
        let session = NIOLoopBound(self, eventLoop: shard.loop)
        let index = shard.index
        shard.hub.run { hub in
            question(hub) { [weak hub] result in
                let reply =
                    switch result {
                    case .success(let reply): reply
                    case .failure(let refusal): ServerReply.refused(refusal)
                    }
                hub?.append(.reply(session, reply, ref: ref), to: index)
            }
        }
    }
}
