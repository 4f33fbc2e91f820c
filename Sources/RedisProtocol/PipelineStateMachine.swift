public import DequeModule
public import NIOCore

/// One connection for commands: the handshake, then replies in the order of the commands, each with a deadline.
///
/// Commands are gathered until `tickEnded`, so that all of one event-loop tick are one write. A token is whatever the
/// owner needs to give an outcome to whoever asked; each one that was accepted comes back exactly once.
///
/// What happens for each command can be inlined: a generic that is not specialised asks the runtime for its types at
/// each call, which was 4 % of an edge's own time for a post.
///
///     connecting ──► handshaking ──► ready ──► closing ──► closed        (every state may go straight to closed)
public struct PipelineStateMachine<Token>: ~Copyable {
    @usableFromInline
    enum State {
        /// The socket is being opened. Exits: handshaking, closed.
        case connecting
        /// The first commands are out, and are to be answered by then. Exits: ready, closed.
        case handshaking(deadline: ContinuousClock.Instant)
        /// Takes commands. Exits: closing, closed.
        case ready
        /// Takes no more commands and waits for the replies that are due. Exit: closed.
        case closing
        case closed
    }

    @usableFromInline
    struct Request {
        @usableFromInline let token: Token
        @usableFromInline let deadline: ContinuousClock.Instant
        @usableFromInline let bytes: Int
        @usableFromInline let isReplyTaped: Bool

        @inlinable
        init(token: Token, deadline: ContinuousClock.Instant, bytes: Int, isReplyTaped: Bool) {
            self.token = token
            self.deadline = deadline
            self.bytes = bytes
            self.isReplyTaped = isReplyTaped
        }
    }

    @usableFromInline var state = State.connecting
    @usableFromInline var handshake: HandshakeStateMachine
    @usableFromInline var inFlight: Deque<Request> = []
    @usableFromInline var inFlightBytes = 0
    @usableFromInline var writtenCount = 0
    @usableFromInline var outgoing = ByteBuffer()
    @usableFromInline let inFlightMax: Int
    @usableFromInline let inFlightBytesMax: Int

    /// A connection that is about to be made, with its bounds.
    public init(
        handshake: HandshakeConfiguration, inFlightMax: Int = RedisLimits.inFlightMax,
        inFlightBytesMax: Int = RedisLimits.inFlightBytesMax
    ) {
        self.handshake = HandshakeStateMachine(handshake)
        self.inFlightMax = inFlightMax
        self.inFlightBytesMax = inFlightBytesMax
    }

    /// How many commands wait for their reply.
    public var inFlightCount: Int { inFlight.count }

    /// Whether the next reply is to come as a tape, where it is an array.
    @inlinable
    public var isNextReplyTaped: Bool { inFlight.first?.isReplyTaped ?? false }

    /// Whether a command would be accepted now, but for the bounds.
    public var isReady: Bool {
        guard case .ready = state else { return false }
        return true
    }
}

// MARK: - Opening

extension PipelineStateMachine {
    /// What to do when the socket is open.
    public enum ConnectedAction {
        /// Write and flush these bytes.
        case write(ByteBuffer)
        /// The owner has given this connection up meanwhile: close it.
        case close
    }

    /// The socket is open; the handshake has until the deadline.
    public mutating func connected(handshakeDeadline: ContinuousClock.Instant) -> ConnectedAction {
        guard case .connecting = state else { return .close }
        state = .handshaking(deadline: handshakeDeadline)
        return .write(handshake.connected())
    }
}

// MARK: - Commands

extension PipelineStateMachine {
    /// What to do with a command.
    public enum SendAction {
        /// Call `tickEnded` when this tick of the event loop is over.
        case scheduleFlush
        /// It goes out with the others of this tick.
        case wait
        /// It was not taken: give the token this outcome.
        case refuse(Token, RedisError)
    }

    /// Somebody wants a command executed.
    @inlinable
    public mutating func sendRequested(
        _ command: RedisCommand, deadline: ContinuousClock.Instant, token: Token
    ) -> SendAction {
        switch state {
        case .connecting, .handshaking: return .refuse(token, .unavailable)
        case .closing, .closed: return .refuse(token, .closed)
        case .ready: break
        }
        let bytes = command.byteCount
        guard inFlight.count < inFlightMax, inFlightBytes + bytes <= inFlightBytesMax else {
            return .refuse(token, .overloaded)
        }
        let isFirst = outgoing.readableBytes == 0
        command.encode(into: &outgoing)
        inFlight.append(Request(token: token, deadline: deadline, bytes: bytes, isReplyTaped: command.isReplyTaped))
        inFlightBytes += bytes
        return isFirst ? .scheduleFlush : .wait
    }

    /// What to do at the end of a tick.
    public enum TickAction {
        /// Write and flush these bytes: all commands of the tick.
        case write(ByteBuffer)
        /// There is nothing to write.
        case none
    }

    /// The tick in which commands were gathered is over.
    @inlinable
    public mutating func tickEnded() -> TickAction {
        guard outgoing.readableBytes > 0 else { return .none }
        writtenCount = inFlight.count
        // The next tick is likely to need as much; a rare large one is not kept.
        let next = ByteBufferAllocator().buffer(capacity: min(outgoing.readableBytes, 64 << 10))
        let buffer = outgoing
        outgoing = next
        return .write(buffer)
    }
}

// MARK: - Replies

extension PipelineStateMachine {
    /// What to do with a reply.
    public enum ReplyAction {
        /// Nothing.
        case none
        /// The handshake is done: commands are welcome, on a server of this version.
        case becomeReady(version: String)
        /// Give the token its outcome.
        case complete(Token, Result<RESPValue, RedisError>)
        /// Give the token its outcome and close: it was the last one, and closing was asked for.
        case completeAndClose(Token, Result<RESPValue, RedisError>)
        /// The connection is of no use: close it. `connectionClosed` then returns what fails with it.
        case close(RedisError)
    }

    /// A whole reply came.
    @inlinable
    public mutating func replyReceived(_ reply: RESPValue) -> ReplyAction {
        switch state {
        case .connecting, .closed:
            return .none
        case .handshaking:
            switch handshake.replyReceived(reply) {
            case .wait: return .none
            case .succeed(let version):
                state = .ready
                return .becomeReady(version: version)
            case .fail(let error): return .close(error)
            }
        case .ready, .closing:
            guard writtenCount > 0, let request = inFlight.popFirst() else {
                return .close(.protocolViolation("a reply that nobody asked for"))
            }
            writtenCount -= 1
            inFlightBytes -= request.bytes
            let outcome: Result<RESPValue, RedisError>
            if case .error(let error) = reply {
                outcome = .failure(RedisError(error))
            } else {
                outcome = .success(reply)
            }
            if case .closing = state, inFlight.isEmpty { return .completeAndClose(request.token, outcome) }
            return .complete(request.token, outcome)
        }
    }
}

// MARK: - Deadlines

extension PipelineStateMachine {
    /// What to do when a deadline may have passed.
    public enum DeadlineAction {
        /// Look again then, and not at all where nothing is waited for.
        case wait(until: ContinuousClock.Instant?)
        /// The connection hangs: close it. `connectionClosed(now:)` then returns what fails with it.
        case close(RedisError)
    }

    /// The time has come to look at the deadlines.
    ///
    /// A caller may give a late command an earlier deadline than the one before it, so all are looked at; that is
    /// rare, since the owner asks again only when the earliest one that it was told has passed.
    public func deadlineReached(now: ContinuousClock.Instant) -> DeadlineAction {
        switch state {
        case .connecting, .closed: return .wait(until: nil)
        case .handshaking(let deadline):
            return deadline <= now ? .close(.connectFailed("no answer in time")) : .wait(until: deadline)
        case .ready, .closing:
            guard let earliest = inFlight.lazy.map(\.deadline).min() else { return .wait(until: nil) }
            return earliest <= now ? .close(.timeout) : .wait(until: earliest)
        }
    }
}

// MARK: - The end

extension PipelineStateMachine {
    /// What to do when the owner wants to close.
    public enum CloseAction {
        /// Close the socket now.
        case close
        /// Close it when the last reply is there; `replyReceived` will say so.
        case wait
        /// It is closed already.
        case none
    }

    /// The owner wants no more commands sent, and the ones under way answered.
    public mutating func closeRequested() -> CloseAction {
        switch state {
        case .closed: return .none
        case .closing: return .wait
        case .connecting, .handshaking:
            state = .closed
            return .close
        case .ready:
            guard !inFlight.isEmpty else {
                state = .closed
                return .close
            }
            state = .closing
            return .wait
        }
    }

    /// A command that will get no reply.
    public struct Failure {
        /// Whose it is.
        public let token: Token
        /// Whether it may have been executed, and why there is no reply.
        public let error: RedisError
    }

    /// The connection is gone, or about to be closed: everything under way fails, in order.
    ///
    /// What was written may have been executed, what was not has not been. What is past its deadline says so.
    public mutating func connectionClosed(now: ContinuousClock.Instant) -> [Failure] {
        state = .closed
        outgoing = ByteBuffer()
        let requests = inFlight
        inFlight = []
        inFlightBytes = 0
        let written = writtenCount
        writtenCount = 0
        return requests.enumerated().map { index, request in
            let isLate = request.deadline <= now
            let error: RedisError =
                index >= written
                ? .connectionLost(mayHaveExecuted: false) : isLate ? .timeout : .connectionLost(mayHaveExecuted: true)
            return Failure(token: request.token, error: error)
        }
    }
}
