internal import NIOCore
internal import RedisClient
internal import RedisProtocol
internal import RelayCore

/// The sorted set of rooms, as one edge writes it: a room before its first post, scores at most once a second.
final class RoomList {
    private let keys: KeySpace
    private let posts: RedisCommander
    private let faults: StoreFaults
    private let clock: RedisClock
    private var touches = RoomTouchLedger()

    /// Rooms of one command.
    private static let roomsPerCommandMax = 1000

    init(keys: KeySpace, posts: RedisCommander, faults: StoreFaults, clock: RedisClock) {
        self.keys = keys
        self.posts = posts
        self.faults = faults
        self.clock = clock
    }

    /// A post is about to be sent; the room is listed in front of it where it may not be.
    func postLeaves(_ room: RoomID) {
        if touches.postLeaves(room) { add(room) }
    }

    /// Something was stored in the room.
    func stored(_ id: MessageID, in room: RoomID, now: Moment) {
        switch touches.stored(id, in: room, now: now) {
        case .none: break
        case .tell: tell()
        case .wait(let span):
            posts.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(span)) { [weak self] in self?.tell() }
        }
    }

    /// Something was put back into the room, up to this id. That is activity of now: the archiver finds its work by
    /// what was active in the last seconds, and looks at all rooms once a minute only.
    func restored(upTo id: MessageID, in room: RoomID, now: Moment) {
        stored(max(id, MessageID(milliseconds: clock.milliseconds, sequence: 0)), in: room, now: now)
    }

    /// The room was changed: what the archiver has to write down of it, it is to look for now.
    func changed(_ room: RoomID, now: Moment) {
        stored(MessageID(milliseconds: clock.milliseconds, sequence: 0), in: room, now: now)
    }

    /// The room is gone, by this edge or another: what waits of it is not told any more.
    func dropped(_ room: RoomID) { touches.dropped(room) }

    /// The room was deleted, and has to be archived to its end. Told at once: whoever has done that takes it off the
    /// list, and nothing may come behind.
    func deleted(_ room: RoomID) {
        dropped(room)
        send([room: clock.milliseconds])
    }

    /// Redis may have lost the list.
    func disconnected() {
        touches.disconnected()
    }

    /// Tells the scores that wait for the end of their second.
    func tell() {
        guard posts.isReady else { return touches.tellingFailed() }
        var scores: [RoomID: UInt64] = [:]
        for (room, milliseconds) in touches.take(now: RedisClock.now) {
            scores[room] = milliseconds
            guard scores.count >= Self.roomsPerCommandMax else { continue }
            send(scores)
            scores = [:]
        }
        if !scores.isEmpty { send(scores) }
    }

    /// Puts a room on the list where it is not there yet.
    func add(_ room: RoomID) {
        let command = RedisCommand("ZADD", keys.rooms, "NX", String(clock.milliseconds), room.description)
        posts.send(command) { [self] outcome in
            guard case .failure(let error) = outcome else { return }
            touches.listingLost(room)
            _ = faults.refusal(for: error, doing: "listing a room")
        }
    }

    /// Takes a room off the list, unless somebody has made it again in the meantime.
    func remove(_ room: RoomID) {
        dropped(room)
        posts.send(RedisCommand("ZREM", keys.rooms, room.description)) { _ in }
        posts.send(RedisCommand("EXISTS", keys.meta(of: room))) { [self] outcome in
            if (try? outcome.get().int) == 1 { add(room) }
        }
    }

    /// Takes a room off the list that was deleted, and of which nothing waits to be archived.
    func forget(_ room: RoomID) {
        dropped(room)
        posts.send(RedisCommand("ZREM", keys.rooms, room.description)) { _ in }
    }

    private func send(_ scores: [RoomID: UInt64]) {
        var command = RedisCommand("ZADD", keys.rooms, "GT")
        for (room, milliseconds) in scores {
            command.append(String(milliseconds))
            command.append(room.description)
        }
        posts.send(command) { [self] outcome in
            guard case .failure(let error) = outcome else { return }
            _ = faults.refusal(for: error, doing: "telling which rooms are active")
            // Other edges look there for what they missed: told with the next, or when the connection is back.
            touches.tellingFailed(scores)
        }
    }
}
