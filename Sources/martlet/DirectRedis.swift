import Foundation
import Logging
import NIOPosix
import RedisClient
import RelaySettings

/// A connection to Redis of a command that asks it directly.
struct DirectRedis {
    let configuration: RedisConfiguration
    let client: RedisClient

    /// To the Redis of the flag, of the environment or of `martlet up`, in this order.
    ///
    /// - Throws: `SettingError`.
    init(url: String?, clientName: String) throws(SettingError) {
        let environment = ProcessInfo.processInfo.environment
        let url = url ?? environment["MARTLET_REDIS_URL"] ?? UpRecord.ofRunning()?.redis ?? "redis://127.0.0.1:6379"
        configuration = try RedisSetting.configuration(url: url, clientName: clientName, environment: environment)
        do {
            client = try RedisClient(
                configuration: configuration, eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                logger: Logger(label: "martlet") { _ in SwiftLogNoOpLogHandler() })
        } catch {
            throw SettingError(setting: "--redis-url", problem: error.description)
        }
    }

    func close() async { await client.close() }
}
