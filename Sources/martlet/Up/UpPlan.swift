/// What `martlet up` is going to run.
struct UpPlan {
    /// The programs, by path.
    struct Programs {
        var redis: String
        var edge: String
        var archiver: String
    }

    var programs: Programs
    var directory: DataDirectory
    var redisPort: Int
    /// Where each edge listens, `HOST:PORT`.
    var listens: [String]
    var insecure: Bool
    var logLevel: String

    /// The URL of Redis.
    var redisURL: String { "redis://127.0.0.1:\(redisPort)" }

    /// The command line of a child.
    func command(of role: UpStateMachine.Role) -> [String] {
        switch role {
        case .redis: redisCommand
        case .archiver:
            [
                programs.archiver, "--dir", directory.archive, "--redis-url", redisURL, "--log-level", logLevel,
            ]
        case .edge(let number):
            // People wait at the prompt for the end of it: sessions are sent away within a second.
            [
                programs.edge, "--listen", listens[number - 1], "--redis-url", redisURL, "--edge-id", "edge-\(number)",
                "--archive-dir", directory.archive, "--drain", "1s", "--log-level", logLevel,
            ] + (insecure ? ["--insecure"] : [])
        }
    }

    /// The environment of the children: without the settings that are given on their command lines or belong to another
    /// Redis.
    static func environment(_ own: [String: String]) -> [String: String] {
        own.filter { !$0.key.hasPrefix("MARTLET_REDIS_") && $0.key != "MARTLET_CONFIG" }
    }

    /// Whether the person wants to see everything.
    var isVerbose: Bool { ["trace", "debug", "info"].contains(logLevel) }

    /// Nothing is dropped under pressure, and nothing is kept but the append-only file.
    private var redisCommand: [String] {
        [
            programs.redis, "--bind", "127.0.0.1", "--port", "\(redisPort)", "--dir", directory.redis,
            "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction",
            "--daemonize", "no", "--always-show-logo", "no", "--loglevel", isVerbose ? "notice" : "warning",
        ]
    }

    /// What is said once everything runs.
    func announcement(edgeURLs: [String]) -> [String] {
        var lines = ["Martlet is up. Ctrl-C stops all of it.", ""]
        for (index, url) in edgeURLs.enumerated() {
            lines.append("  edge-\(index + 1)    \(url)    \(Self.webSocketURL(of: url))")
        }
        lines += [
            "  redis     redis-cli -p \(redisPort)", "  archive   \(directory.archive)", "",
            "Talk in a browser:", "  \(edgeURLs.first ?? "")", "", "Or each line in a terminal of its own:",
        ]
        for (user, url) in zip(["alice", "bob"], edgeURLs + edgeURLs) {
            // As it was typed, so that the line can be pasted where `martlet` is not on the PATH.
            let address = Self.webSocketURL(of: url, path: "")
            lines.append("  \(CommandLine.arguments[0]) chat general --user \(user) --url \(address)")
        }
        return lines + [""]
    }

    /// `http://HOST:PORT` as the address of the WebSocket.
    static func webSocketURL(of url: String, path: String = "/v1/ws") -> String {
        (url.hasPrefix("http") ? "ws" + url.dropFirst(4) : url) + path
    }
}
