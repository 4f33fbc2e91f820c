internal import NIOCore
internal import RedisClient
internal import RedisProtocol
public import RelayCore

/// The directory of one Redis node.
///
/// Confined to the event loop of its `RedisRelay`. Commands that it needs: `EVALSHA`, `SCRIPT LOAD`, `HSET`, `PEXPIRE`,
/// `ZADD`, `ZREM`, `DEL`, `EXISTS`, `HGETALL`, `ZRANGEBYSCORE`, `ZRANGE`, and in scripts `TIME`, `HGET`, `HMGET`,
/// `HLEN`, `HKEYS`, `HSETNX`, `HDEL`, `XLEN`, `XREVRANGE`, `ZREMRANGEBYSCORE`, `PUBLISH`, `SADD`, `SREM`,
/// `SPOP`, `GET`, `SET`.
public final class RedisDirectory: Directory {
    /// Rooms in one answer of `roomsActive`, the longest quiet first; ask again from the last one's time for the rest.
    public static let activeRoomsMax = 50_000

    let keys: KeySpace
    let edge: EdgeID
    let posts: RedisCommander
    let reads: RedisCommander
    let faults: StoreFaults
    let list: RoomList
    private let knownRooms: KnownRooms
    var census: EdgeCensusLedger
    var burials = BurialLedger()
    private let version: String
    let clock: RedisClock
    private var started: UInt64?

    init(
        _ configuration: RedisRelayConfiguration, posts: RedisCommander, reads: RedisCommander, faults: StoreFaults,
        clock: RedisClock, list: RoomList, knownRooms: KnownRooms
    ) {
        self.knownRooms = knownRooms
        keys = configuration.keys
        edge = configuration.edge
        version = configuration.version
        census = EdgeCensusLedger(own: configuration.edge)
        self.posts = posts
        self.reads = reads
        self.faults = faults
        self.clock = clock
        self.list = list
    }

    /// Makes a public room of that id where there is none. One that was deleted, and is not archived to its end, is
    /// `no_such_room`. A direct conversation is private, and its two people are its members.
    public func create(_ room: RoomID, by user: UserID, completion: @escaping (Result<Bool, Refusal>) -> Void) {
        // What the room was, where this edge knows it: it was lost then.
        var arguments: RedisArguments = [room.description, user.description]
        var nature = knownRooms[room]?.fields ?? Array(repeating: "", count: RoomNature.names.count)
        if room.directUsers != nil { nature[4] = "1" }
        arguments.append(contentsOf: nature)
        if let (first, second) = room.directUsers { arguments.append(contentsOf: [first, second].map(\.description)) }
        posts.evaluate(Scripts.create, keys: CreateCall.keys(of: room, in: keys), arguments: arguments) {
            [faults] outcome in
            switch outcome {
            case .failure(let error): completion(.failure(faults.refusal(for: error, doing: "making a room")))
            case .success(let value):
                let made = value.array?.first?.int
                completion(made == -1 ? .failure(.noSuchRoom) : .success(made == 1))
            }
        }
        list.add(room)
    }

    /// Writes the heartbeat and the figures in one flush, but for the first time, when they follow on its answer.
    ///
    /// The census names an edge dead only when our own heartbeats have gone through for 15 s; until then a stale edge
    /// is in neither list. A Redis that is out of memory takes the heartbeat, but not new figures.
    public func beat(_ figures: EdgeFigures, completion: @escaping (Result<EdgeCensus, Refusal>) -> Void) {
        posts.evaluate(
            Scripts.heartbeat, keys: [keys.edges],
            arguments: HeartbeatCall.arguments(of: edge, buried: burials.mourned(now: RedisClock.now))
        ) { [self] outcome in
            switch outcome {
            case .success(let value):
                guard let told = HeartbeatCall.census(value) else {
                    return completion(.failure(faults.unreadableReply(doing: "the heartbeat")))
                }
                clock.told(milliseconds: told.now)
                burials.listed(told.dead)
                if started == nil { write(figures, started: told.now) }
                completion(.success(census.beatSucceeded(now: RedisClock.now, told)))
            case .failure(let error):
                completion(.failure(faults.refusal(for: error, doing: "the heartbeat")))
            }
        }
        // The first time Redis has not told yet when that is.
        if let started { write(figures, started: started) }
    }

    private func write(_ figures: EdgeFigures, started: UInt64) {
        self.started = started
        let commands = HeartbeatCall.figures(
            figures, version: version, started: started, key: keys.edge(edge),
            rooms: keys.rooms(of: edge))
        for command in commands {
            posts.send(command) { [faults] outcome in
                guard case .failure(let error) = outcome else { return }
                _ = faults.refusal(for: error, doing: "writing the edge's figures")
            }
        }
    }

    /// The rooms of `chat:rooms` with a score of at least `since`; at most `activeRoomsMax` of them.
    public func roomsActive(since: UInt64, completion: @escaping (Result<[RoomActivity], Refusal>) -> Void) {
        let command = RedisCommand(
            "ZRANGEBYSCORE", keys.rooms, "\(since)", "+inf", "WITHSCORES", "LIMIT", "0", "\(Self.activeRoomsMax)")
        reads.send(command) { [faults] outcome in
            switch outcome {
            case .failure(let error): completion(.failure(faults.refusal(for: error, doing: "looking for activity")))
            case .success(let value):
                let flat = value.array ?? []
                let rooms = stride(from: 0, to: flat.count - 1, by: 2).compactMap { index -> RoomActivity? in
                    guard let room = flat[index].string.flatMap({ RoomID($0) }),
                        let score = flat[index + 1].string.flatMap({ Double($0) }), (0...9.0e18).contains(score)
                    else { return nil }
                    return RoomActivity(room: room, milliseconds: UInt64(score))
                }
                faults.foreignEntries(flat.count / 2 - rooms.count)
                completion(.success(rooms))
            }
        }
    }

    /// Takes this edge off the list and its figures away.
    public func retire(completion: @escaping () -> Void) {
        posts.send(RedisCommand("ZREM", keys.edges, edge.description)) { _ in }
        posts.send(RedisCommand("DEL", keys.edge(edge), keys.rooms(of: edge))) { _ in completion() }
    }
}
