import NIOCore
import RelayWire

/// One WebSocket after its upgrade, from the client's side: who may still send, and how it ends.
struct ConnectionStateMachine {
    /// What to do with a frame that came.
    enum FrameAction: Equatable {
        case deliver(ConnectionEvent)
        case sendPong(ByteBuffer)
        /// Send a close frame, tell the owner, and cut the socket once it is out.
        case answerClose(code: UInt16?, Closing)
        /// Tell the owner and cut the socket.
        case finish(Closing)
        case none
    }

    /// What to do with an order to close.
    enum CloseAction: Equatable {
        /// Send the frame; if nothing came by the deadline, `deadlinePassed`.
        case sendClose(code: UInt16, reason: String)
        case none
    }

    private enum State {
        /// Exits: closing, closed.
        case open
        /// Our close frame is out. Exits: closed.
        case closing(code: UInt16, reason: String)
        /// Exits: none.
        case closed
    }

    private let answersPings: Bool
    private var state = State.open

    /// An open connection.
    init(answersPings: Bool) {
        self.answersPings = answersPings
    }

    /// Whether frames may be sent.
    var isOpen: Bool { if case .open = state { true } else { false } }

    /// The decoder has something.
    mutating func frameReceived(_ frame: FrameEvent) -> FrameAction {
        switch (state, frame) {
        case (.closed, _): return .none
        case (_, .text(let text)): return .deliver(.text(text))
        case (_, .pong(let payload)): return .deliver(.pong(payload))
        case (.open, .ping(let payload)): return answersPings ? .sendPong(payload) : .none
        case (.closing, .ping): return .none
        case (_, .binary): return fail(code: 1003, reason: "binary", origin: .own)
        case (_, .violation(let violation)):
            return fail(code: violation.closeCode, reason: "\(violation)", origin: .violation(violation))
        case (.open, .close(let code, let reason)):
            state = .closed
            return .answerClose(code: code, Closing(origin: .peer, code: code, reason: String(buffer: reason)))
        case (.closing(let code, let reason), .close):
            state = .closed
            return .finish(Closing(origin: .own, code: code, reason: reason))
        }
    }

    /// The owner wants no more.
    mutating func closeOrdered(code: UInt16, reason: String) -> CloseAction {
        guard isOpen else { return .none }
        state = .closing(code: code, reason: reason)
        return .sendClose(code: code, reason: reason)
    }

    /// The relay did not answer a close frame in time. Nil where that is over anyway.
    mutating func deadlinePassed() -> Closing? {
        guard case .closing(let code, let reason) = state else { return nil }
        state = .closed
        return Closing(origin: .own, code: code, reason: reason)
    }

    /// A ping had no pong. Nil where the connection is over anyway.
    mutating func silenceNoticed() -> Closing? {
        guard isOpen else { return nil }
        state = .closed
        return Closing(origin: .silence, code: nil, reason: "no pong")
    }

    /// The socket is gone. Nil where the owner knows that it is over.
    mutating func socketEnded(_ reason: String) -> Closing? {
        switch state {
        case .closed: return nil
        case .closing(let code, let ownReason):
            state = .closed
            return Closing(origin: .own, code: code, reason: ownReason)
        case .open:
            state = .closed
            return Closing(origin: .cut, code: nil, reason: reason)
        }
    }

    private mutating func fail(code: UInt16, reason: String, origin: Closing.Origin) -> FrameAction {
        let wasOpen = isOpen
        state = .closed
        let closing = Closing(origin: origin, code: code, reason: reason)
        return wasOpen ? .answerClose(code: code, closing) : .finish(closing)
    }
}
