import NIOCore
import RelayCore
import RelayWire

/// What a session asks the hub.
extension SessionHandler {
    /// Asks the hub; the reply comes back with the hub's next crossing to this shard.
    func ask(
        ref: Reference?, isForList: Bool = false,
        _ question: @escaping @Sendable (RoomHub, @escaping (Result<ServerReply, Refusal>) -> Void) -> Void
    ) {
        guard !isLeaving else { return reply(.refused(.draining), ref: ref) }
        pendingAsks += 1
        let session = NIOLoopBound(self, eventLoop: shard.loop)
        let index = shard.index
        shard.hub.run { hub in
            question(hub) { [weak hub] result in
                let event: ShardEvent =
                    switch result {
                    case .success(let reply): .reply(session, reply, ref: ref)
                    case .failure(let refusal) where isForList: .listRefused(session, refusal, ref: ref)
                    case .failure(let refusal): .reply(session, .refused(refusal), ref: ref)
                    }
                hub?.append(event, to: index)
            }
        }
    }

    /// The hub has answered.
    func asked(_ answer: ServerReply, ref: Reference?) {
        pendingAsks -= 1
        reply(answer, ref: ref)
        if isLeaving, pendingAsks == 0 { close(.draining) }
    }

    /// The hub has answered that there is no list of rooms: the next one costs no more for it.
    func listRefused(_ refusal: Refusal, ref: Reference?) {
        machine.roomsListed(0, now: Clock.now)
        asked(.refused(refusal), ref: ref)
    }

    /// Closes the session because the edge ends: behind the answers to what it has asked for, so that nobody is left to
    /// guess whether a message is there. What it asks for meanwhile is refused.
    ///
    /// - Returns: whether it is closed now.
    func sendAway() -> Bool {
        isLeaving = pendingAsks > 0
        if !isLeaving { close(.draining) }
        return !isLeaving
    }
}
