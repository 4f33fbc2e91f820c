import NIOCore
import NIOPosix
import RelayTestKit
import NIOConcurrencyHelpers

/// A TCP balancer before edges, as stands before them in production: each new connection goes to the next edge in turn
/// that takes it.
final class Balancer: Sendable {
    private struct Turn {
        var ports: [Int] = []
        var next = 0
    }

    private let turn = NIOLockedValueBox(Turn())
    private let listener: NIOLockedValueBox<(any Channel)?> = NIOLockedValueBox(nil)

    /// The port that clients connect to.
    var port: Int { listener.withLockedValue { $0?.localAddress?.port } ?? 0 }

    private init() {}

    /// Listens on a port of 127.0.0.1.
    static func start() async throws -> Balancer {
        let balancer = Balancer()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { inbound in
                balancer.connect(inbound.eventLoop, balancer.candidates()).flatMapThrowing { outbound in
                    let (near, far) = PipeHandler.pair()
                    try inbound.pipeline.syncOperations.addHandler(near)
                    try outbound.pipeline.syncOperations.addHandler(far)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        balancer.listener.withLockedValue { $0 = channel }
        return balancer
    }

    /// From now on new connections go to these ports.
    func serve(_ ports: [Int]) { turn.withLockedValue { $0.ports = ports } }

    /// Takes no further connections.
    func close() async { try? await listener.withLockedValue { $0 }?.close() }

    /// All ports, the one whose turn it is first.
    private func candidates() -> [Int] {
        turn.withLockedValue { turn in
            guard !turn.ports.isEmpty else { return [] }
            turn.next += 1
            let start = turn.next % turn.ports.count
            return Array(turn.ports[start...] + turn.ports[..<start])
        }
    }

    private func connect(_ loop: any EventLoop, _ ports: [Int]) -> EventLoopFuture<any Channel> {
        guard let port = ports.first else { return loop.makeFailedFuture(ChannelError.connectPending) }
        return ClientBootstrap(group: loop).channelOption(.autoRead, value: false)
            .connect(host: "127.0.0.1", port: port)
            .flatMapError { [self] _ in connect(loop, Array(ports.dropFirst())) }
    }
}

/// One half of a connection through the balancer; the other is on the same event loop.
private final class PipeHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var partner: PipeHandler?
    private var context: ChannelHandlerContext?

    static func pair() -> (PipeHandler, PipeHandler) {
        let (first, second) = (PipeHandler(), PipeHandler())
        first.partner = second
        second.partner = first
        return (first, second)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        partner = nil
    }

    /// Comes on the client's half alone: the edge's was open before it got this handler.
    func channelActive(context: ChannelHandlerContext) {
        context.read()
        partner?.context?.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        partner?.context?.write(wrapOutboundOut(unwrapInboundIn(data)), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard let other = partner?.context else { return context.close(promise: nil) }
        other.flush()
        if other.channel.isWritable { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { partner?.context?.read() }
    }

    func channelInactive(context: ChannelHandlerContext) { partner?.context?.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
