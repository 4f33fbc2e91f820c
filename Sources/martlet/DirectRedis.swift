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
        try self.init(url: options.url, setting: "--redis-url", clientName: clientName)
    }

    /// A connection to a URL that stands in that setting.
    ///
    /// - Throws: `SettingError`.
    init(url: String, setting: String, clientName: String) throws(SettingError) {
        do {
            configuration = try RedisSetting.configuration(
                url: url, clientName: clientName, environment: ProcessInfo.processInfo.environment)
        } catch {
            let name = error.setting == "--redis-url" ? setting : error.setting
            throw SettingError(setting: name, problem: error.problem)
        }
        do {
            client = try RedisClient(
                configuration: configuration, eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                logger: Logger(label: "martlet") { _ in SwiftLogNoOpLogHandler() })
        } catch {
            throw SettingError(setting: setting, problem: error.description)
        }
    }

    func close() async { await client.close() }
}
