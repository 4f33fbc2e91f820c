public import NIOCore
public import RelayWire

/// What happens on one open connection.
public enum ConnectionEvent: Sendable, Equatable {
    /// A whole text message.
    case text(ByteBuffer)
    /// The answer to a ping.
    case pong(ByteBuffer)
    /// The connection is over; nothing follows.
    case closed(Closing)
}

/// How a connection ended.
public struct Closing: Sendable, Equatable {
    /// Who ended it.
    public enum Origin: Sendable, Equatable {
        /// The relay sent a close frame.
        case peer
        /// This side did, and the relay answered it or let the time for that pass.
        case own
        /// The relay broke RFC 6455.
        case violation(FrameViolation)
        /// The relay did not answer a ping in time.
        case silence
        /// The socket ended without a close frame.
        case cut
    }

    /// Who ended it.
    public var origin: Origin
    /// The close code; nil where none was sent.
    public var code: UInt16?
    /// The reason that came with it, as it came: anything may stand in it.
    public var reason: String

    /// A closing of the given parts.
    public init(origin: Origin, code: UInt16?, reason: String) {
        self.origin = origin
        self.code = code
        self.reason = reason
    }
}

/// Why no connection came about, or why something cannot be sent on it.
public enum RelayConnectionError: Error, Sendable, Equatable {
    /// The socket could not be opened, or TLS failed.
    case unreachable(String)
    /// The relay answered the upgrade with another status than 101.
    case refused(status: Int, body: String)
    /// The answer to the upgrade is not one.
    case malformedUpgrade
    /// Socket and upgrade took longer than they may.
    case timedOut
    /// A header of the caller holds a line break.
    case badHeader(String)
    /// The answer to a request is longer than `messageBytesMax`.
    case tooLong(bytesMax: Int)
    /// The connection is closed or closing.
    case closed
}
