/// Why a command has no reply to show, or what a connection failed of.
public enum RedisError: Error, Sendable, Equatable {
    /// No connection is ready. The command was not sent.
    case unavailable
    /// Too many commands, or bytes of them, wait for replies. The command was not sent.
    case overloaded
    /// The owner closed this client. The command was not sent.
    case closed
    /// The connection could not be made, for the reason given.
    case connectFailed(String)
    /// The connection broke. The command was written if `mayHaveExecuted`, else it never left.
    case connectionLost(mayHaveExecuted: Bool)
    /// The reply did not come in time. The command was written and may have been executed.
    case timeout
    /// Redis answered with an error; `message` is its whole line.
    case serverError(code: String, message: String)
    /// The server is too old: its version, and where it runs.
    case unsupportedVersion(String, server: String)
    /// What came is not RESP2, or breaks a bound of `RedisLimits`.
    case protocolViolation(String)

    /// The error for an error reply.
    public init(_ error: RESPError) {
        self = .serverError(code: error.code, message: error.message)
    }

    /// What the code of a server error means; nil where the error is not the server's.
    public var kind: RedisErrorKind? {
        guard case .serverError(let code, _) = self else { return nil }
        return RedisErrorKind(code: code)
    }

    /// Whether the command may have been executed although no reply says so.
    public var mayHaveExecuted: Bool {
        switch self {
        case .timeout, .connectionLost(mayHaveExecuted: true), .protocolViolation: true
        case .connectionLost(mayHaveExecuted: false), .unavailable, .overloaded, .closed, .connectFailed, .serverError,
            .unsupportedVersion:
            false
        }
    }

    /// Whether waiting will not mend it: the server is too old, or refuses this user.
    public var needsOperator: Bool {
        switch self {
        case .unsupportedVersion: true
        case .serverError:
            switch kind {
            case .noAuth, .wrongPassword, .noPermission: true
            default: false
            }
        case .unavailable, .overloaded, .closed, .connectFailed, .connectionLost, .timeout, .protocolViolation: false
        }
    }
}

extension RedisError: CustomStringConvertible {
    /// One line for people.
    public var description: String {
        switch self {
        case .unavailable: "Redis is not connected"
        case .overloaded: "too many commands wait for Redis"
        case .closed: "the Redis client is closed"
        case .connectFailed(let reason): "cannot connect to Redis: \(reason)"
        case .connectionLost(mayHaveExecuted: true): "the connection to Redis broke before the reply"
        case .connectionLost(mayHaveExecuted: false): "the connection to Redis broke before the command was sent"
        case .timeout: "Redis did not reply in time"
        case .serverError(_, let message): "Redis says: \(message)"
        case .unsupportedVersion(let version, let server):
            "Redis 7.0 or newer is needed, \(server) runs \(version)"
        case .protocolViolation(let reason): "Redis sent what is not RESP2: \(reason)"
        }
    }
}
