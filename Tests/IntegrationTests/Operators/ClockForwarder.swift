import NIOCore
import NIOPosix

/// A port that leads to a Redis whose clock is off: the seconds of each `TIME` are others.
final class ClockForwarder: Sendable {
    let port: Int
    private let listener: any Channel

    private init(listener: any Channel) {
        self.listener = listener
        port = listener.localAddress?.port ?? 0
    }

    static func open(to target: Int, secondsOff: Int) async throws -> ClockForwarder {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { client in
                ClientBootstrap(group: client.eventLoop)
                    .channelInitializer { server in
                        server.eventLoop.makeCompletedFuture {
                            try server.pipeline.syncOperations.addHandler(
                                PassingHandler(to: client, secondsOff: secondsOff))
                        }
                    }
                    .connect(host: "127.0.0.1", port: target)
                    .flatMapThrowing { server in
                        try client.pipeline.syncOperations.addHandler(PassingHandler(to: server, secondsOff: nil))
                    }
                    .flatMap { client.setOption(.autoRead, value: true) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return ClockForwarder(listener: listener)
    }

    func close() { listener.close(promise: nil) }
}

private final class PassingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel
    private let secondsOff: Int?

    init(to other: any Channel, secondsOff: Int?) {
        self.other = other
        self.secondsOff = secondsOff
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        other.writeAndFlush(secondsOff.map { Self.altered(bytes, by: $0) } ?? bytes, promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// A reply to `TIME` is two strings, the first of ten digits; it comes in one piece.
    private static func altered(_ bytes: ByteBuffer, by seconds: Int) -> ByteBuffer {
        let opening = Array("*2\r\n$10\r\n".utf8)
        guard let place = bytes.readableBytesView.firstRange(of: opening),
            let digits = bytes.getString(at: place.upperBound, length: 10), let time = Int(digits)
        else { return bytes }
        var altered = bytes
        altered.setString("\(time + seconds)", at: place.upperBound)
        return altered
    }
}
