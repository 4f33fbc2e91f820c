public import RelayCore
public import RelayWire

/// What a client tells its owner, in order.
public enum RelayClientEvent: Sendable, Equatable {
    /// A message of a joined room: each one once, in the order of the room, also across reconnections.
    case message(ReceivedMessage)
    /// A message of a direct conversation of this user that was not joined, as it is said.
    case direct(ReceivedMessage)
    /// A live event of a joined room, or a page, from wherever it comes. One of kind `rewound` names messages that were
    /// `moved`: Redis lost them, and they come once more, under another id.
    case event(ReceivedEvent)
    /// Operators say something to everybody.
    case notice(String)
    /// The connection's state.
    case status(ClientStatus)
    /// Something that was said is not to be had; see `ClientGap`.
    case gap(ClientGap)
    /// The relay lost writes: the room goes on in another epoch, and what this client saw last may be gone there.
    case rewound(RoomID, epoch: UInt64)
    /// The relay refuses a room that was joined before; the client is not in it any more.
    case dropped(RoomID, Refusal)
}

/// The state of a client's connection.
public enum ClientStatus: Sendable, Equatable {
    /// A socket is being opened.
    case connecting
    /// The relay knows who this is; rooms are being joined again.
    case connected(Welcome)
    /// There is no connection, and the next try begins after that time.
    case reconnecting(in: Duration, after: ConnectionLoss)
    /// It is over, and nothing follows.
    case closed(ClientEnd)
}

/// Why a connection was lost or did not come about.
public enum ConnectionLoss: Sendable, Equatable {
    case closed(Closing)
    case failed(RelayConnectionError)
    /// The relay did not welcome this client now, but may later.
    case notWelcomed(Refusal)
}

/// Why a client ended.
public enum ClientEnd: Sendable, Equatable {
    /// Its owner closed it.
    case requested
    /// The relay closed with a code that says not to come back.
    case dismissed(Closing)
    /// The relay refused the upgrade with a status that no second try changes.
    case refused(status: Int, body: String)
    /// The relay did not accept who this says it is.
    case unauthorized(Refusal)
}

/// Messages of a room that this client will not be given.
public struct ClientGap: Sendable, Equatable {
    /// Why they are missing.
    public enum Reason: String, Sendable {
        /// Older than the relay holds.
        case trimmed
        /// The client read too slowly for what the relay holds.
        case lagged
        /// The relay passed over numbers without a word.
        case unexplained
    }

    /// The room.
    public var room: RoomID
    /// Their numbers; nil where they are not known.
    public var missing: ClosedRange<UInt64>?
    /// Why.
    public var reason: Reason

    /// A gap of the given parts.
    public init(room: RoomID, missing: ClosedRange<UInt64>?, reason: Reason) {
        self.room = room
        self.missing = missing
        self.reason = reason
    }
}

/// Why something that was asked of a client did not happen.
public enum RelayClientError: Error, Sendable, Equatable {
    /// The relay refused it.
    case refused(Refusal)
    /// There is no connection now, or it was lost before the answer.
    case notConnected
    /// The text was a command; these lines are what the relay answered.
    case commandAnswered(lines: [String])
    /// No answer came in time, or none that fits.
    case timedOut
    /// The message was tried for as long as `sendDeadline` allows. It may have been stored or not; a send with the same
    /// nonce within the ten minutes of its first try would tell.
    case unacknowledged(Nonce)
    /// A message with this nonce is waiting to be acknowledged.
    case nonceInUse(Nonce)
    /// As many messages wait as `outboxMax` allows.
    case outboxFull
    /// As many requests wait as `requestsMax` allows.
    case tooManyRequests
    /// The client has ended.
    case closed(ClientEnd)
}

/// The events of a client in their order, until it ends.
///
/// It may be iterated by several tasks at once: then each event goes to one of them.
public struct RelayClientEvents: AsyncSequence, Sendable {
    let queue: EventQueue<RelayClientEvent>

    /// An iterator over what has not been taken yet.
    public func makeAsyncIterator() -> Iterator { Iterator(queue: queue) }

    /// Takes events one by one.
    public struct Iterator: AsyncIteratorProtocol {
        let queue: EventQueue<RelayClientEvent>

        /// The next event; nil at the end, and where the task is cancelled.
        public mutating func next() async -> RelayClientEvent? { await queue.next() }

        /// The next event; nil at the end, and where the task is cancelled.
        public mutating func next(isolation actor: isolated (any Actor)?) async -> RelayClientEvent? {
            await queue.next()
        }
    }
}
