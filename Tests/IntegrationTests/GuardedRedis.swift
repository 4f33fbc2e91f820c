import Foundation
import RelayTestKit

/// A redis-server under the redis.conf and the ACL file of `deploy/redis`, as production has them, with one more user
/// who may do everything and prepares what the others meet.
struct GuardedRedis {
    enum User: String, CaseIterable {
        case edge, archiver, `operator`, monitor, tester

        var password: String { "secret-of-\(rawValue)" }
    }

    let redis: LocalRedis

    static let folder = FinishedCommand.packageRoot + "/deploy/redis"

    /// What `make-acl` prints with the passwords of `User`.
    static func makeACL(_ arguments: [String] = [], environment: [String: String] = [:]) throws -> FinishedCommand {
        var variables = environment
        for user in User.allCases where user != .tester {
            let name = "ACL_PASSWORD_\(user.rawValue.uppercased())"
            variables[name] = environment[name] ?? user.password
        }
        return try FinishedCommand.run([folder + "/make-acl"] + arguments, environment: variables)
    }

    /// Without lines of its own: those of `make-acl`.
    static func start(accessControl lines: [String]? = nil) async throws -> GuardedRedis {
        let lines = try lines ?? makeACL().output.split(separator: "\n").map(String.init)
        let tester = "user tester on >\(User.tester.password) ~* &* +@all"
        // Where it listens and where its files are is the business of LocalRedis.
        let places = ["bind ", "port ", "dir ", "aclfile ", "logfile ", "daemonize "]
        let configuration = try String(contentsOfFile: folder + "/redis.conf", encoding: .utf8)
            .split(separator: "\n").map(String.init)
            .filter { line in !places.contains { line.hasPrefix($0) } }
        return GuardedRedis(
            redis: try await LocalRedis.start(
                .init(accessControl: lines + [tester], configuration: configuration)))
    }

    /// The reply as redis-cli prints it, errors too.
    func ask(_ user: User, _ command: String...) throws -> String {
        try ask(name: user.rawValue, password: user.password, command)
    }

    func ask(name: String, password: String, _ command: [String]) throws -> String {
        let result = try FinishedCommand.run(
            ["redis-cli", "-s", redis.socketPath, "--user", name] + command, environment: ["REDISCLI_AUTH": password])
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
