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
                        result.map { found in
                            var summary = found
                            summary?.facts.members = Set(members)
                            return summary
                        })
                }
            }
        }
    }

    /// The user's own list. What this user said a moment ago, and has not been told yet, is told first.
    public func conversations(
        of user: UserID, _ page: ConversationPage = .first,
        completion: @escaping (Result<ConversationList, Refusal>) -> Void
    ) {
        markers.tell()
        // By the connection of the posts, behind what was told.
        posts.send(RedisCommand("HGETALL", keys.rooms(of: user))) { [self] outcome in
            switch outcome {
            case .failure(let error):
                completion(.failure(faults.refusal(for: error, doing: "reading a conversation list")))
            case .success(let value):
                let entries = MarkerCall.list(value)
                readAll(entries.map(\.room), for: user) { result in
                    completion(result.map { self.list(entries, $0, of: user, page) })
                }
            }
        }
    }

    private func list(
        _ entries: [(room: RoomID, marker: ReadMarker)], _ summaries: [RoomSummary?], of user: UserID,
        _ page: ConversationPage
    ) -> ConversationList {
        var conversations: [Conversation] = []
        var forgotten: [RoomID] = []
        for (entry, summary) in zip(entries, summaries) {
            if let summary {
                conversations.append(Conversation(summary: summary, marker: entry.marker))
            } else if entry.marker == .none {
                forgotten.append(entry.room)
            }
        }
        if !forgotten.isEmpty { markers.forget(forgotten, of: user) }
        conversations.sort { $0.place > $1.place }
        return page.cut(from: conversations)
    }

    /// The latest rooms of `chat:rooms` that are not private.
    public func publicRooms(limit: Int, completion: @escaping (Result<[RoomSummary], Refusal>) -> Void) {
        let command = RedisCommand("ZRANGE", keys.rooms, "0", "\(Limits.lobbyLookMax - 1)", "REV")
        reads.send(command) { [self] outcome in
            switch outcome {
            case .failure(let error):
                completion(.failure(faults.refusal(for: error, doing: "reading the list of rooms")))
            case .success(let value):
                let rooms = (value.array ?? []).compactMap { $0.string.flatMap { RoomID($0) } }
                readAll(rooms.filter { $0.directUsers == nil }, for: nil) { result in
                    completion(result.map { Array($0.lazy.compactMap { $0 }.prefix(max(0, limit))) })
                }
            }
        }
    }

    /// Reads summaries, so many at a time that other reads of the connection are not held up for long.
    private func readAll(
        _ rooms: [RoomID], for user: UserID?, _ completion: @escaping (Result<[RoomSummary?], Refusal>) -> Void
    ) {
        readAll(rooms[...], for: user, [], completion)
    }

    private func readAll(
        _ rooms: ArraySlice<RoomID>, for user: UserID?, _ read: [RoomSummary?],
        _ completion: @escaping (Result<[RoomSummary?], Refusal>) -> Void
    ) {
        let taken = rooms.prefix(100)
        guard !taken.isEmpty else { return completion(.success(read)) }
        var found = [RoomSummary?](repeating: nil, count: taken.count)
        var (open, failure): (Int, Refusal?) = (taken.count, nil)
        for (index, room) in taken.enumerated() {
            self.read(room, as: user?.description ?? "") { [self] result in
                switch result {
                case .success(let summary): found[index] = summary
                case .failure(let refusal): failure = refusal
                }
                open -= 1
                guard open == 0 else { return }
                if let failure { return completion(.failure(failure)) }
                readAll(rooms.dropFirst(taken.count), for: user, read + found, completion)
            }
        }
    }

    private func read(
        _ room: RoomID, as reader: String, _ completion: @escaping (Result<RoomSummary?, Refusal>) -> Void
    ) {
        let keys = [keys.meta(of: room), keys.stream(of: room), keys.members(of: room), keys.here(in: room)]
        reads.evaluate(Scripts.summary, keys: keys, arguments: [reader]) { [faults] outcome in
            switch outcome {
            case .failure(let error): completion(.failure(faults.refusal(for: error, doing: "reading a room")))
            case .success(let value):
                guard !value.isNull else { return completion(.success(nil)) }
                guard let summary = SummaryReply.summary(value, of: room) else {
                    return completion(.failure(faults.unreadableReply(doing: "reading a room")))
                }
                completion(.success(summary))
            }
        }
    }
}

/// Reads the reply of `summary.lua`.
enum SummaryReply {
    static func summary(_ value: RESPValue, of room: RoomID) -> RoomSummary? {
        guard let parts = value.array, parts.count == 8, let createdAt = parts[2].string,
            let seq = parts[5].string.flatMap({ UInt64($0) }), let entries = parts[6].array
        else { return nil }
        let facts = RoomFacts(
            name: parts[0].string ?? room.description, createdBy: parts[1].string.flatMap { UserID($0) },
            createdAt: UInt64(createdAt) ?? 0, topic: parts[3].string ?? "", isPrivate: parts[4].string == "1")
        let last = entries.first.flatMap { HistoryReply.frame(of: $0, in: room) }
        return RoomSummary(room: room, facts: facts, lastSeq: seq, last: last, here: parts[7].int)
    }
}
