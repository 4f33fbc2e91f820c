/// Where a connection's events go.
enum ConnectionSink: Sendable {
    /// To whoever iterates.
    case queue(EventQueue<ConnectionEvent>)
    /// Straight to a function on the connection's event loop.
    case function(@Sendable (ConnectionEvent) -> Void)

    /// Hands an event over; false where no further one is wanted until one was read.
    func receive(_ event: ConnectionEvent) -> Bool {
        switch self {
        case .queue(let queue): return queue.append(event)
        case .function(let body):
            body(event)
            return true
        }
    }

    /// Hands the last event over.
    func finish(_ closing: Closing) {
        _ = receive(.closed(closing))
        if case .queue(let queue) = self { queue.finish() }
    }
}

/// The events of a connection in their order; the last one is `closed`.
///
/// It may be iterated by several tasks at once: then each event goes to one of them. An iteration also ends where its
/// task is cancelled, and another one can go on from there.
public struct ConnectionEvents: AsyncSequence, Sendable {
    let queue: EventQueue<ConnectionEvent>

    /// An iterator over what has not been taken yet.
    public func makeAsyncIterator() -> Iterator { Iterator(queue: queue) }

    /// Takes events one by one.
    public struct Iterator: AsyncIteratorProtocol {
        let queue: EventQueue<ConnectionEvent>

        /// The next event; nil at the end, and where the task is cancelled.
        public mutating func next() async -> ConnectionEvent? { await queue.next() }

        /// The next event; nil at the end, and where the task is cancelled.
        public mutating func next(isolation actor: isolated (any Actor)?) async -> ConnectionEvent? {
            await queue.next()
        }
    }
}
