internal import Foundation

/// Why a throwaway redis-server could not be had.
public struct LocalRedisError: Error, CustomStringConvertible {
    /// What is wrong.
    public let reason: String

    /// One line for people.
    public var description: String { reason }
}

/// A throwaway redis-server of one's own: free port, unix socket, temporary directory.
///
/// It ends with `stop()`, with the last reference, or with this process, whichever comes first; see
/// `ChildRedisServer`. Its directory goes with it.
public actor LocalRedis {
    /// What the server is like.
    public struct Options: Sendable {
        /// Whether an append-only file keeps the data over `restart()` and `kill()`; each write is synced.
        public var isAppendOnly: Bool
        /// Lines of an ACL file; empty for none. Without a `user default` line the default user may do everything.
        public var accessControl: [String]
        /// Certificates, to listen with TLS on `tlsPort` as well; nil for none.
        public var certificate: TestCertificate?
        /// More lines for redis.conf.
        public var configuration: [String]

        /// A server without persistence that lets everybody in.
        public init(
            isAppendOnly: Bool = false, accessControl: [String] = [], certificate: TestCertificate? = nil,
            configuration: [String] = []
        ) {
            self.isAppendOnly = isAppendOnly
            self.accessControl = accessControl
            self.certificate = certificate
            self.configuration = configuration
        }
    }

    /// The TCP port on 127.0.0.1.
    public nonisolated let port: Int
    /// The TLS port on 127.0.0.1; nil without a certificate.
    public nonisolated let tlsPort: Int?
    /// The path of the unix socket.
    public nonisolated let socketPath: String
    /// The directory with the data, the log and the configuration.
    public nonisolated let directory: String

    private let child: ChildRedisServer

    private init(port: Int, tlsPort: Int?, directory: String, child: ChildRedisServer) {
        self.port = port
        self.tlsPort = tlsPort
        self.directory = directory
        socketPath = directory + "/redis.sock"
        self.child = child
    }

    /// The URL of the TCP port.
    public nonisolated var url: String { "redis://127.0.0.1:\(port)" }

    /// Starts a server and returns when it answers.
    ///
    /// A port that was free may be taken by another test before Redis binds it; then other ports are tried.
    public static func start(_ options: Options = Options()) async throws -> LocalRedis {
        guard Executable.path(of: "redis-server") != nil else {
            throw LocalRedisError(reason: "redis-server is not on the PATH: install the package redis-server")
        }
        var reason = ""
        for _ in 0..<10 {
            let redis = try make(options)
            do {
                try await redis.launch()
                return redis
            } catch let error as LocalRedisError {
                reason = error.reason
                await redis.stop()
            }
        }
        throw LocalRedisError(reason: "no redis-server came up: \(reason)")
    }

    private static func make(_ options: Options) throws -> LocalRedis {
        let directory = try TemporaryDirectory.make("martlet-redis")
        let port = try FreePort.find()
        let tlsPort = try options.certificate.map { _ in try FreePort.find() }
        var lines = [
            "bind 127.0.0.1", "port \(port)", "unixsocket \(directory)/redis.sock", "dir \(directory)",
            "daemonize no", "save \"\"", "appendonly \(options.isAppendOnly ? "yes" : "no")", "appendfsync always",
            "enable-debug-command yes", "tcp-backlog 128",
        ]
        if !options.accessControl.isEmpty {
            let path = directory + "/users.acl"
            try options.accessControl.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
            lines.append("aclfile \(path)")
        }
        if let certificate = options.certificate, let tlsPort {
            lines += [
                "tls-port \(tlsPort)", "tls-cert-file \(certificate.certificatePath)",
                "tls-key-file \(certificate.keyPath)", "tls-ca-cert-file \(certificate.authorityPath)",
                "tls-auth-clients no",
            ]
        }
        let path = directory + "/redis.conf"
        let text = (lines + options.configuration).joined(separator: "\n") + "\n"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let child = try ChildRedisServer(configurationPath: path, directory: directory)
        return LocalRedis(port: port, tlsPort: tlsPort, directory: directory, child: child)
    }
}

extension LocalRedis {
    /// Ends the server for good and removes its directory.
    public func stop() {
        child.close()
    }

    /// Kills the server with SIGKILL; `start()` brings it back with what it kept on disk.
    public func kill() throws {
        try child.give("kill")
    }

    /// Ends the server with SIGTERM, so that it saves what it is told to; `start()` brings it back.
    public func shutDown() throws {
        try child.give("stop")
    }

    /// Starts the server again after `kill()` or `shutDown()`, on the same port, and returns when it answers.
    public func start() async throws {
        try await launch()
    }

    /// Ends the server with SIGTERM and starts it again.
    public func restart() async throws {
        try shutDown()
        try await launch()
    }

    /// Stops the process with SIGSTOP: connections stay open, nothing is answered.
    public func pause() throws {
        try child.give("pause")
    }

    /// Lets a paused process go on.
    public func resume() throws {
        try child.give("resume")
    }

    /// Runs redis-cli on the unix socket and returns what it prints, without the last line break.
    @discardableResult
    public nonisolated func cli(_ arguments: String...) async throws -> String {
        try await Executable.run("redis-cli", ["-s", socketPath] + arguments)
    }

    /// Runs redis-cli with a list of arguments.
    @discardableResult
    public nonisolated func cli(_ arguments: [String]) async throws -> String {
        try await Executable.run("redis-cli", ["-s", socketPath] + arguments)
    }

    private func launch() async throws {
        let log = directory + "/redis.log"
        try? FileManager.default.removeItem(atPath: log)
        try child.give("start")
        // The unix socket is in a directory of its own: nobody else can answer there.
        let answers = await condition(within: .seconds(20)) { [self] in
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            if text.contains("Failed listening") || text.contains("Address already in use")
                || text.contains("FATAL CONFIG")
            {
                return true
            }
            // One that still loads its file answers too.
            guard text.contains("Ready to accept connections") else { return false }
            let reply = (try? await cli("PING")) ?? ""
            return reply == "PONG" || reply.hasPrefix("NOAUTH")
        }
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        guard answers, text.contains("Ready to accept connections") else {
            throw LocalRedisError(reason: String(text.suffix(600)))
        }
    }
}
