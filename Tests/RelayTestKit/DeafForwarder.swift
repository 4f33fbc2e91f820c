internal import NIOCore
internal import NIOPosix
internal import NIOConcurrencyHelpers

/// A TCP forwarder before a redis-server that can go silent: connections stay open, and bytes vanish.
///
/// This is what a half-open connection, a firewall that forgot one, or a proxy that swallowed it looks like.
public final class DeafForwarder: Sendable {
    /// What vanishes on a connection.
    public enum Deafness: Sendable {
        /// Nothing.
        case none
        /// What the client sends.
        case toServer
        /// What the server sends.
        case toClient
        /// What the server sends and holds this text; the rest goes on as if all were well.
        case toClientHolding(String)
    }

    private let server: any Channel
    private let pairs: Pairs

    /// The port on 127.0.0.1.
    public let port: Int

    /// How many connections that subscribed there were so far.
    public var subscribedCount: Int {
        pairs.all.withLockedValue { $0.count { $0.state.withLockedValue { $0.isSubscribed } } }
    }

    private init(server: any Channel, pairs: Pairs, port: Int) {
        self.server = server
        self.pairs = pairs
        self.port = port
    }

    /// Listens on a free port of 127.0.0.1 and forwards to that one.
    public static func start(to target: Int) async throws -> DeafForwarder {
        let pairs = Pairs()
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { client in
                let pair = Pair()
                pairs.all.withLockedValue { $0.append(pair) }
                return ClientBootstrap(group: client.eventLoop)
                    .channelInitializer { upstream in
                        upstream.eventLoop.makeCompletedFuture {
                            try upstream.pipeline.syncOperations.addHandler(
                                ForwardingHandler(to: client, pair: pair, isFromServer: true))
                        }
                    }
                    .connect(host: "127.0.0.1", port: target)
                    .flatMapThrowing { upstream in
                        try client.pipeline.syncOperations.addHandler(
                            ForwardingHandler(to: upstream, pair: pair, isFromServer: false))
                    }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return DeafForwarder(server: server, pairs: pairs, port: server.localAddress?.port ?? 0)
    }

    /// Sets what vanishes on the connections that have subscribed by now. Those that come later are well.
    public func setDeafness(_ deafness: Deafness) {
        for pair in pairs.all.withLockedValue({ $0 }) {
            pair.state.withLockedValue { if $0.isSubscribed { $0.deafness = deafness } }
        }
    }

    /// Stops listening; connections that stand go with their ends.
    public func stop() async throws {
        try await server.close()
    }
}

private final class Pairs: Sendable {
    let all = NIOLockedValueBox<[Pair]>([])
}

/// A connection of a client and the one to the server that belongs to it.
private final class Pair: Sendable {
    let state = NIOLockedValueBox((isSubscribed: false, deafness: DeafForwarder.Deafness.none))

    func swallows(_ bytes: ByteBuffer, isFromServer: Bool) -> Bool {
        state.withLockedValue { state in
            if !isFromServer, Self.holds(bytes, "SUBSCRIBE") { state.isSubscribed = true }
            switch state.deafness {
            case .none: return false
            case .toServer: return !isFromServer
            case .toClient: return isFromServer
            case .toClientHolding(let text): return isFromServer && Self.holds(bytes, text)
            }
        }
    }

    private static func holds(_ bytes: ByteBuffer, _ text: String) -> Bool {
        bytes.readableBytesView.firstRange(of: Array(text.utf8)) != nil
    }
}

private final class ForwardingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel
    private let pair: Pair
    private let isFromServer: Bool

    init(to other: any Channel, pair: Pair, isFromServer: Bool) {
        self.other = other
        self.pair = pair
        self.isFromServer = isFromServer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        if !pair.swallows(bytes, isFromServer: isFromServer) { other.writeAndFlush(bytes, promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        other.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
