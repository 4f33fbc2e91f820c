import ArgumentParser
import Foundation
import RedisClient
import RelayCore
import RelayRedis
import RelaySettings

/// The settings of `martlet-archiver`. Each can stand on the command line, in the environment and in a file.
struct ArchiverSettings: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet-archiver",
        abstract: "Drains the rooms' streams out of Redis into JSONL files.",
        discussion: """
            \(ServiceOptions.discussion)

            Exit codes: 64 a wrong setting, 69 a Redis that cannot be used, metrics that cannot be served or, at its \
            start, a directory that cannot be made or locked on a disk that is full or broken, 75 another archiver \
            holds the shard or the directory.
            """,
        version: RelayVersion.current)

    @Option(help: "Where the files go; made where it does not exist.")
    var dir: String

    @OptionGroup var redis: RedisOptions

    @Option(help: "Which part of the rooms: INDEX/COUNT, INDEX from 0.")
    var shard = ShardSetting(.whole)

    @Option(help: "Archived messages of a room that stay in Redis.")
    var keep = 1000

    @Option(help: "The longest wait before it looks for new messages.")
    var interval = SpanSetting(.milliseconds(200))

    @Option(help: "off: files are not synced; for throwaway data.")
    var fsync = SwitchSetting.on

    @Option(help: "HOST:PORT for Prometheus; none where it is left out.")
    var metricsListen: ListenAddress?

    @OptionGroup var service: ServiceOptions

    static let flags =
        ["dir", "shard", "keep", "interval", "fsync", "metrics-listen"].map { SettingSources.Flag($0) }
        + RedisOptions.flags + ServiceOptions.flags

    /// What the flags' own types cannot tell.
    func checked() throws(SettingError) -> (redis: RedisConfiguration, keys: KeySpace) {
        guard !dir.isEmpty else { throw SettingError(setting: "--dir", problem: "it is empty") }
        guard (0...10_000_000).contains(keep) else {
            throw SettingError(setting: "--keep", problem: "\(keep) is not between 0 and 10000000")
        }
        guard interval.duration >= .milliseconds(1), interval.duration <= .seconds(60) else {
            throw SettingError(setting: "--interval", problem: "it is not between 1ms and 60s")
        }
        guard let keys = KeySpace(prefix: redis.keyPrefix) else {
            throw SettingError(setting: "--key-prefix", problem: "it takes letters, digits and . _ : - only")
        }
        return (try redis.configuration(clientName: "martlet-archiver"), keys)
    }
}

/// `0/1`.
struct ShardSetting: ExpressibleByArgument {
    let shard: ShardID

    init(_ shard: ShardID) { self.shard = shard }

    init?(argument: String) {
        guard let shard = ShardID(argument) else { return nil }
        self.shard = shard
    }

    var defaultValueDescription: String { shard.description }
}
