import NIOCore
import RelayCore
import RelayWire

/// What typed commands ask of the relay: words and rings for people who are connected, and the list of a lobby.
extension RoomHub {
    /// Posts a direct message to somebody who has a session on any edge.
    func message(_ draft: MessageDraft, completion: @escaping (Result<PostReceipt, Refusal>) -> Void) {
        guard let other = draft.to else { return completion(.failure(.noSuchRoom)) }
        ifConnected(other, else: .notInChat(other.description)) { [weak self] refusal in
            if let refusal { return completion(.failure(refusal)) }
            self?.post(draft, completion: completion)
        }
    }

    /// Posts an answer to whoever wrote to this user last.
    func reply(
        _ text: String, nonce: Nonce?, by identity: Identity,
        completion: @escaping (Result<(room: RoomID, receipt: PostReceipt), Refusal>) -> Void
    ) {
        directs.lastCorrespondent(of: identity.user) { [weak self] result in
            switch result {
            case .failure(let refusal): completion(.failure(refusal))
            case .success(nil): completion(.failure(.noOneToReplyTo))
            case .success(let other?):
                let draft = MessageDraft.direct(text, to: other, nonce: nonce, by: identity)
                if let refusal = RoomPolicy.verdict(.write, in: draft.room, by: identity).refusal {
                    return completion(.failure(refusal))
                }
                self?.ifConnected(other, else: .noLongerInChat(other)) { refusal in
                    if let refusal { return completion(.failure(refusal)) }
                    self?.post(draft) { result in completion(result.map { (draft.room, $0) }) }
                }
            }
        }
    }

    /// Rings at a user who has a session on any edge, from a room or from none.
    ///
    /// A private room is not named to somebody for whom it does not exist: to them it rings from the conversation of
    /// the two.
    func page(
        _ user: UserID, in room: RoomID?, by identity: Identity, completion: @escaping (Result<Void, Refusal>) -> Void
    ) {
        let own = RoomID.direct(identity.user, user)
        if let refusal = guards.objection(toSendingTo: room ?? own, user: identity.user) {
            return completion(.failure(refusal))
        }
        let ring = { [weak self] (place: RoomID) in
            self?.ifConnected(user, else: .notInChat(user.description)) { refusal in
                if let refusal { return completion(.failure(refusal)) }
                let event = LiveEvent(.page, room: place, user: identity.user, name: identity.name)
                self?.publish(event, to: user)
                completion(.success(()))
            }
        }
        guard let room, room != own else { return ring(own) ?? () }
        look(at: room, as: identity) { result in
            switch result {
            case .failure(let refusal): completion(.failure(refusal))
            case .success(let facts):
                let other = Identity(user: user, name: DisplayName(user))
                let verdict =
                    facts.map { RoomPolicy.verdict(.read, in: room, by: other, facts: $0) }
                    ?? RoomPolicy.verdict(.read, in: room, by: other)
                ring(verdict == .allowed ? room : own)
            }
        }
    }

    /// The rooms that a lobby shows to this user, the latest first: those that are for everybody and, of the user's own
    /// list, those that are for their members.
    func readLobby(for identity: Identity, completion: @escaping (Result<[RoomSummary], Refusal>) -> Void) {
        // Who has just left a room is not to be counted there.
        afterPresence { [self] in
            roomDirectory.publicRooms(limit: Limits.lobbyLookMax) { [weak self] result in
                guard let self, case .success(let open) = result else { return completion(result) }
                self.roomDirectory.conversations(of: identity.user, .first) { result in
                    completion(result.map { self.lobby(open, $0, for: identity) })
                }
            }
        }
    }

    /// Calls back when the comings and goings so far are told, or could not be.
    private func afterPresence(then body: @escaping () -> Void) {
        flushPresence()
        guard !announcing.isEmpty else { return body() }
        presenceWaiters.append((announcing, body))
    }

    /// The comings and goings in a room were told, or could not be.
    func presenceTold(in room: RoomID) {
        guard !presenceWaiters.isEmpty else { return }
        for index in presenceWaiters.indices { presenceWaiters[index].rooms.remove(room) }
        let done = presenceWaiters.filter(\.rooms.isEmpty)
        presenceWaiters.removeAll(where: \.rooms.isEmpty)
        for waiter in done { waiter.then() }
    }

    private func lobby(_ open: [RoomSummary], _ own: ConversationList, for identity: Identity) -> [RoomSummary] {
        let members = own.conversations.map(\.summary).filter { $0.facts.isPrivate && $0.room.directUsers == nil }
        // Who is a member has been looked at; a token may still cover less.
        var all = (members + open).filter { RoomPolicy.verdict(.read, in: $0.room, by: identity) == .allowed }
        if !all.contains(where: { $0.room == .general }),
            RoomPolicy.verdict(.read, in: .general, by: identity) == .allowed
        {
            let facts = RoomFacts(name: RoomID.general.description, createdBy: nil, createdAt: 0)
            all.append(RoomSummary(room: .general, facts: facts, lastSeq: 0, last: nil, here: 0))
        }
        return all.prefix(Limits.lobbyRoomsMax).map { summary in
            var summary = summary
            // What this edge was told counts a user once, on however many edges they are.
            if let room = rooms[summary.room], !room.isAbandoned { summary.here = room.here }
            return summary
        }
    }

    /// Whoever has a session is heard on their channel.
    private func ifConnected(_ user: UserID, else absence: Refusal, then completion: @escaping (Refusal?) -> Void) {
        if users[user] != nil { return completion(nil) }
        directs.isOnline(user) { result in
            switch result {
            case .failure(let refusal): completion(refusal)
            case .success(let isOnline): completion(isOnline ? nil : absence)
            }
        }
    }
}
