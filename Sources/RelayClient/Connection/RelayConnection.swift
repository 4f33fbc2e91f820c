public import NIOCore
public import NIOPosix
import NIOSSL
import RelayCore
public import RelayWire

/// One WebSocket to a relay: it opens, sends, receives and closes, and understands nothing of what is said.
///
/// This is the layer for programs that want the protocol itself: checkers, load generators, tests that send what no
/// decent client would. `RelayClient` is built on it. Pings are answered by itself, and the close handshake is kept.
///
/// ```swift
/// let connection = try await RelayConnection.open(RelayConnectionConfiguration(url: url))
/// try await connection.send(#"{"op":"hello","user":"alice"}"#)
/// for await event in connection.events { … }
/// ```
///
/// It closes its socket when nobody holds it any more.
public final class RelayConnection: Sendable {
    private let channel: any Channel
    private let queue: EventQueue<ConnectionEvent>

    private init(channel: any Channel, queue: EventQueue<ConnectionEvent>) {
        self.channel = channel
        self.queue = queue
    }

    deinit {
        channel.close(promise: nil)
    }

    /// Opens a connection whose events wait in `events`.
    ///
    /// - Throws: `RelayConnectionError`.
    public static func open(
        _ configuration: RelayConnectionConfiguration,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) async throws -> RelayConnection {
        let queue = EventQueue<ConnectionEvent>(capacity: configuration.eventsMax)
        return try await open(configuration, sink: .queue(queue), queue: queue, group: group)
    }

    /// Opens a connection whose events are handed to a function on the connection's own event loop, without a queue.
    /// The function must not block. `events` ends at once.
    ///
    /// - Throws: `RelayConnectionError`.
    public static func open(
        _ configuration: RelayConnectionConfiguration,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        onEvent: @escaping @Sendable (ConnectionEvent) -> Void
    ) async throws -> RelayConnection {
        let queue = EventQueue<ConnectionEvent>(capacity: 2)
        queue.finish()
        return try await open(configuration, sink: .function(onEvent), queue: queue, group: group)
    }

    // MARK: Events

    /// What comes in, bounded by `eventsMax`.
    public var events: ConnectionEvents { ConnectionEvents(queue: queue) }

    /// The next event; nil after `closed`, or where none came within that time.
    public func next(within span: Duration) async -> ConnectionEvent? {
        await withTaskGroup(of: ConnectionEvent?.self) { group in
            group.addTask { [queue] in await queue.next() }
            group.addTask {
                try? await Task.sleep(for: span)
                return nil
            }
            // Whichever is cancelled gives nil, and may still have taken an event: both answers count.
            let first = await group.next() ?? nil
            group.cancelAll()
            let second = await group.next() ?? nil
            return first ?? second
        }
    }

    // MARK: Sending

    /// Sends a text message; returns when the socket has taken it.
    ///
    /// - Throws: `RelayConnectionError.closed`, or what the system says of the socket.
    public func send(_ text: String) async throws {
        try await send(ByteBuffer(string: text))
    }

    /// Sends a text message; returns when the socket has taken it. The bytes are sent as they are, also where they are
    /// not UTF-8.
    ///
    /// - Throws: `RelayConnectionError.closed`, or what the socket says.
    public func send(_ text: ByteBuffer) async throws {
        try await sendFrame(.text, payload: text)
    }

    /// Hands a text message to the socket without waiting for it.
    ///
    /// - Returns: false where the message was not taken: too much waits for the socket already (64 KiB), or the
    ///   connection is closed.
    public func trySend(_ text: ByteBuffer) -> Bool {
        guard channel.isActive, channel.isWritable else { return false }
        channel.writeAndFlush(ConnectionOrder.frame(.text, text, isFinal: true, isMasked: true), promise: nil)
        return true
    }

    /// Sends one frame of any kind: fragments, pings, or what a client must not send.
    ///
    /// A control frame has to be final and of at most 125 bytes; others have to be made for `sendRaw(_:)`.
    public func sendFrame(
        _ opcode: FrameOpcode, payload: ByteBuffer = ByteBuffer(), isFinal: Bool = true, isMasked: Bool = true
    ) async throws {
        try await give(.frame(opcode, payload, isFinal: isFinal, isMasked: isMasked))
    }

    /// Sends these bytes behind the upgrade as they are, whatever they are.
    public func sendRaw(_ bytes: ByteBuffer) async throws {
        try await give(.raw(bytes))
    }

    private func give(_ order: ConnectionOrder) async throws {
        do {
            try await channel.writeAndFlush(order)
        } catch is ChannelError {
            throw RelayConnectionError.closed
        }
    }

    // MARK: Closing

    /// Sends a close frame. `closed` comes when the relay has answered, after 5 s at the latest; once it is closing or
    /// closed, this does nothing.
    ///
    /// - Parameters:
    ///   - code: one that `CloseCode.mayBeSent`; any other is sent as 1000.
    ///   - reason: for people, at most 123 bytes; what is longer is cut.
    public func close(code: UInt16 = 1000, reason: String = "") async {
        let code = CloseCode.mayBeSent(code) ? code : 1000
        try? await channel.writeAndFlush(ConnectionOrder.close(code: code, reason: reason))
    }

    /// Ends the socket at once, without a word, as a crash would.
    public func cut() async {
        try? await channel.close()
    }

    // MARK: Opening

    private static func open(
        _ configuration: RelayConnectionConfiguration, sink: ConnectionSink, queue: EventQueue<ConnectionEvent>,
        group: any EventLoopGroup
    ) async throws -> RelayConnection {
        for header in configuration.headers where !isSound(header) { throw RelayConnectionError.badHeader(header.name) }
        let loop = group.next()
        let opened = loop.makePromise(of: Void.self)
        let span = TimeAmount(configuration.openDeadline)
        let timeout = loop.scheduleTask(in: span) { opened.fail(RelayConnectionError.timedOut) }
        defer { timeout.cancel() }
        let tls = configuration.url.isSecure ? try NIOSSLContext(configuration: configuration.tls) : nil
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(span)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(
                            tls.clientHandler(host: configuration.url.host))
                    }
                    let handler = ConnectionHandler(configuration: configuration, opened: opened, sink: sink)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        let channel: any Channel
        do {
            channel = try await bootstrap.connect(host: configuration.url.host, port: configuration.url.port).get()
        } catch {
            opened.fail(error)
            throw RelayConnectionError.unreachable("\(error)")
        }
        do {
            try await opened.futureResult.get()
        } catch {
            channel.close(promise: nil)
            throw error as? RelayConnectionError ?? .unreachable("\(error)")
        }
        queue.whenDrained { [weak channel] in resumeReading(channel) }
        return RelayConnection(channel: channel, queue: queue)
    }

    private static func resumeReading(_ channel: (any Channel)?) {
        guard let channel else { return }
        channel.eventLoop.execute {
            guard let context = try? channel.pipeline.syncOperations.context(handlerType: ConnectionHandler.self),
                let handler = context.handler as? ConnectionHandler
            else { return }
            handler.eventsDrained(context: context)
        }
    }

    private static func isSound(_ header: (name: String, value: String)) -> Bool {
        !header.name.isEmpty && header.name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ":") }
            && !header.value.utf8.contains { $0 == 0x0a || $0 == 0x0d || $0 == 0 }
    }
}

extension NIOSSLContext {
    /// The handler of a client's connection. A server name is sent only where it is a name: RFC 6066 allows no address.
    func clientHandler(host: String) throws -> NIOSSLClientHandler {
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return try NIOSSLClientHandler(context: self, serverHostname: isAddress ? nil : host)
    }
}
