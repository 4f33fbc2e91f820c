import RedisClient
import RedisProtocol
import RelayCore
import RelayRedis

/// Tries every command that an edge needs, on keys of nobody's room, and names those that the user may not run.
///
/// Redis looks at rights before it does anything, so most of these find nothing and change nothing; what the others
/// write is taken away.
struct RightsTrial {
    let client: RedisClient
    let keys: KeySpace
    let room: RoomID

    /// What is refused, each as `COMMAND KEY` or `COMMAND`; empty where all is allowed.
    func refused() async throws(RedisError) -> [String] {
        var refused: [String] = []
        for words in commands {
            var command = RedisCommand(words[0])
            command.append(contentsOf: words.dropFirst())
            do {
                _ = try await client.execute(command)
            } catch {
                // Any other error comes after the question of rights, or from a Redis that other hops speak of.
                guard case .serverError = error else { throw error }
                if error.kind == .noPermission { refused.append(Self.name(of: words)) }
            }
        }
        var removal = RedisCommand("DEL")
        removal.append(contentsOf: ["hash", "set", "sorted", "string"].map(key))
        _ = try? await client.execute(removal)
        return refused
    }

    private static let containers: Set<String> = ["CLIENT", "SCRIPT", "XINFO", "PUBSUB"]

    private static func name(of words: [String]) -> String {
        containers.contains(words[0]) ? "\(words[0]) \(words[1])" : words[0]
    }

    private func key(_ kind: String) -> String { "\(keys.stream(of: room)):trial:\(kind)" }

    /// Should nobody come to take it away again, a key goes by itself.
    private func expiry(_ key: String) -> [String] { ["PEXPIRE", key, "60000"] }

    private var commands: [[String]] {
        let (hash, set, sorted, string) = (key("hash"), key("set"), key("sorted"), key("string"))
        let stream = key("stream")
        let nobody = "\(keys.prefix):user:\(room)"
        return [
            ["INFO", "server"], ["TIME"], ["WAIT", "0", "1"], ["CLIENT", "GETNAME"], ["CLIENT", "ID"],
            ["EVAL", "return 1", "0"], ["SCRIPT", "EXISTS", "0"], ["EVALSHA", "0", "0"],
            ["XADD", stream, "NOMKSTREAM", "*", "seq", "0"], ["XRANGE", stream, "-", "+"],
            ["XREVRANGE", stream, "+", "-"], ["XLEN", stream], ["XINFO", "STREAM", stream],
            ["XTRIM", stream, "MAXLEN", "0"], ["XSETID", stream, "0-1"],
            ["HSET", hash, "field", "1"], expiry(hash), ["HSETNX", hash, "field", "1"],
            ["HINCRBY", hash, "field", "1"],
            ["HGET", hash, "field"], ["HMGET", hash, "field"], ["HGETALL", hash], ["HKEYS", hash], ["HLEN", hash],
            ["HEXISTS", hash, "field"], ["HDEL", hash, "field"],
            ["SADD", set, "x"], expiry(set), ["SREM", set, "y"], ["SPOP", set, "0"],
            ["SMEMBERS", set], ["SISMEMBER", set, "x"],
            ["SMISMEMBER", set, "x"], ["SCARD", set],
            ["ZADD", sorted, "1", "x"], expiry(sorted), ["ZRANGE", sorted, "0", "0"],
            ["ZRANGEBYSCORE", sorted, "0", "0"],
            ["ZSCORE", sorted, "x"], ["ZMSCORE", sorted, "x"], ["ZCARD", sorted],
            ["ZREMRANGEBYSCORE", sorted, "0", "0"], ["ZREM", sorted, "x"],
            ["SET", string, "1", "PX", "60000"], ["GET", string], ["EXISTS", string], ["EXPIRE", string, "60"],
            ["PEXPIRE", string, "60000"], ["UNLINK", string], ["DEL", string],
            ["PUBSUB", "NUMSUB", nobody], ["PUBLISH", nobody, ""],
            // The keys that are no room's: what takes away what is not there.
            ["ZREM", keys.rooms, room.description], ["ZREM", keys.edges, room.description],
            ["HDEL", "\(nobody):rooms", room.description], ["DEL", "\(nobody):reply"],
            ["DEL", "\(keys.prefix):edge:\(room)"],
        ]
    }
}
