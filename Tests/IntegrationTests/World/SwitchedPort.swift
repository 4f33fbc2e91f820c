import NIOCore
import NIOPosix
import NIOConcurrencyHelpers

/// A TCP port of one's own that leads to another one, and to yet another when the test says so: what an address does
/// whose server failed over.
final class SwitchedPort: Sendable {
    private struct State {
        var target: Int
        var open: [ObjectIdentifier: any Channel] = [:]
    }

    let port: Int
    private let listener: any Channel
    private let state = NIOLockedValueBox(State(target: 0))

    private init(listener: any Channel, port: Int) {
        self.listener = listener
        self.port = port
    }

    /// Listens; nothing is behind the port before `lead(to:)`.
    static func open() async throws -> SwitchedPort {
        let box = Box()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: false)
            .childChannelInitializer { channel in
                guard let port = box.port else { return channel.close() }
                return port.connect(channel)
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = SwitchedPort(listener: listener, port: listener.localAddress?.port ?? 0)
        box.set(port)
        return port
    }

    private final class Box: Sendable {
        private let holder = NIOLockedValueBox<SwitchedPort?>(nil)
        var port: SwitchedPort? { holder.withLockedValue { $0 } }
        func set(_ port: SwitchedPort) { holder.withLockedValue { $0 = port } }
    }

    /// From now on the port leads there; what is connected is cut.
    func lead(to target: Int) {
        let cut = state.withLockedValue { state in
            defer { state = State(target: target) }
            return state.open.values
        }
        for channel in cut { channel.close(promise: nil) }
    }

    /// Ends it.
    func close() {
        lead(to: 0)
        listener.close(promise: nil)
    }

    private func connect(_ client: any Channel) -> EventLoopFuture<Void> {
        let target = state.withLockedValue { state in
            state.open[ObjectIdentifier(client)] = client
            return state.target
        }
        client.closeFuture.whenComplete { [self] _ in
            state.withLockedValue { _ = $0.open.removeValue(forKey: ObjectIdentifier(client)) }
        }
        return ClientBootstrap(group: client.eventLoop).connect(host: "127.0.0.1", port: target).flatMap { server in
            server.pipeline.addHandler(Passing(to: client)).flatMap { client.pipeline.addHandler(Passing(to: server)) }
        }.flatMap { client.setOption(.autoRead, value: true) }
    }

    /// Hands what comes to the other side, and ends with it.
    private final class Passing: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        private let other: any Channel

        init(to other: any Channel) { self.other = other }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            other.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
