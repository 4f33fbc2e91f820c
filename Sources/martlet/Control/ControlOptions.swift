import ArgumentParser
import NIOCore
import RedisClient
import RedisProtocol
import RelayCore
import RelayRedis
import RelaySettings
import RelayWire

/// Where the control channel is: shared by the operators' commands.
struct ControlOptions: ParsableArguments {
    @OptionGroup var redis: DirectRedisOptions

    /// Orders it of all edges, and says how many heard it. One that nobody heard ends with 1, and so does one for an
    /// edge that there is not.
    func order(_ command: ControlCommand, to edge: EdgeID? = nil) async throws {
        let keys = try redis.keys()
        Signals.watch { _ in Ending.exit(0) }
        let redis = try DirectRedis(self.redis, clientName: "martlet-control")
        let heard: Int
        var absent: EdgeID?
        do {
            try await redis.client.waitUntilReady(deadline: .seconds(5))
            if let edge {
                let score = try await redis.client.execute(RedisCommand("ZSCORE", keys.edges, edge.description))
                if score.string == nil { absent = edge }
            }
            let payload = String(buffer: ControlCoder.encode(command))
            heard = try await redis.client.execute(RedisCommand("PUBLISH", keys.control, payload)).int ?? 0
        } catch {
            Console.complain("\(redis.configuration): \(error)")
            throw ExitCode(69)
        }
        await redis.close()
        if let absent {
            Console.complain("there is no edge \(absent); their names: redis-cli ZRANGE \(keys.edges) 0 -1")
            throw ExitCode(1)
        }
        guard heard > 0 else {
            Console.complain("no edge heard it")
            throw ExitCode(1)
        }
        Console.say("\(heard) \(heard == 1 ? "edge" : "edges") heard it")
    }

    /// Whom an order is about.
    static func user(_ text: String) throws(SettingError) -> UserID {
        guard let user = UserID(text) else {
            throw SettingError(
                setting: "USER", problem: "it takes 1 to \(Limits.identifierBytesMax) letters, digits and . _ @ -")
        }
        return user
    }

    /// For how long; an order counts whole seconds.
    static func span(_ setting: String, _ span: SpanSetting) throws(SettingError) -> Duration {
        guard span.duration >= .seconds(1), span.duration <= SanctionLedger.spanMax else {
            throw SettingError(setting: setting, problem: "it takes 1s to a year")
        }
        return .seconds(span.duration.wholeMilliseconds / 1000)
    }
}
