internal import RedisClient
internal import RedisProtocol
internal import RelayCore

/// The arguments and the reply of `heartbeat.lua`, and the commands that go with it.
///
/// | ARGV | is |
/// |---|---|
/// | 1 | the edge |
/// | 2 | how old in ms a heartbeat may be |
/// | 3 | how old in ms the entry of a dead edge may be |
enum HeartbeatCall {
    /// How long a dead edge stays on the list, so that whoever comes later knows that it is dead.
    static let burialMax: Duration = .seconds(86_400)
    /// How long the figures of an edge outlive its last heartbeat.
    static let figuresLifetime: Duration = .seconds(60)

    static func arguments(of edge: EdgeID) -> RedisArguments {
        RedisArguments([
            edge.description, "\(Limits.heartbeatLifetime.wholeMilliseconds)", "\(burialMax.wholeMilliseconds)",
        ])
    }

    static func census(_ value: RESPValue) -> EdgeCensus? {
        guard let parts = value.array, parts.count == 4, let now = parts[0].string.flatMap({ UInt64($0) }),
            let living = edges(parts[1]), let dead = edges(parts[2]), let known = parts[3].int
        else { return nil }
        return EdgeCensus(now: now, living: living, dead: dead, wasKnown: known == 1)
    }

    static func edges(_ value: RESPValue) -> [EdgeID]? {
        value.array?.compactMap { $0.string.map { EdgeID($0) } }
    }

    static func figures(_ figures: EdgeFigures, version: String, started: UInt64, key: String) -> [RedisCommand] {
        let hash = RedisCommand(
            "HSET", key, "address", figures.address, "version", version, "started", "\(started)",
            "sessions", "\(figures.sessions)", "rooms", "\(figures.rooms)", "posts", "\(figures.posts)",
            "deliveries", "\(figures.deliveries)", "lag", "\(figures.lag)")
        return [hash, RedisCommand("PEXPIRE", key, "\(figuresLifetime.wholeMilliseconds)")]
    }
}
