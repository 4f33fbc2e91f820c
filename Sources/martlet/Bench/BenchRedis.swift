import ArgumentParser
import Foundation
import RedisClient
import RedisProtocol
import RelayBench
import RelayCore
import RelayRedis
import RelaySettings

/// The Redis that a load is posted to directly.
enum BenchRedis {
    private static let clientName = "martlet-bench"
    private static let unheardPatience = Duration.seconds(30)
    private static let namesAtOnce = 1000

    /// Where it is, without a look whether it is there.
    static func server(_ options: DirectRedisOptions) throws(SettingError) -> RedisServer {
        let configuration = try RedisSetting.configuration(
            url: options.url, clientName: clientName, environment: ProcessInfo.processInfo.environment)
        guard case .tcp(let host, let port) = configuration.address, configuration.tls == nil else {
            throw SettingError(
                setting: "--redis-url", problem: "a bench speaks to Redis over TCP without TLS only, redis://HOST:PORT")
        }
        var opening: [[String]] = []
        if let password = configuration.password {
            opening.append(["AUTH"] + [configuration.username, password].compactMap { $0 })
        }
        if configuration.database != 0 { opening.append(["SELECT", "\(configuration.database)"]) }
        return RedisServer(host: host, port: port, opening: opening)
    }

    /// Sees that it is there.
    ///
    /// - Throws: `SettingError`, or `ExitCode(69)` after a line that says why.
    static func reach(_ options: DirectRedisOptions) async throws {
        _ = try server(options)
        try await asked(options) { _ in }
    }

    /// Loads the script, and says how to post with it.
    ///
    /// - Throws: `SettingError`, or `ExitCode(69)` after a line that says why.
    static func target(_ options: DirectRedisOptions) async throws -> RedisTarget {
        let keys = try options.keys()
        let server = try server(options)
        let digest = try await asked(options) { client in
            try await client.execute(RedisCommand("SCRIPT", "LOAD", DirectPost.script)).string ?? ""
        }
        return RedisTarget(server: server) { room, text in
            guard let room = RoomID(room), let user = UserID(PostTemplate.user),
                let name = DisplayName(user.description)
            else { return RedisPostWords(head: ["PING"], tail: []) }
            let draft = MessageDraft(room: room, user: user, name: name, text: text)
            let words = DirectPost.words(digest: digest, draft: draft, ceiling: Limits.ceilingDefault, keys: keys)
            return RedisPostWords(head: words.head, tail: words.tail)
        }
    }

    /// Waits until no edge hears the rooms of a load any more, or for half a minute: who hears a room is told what is
    /// posted there, which costs Redis something. A user who may not ask waits for nothing. What it waits for, and
    /// that it was in vain, it says on standard error.
    static func waitUntilNobodyHears(_ rooms: [String], _ options: DirectRedisOptions) async throws {
        let keys = try options.keys()
        let names = rooms.compactMap { RoomID($0) }.map { keys.channelName(of: $0) }
        let deadline = ContinuousClock.now + unheardPatience
        try await asked(options) { client in
            var isTold = false
            while true {
                var isHeard = false
                for start in stride(from: 0, to: names.count, by: namesAtOnce) where !isHeard {
                    var command = RedisCommand("PUBSUB", "NUMSUB")
                    command.append(contentsOf: names[start...].prefix(namesAtOnce))
                    let reply = try? await client.execute(command).array
                    isHeard = reply?.contains { ($0.int ?? 0) > 0 } ?? false
                }
                guard isHeard else { return }
                guard ContinuousClock.now < deadline else {
                    Console.complain("bench: somebody still hears the rooms, which the floor's Redis pays for too")
                    return
                }
                if !isTold { Console.complain("bench: waiting until edges let go of the rooms") }
                isTold = true
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    private static func asked<Answer>(
        _ options: DirectRedisOptions, _ body: (RedisClient) async throws -> Answer
    ) async throws -> Answer {
        let direct = try DirectRedis(options, clientName: clientName)
        do {
            try await direct.client.waitUntilReady(deadline: .seconds(5))
            let answer = try await body(direct.client)
            await direct.close()
            return answer
        } catch {
            Console.complain("\(direct.configuration): \(error)")
            throw ExitCode(69)
        }
    }
}
