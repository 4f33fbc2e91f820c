import NIOCore
import RelayCore

/// What sessions and routes ask of the store.
extension RoomHub {
    /// Posts a message; the completion is called once, on the hub's loop.
    func post(_ draft: MessageDraft, completion: @escaping (Result<PostReceipt, Refusal>) -> Void) {
        if let refusal = guards.objection(toSendingTo: draft.room, user: draft.user) {
            counters.postsRefused += 1
            return completion(.failure(refusal))
        }
        postsInFlight += 1
        broker.post(draft) { [weak self] result in
            if let self {
                self.postsInFlight -= 1
                switch result {
                case .success(let receipt) where receipt.isDuplicate: self.counters.duplicates += 1
                case .success: self.counters.posts += 1
                case .failure: self.counters.postsRefused += 1
                }
            }
            completion(result)
        }
    }

    /// Reads a span of a room; a room that does not exist is refused, and so is who would be told that there is no more
    /// because the archive has not answered.
    func readHistory(
        _ span: HistorySpan, of room: RoomID, completion: @escaping (Result<HistoryPage, Refusal>) -> Void
    ) {
        history.read(span, of: room) { result in
            completion(
                result.flatMap { page in
                    if page.standing == nil { return .failure(Refusal(.noSuchRoom, "There is no such room.")) }
                    return page.shortening == .late ? .failure(.unavailable) : .success(page)
                })
        }
    }

    /// Who is in a room; a room that does not exist is refused.
    func readOccupants(of room: RoomID, completion: @escaping (Result<[Occupant], Refusal>) -> Void) {
        directory.who(room) { [self] result in
            guard case .success(let occupants) = result, occupants.isEmpty else { return completion(result) }
            // Nobody there: is there a room?
            readHistory(.latest(limit: 0), of: room) { completion($0.map { _ in [] }) }
        }
    }

    /// Who asks for the same page within a second is spared the read; then it is given up.
    func forgetBackfill(of room: HubRoom) {
        guard !room.isForgetScheduled else { return }
        room.isForgetScheduled = true
        loop.assumeIsolated().scheduleTask(in: .nanoseconds(Limits.recentPageAge.wholeNanoseconds)) {
            room.isForgetScheduled = false
            room.feed.backfillAged()
        }
    }

    /// Sends a probe through the store, unless one came back within the last second.
    func probe(completion: @escaping (ProbeOutcome) -> Void) {
        if let lastProbe, lastProbe.outcome == .passed, Clock.now - lastProbe.at < .seconds(1) {
            return completion(.passed)
        }
        broker.probe { [weak self] outcome in
            self?.lastProbe = (outcome, Clock.now)
            completion(outcome)
        }
    }
}
