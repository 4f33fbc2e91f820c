import ArgumentParser
import Foundation
import RelayCore
import RelaySettings

/// `martlet up`: a relay of one's own in one foreground process tree.
struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Run a private Redis, edges and an archiver; Ctrl-C stops all of it.",
        discussion: """
            Redis listens on this machine only and writes an append-only file, synced every \
            second: a crash of the machine can cost the last second, a crash of a program \
            nothing. What the children log goes to standard error, with their name in front. \
            Without --listen the edges take the first free ports from 8080 on.

            Exit codes: 0 stopped by Ctrl-C or SIGTERM, 1 a child ended or did not start, \
            64 a wrong setting, 69 a program is missing, 75 another `up` has the directory.

            Examples:
              martlet up
              martlet up --data /tmp/try --edges 1 --listen 127.0.0.1:9000
            """)

    @Option(
        help: "Where everything is kept. Default: MARTLET_DATA, else $XDG_STATE_HOME/martlet or ~/.local/state/martlet."
    )
    var data: String?

    @Option(help: "Where the first edge listens, HOST:PORT; the others take the ports after it.")
    var listen: ListenAddress?

    @Option(help: "The port of Redis. Default: the first free one from 6390 on.")
    var redisPort: Int?

    @Option(help: "How many edges to run.")
    var edges = 2

    @Flag(help: "Let other machines connect, though anyone is whom they say.")
    var insecure = false

    @Option(help: "What the children log: trace, debug, info, notice, warning, error or critical.")
    var logLevel = LogLevelSetting.notice

    func run() async throws {
        let edges = try Checked.number("--edges", edges, in: 1...16)
        if let redisPort { _ = try Checked.number("--redis-port", redisPort, in: 1...65_535) }
        if let listen, !listen.isLoopback, !insecure {
            throw SettingError(
                setting: "--listen",
                problem: "other machines can reach \(listen.host), and anyone is whom they say; --insecure allows it")
        }
        let programs = try findPrograms()
        let directory = DataDirectory(path: data ?? DataDirectory.defaultPath())
        try prepare(directory)
        let plan = UpPlan(
            programs: programs, directory: directory, redisPort: try await choosePort(),
            listens: try await chooseListens(edges), insecure: insecure, logLevel: logLevel.rawValue)
        let code = await UpRun(plan: plan).run()
        directory.removeRecord()
        throw ExitCode(code)
    }

    private func findPrograms() throws -> UpPlan.Programs {
        guard let redis = Programs.find("redis-server") else {
            Console.complain("redis-server is not installed; on Debian: apt-get install redis-server")
            throw ExitCode(69)
        }
        guard let edge = Programs.find("martlet-edge"), let archiver = Programs.find("martlet-archiver") else {
            Console.complain("martlet-edge and martlet-archiver are neither beside this program nor on the PATH")
            throw ExitCode(69)
        }
        return UpPlan.Programs(redis: redis, edge: edge, archiver: archiver)
    }

    private func prepare(_ directory: DataDirectory) throws {
        do {
            try directory.make()
            try directory.lock()
            // One that was killed has left its own: other commands would go to its addresses.
            directory.removeRecord()
        } catch DataDirectory.Failure.inUse(let pid) {
            let process = pid.map { " (process \($0))" } ?? ""
            Console.complain(
                "another `martlet up` runs on \(directory.path)\(process); stop it, or choose another --data")
            throw ExitCode(75)
        } catch DataDirectory.Failure.unusable(let reason) {
            throw SettingError(setting: "--data", problem: "\(directory.path): \(reason)")
        }
    }

    private func choosePort() async throws -> Int {
        if let redisPort {
            guard await PortFinder.isFree(redisPort, host: "127.0.0.1") else {
                throw SettingError(setting: "--redis-port", problem: "\(redisPort) is in use")
            }
            return redisPort
        }
        guard let port = await PortFinder.free(from: 6390, host: "127.0.0.1", taken: []) else {
            Console.complain("no free port for Redis")
            throw ExitCode(1)
        }
        return port
    }

    private func chooseListens(_ count: Int) async throws -> [String] {
        let host = listen?.host ?? "127.0.0.1"
        var ports: [Int] = []
        if let listen, listen.port > 0 {
            guard await PortFinder.isFree(listen.port, host: host) else {
                throw SettingError(
                    setting: "--listen", problem: "\(listen.defaultValueDescription) is in use or not here")
            }
            ports.append(listen.port)
        }
        while ports.count < count {
            let first = ports.last.map { $0 + 1 } ?? (listen == nil ? 8080 : 0)
            guard let port = await PortFinder.free(from: first, host: host, taken: Set(ports)) else {
                throw SettingError(setting: "--listen", problem: "no free port on \(host)")
            }
            ports.append(port)
        }
        return ports.map { host.contains(":") ? "[\(host)]:\($0)" : "\(host):\($0)" }
    }
}
