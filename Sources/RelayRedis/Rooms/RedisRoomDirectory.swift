internal import NIOCore
internal import RedisClient
internal import RedisProtocol
public import RelayCore
internal import RelayWire

/// The rooms of one Redis node.
///
/// Confined to the event loop of its `RedisRelay`. Who may change a room is looked at in the script that changes it.
/// Commands that it needs: `EVALSHA`, `SCRIPT LOAD`, `HGETALL`, `HDEL`, `ZRANGE`, `ZREM`, `ZMSCORE`, and in scripts
/// `TIME`, `HMGET`, `HSET`, `HSETNX`, `HLEN`, `HKEYS`, `SADD`, `SREM`, `SCARD`, `SISMEMBER`, `XLEN`, `XREVRANGE`,
/// `DEL`, `PEXPIRE`, `GET`, `SET`, `PUBLISH`.
public final class RedisRoomDirectory: RoomDirectory {
    let keys: KeySpace
    let posts: RedisCommander
    let reads: RedisCommander
    let faults: StoreFaults
    let markers: RedisReadMarkers
    /// Who waits for conversation lists.
    var listReads = ListReadLedger<ListKey, (Result<ConversationList, Refusal>) -> Void>(
        underWayMax: Limits.listReadsMax, readersMax: Limits.listReadersMax)
    /// Who waits for the list of a lobby, which is one for all.
    var lobbyReads = ListReadLedger<String, (Result<[RoomSummary], Refusal>) -> Void>(
        underWayMax: 1, readersMax: Limits.listReadersMax)
    private let edge: EdgeID
    private let isArchived: Bool
    private let list: RoomList

    init(
        _ configuration: RedisRelayConfiguration, posts: RedisCommander, reads: RedisCommander, faults: StoreFaults,
        list: RoomList, markers: RedisReadMarkers
    ) {
        keys = configuration.keys
        edge = configuration.edge
        isArchived = configuration.keep == nil
        self.posts = posts
        self.reads = reads
        self.faults = faults
        self.list = list
        self.markers = markers
    }

    /// Makes a room: counted against its creator first, so that a room that exists already costs a place too.
    public func create(
        _ plan: RoomPlan, by user: UserID, completion: @escaping (Result<RoomFacts, Refusal>) -> Void
    ) {
        takeQuota(of: user) { [self] refusal in
            if let refusal { return completion(.failure(refusal)) }
            list.add(plan.room)
            posts.evaluate(
                Scripts.create, keys: CreateCall.keys(of: plan.room, in: keys),
                arguments: CreateCall.arguments(of: plan, by: user)
            ) { [self] outcome in
                let result = outcome.map { created($0, plan, by: user) }
                if case .success(.failure(let refusal)) = result, refusal.code == .exists { returnQuota(of: user) }
                switch result {
                case .failure(let error): completion(.failure(faults.refusal(for: error, doing: "making a room")))
                case .success(let result): completion(result)
                }
            }
        }
    }

    private func created(_ value: RESPValue, _ plan: RoomPlan, by user: UserID) -> Result<RoomFacts, Refusal> {
        guard let parts = value.array, parts.count == 2, let made = parts[0].int,
            let now = parts[1].string.flatMap({ UInt64($0) })
        else { return .failure(faults.unreadableReply(doing: "making a room")) }
        switch made {
        case 1: break
        case 0: return .failure(Refusal(.exists, "There is a room of that name."))
        default:
            return .failure(
                Refusal(
                    .exists, "A room of that name was deleted and is being archived.", retryAfter: .seconds(5)))
        }
        let members = plan.isPrivate ? Set(plan.members).union([user]) : []
        markers.entered(plan.room, by: user)
        for member in members { markers.entered(plan.room, by: member) }
        return .success(
            RoomFacts(
                name: plan.name?.description ?? plan.room.description, createdBy: user, createdAt: now,
                topic: plan.topic, isPrivate: plan.isPrivate, members: members))
    }

    /// Asks `quota.lua`, which counts in `chat:user:{USER}:created`.
    public func checkQuota(of user: UserID, completion: @escaping (Refusal?) -> Void) {
        count(0, of: user, completion)
    }

    /// Counts by `quota.lua`.
    public func takeQuota(of user: UserID, completion: @escaping (Refusal?) -> Void) {
        count(1, of: user, completion)
    }

    /// Takes back what was counted by `quota.lua`; where Redis is away the user has one room less within the hour.
    public func returnQuota(of user: UserID) {
        count(-1, of: user) { _ in }
    }

    private func count(_ rooms: Int, of user: UserID, _ completion: @escaping (Refusal?) -> Void) {
        let arguments: RedisArguments = [
            "\(Limits.roomsCreatedMax)", "\(Limits.roomsCreatedSpan.wholeMilliseconds)", "\(rooms)",
        ]
        posts.evaluate(Scripts.quota, keys: [keys.created(by: user)], arguments: arguments) { [faults] outcome in
            switch outcome {
            case .failure(let error): completion(faults.refusal(for: error, doing: "counting new rooms"))
            case .success(let value):
                guard let parts = value.array, parts.count == 2, let isAllowed = parts[0].int, let left = parts[1].int
                else { return completion(faults.unreadableReply(doing: "counting new rooms")) }
                completion(
                    isAllowed == 1
                        ? nil
                        : Refusal(
                            .rateLimited, "\(Limits.roomsCreatedMax) new rooms an hour are allowed.",
                            retryAfter: .milliseconds(left)))
            }
        }
    }

    /// Changes a room by `change.lua`, which publishes what is other now.
    public func change(
        _ room: RoomID, _ change: RoomChange, by identity: Identity,
        completion: @escaping (Result<Void, Refusal>) -> Void
    ) {
        guard !change.isEmpty else { return completion(.success(())) }
        var arguments = caller(identity, in: room)
        arguments.append(Limits.membersMax)
        arguments.append(change.name?.description ?? "")
        arguments.append(notice(.name, in: room, by: identity, "\(identity.user) has renamed this room."))
        arguments.append(change.isPrivate.map { $0 ? "1" : "0" } ?? "")
        arguments.append(notice(.members, in: room, by: identity, "\(identity.user) has changed who is in this room."))
        arguments.append(change.added.count)
        arguments.append(contentsOf: change.added.lazy.map(\.description))
        arguments.append(contentsOf: change.removed.lazy.map(\.description))
        let keys = [keys.meta(of: room), keys.members(of: room), keys.channelName(of: room)]
        posts.evaluate(Scripts.change, keys: keys, arguments: arguments) { [self] outcome in
            let outcome = verdict(outcome, doing: "changing a room")
            if case .success = outcome {
                for user in change.added { markers.entered(room, by: user) }
                list.changed(room, now: RedisClock.now)
            }
            completion(outcome.map { _ in })
        }
    }

    /// Deletes a room by `remove.lua`, which publishes that it is gone.
    public func remove(_ room: RoomID, by identity: Identity, completion: @escaping (Result<Void, Refusal>) -> Void) {
        var arguments = caller(identity, in: room)
        arguments.append(notice(.deleted, in: room, by: identity, "\(identity.user) has deleted this room."))
        arguments.append(isArchived ? 1 : 0)
        arguments.append(Int(Limits.emptyTombstoneSpan.wholeMilliseconds))
        let keys = [
            keys.meta(of: room), keys.stream(of: room), keys.members(of: room), keys.deleted(of: room),
            keys.channelName(of: room), keys.sentPrefix(of: room),
        ]
        posts.evaluate(Scripts.remove, keys: keys, arguments: arguments) { [self] outcome in
            let outcome = verdict(outcome, doing: "deleting a room")
            switch outcome {
            case .success("GONE"): list.forget(room)
            case .success: list.deleted(room)
            case .failure: break
            }
            completion(outcome.map { _ in })
        }
    }

    private func caller(_ identity: Identity, in room: RoomID) -> RedisArguments {
        [identity.user.description, identity.permissions.isAdmin ? "1" : "0", "PUBLISH"]
    }

    private func notice(
        _ change: LiveEvent.Change, in room: RoomID, by identity: Identity, _ text: String
    ) -> ByteBuffer {
        EventCoder.encode(.notice(change, in: room, by: identity.user, text: text), edge: edge)
    }

    /// What a script says that answers with one word.
    private func verdict(
        _ outcome: Result<RESPValue, RedisError>, doing task: StaticString
    ) -> Result<String, Refusal> {
        switch outcome {
        case .failure(let error): return .failure(faults.refusal(for: error, doing: task))
        case .success(let value):
            switch value.string {
            case "NOROOM": return .failure(.noSuchRoom)
            case "FORBIDDEN": return .failure(Refusal(.forbidden, "Only the room's creator or an admin may do that."))
            case "FULL":
                return .failure(Refusal(.full, "A room may have \(Limits.membersMax) members."))
            case "CREATOR": return .failure(Refusal(.badRequest, "The room's creator stays a member."))
            case let word?: return .success(word)
            case nil: return .failure(faults.unreadableReply(doing: task))
            }
        }
    }
}
