internal import NIOCore
internal import RedisClient
internal import RedisProtocol
public import RelayCore
internal import RelayWire

/// The lists of rooms: one call of `summary.lua` for each room that may be shown, and none for any other.
extension RedisRoomDirectory {
    /// One room with its members; nil where it does not exist. A private one is shown too: who may see it is for the
    /// caller to say.
    public func summary(of room: RoomID, completion: @escaping (Result<RoomSummary?, Refusal>) -> Void) {
        reads.send(RedisCommand("SMEMBERS", keys.members(of: room))) { [self] outcome in
            switch outcome {
            case .failure(let error): completion(.failure(faults.refusal(for: error, doing: "reading a room")))
            case .success(let value):
                let members = (value.array ?? []).compactMap { $0.string.flatMap { UserID($0) } }
                read(room, as: "*") { result in
                    completion(
                        result.flatMap { look in
                            switch look {
                            case .found(var summary):
                                summary.facts.members = Set(members)
                                return .success(summary)
                            case .none: return .success(nil)
                            case .broken: return .failure(.unavailable)
                            }
                        })
                }
            }
        }
    }

    /// A page of the user's own list. What this user said a moment ago, and has not been told yet, is told first.
    public func conversations(
        of user: UserID, _ page: ConversationPage = .first,
        completion: @escaping (Result<ConversationList, Refusal>) -> Void
    ) {
        let list = ListKey(user: user, activity: page.after?.activity, room: page.after?.room, limit: page.limit)
        switch listReads.asked(for: list, by: completion) {
        case .none: break
        case .read: read(list)
        case .refuse: completion(.failure(faults.refusal(for: .overloaded, doing: "reading a conversation list")))
        }
    }

    private func read(_ list: ListKey) {
        markers.tell(list.user)
        // By the connection of the posts, behind what was told.
        posts.send(RedisCommand("HGETALL", keys.rooms(of: list.user))) { [self] outcome in
            switch outcome {
            case .failure(let error):
                answer(list, .failure(faults.refusal(for: error, doing: "reading a conversation list")))
            case .success(let value):
                newest(of: MarkerCall.list(value), list.page) { [self] result in
                    switch result {
                    case .failure(let refusal): answer(list, .failure(refusal))
                    case .success(let (entries, more)):
                        readAll(entries.map(\.room), for: list.user) { [self] result in
                            answer(list, result.map { page(list, of: entries, $0, more: more) })
                        }
                    }
                }
            }
        }
    }

    private func answer(_ list: ListKey, _ result: Result<ConversationList, Refusal>) {
        let (readers, next) = listReads.answered(list)
        for reader in readers { reader(result) }
        // Without a connection reads fail as they are begun: the loop, and not one call inside the other, begins them.
        for list in next { posts.eventLoop.assumeIsolated().execute { self.read(list) } }
    }

    private typealias Entry = (room: RoomID, marker: ReadMarker)

    /// How far, in ms, a score may lie beside the time of the last message: scores come late.
    private static let scoreSlack: Double = 5000
    /// Rooms that are read beyond those of a page because their scores are that near; others may be out of place.
    private static let nearMax = 500

    /// Of a list that is too long to be shown whole the rooms that may be on a page, by their latest activity, and
    /// whether there are others below.
    private func newest(
        of entries: [Entry], _ page: ConversationPage,
        _ completion: @escaping (Result<([Entry], more: Bool), Refusal>) -> Void
    ) {
        guard entries.count > page.limit else { return completion(.success((entries, more: false))) }
        var command = RedisCommand("ZMSCORE", keys.rooms)
        command.append(contentsOf: entries.lazy.map(\.room.description))
        reads.send(command) { [faults] outcome in
            switch outcome {
            case .failure(let error):
                completion(.failure(faults.refusal(for: error, doing: "reading a conversation list")))
            case .success(let value):
                let scores = (value.array ?? []).map { $0.string.flatMap { Double($0) } ?? 0 }
                guard scores.count == entries.count else {
                    return completion(.failure(faults.unreadableReply(doing: "reading a conversation list")))
                }
                let top = page.after.map { Double($0.activity.milliseconds) } ?? .infinity
                // What bears nearly the time with which the page before ended may be on this one too, or may have been
                // on that one; and what bears nearly the time with which this one ends may be on it.
                let below = zip(entries, scores).filter { $0.1 <= top + Self.scoreSlack }
                    .sorted { ($0.1, $0.0.marker.id, $0.0.room) > ($1.1, $1.0.marker.id, $1.0.room) }
                let full = page.limit + below.count { $0.1 >= top - Self.scoreSlack }
                let end = full <= below.count && full > 0 ? below[full - 1].1 - Self.scoreSlack : -.infinity
                let near = below.dropFirst(full).prefix { $0.1 >= end }.count
                let count = full + min(near, Self.nearMax)
                completion(.success((below.prefix(count).map(\.0), more: below.count > count)))
            }
        }
    }

    private func page(
        _ list: ListKey, of entries: [Entry], _ looks: [RoomLook], more: Bool
    ) -> ConversationList {
        var conversations: [Conversation] = []
        var forgotten: [RoomID] = []
        for (entry, look) in zip(entries, looks) {
            switch look {
            case .found(let summary): conversations.append(Conversation(summary: summary, marker: entry.marker))
            case .none: if entry.marker == .none { forgotten.append(entry.room) }
            case .broken: break
            }
        }
        if !forgotten.isEmpty { markers.forget(forgotten, of: list.user) }
        conversations.sort { $0.place > $1.place }
        var shown = list.page.cut(from: conversations)
        shown.more = shown.more || more
        return shown
    }

    /// The latest rooms of `chat:rooms` that are not private.
    public func publicRooms(limit: Int, completion: @escaping (Result<[RoomSummary], Refusal>) -> Void) {
        let reader = { (result: Result<[RoomSummary], Refusal>) in
            completion(result.map { Array($0.prefix(max(0, limit))) })
        }
        switch lobbyReads.asked(for: keys.rooms, by: reader) {
        case .none: break
        case .read: readLobby()
        case .refuse: completion(.failure(faults.refusal(for: .overloaded, doing: "reading the list of rooms")))
        }
    }

    private func readLobby() {
        let command = RedisCommand("ZRANGE", keys.rooms, "0", "\(Limits.lobbyLookMax - 1)", "REV")
        reads.send(command) { [self] outcome in
            switch outcome {
            case .failure(let error):
                lobbyRead(.failure(faults.refusal(for: error, doing: "reading the list of rooms")))
            case .success(let value):
                let rooms = (value.array ?? []).compactMap { $0.string.flatMap { RoomID($0) } }
                readAll(rooms.filter { $0.directUsers == nil }, for: nil) { [self] result in
                    lobbyRead(result.map { $0.compactMap(\.summary) })
                }
            }
        }
    }

    private func lobbyRead(_ result: Result<[RoomSummary], Refusal>) {
        let (readers, next) = lobbyReads.answered(keys.rooms)
        for reader in readers { reader(result) }
        if !next.isEmpty { posts.eventLoop.assumeIsolated().execute { self.readLobby() } }
    }

    /// Reads summaries, so many at a time that other reads of the connection are not held up for long.
    private func readAll(
        _ rooms: [RoomID], for user: UserID?, _ completion: @escaping (Result<[RoomLook], Refusal>) -> Void
    ) {
        readAll(rooms[...], for: user, [], completion)
    }

    private func readAll(
        _ rooms: ArraySlice<RoomID>, for user: UserID?, _ read: [RoomLook],
        _ completion: @escaping (Result<[RoomLook], Refusal>) -> Void
    ) {
        let taken = rooms.prefix(100)
        guard !taken.isEmpty else { return completion(.success(read)) }
        var looks = [RoomLook](repeating: .none, count: taken.count)
        var (open, failure): (Int, Refusal?) = (taken.count, nil)
        for (index, room) in taken.enumerated() {
            self.read(room, as: Self.reader(of: room, user)) { [self] result in
                switch result {
                case .success(let look): looks[index] = look
                case .failure(let refusal): failure = refusal
                }
                open -= 1
                guard open == 0 else { return }
                if let failure { return completion(.failure(failure)) }
                readAll(rooms.dropFirst(taken.count), for: user, read + looks, completion)
            }
        }
    }

    /// As whom `summary.lua` looks. Whose a direct conversation is says its name: its members may be lost.
    private static func reader(of room: RoomID, _ user: UserID?) -> String {
        guard let user else { return "" }
        guard let (first, second) = room.directUsers, user == first || user == second else { return user.description }
        return "*"
    }

    private func read(
        _ room: RoomID, as reader: String, _ completion: @escaping (Result<RoomLook, Refusal>) -> Void
    ) {
        let keys = [keys.meta(of: room), keys.stream(of: room), keys.members(of: room), keys.here(in: room)]
        reads.evaluate(Scripts.summary, keys: keys, arguments: [reader]) { [faults] outcome in
            switch outcome {
            case .failure(let error):
                let refusal = faults.refusal(for: error, doing: "reading a room")
                completion(error.kind == .wrongType ? .success(.broken) : .failure(refusal))
            case .success(let value):
                guard !value.isNull else { return completion(.success(.none)) }
                guard let summary = SummaryReply.summary(value, of: room) else {
                    _ = faults.unreadableReply(doing: "reading a room")
                    return completion(.success(.broken))
                }
                completion(.success(.found(summary)))
            }
        }
    }
}

/// What a look at one room showed.
private enum RoomLook {
    case found(RoomSummary)
    /// There is no such room, or it is not for who looks.
    case none
    /// Somebody has put something else into its keys. It is missing on lists, and the other rooms are not.
    case broken

    var summary: RoomSummary? {
        if case .found(let summary) = self { return summary }
        return nil
    }
}

/// Reads the reply of `summary.lua`.
enum SummaryReply {
    static func summary(_ value: RESPValue, of room: RoomID) -> RoomSummary? {
        guard let parts = value.array, parts.count == 9, let createdAt = parts[2].string,
            let seq = parts[5].string.flatMap({ UInt64($0) }), let entries = parts[6].array
        else { return nil }
        let facts = RoomFacts(
            name: parts[0].string ?? room.description, createdBy: parts[1].string.flatMap { UserID($0) },
            createdAt: UInt64(createdAt) ?? 0, topic: parts[3].string ?? "", isPrivate: parts[4].string == "1")
        let last = entries.first.flatMap { HistoryReply.frame(of: $0, in: room) }
        var summary = RoomSummary(room: room, facts: facts, lastSeq: seq, last: last, here: parts[7].int)
        summary.formerSeq = parts[8].string.flatMap { UInt64($0) } ?? 0
        return summary
    }
}
