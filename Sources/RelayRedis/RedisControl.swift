internal import NIOCore
internal import RedisClient
internal import RedisProtocol
public import RelayCore
internal import RelayWire

/// The control channel of one Redis node.
///
/// Confined to the event loop of its `RedisRelay`. Sanctions stand in two sorted sets, `chat:kicked` and `chat:muted`:
/// `USER` or `USER ROOM` → the ms at which it ends. Commands that it needs: `SUBSCRIBE`, `PUBLISH`, `ZADD`, `ZREM`,
/// `ZRANGEBYSCORE`, `ZREMRANGEBYSCORE`.
public final class RedisControl: ControlChannel {
    /// Who is told what comes in; not retained.
    public weak var delegate: (any ControlChannelDelegate)?

    private let keys: KeySpace
    private let edge: EdgeID
    private let posts: RedisCommander
    private let faults: StoreFaults

    init(
        _ configuration: RedisRelayConfiguration, posts: RedisCommander, faults: StoreFaults,
        subscriptions: RoomSubscriptions
    ) {
        keys = configuration.keys
        edge = configuration.edge
        self.posts = posts
        self.faults = faults
        subscriptions.listen(to: keys.control) { [weak self] payload in
            guard let payload else { return self?.delegate?.controlSubscribed() ?? () }
            self?.delegate?.controlReceived(payload)
        }
        subscriptions.listen(to: keys.usage) { [weak self] payload in
            guard let self, let payload, let (edge, usages) = UsageCoder.decode(payload), edge != self.edge else {
                return
            }
            delegate?.usageReceived(usages, from: edge)
        }
    }

    /// `PUBLISH` on `chat:control`, which this edge hears too.
    public func order(_ command: ControlCommand, completion: @escaping (Refusal?) -> Void) {
        let payload = String(buffer: ControlCoder.encode(command))
        posts.send(RedisCommand("PUBLISH", keys.control, payload)) { [faults] outcome in
            switch outcome {
            case .failure(let error): completion(faults.refusal(for: error, doing: "telling an order"))
            // An order that nobody hears is none.
            case .success(let value): completion(value.int == 0 ? .unavailable : nil)
            }
        }
    }

    /// `ZADD … GT`: every edge that heard of it writes it, and the longest holds.
    public func remember(_ sanction: Sanction, untilMilliseconds: UInt64, completion: @escaping (Bool) -> Void) {
        let command = RedisCommand(
            "ZADD", keys.sanctions(sanction.kind), "GT", "\(untilMilliseconds)",
            Self.member(sanction.user, sanction.room))
        posts.send(command) { [faults] outcome in
            if case .failure(let error) = outcome {
                _ = faults.refusal(for: error, doing: "remembering a sanction")
                return completion(false)
            }
            completion(true)
        }
    }

    /// `ZREM` from both sets.
    public func forget(user: UserID, room: RoomID?) {
        for kind in Sanction.Kind.allCases {
            posts.send(RedisCommand("ZREM", keys.sanctions(kind), Self.member(user, room))) { [faults] outcome in
                guard case .failure(let error) = outcome else { return }
                _ = faults.refusal(for: error, doing: "lifting a sanction")
            }
        }
    }

    /// Reads by the connection that writes, so that what was remembered before is in the answer; takes away what is
    /// over.
    public func readSanctions(
        nowMilliseconds: UInt64,
        completion: @escaping (Result<[(sanction: Sanction, untilMilliseconds: UInt64)], Refusal>) -> Void
    ) {
        read(.kick, nowMilliseconds) { [self] kicks in
            read(.mute, nowMilliseconds) { mutes in
                completion(kicks.flatMap { kicks in mutes.map { kicks + $0 } })
            }
        }
    }

    private func read(
        _ kind: Sanction.Kind, _ now: UInt64,
        _ completion: @escaping (Result<[(sanction: Sanction, untilMilliseconds: UInt64)], Refusal>) -> Void
    ) {
        let key = keys.sanctions(kind)
        let command = RedisCommand(
            "ZRANGEBYSCORE", key, "(\(now)", "+inf", "WITHSCORES", "LIMIT", "0", "\(SanctionLedger.sanctionsMax)")
        posts.send(command) { [faults] outcome in
            switch outcome {
            case .failure(let error):
                completion(.failure(faults.refusal(for: error, doing: "reading the sanctions")))
            case .success(let value):
                let flat = value.array ?? []
                let found = stride(from: 0, to: flat.count - 1, by: 2).compactMap { index in
                    Self.sanction(kind, flat[index].string, flat[index + 1].string)
                }
                faults.foreignEntries(flat.count / 2 - found.count)
                completion(.success(found))
            }
        }
        posts.send(RedisCommand("ZREMRANGEBYSCORE", key, "-inf", "\(now)")) { _ in }
    }

    /// Publishes on `chat:usage`, where somebody is to be told of.
    public func tell(_ usages: [UserUsage]) {
        guard !usages.isEmpty else { return }
        let payload = String(buffer: UsageCoder.encode(usages, edge: edge))
        posts.send(RedisCommand("PUBLISH", keys.usage, payload)) { _ in }
    }

    private static func member(_ user: UserID, _ room: RoomID?) -> String {
        room.map { "\(user) \($0)" } ?? user.description
    }

    private static func sanction(
        _ kind: Sanction.Kind, _ member: String?, _ score: String?
    ) -> (sanction: Sanction, untilMilliseconds: UInt64)? {
        let parts = (member ?? "").split(separator: " ", omittingEmptySubsequences: false)
        guard let score = score.flatMap({ Double($0) }), (0...9.0e18).contains(score), (1...2).contains(parts.count),
            let user = UserID(parts[0])
        else { return nil }
        var room: RoomID?
        if parts.count == 2 {
            guard let named = RoomID(parts[1]) else { return nil }
            room = named
        }
        return (Sanction(kind, user: user, room: room), UInt64(score))
    }
}
