public import RedisClient

/// Where Redis is, from `--redis-url` and, for what should not stand in a process list, the environment.
public enum RedisSetting {
    /// The configuration for a URL: user, password and certificate authority come from `MARTLET_REDIS_USERNAME`,
    /// `MARTLET_REDIS_PASSWORD` and `MARTLET_REDIS_CA` where the URL has none.
    ///
    /// - Throws: `SettingError`, which names the setting.
    public static func configuration(
        url: String, clientName: String, environment: [String: String]
    ) throws(SettingError) -> RedisConfiguration {
        var configuration: RedisConfiguration
        do {
            configuration = try RedisConfiguration(url: url)
        } catch {
            throw SettingError(setting: "--redis-url", problem: error.description)
        }
        configuration.clientName = clientName
        // An empty variable is one that is left out.
        let environment = environment.filter { !$0.value.isEmpty }
        configuration.username = configuration.username ?? environment["MARTLET_REDIS_USERNAME"]
        configuration.password = configuration.password ?? environment["MARTLET_REDIS_PASSWORD"]
        if let path = environment["MARTLET_REDIS_CA"] {
            guard configuration.tls != nil else {
                throw SettingError(setting: "MARTLET_REDIS_CA", problem: "--redis-url is not rediss://")
            }
            configuration.tls?.authorityPath = path
            do { try configuration.check() } catch {
                throw SettingError(setting: "MARTLET_REDIS_CA", problem: "\(path) holds no certificate in PEM")
            }
        }
        return configuration
    }
}
