import Foundation
import NIOCore
import NIOPosix
import RelayTestKit
import NIOConcurrencyHelpers

/// A TCP connection without a protocol: what is sent goes out as it is, what comes in is kept.
final class RawSocket: Sendable {
    private struct Inbox {
        var bytes = ByteBuffer()
        var isClosed = false
    }

    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        let inbox = NIOLockedValueBox(Inbox())

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            inbox.withLockedValue { _ = $0.bytes.writeImmutableBuffer(bytes) }
        }

        func channelInactive(context: ChannelHandlerContext) {
            inbox.withLockedValue { $0.isClosed = true }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }

    private let channel: any Channel
    private let collector: Collector

    private init(channel: any Channel, collector: Collector) {
        self.channel = channel
        self.collector = collector
    }

    deinit { channel.close(promise: nil) }

    /// Connects to a port of 127.0.0.1.
    ///
    /// - Parameter receivedBytesMax: what the kernel holds of what is not read; nil for as much as it likes.
    static func connect(port: Int, receivedBytesMax: Int? = nil) async throws -> RawSocket {
        let collector = Collector()
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        if let receivedBytesMax {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: SocketOptionValue(receivedBytesMax))
        }
        let channel =
            try await bootstrap
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(collector) }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawSocket(channel: channel, collector: collector)
    }

    /// Everything that has come so far: bytes of one's own, for of a storage that is shared, and copied before it is
    /// written to, Thread Sanitizer does not see that the others are done with it.
    var received: ByteBuffer { collector.inbox.withLockedValue { ByteBuffer(bytes: $0.bytes.readableBytesView) } }

    /// Whether the peer has ended the connection.
    var isClosed: Bool { collector.inbox.withLockedValue { $0.isClosed } }

    func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)) }

    /// In one packet, as far as that is to be had.
    func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

    /// Stops to read what comes, or goes on.
    func setReading(_ isReading: Bool) async throws { try await channel.setOption(.autoRead, value: isReading).get() }

    func close() { channel.close(promise: nil) }

    /// Whether these bytes have come.
    func holds(_ bytes: some Collection<UInt8>) -> Bool {
        received.readableBytesView.firstRange(of: Array(bytes)) != nil
    }

    /// Waits until this text has come.
    func waitFor(_ text: String, within limit: Duration = .seconds(60)) async throws {
        try await eventually("\(text.debugDescription) comes", within: limit) { holds(text.utf8) }
    }
}
