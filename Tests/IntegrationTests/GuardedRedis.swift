import Foundation

/// A redis-server under the redis.conf and the ACL file of `deploy/redis`, as production has them, with one more user
/// who may do everything and prepares what the others meet.
struct GuardedRedis {
    enum User: String, CaseIterable {
        case edge, archiver, `operator`, monitor, tester

        var password: String { "secret-of-\(rawValue)" }
    }

    private let directory: String

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

    /// Without lines of its own: those of `make-acl`. Ends with `stop()`.
    static func start(accessControl lines: [String]? = nil) throws -> GuardedRedis {
        let lines = try lines ?? makeACL().output.split(separator: "\n").map(String.init)
        let tester = "user tester on >\(User.tester.password) ~* &* +@all"
        let directory = "/tmp/martlet-acl-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        try (lines + [tester, ""]).joined(separator: "\n")
            .write(toFile: directory + "/users.acl", atomically: true, encoding: .utf8)
        // Where it listens and where its files are is for this test alone; the rest is as in production.
        let places = ["bind ", "port ", "dir ", "aclfile ", "logfile ", "daemonize "]
        let configuration = try String(contentsOfFile: folder + "/redis.conf", encoding: .utf8)
            .split(separator: "\n").map(String.init)
            .filter { line in !places.contains { line.hasPrefix($0) } }
        let own = [
            "port 0", "unixsocket \(directory)/redis.sock", "dir \(directory)", "aclfile \(directory)/users.acl",
            "logfile \(directory)/redis.log", "daemonize yes", "pidfile \(directory)/redis.pid", "",
        ]
        try (configuration + own).joined(separator: "\n")
            .write(toFile: directory + "/redis.conf", atomically: true, encoding: .utf8)
        let started = try FinishedCommand.run(["redis-server", directory + "/redis.conf"])
        let guarded = GuardedRedis(directory: directory)
        let deadline = ContinuousClock.now + .seconds(60)
        while try guarded.ask(.tester, "PING") != "PONG" {
            guard ContinuousClock.now < deadline else {
                let log = try? String(contentsOfFile: directory + "/redis.log", encoding: .utf8)
                throw Unanswered(description: "redis-server does not answer: \(started.output) \(log ?? "")")
            }
        }
        return guarded
    }

    struct Unanswered: Error, CustomStringConvertible {
        let description: String
    }

    func stop() {
        _ = try? ask(.tester, "SHUTDOWN", "NOSAVE")
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// The reply as redis-cli prints it, errors too.
    func ask(_ user: User, _ command: String...) throws -> String {
        try ask(name: user.rawValue, password: user.password, command)
    }

    func ask(name: String, password: String, _ command: [String]) throws -> String {
        let result = try FinishedCommand.run(
            ["redis-cli", "-s", directory + "/redis.sock", "--user", name] + command,
            environment: ["REDISCLI_AUTH": password])
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
