import NIOCore
import RelayCore
import RelayWire

/// What a WebSocket is for.
enum SessionPurpose: Equatable {
    /// Chat, as whom the request said.
    case relay(Identity?)
    /// Chat in lines, as whom and in which room the request said.
    case text(Identity?, RoomID?)
    /// `GET /v1/echo`: every message comes back, so that a conformance suite can look at the frames.
    case echo
    /// The events of one room, for a reader over HTTP; whether the others are told that this user is there.
    case events(Identity, isSeen: Bool)

    /// The most bytes of a message; a larger one closes with 1009.
    var messageBytesMax: Int {
        switch self {
        case .relay, .text, .events: Limits.frameBytesMax
        case .echo: Limits.echoBytesMax
        }
    }

    /// Whether the others in a room are told that the user is there.
    var isSeen: Bool {
        if case .events(_, let isSeen) = self { isSeen } else { true }
    }

    /// Who the session is from the start. An echo is somebody, so that nobody waits for a `hello`.
    var identity: Identity? {
        switch self {
        case .relay(let identity), .text(let identity, _): identity
        case .events(let identity, _): identity
        case .echo: UserID("echo").map { Identity(user: $0, name: DisplayName($0)) }
        }
    }
}

extension SessionHandler {
    /// Sends a message back.
    func echo(_ opcode: FrameOpcode, _ payload: ByteBuffer) {
        guard isOpen else { return }
        write(opcode, payload)
    }

    /// While its peer does not read, an echo does not read either: what one read brought is the most that can pile up.
    func echoWritabilityChanged(_ channel: any Channel) {
        try? channel.syncOptions?.setOption(.autoRead, value: isWritable)
    }
}
