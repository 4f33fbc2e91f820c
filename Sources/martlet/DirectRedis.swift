import Foundation
import Logging
import NIOPosix
import RedisClient
import RelaySettings

/// A connection to Redis of a command that asks it directly.
struct DirectRedis {
    let configuration: RedisConfiguration
    let client: RedisClient

    /// - Throws: `SettingError`.
    init(_ options: DirectRedisOptions, clientName: String) throws(SettingError) {
        configuration = try RedisSetting.configuration(
            url: options.url, clientName: clientName, environment: ProcessInfo.processInfo.environment)
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
