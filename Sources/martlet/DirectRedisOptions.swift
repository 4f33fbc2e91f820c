import ArgumentParser
import Foundation
import RelayRedis
import RelaySettings

/// Which Redis a command asks directly, and which keys there are the relay's.
struct DirectRedisOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where Redis is.",
            discussion: "Default: MARTLET_REDIS_URL, else the Redis of `martlet up`, else redis://127.0.0.1:6379."))
    var redisUrl: String?

    @Option(help: "What every key in Redis begins with.")
    var keyPrefix = "chat"

    /// The flag's Redis, the environment's, that of `martlet up` or the usual one, in this order.
    var url: String {
        redisUrl ?? ProcessInfo.processInfo.environment["MARTLET_REDIS_URL"] ?? UpRecord.ofRunning()?.redis
            ?? "redis://127.0.0.1:6379"
    }

    func keys() throws(SettingError) -> KeySpace {
        guard let keys = KeySpace(prefix: keyPrefix) else {
            throw SettingError(setting: "--key-prefix", problem: "it takes letters, digits and . _ : - only")
        }
        return keys
    }
}
