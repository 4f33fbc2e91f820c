public import NIOCore

/// Which channels are wanted, over all the connections that a subscriber has one after the other.
///
/// Redis answers requests in their order, channel by channel. Each request for a channel gets the next generation of
/// that channel, each confirmation is for the oldest that is open: only the confirmation of the newest one counts, so
/// a late answer to a request that was taken back since changes nothing.
///
///     disconnected ──► handshaking ──► open ──► disconnected ──► …        (every state may go to closed)
///
/// The set of channels is bounded by its owner, who asks for them.
public struct SubscriptionStateMachine: ~Copyable {
    private enum State {
        /// Between connections. Exits: handshaking, closed.
        case disconnected
        /// The first commands are out, and are to be answered by then. Exits: open, disconnected, closed.
        case handshaking(deadline: ContinuousClock.Instant)
        /// Exits: disconnected, closed.
        case open(Liveness)
        case closed
    }

    /// A connection may be dead in one direction alone. So messages that come are no proof: what counts is that Redis
    /// answers what it is sent.
    private enum Liveness {
        /// Redis answered something then.
        case answered(at: ContinuousClock.Instant)
        /// A `PING` has been out since then, and must be answered by `deadline`. Where messages come meanwhile the
        /// answer may be waiting behind them, and has until `last`.
        case probing(hasHeard: Bool, deadline: ContinuousClock.Instant, last: ContinuousClock.Instant)
    }

    private struct Entry {
        var isWanted: Bool
        var isSubscribed = false
        /// Generation of the newest request on this connection, and of the newest that was answered.
        var requested = 0
        var confirmed = 0
    }

    private var state = State.disconnected
    private let handshakeConfiguration: HandshakeConfiguration
    private var handshake: HandshakeStateMachine
    private let words: SubscriptionWords
    private let probeInterval: Duration
    private let probeDeadline: Duration

    private var entries: [String: Entry] = [:]
    // Requests of this tick, of one sort and in order, that are not encoded yet.
    private var batch: [String] = []
    private var batchSubscribes = true
    private var outgoing = ByteBuffer()
    // The channel of the last message: a burst of messages costs one lookup and one string.
    private var recent: (bytes: ByteBuffer, name: String)?

    /// A subscriber without a connection that wants nothing yet.
    public init(
        handshake: HandshakeConfiguration, kind: SubscriptionKind = .classic, probeInterval: Duration = .seconds(10),
        probeDeadline: Duration = .seconds(5)
    ) {
        handshakeConfiguration = handshake
        self.handshake = HandshakeStateMachine(handshake)
        words = SubscriptionWords(kind)
        self.probeInterval = probeInterval
        self.probeDeadline = probeDeadline
    }

    /// How much longer an answer may take that waits behind messages.
    private static let patienceFactor = 3

    /// How many channels are wanted.
    public var wantedCount: Int { entries.values.count { $0.isWanted } }

    /// Whether the connection stands and takes requests.
    public var isOpen: Bool {
        guard case .open = state else { return false }
        return true
    }
}

// MARK: - Opening

extension SubscriptionStateMachine {
    /// What to do when the socket is open.
    public enum ConnectedAction {
        /// Write and flush these bytes.
        case write(ByteBuffer)
        /// The owner has given up meanwhile: close it.
        case close
    }

    /// The socket is open; the handshake has until the deadline.
    public mutating func connected(handshakeDeadline: ContinuousClock.Instant) -> ConnectedAction {
        guard case .disconnected = state else { return .close }
        state = .handshaking(deadline: handshakeDeadline)
        handshake = HandshakeStateMachine(handshakeConfiguration)
        return .write(handshake.connected())
    }

    private mutating func opened(now: ContinuousClock.Instant) {
        state = .open(.answered(at: now))
        outgoing = ByteBuffer()
        batch = []
        for (name, entry) in entries where entry.isWanted {
            entries[name] = Entry(isWanted: true, requested: 1)
            enqueue(name, subscribes: true)
        }
    }
}

// MARK: - Requests

extension SubscriptionStateMachine {
    /// What to do with a request.
    public enum RequestAction {
        /// Call `tickEnded` when this tick of the event loop is over.
        case scheduleFlush
        /// Nothing: it is noted, and is done with the others of this tick or by the next connection.
        case none
    }

    /// The owner wants a channel. Wanting it twice changes nothing.
    public mutating func subscribeRequested(_ name: String) -> RequestAction {
        var entry = entries[name] ?? Entry(isWanted: false)
        guard !entry.isWanted else { return .none }
        entry.isWanted = true
        return request(name, entry, subscribes: true)
    }

    /// The owner no longer wants a channel. No message of it is reported from here on.
    public mutating func unsubscribeRequested(_ name: String) -> RequestAction {
        guard var entry = entries[name], entry.isWanted else { return .none }
        recent = nil
        entry.isWanted = false
        entry.isSubscribed = false
        guard isOpen else {
            entries[name] = nil
            return .none
        }
        return request(name, entry, subscribes: false)
    }

    private mutating func request(_ name: String, _ entry: Entry, subscribes: Bool) -> RequestAction {
        var entry = entry
        let isFirst = batch.isEmpty && outgoing.readableBytes == 0
        if isOpen {
            entry.requested += 1
            enqueue(name, subscribes: subscribes)
        }
        entries[name] = entry
        return isOpen && isFirst ? .scheduleFlush : .none
    }

    private mutating func enqueue(_ name: String, subscribes: Bool) {
        if subscribes != batchSubscribes || batch.count >= words.channelsPerCommandMax { encodeBatch() }
        batchSubscribes = subscribes
        batch.append(name)
    }

    private mutating func encodeBatch() {
        guard !batch.isEmpty else { return }
        let name = batchSubscribes ? words.subscribeCommand : words.unsubscribeCommand
        var command = RedisCommand(name, capacity: 32 + batch.count * 32)
        command.append(contentsOf: batch)
        command.encode(into: &outgoing)
        batch.removeAll(keepingCapacity: true)
    }

    /// What to do at the end of a tick.
    public enum TickAction {
        /// Write and flush these bytes: all requests of the tick.
        case write(ByteBuffer)
        /// There is nothing to write.
        case none
    }

    /// The tick in which requests were gathered is over.
    public mutating func tickEnded() -> TickAction {
        encodeBatch()
        guard outgoing.readableBytes > 0 else { return .none }
        let buffer = outgoing
        outgoing = ByteBuffer()
        return .write(buffer)
    }
}

// MARK: - What Redis pushes

extension SubscriptionStateMachine {
    /// What to do with something that Redis sent.
    public enum ReplyAction: Equatable {
        /// Nothing.
        case none
        /// The connection stands. Call `tickEnded` now: it holds a subscription to every wanted channel.
        case open(version: String)
        /// From here on messages of this channel come.
        case subscribed(String)
        /// A message of a channel that is subscribed.
        case deliver(ByteBuffer, channelName: String)
        /// The connection is of no use: close it.
        case close(RedisError)
    }

    /// Bytes came from Redis, whatever they hold.
    public mutating func bytesReceived() {
        guard case .open(.probing(false, let deadline, let last)) = state else { return }
        state = .open(.probing(hasHeard: true, deadline: deadline, last: last))
    }

    /// A whole reply came.
    public mutating func replyReceived(_ reply: RESPValue, now: ContinuousClock.Instant) -> ReplyAction {
        switch state {
        case .disconnected, .closed: return .none
        case .handshaking:
            switch handshake.replyReceived(reply) {
            case .wait: return .none
            case .succeed(let version):
                opened(now: now)
                return .open(version: version)
            case .fail(let error): return .close(error)
            }
        case .open: return pushReceived(reply, now: now)
        }
    }

    private mutating func pushReceived(_ reply: RESPValue, now: ContinuousClock.Instant) -> ReplyAction {
        switch reply {
        case .array(let items):
            guard items.count >= 2, case .bulk(let word) = items[0] else { break }
            if word == words.pong {
                state = .open(.answered(at: now))
                return .none
            }
            guard items.count == 3 else { break }
            if word == words.message, case .bulk(let name) = items[1], case .bulk(let payload) = items[2] {
                return messageReceived(payload, on: name)
            }
            guard word == words.subscribed || word == words.unsubscribed, let name = items[1].string else { break }
            state = .open(.answered(at: now))
            return confirmed(name, subscribes: word == words.subscribed)
        case .simpleString:
            // Without a subscription Redis answers PING as it does outside of pub/sub. Whoever answers so although
            // there is one has lost it: a proxy that has made its own connection anew.
            guard !entries.values.contains(where: \.isSubscribed) else {
                return .close(.protocolViolation("an answer as if there were no subscriptions"))
            }
            state = .open(.answered(at: now))
            return .none
        case .error(let error):
            return .close(RedisError(error))
        case .integer, .bulk, .null, .tape:
            break
        }
        return .close(.protocolViolation("not a pub/sub message"))
    }

    private mutating func messageReceived(_ payload: ByteBuffer, on bytes: ByteBuffer) -> ReplyAction {
        if let recent, recent.bytes == bytes { return .deliver(payload, channelName: recent.name) }
        let name = String(buffer: bytes)
        guard entries[name]?.isSubscribed == true else { return .none }
        recent = (bytes, name)
        return .deliver(payload, channelName: name)
    }

    private mutating func confirmed(_ name: String, subscribes: Bool) -> ReplyAction {
        guard var entry = entries[name], entry.confirmed < entry.requested else {
            // Redis takes a channel away by itself when its slot moves to another node.
            return .close(.protocolViolation("a confirmation that nobody asked for"))
        }
        entry.confirmed += 1
        guard entry.confirmed == entry.requested else {
            entries[name] = entry
            return .none
        }
        guard subscribes == entry.isWanted else {
            return .close(.protocolViolation("a confirmation of another request"))
        }
        guard subscribes else {
            entries[name] = nil
            return .none
        }
        entry.isSubscribed = true
        entries[name] = entry
        return .subscribed(name)
    }
}

// MARK: - Time

extension SubscriptionStateMachine {
    /// What to do when time has passed.
    public enum TimeAction {
        /// Look again then, and not at all between connections.
        case wait(until: ContinuousClock.Instant?)
        /// Write and flush these bytes, and look again then.
        case probe(ByteBuffer, until: ContinuousClock.Instant)
        /// The connection is dead, whatever TCP says: close it.
        case close(RedisError)
    }

    /// The time has come to ask whether the connection is alive.
    public mutating func timePassed(now: ContinuousClock.Instant) -> TimeAction {
        switch state {
        case .disconnected, .closed:
            return .wait(until: nil)
        case .handshaking(let deadline):
            return deadline <= now ? .close(.connectFailed("no answer in time")) : .wait(until: deadline)
        case .open(.probing(let hasHeard, let deadline, let last)):
            let end = hasHeard ? last : deadline
            return end <= now ? .close(.timeout) : .wait(until: deadline <= now ? end : deadline)
        case .open(.answered(let last)):
            guard last + probeInterval <= now else { return .wait(until: last + probeInterval) }
            return probe(now: now)
        }
    }

    /// The owner wants to know now whether the connection is alive.
    public mutating func probeRequested(now: ContinuousClock.Instant) -> TimeAction {
        guard case .open(.answered) = state else { return .wait(until: nil) }
        return probe(now: now)
    }

    private mutating func probe(now: ContinuousClock.Instant) -> TimeAction {
        let deadline = now + probeDeadline
        state = .open(.probing(hasHeard: false, deadline: deadline, last: now + probeDeadline * Self.patienceFactor))
        var buffer = ByteBuffer()
        RedisCommand("PING").encode(into: &buffer)
        return .probe(buffer, until: deadline)
    }
}

// MARK: - The end

extension SubscriptionStateMachine {
    /// The connection is gone. What is wanted stays wanted; returns whether it was open.
    public mutating func connectionClosed() -> Bool {
        let wasOpen = isOpen
        if case .closed = state { return false }
        state = .disconnected
        recent = nil
        batch = []
        outgoing = ByteBuffer()
        entries = entries.filter(\.value.isWanted).mapValues { _ in Entry(isWanted: true) }
        return wasOpen
    }

    /// The owner wants no more of it.
    public mutating func closeRequested() {
        state = .closed
        entries = [:]
        batch = []
        outgoing = ByteBuffer()
        recent = nil
    }
}
