import NIOCore
import RelayCore
import RelayWire

/// What a session asks the hub.
extension SessionHandler {
    /// Asks the hub; the reply comes back with the hub's next crossing to this shard.
    func ask(
        ref: Reference?,
        _ question: @escaping @Sendable (RoomHub, @escaping (Result<ServerReply, Refusal>) -> Void) -> Void
    ) {
        guard !isLeaving else { return reply(.refused(.draining), ref: ref) }
        pendingAsks += 1
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

    /// The hub has answered.
    func asked(_ answer: ServerReply, ref: Reference?) {
        pendingAsks -= 1
        reply(answer, ref: ref)
        if isLeaving, pendingAsks == 0 { close(.draining) }
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
