import NIOCore
import RelayCore
import RelayWire

/// What typed commands do, in both formats.
extension SessionHandler {
    /// Does what a typed command asks for.
    func perform(_ errand: Errand, as identity: Identity, ref: Reference?) {
        switch errand {
        case .who(let room):
            ask(ref: ref) { hub, done in
                hub.readOccupants(of: room, as: identity, .everybody) {
                    done($0.typed(.who, identity) { .people($0.shown) })
                }
            }
        case .direct(let draft):
            ask(ref: ref) { hub, done in
                hub.message(draft) { done($0.directed(draft.room, draft.nonce)) }
            }
        case .reply(let text, let nonce):
            ask(ref: ref) { hub, done in
                hub.reply(text, nonce: nonce, by: identity) { result in
                    done(result.map { .directed($0.room, $0.receipt, nonce: nonce, isOnline: true) })
                }
            }
        case .page(let user, let room):
            ask(ref: ref) { hub, done in
                hub.page(user, in: room, by: identity) { result in
                    done(result.map { .paged(room ?? .direct(identity.user, user), user) })
                }
            }
        case .enter(let room):
            join(room, from: .history(limit: Limits.historyDefault), as: identity, ref: ref)
            seats[room]?.isTyped = true
        case .leave(let room):
            seats.removeValue(forKey: room)?.leave(bySaying: true, shard: shard)
            reply(.typed(TypedAnswer(.quit, for: identity, .left(room))), ref: ref)
        case .rooms:
            ask(ref: ref) { hub, done in
                hub.readLobby(for: identity) { done($0.typed(.rooms, identity) { .rooms($0) }) }
            }
        case .topic(let room):
            ask(ref: ref) { hub, done in
                hub.readRoom(room, as: identity) {
                    done($0.typed(.topic, identity) { .topic(room, $0.facts.topic) })
                }
            }
        case .setTopic(let room, let topic, let nonce):
            ask(ref: ref) { hub, done in
                hub.setTopic(topic, of: room, by: identity, nonce: nonce) {
                    done($0.typed(.topic, identity) { _ in .topicSet(room, topic) })
                }
            }
        case .replay(let room, let limit):
            ask(ref: ref) { hub, done in
                hub.readHistory(.latest(limit: limit), of: room, as: identity) {
                    done($0.typed(.replay, identity) { .messages($0) })
                }
            }
        }
    }

    /// The room's feed answered a join: a typed one is answered in lines, with who is there.
    func answerJoin(_ seat: Seat, _ given: Recovery, here: Int, ref: Reference?) {
        let (room, identity) = (seat.room.id, seat.identity)
        guard seat.isTyped else { return reply(.joined(room, given, here: here), ref: ref) }
        seat.isTyped = false
        ask(ref: ref) { hub, done in
            hub.readOccupants(of: room, as: identity, .everybody) {
                done($0.typed(.join, identity) { .entered(room, $0.shown, given.frames) })
            }
        }
    }
}

extension Result where Failure == Refusal {
    fileprivate func typed(
        _ command: SlashCommand.Name, _ reader: Identity, _ content: (Success) -> TypedAnswer.Content
    ) -> Result<ServerReply, Refusal> {
        map { .typed(TypedAnswer(command, for: reader, content($0))) }
    }
}

extension Result where Success == PostReceipt, Failure == Refusal {
    fileprivate func directed(_ room: RoomID, _ nonce: Nonce?) -> Result<ServerReply, Refusal> {
        map { .directed(room, $0, nonce: nonce, isOnline: true) }
    }
}
