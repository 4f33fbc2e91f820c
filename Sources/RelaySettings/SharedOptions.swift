public import ArgumentParser
import Foundation
public import RedisClient

/// Where Redis is: the flags of every program that works on it.
public struct RedisOptions: ParsableArguments {
    /// The URL.
    @Option(help: "Where Redis is: redis://, rediss:// or unix://.")
    public var redisUrl = "redis://127.0.0.1:6379"

    /// What every key begins with.
    @Option(help: "What every key in Redis begins with.")
    public var keyPrefix = "chat"

    /// The flags, for `SettingSources`.
    public static let flags = ["redis-url", "key-prefix"].map { SettingSources.Flag($0) }

    /// The options with their defaults.
    public init() {}

    /// What the URL and the process's environment say.
    ///
    /// - Parameter clientName: the name that Redis lists the connections under.
    /// - Throws: `SettingError`, which names the setting.
    public func configuration(clientName: String) throws(SettingError) -> RedisConfiguration {
        try RedisSetting.configuration(
            url: redisUrl, clientName: clientName, environment: ProcessInfo.processInfo.environment)
    }
}

/// What every long-running program logs, and where else its settings stand.
public struct ServiceOptions: ParsableArguments {
    /// The level under which nothing is logged.
    @Option(help: "The level under which nothing is logged.")
    public var logLevel = LogLevelSetting.info

    /// How log lines look.
    @Option(help: "How log lines look.")
    public var logFormat = LogFormat.text

    /// The file that `SettingSources` reads before the flags are parsed.
    @Option(help: "A file of settings.")
    public var config: String?

    /// The flags, for `SettingSources`; it looks for `--config` by itself.
    public static let flags = ["log-level", "log-format"].map { SettingSources.Flag($0) }

    /// The options with their defaults.
    public init() {}

    /// What each program's help says of the places where a setting can stand.
    public static let discussion = """
        Each setting has an environment variable (--redis-url is MARTLET_REDIS_URL) and can stand \
        in a file that --config names, a line each: redis-url = redis://127.0.0.1:6379

        User and password of Redis: in the URL, or MARTLET_REDIS_USERNAME and \
        MARTLET_REDIS_PASSWORD.
        """

    /// Makes the loggers of the process write as the options say. To be called once, before the first logger is made.
    public func installLogging() {
        LogLineHandler.install(level: logLevel.level, format: logFormat)
    }
}
