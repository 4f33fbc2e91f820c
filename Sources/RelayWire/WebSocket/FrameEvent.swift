public import NIOCore

/// Which end of a WebSocket this is. A server must receive masked frames only, a client unmasked ones only.
public enum FrameRole: Sendable, Equatable {
    /// The end that accepted the connection.
    case server
    /// The end that opened the connection.
    case client
}

/// The opcodes of RFC 6455 5.2; all others are reserved.
public enum FrameOpcode: UInt8, Sendable, Equatable {
    /// A further fragment of a message.
    case continuation = 0x0
    /// A text message or its first fragment.
    case text = 0x1
    /// A binary message or its first fragment.
    case binary = 0x2
    /// The closing handshake.
    case close = 0x8
    /// A ping.
    case ping = 0x9
    /// A pong.
    case pong = 0xA

    /// Whether it is a control frame: never fragmented, at most 125 bytes.
    public var isControl: Bool { rawValue & 0x8 != 0 }
}

/// What came in over a WebSocket: whole messages, control frames, or the fault that ends it.
public enum FrameEvent: Sendable, Equatable {
    /// A whole text message, valid UTF-8, reassembled where it was fragmented.
    case text(ByteBuffer)
    /// A whole binary message, reassembled where it was fragmented.
    case binary(ByteBuffer)
    /// A ping, to be answered with a pong of the same payload.
    case ping(ByteBuffer)
    /// A pong.
    case pong(ByteBuffer)
    /// The peer closes. The code is nil where it gave none; the reason is valid UTF-8 of at most 123 bytes.
    case close(code: UInt16?, reason: ByteBuffer)
    /// The peer broke the protocol: close with `FrameViolation.closeCode`.
    case violation(FrameViolation)
}

/// How a peer broke RFC 6455 or a bound of ours.
public enum FrameViolation: Error, Sendable, Equatable {
    /// A reserved bit is set, and no extension was agreed that would give it a meaning there.
    case reservedBits
    /// An opcode that the RFC reserves.
    case reservedOpcode
    /// A continuation without a message under way.
    case strayContinuation
    /// A text or binary frame where the message under way has not ended.
    case interruptedMessage
    /// A control frame that is not final.
    case fragmentedControl
    /// A control frame of more than 125 bytes.
    case controlTooLong
    /// A frame without a mask, at a server.
    case unmasked
    /// A frame with a mask, at a client.
    case masked
    /// A payload length that has a shorter encoding.
    case nonMinimalLength
    /// A 64-bit payload length with its highest bit set.
    case lengthTopBit
    /// A close frame with a payload of one byte.
    case truncatedCloseCode
    /// A close code that must not be sent.
    case invalidCloseCode
    /// A text message or a close reason that is not UTF-8.
    case invalidUTF8
    /// A compressed message that does not inflate.
    case invalidCompression
    /// A message over the limit, fragments counted together. Known from the header, when nothing of the frame is
    /// buffered; for a compressed message at the latest when it has inflated to the limit.
    case messageTooLong

    /// The code to close the connection with: 1007 for bad UTF-8 and for what does not inflate (data that are not what
    /// their message says they are), 1009 for what is too long, 1002 for the rest.
    public var closeCode: UInt16 {
        switch self {
        case .invalidUTF8, .invalidCompression: 1007
        case .messageTooLong: 1009
        default: 1002
        }
    }
}
