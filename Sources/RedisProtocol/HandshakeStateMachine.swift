internal import NIOCore

/// Who a connection says it is, and what it selects, before its first command.
public struct HandshakeConfiguration: Sendable {
    /// The user of the access control list; nil for the default user.
    public var username: String?
    /// The password; nil where none is needed.
    public var password: String?
    /// The number of the database.
    public var database: Int
    /// The name shown by `CLIENT LIST`; nil for none.
    public var clientName: String?
    /// Where the server runs, for messages to people.
    public var serverName: String

    /// A handshake as the default user, in database 0, without a name.
    public init(
        username: String? = nil, password: String? = nil, database: Int = 0, clientName: String? = nil,
        serverName: String
    ) {
        self.username = username
        self.password = password
        self.database = database
        self.clientName = clientName
        self.serverName = serverName
    }
}

/// The first commands of a connection: who we are, and whether the server is one that we can use.
///
/// All of them go out in one write: `AUTH`, `SELECT`, `CLIENT SETNAME`, `INFO server`, `PING`. The `PING` is there
/// because a server that still loads its data answers `INFO`, and is of no use yet.
@usableFromInline
struct HandshakeStateMachine {
    /// What to do after a reply.
    @usableFromInline
    enum ReplyAction: Equatable {
        /// More replies are to come.
        case wait
        /// The connection is ready, on a server of this version.
        case succeed(version: String)
        /// The connection is of no use and must be closed.
        case fail(RedisError)
    }

    private enum Step {
        case authenticate
        case select
        case setName
        case info
        case ping
    }

    private let configuration: HandshakeConfiguration
    private var expected: [Step] = []
    private var version = ""

    init(_ configuration: HandshakeConfiguration) {
        self.configuration = configuration
    }

    /// The connection stands: what to write.
    mutating func connected() -> ByteBuffer {
        var buffer = ByteBuffer()
        if configuration.username != nil || configuration.password != nil {
            var command = RedisCommand("AUTH")
            if let username = configuration.username { command.append(username) }
            command.append(configuration.password ?? "")
            add(.authenticate, command, to: &buffer)
        }
        if configuration.database != 0 {
            add(.select, RedisCommand("SELECT", String(configuration.database)), to: &buffer)
        }
        if let name = configuration.clientName {
            add(.setName, RedisCommand("CLIENT", "SETNAME", name), to: &buffer)
        }
        add(.info, RedisCommand("INFO", "server"), to: &buffer)
        add(.ping, RedisCommand("PING"), to: &buffer)
        expected.reverse()
        return buffer
    }

    private mutating func add(_ step: Step, _ command: RedisCommand, to buffer: inout ByteBuffer) {
        expected.append(step)
        command.encode(into: &buffer)
    }

    /// The next reply came.
    @usableFromInline
    mutating func replyReceived(_ reply: RESPValue) -> ReplyAction {
        guard let step = expected.popLast() else {
            return .fail(.protocolViolation("a reply that nobody asked for"))
        }
        switch (step, reply) {
        case (.setName, .error(let error)) where RedisErrorKind(code: error.code) == .noPermission:
            // The name is for people who look at CLIENT LIST; a user without the right to it works as well.
            return .wait
        case (_, .error(let error)):
            return .fail(RedisError(error))
        case (.info, let reply):
            return infoReceived(reply.string ?? "")
        case (.ping, _):
            return .succeed(version: version)
        case (.authenticate, _), (.select, _), (.setName, _):
            return .wait
        }
    }

    private mutating func infoReceived(_ text: String) -> ReplyAction {
        var fields: [Substring: Substring] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon]] = line[line.index(after: colon)...]
        }
        if let valkey = fields["valkey_version"] {
            version = "valkey \(valkey)"
            return .wait
        }
        guard let redis = fields["redis_version"] else {
            return .fail(.protocolViolation("INFO server without a version"))
        }
        version = String(redis)
        guard let major = redis.split(separator: ".").first.flatMap({ Int($0) }), major >= 7 else {
            return .fail(.unsupportedVersion(version, server: configuration.serverName))
        }
        return .wait
    }
}
