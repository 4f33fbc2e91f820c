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
    /// Messages of a room that stay where no archiver takes them, as with edges that have none.
    private static let keep = 1000

    /// Loads the script, and says how to post with it.
    ///
    /// - Throws: `SettingError`, or `ExitCode(69)` after a line that says why.
    static func target(_ options: DirectRedisOptions, textBytes: Int) async throws -> RedisTarget {
        let keys = try options.keys()
        let direct = try DirectRedis(options, clientName: "martlet-bench")
        let configuration = direct.configuration
        guard case .tcp(let host, let port) = configuration.address, configuration.tls == nil else {
            throw SettingError(setting: "--redis-url", problem: "posts go over TCP without TLS only")
        }
        let digest: String
        do {
            try await direct.client.waitUntilReady(deadline: .seconds(5))
            digest = try await direct.client.execute(RedisCommand("SCRIPT", "LOAD", DirectPost.script)).string ?? ""
        } catch {
            Console.complain("\(configuration): \(error)")
            throw ExitCode(69)
        }
        await direct.close()
        var opening: [[String]] = []
        if let password = configuration.password {
            opening.append(["AUTH"] + [configuration.username, password].compactMap { $0 })
        }
        if configuration.database != 0 { opening.append(["SELECT", "\(configuration.database)"]) }
        return RedisTarget(host: host, port: port, opening: opening) { room, text in
            guard let room = RoomID(room), let user = UserID(PostTemplate.user),
                let name = DisplayName(user.description)
            else { return ["PING"] }
            let draft = MessageDraft(room: room, user: user, name: name, text: text)
            return DirectPost.words(digest: digest, draft: draft, keep: keep, keys: keys)
        }
    }
}
