import RelayCore

/// The ports of rooms and of people, as far as tests of one edge need them.
extension InMemoryStore {
    func deleted(
        among ids: [MessageID], of room: RoomID, completion: @escaping (Result<Set<MessageID>, Refusal>) -> Void
    ) {
        completion(.success((deletedMessages[room] ?? []).intersection(ids)))
    }

    func create(_ plan: RoomPlan, by user: UserID, completion: @escaping (Result<RoomFacts, Refusal>) -> Void) {
        let facts = RoomFacts(
            name: plan.name?.description ?? plan.room.description, createdBy: user, createdAt: 1, topic: plan.topic,
            isPrivate: plan.isPrivate, members: Set(plan.members).union([user]))
        self.facts[plan.room] = facts
        create(plan.room, by: user) { completion($0.map { _ in facts }) }
    }

    func checkQuota(of user: UserID, completion: @escaping (Refusal?) -> Void) {
        completion(spent.contains(user) ? Refusal(.rateLimited, "Too many rooms made") : nil)
    }

    func takeQuota(of user: UserID, completion: @escaping (Refusal?) -> Void) { completion(nil) }

    func returnQuota(of user: UserID) {}

    func change(
        _ room: RoomID, _ change: RoomChange, by identity: Identity,
        completion: @escaping (Result<Void, Refusal>) -> Void
    ) {
        changes.append(change)
        completion(.success(()))
    }

    func remove(_ room: RoomID, by identity: Identity, completion: @escaping (Result<Void, Refusal>) -> Void) {
        completion(.failure(.noSuchRoom))
    }

    func summary(of room: RoomID, completion: @escaping (Result<RoomSummary?, Refusal>) -> Void) {
        completion(
            .success(facts[room].map { RoomSummary(room: room, facts: $0, lastSeq: 0, last: nil) }))
    }

    func conversations(
        of user: UserID, _ page: ConversationPage, completion: @escaping (Result<ConversationList, Refusal>) -> Void
    ) {
        let conversations = opened.map { room in
            let facts = RoomFacts(name: room.description, createdBy: nil, createdAt: 1)
            let last = frames(of: room).last
            return Conversation(
                summary: RoomSummary(room: room, facts: facts, lastSeq: last?.seq ?? 0, last: last), marker: .none)
        }
        listReads += 1
        answer(.list) { refusal in
            completion(
                refusal.map { .failure($0) } ?? .success(page.cut(from: conversations)))
        }
    }

    func publicRooms(limit: Int, completion: @escaping (Result<[RoomSummary], Refusal>) -> Void) {
        completion(
            .success(
                publicFacts.map {
                    RoomSummary(room: $0, facts: $1, lastSeq: 0, last: nil, here: present[$0]?.count ?? 0)
                }))
    }

    func conversationOpened(in room: RoomID, from sender: UserID, to receiver: UserID) {
        noteOpened(room)
        correspondents[receiver] = sender
    }

    func isOnline(_ user: UserID, completion: @escaping (Result<Bool, Refusal>) -> Void) {
        completion(.success(users.contains(user)))
    }

    func lastCorrespondent(of user: UserID, completion: @escaping (Result<UserID?, Refusal>) -> Void) {
        completion(.success(correspondents[user]))
    }

    func entered(_ room: RoomID, by user: UserID) {}

    func lossSuspected() { listLosses += 1 }

    func said(_ receipt: PostReceipt, in room: RoomID, by user: UserID) {}

    func mark(
        _ room: RoomID, at marker: ReadMarker, by user: UserID,
        completion: @escaping (Result<ReadMarker, Refusal>) -> Void
    ) { completion(.success(marker)) }

    func who(_ room: RoomID, completion: @escaping (Result<[Occupant], Refusal>) -> Void) {
        let users = (present[room] ?? [:]).map { user, sessions in
            Occupant(user: user, name: names[user] ?? user.description, since: 1, sessions: sessions)
        }
        completion(.success(users))
    }

    func beat(_ figures: EdgeFigures, completion: @escaping (Result<EdgeCensus, Refusal>) -> Void) {
        completion(.success(census))
    }

    func note(_ change: OccupancyChange, completion: @escaping (Refusal?) -> Void) {
        peopled.formUnion(change.occupied)
        peopled.subtract(change.empty)
        completion(nil)
    }

    func bury(_ edge: EdgeID, completion: @escaping (Refusal?) -> Void) { completion(nil) }

    func bury(_ edges: [EdgeID], in room: RoomID, completion: @escaping (Result<Int, Refusal>) -> Void) {
        buried.append(edges)
        completion(.failure(.unavailable))
    }
}
