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
/// | 4… | edges that are buried: off the list, if they are still dead |
enum HeartbeatCall {
    /// How long a dead edge stays on the list where nobody buries it: nobody lives who could.
    static let burialMax: Duration = .seconds(30 * 86_400)
    /// How long it stays there after its burial, so that each living edge has seen that it is dead.
    static let mourning: Duration = .seconds(60)
    /// How long the figures of an edge outlive its last heartbeat.
    static let figuresLifetime: Duration = .seconds(60)

    static func arguments(of edge: EdgeID, buried: [EdgeID] = []) -> RedisArguments {
        var arguments = RedisArguments([
            edge.description, "\(Limits.heartbeatLifetime.wholeMilliseconds)", "\(burialMax.wholeMilliseconds)",
        ])
        arguments.append(contentsOf: buried.lazy.map(\.description))
        return arguments
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

    static func figures(_ figures: EdgeFigures, version: String, started: UInt64, key: String, rooms: String)
        -> [RedisCommand]
    {
        let hash = RedisCommand(
            "HSET", key, "address", figures.address, "version", version, "started", "\(started)",
            "sessions", "\(figures.sessions)", "rooms", "\(figures.rooms)", "posts", "\(figures.posts)",
            "deliveries", "\(figures.deliveries)", "lag", "\(figures.lag)")
        return [
            hash, RedisCommand("PEXPIRE", key, "\(figuresLifetime.wholeMilliseconds)"),
            RedisCommand("PEXPIRE", rooms, "\(burialMax.wholeMilliseconds)"),
        ]
    }
}
