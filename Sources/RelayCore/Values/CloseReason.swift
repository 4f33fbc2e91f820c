/// Why a WebSocket is closed. 1000 to 1011 are RFC 6455's; 4000 to 4499 ask the client to come back, 4500 to 4999 ask
/// it not to come back as it is.
public enum CloseReason: Sendable, Equatable {
    /// The client closed, or said `/quit`.
    case normal
    /// A frame that RFC 6455 does not allow.
    case protocolViolation(String)
    /// A binary message: the protocol is text.
    case unsupportedData
    /// Text that is not UTF-8.
    case invalidUTF8
    /// A compressed message that does not inflate.
    case invalidCompression
    /// A message over `Limits.frameBytesMax`.
    case messageTooBig
    /// The edge is shutting down.
    case draining
    /// No Redis for ten minutes.
    case withoutRedis
    /// A ping without a pong.
    case noPong
    /// More replies asked for than read.
    case tooSlow
    /// Nobody said who this is, or said it wrongly.
    case unauthorized
    /// The token is over.
    case tokenExpired
    /// Operators sent this user away, and said why or nothing.
    case kicked(String)
    /// A flood that went on after it was refused.
    case flood

    /// The code of the close frame.
    public var code: UInt16 {
        switch self {
        case .normal: 1000
        case .protocolViolation: 1002
        case .unsupportedData: 1003
        case .invalidUTF8, .invalidCompression: 1007
        case .messageTooBig: 1009
        case .draining: 4000
        case .withoutRedis: 4001
        case .noPong: 4002
        case .tooSlow: 4003
        case .unauthorized: 4501
        case .tokenExpired: 4502
        case .kicked: 4503
        case .flood: 4504
        }
    }

    /// The reason of the close frame, at most 123 bytes.
    public var text: String {
        switch self {
        case .normal: "bye"
        case .protocolViolation(let what): what
        case .unsupportedData: "binary messages are not spoken here"
        case .invalidUTF8: "text is not UTF-8"
        case .invalidCompression: "compressed data that do not inflate"
        case .messageTooBig: "message too long"
        case .draining: "draining, come back"
        case .withoutRedis: "without Redis, come back"
        case .noPong: "no pong"
        case .tooSlow: "too slow"
        case .unauthorized: "unauthorized"
        case .tokenExpired: "token expired"
        case .kicked(let why): why.isEmpty ? "kicked" : "kicked: \(why)"
        case .flood: "flood"
        }
    }

    /// Whether a client should connect again by itself.
    public static func invitesBack(code: UInt16) -> Bool {
        !(4500...4999).contains(code)
    }
}
