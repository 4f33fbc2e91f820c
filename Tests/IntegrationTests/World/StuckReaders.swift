import Glibc
import NIOCore
import NIOPosix
import RelayTestKit
import NIOConcurrencyHelpers

/// Sessions that join a room and then never read again.
///
/// Their sockets take as little as the kernel lets them, so that a thousand of them are stuck soon and cost little.
final class StuckReaders: Sendable {
    /// Asks for the upgrade, joins, and stops reading with the answer to that.
    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let authority: String
        private let room: String
        private let joined: EventLoopPromise<Void>
        private var received = ""
        private var hasAsked = false

        init(authority: String, room: String, joined: EventLoopPromise<Void>) {
            self.authority = authority
            self.room = room
            self.joined = joined
        }

        func channelActive(context: ChannelHandlerContext) {
            let head = [
                "GET /v1/ws?user=stuck HTTP/1.1", "Host: \(authority)", "Connection: Upgrade", "Upgrade: websocket",
                "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: c3R1Y2sgcmVhZGVyIDEyMw==", "", "",
            ]
            let bytes = ByteBuffer(string: head.joined(separator: "\r\n"))
            context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received += String(buffer: unwrapInboundIn(data))
            if !hasAsked, received.contains("\r\n\r\n") {
                hasAsked = true
                let text = #"{"op":"join","room":"\#(room)","history":0}"#
                // A final text frame, masked with zeros: shorter than 126 bytes.
                var frame = ByteBuffer(bytes: [0x81, 0x80 | UInt8(text.utf8.count), 0, 0, 0, 0])
                frame.writeString(text)
                context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
            } else if received.contains(#""joined""#) {
                context.channel.setOption(.autoRead, value: false).cascade(to: joined)
            }
        }

        func channelInactive(context: ChannelHandlerContext) { joined.fail(ChannelError.eof) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    private let channels = NIOLockedValueBox<[any Channel]>([])

    private init() {}

    /// Connects so many, a hundred at a time, and returns when all are in the room and have stopped reading.
    static func connect(_ count: Int, to edge: EdgeProcess, room: String) async throws -> StuckReaders {
        let readers = StuckReaders()
        for _ in stride(from: 0, to: count, by: 100) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<min(100, count) { group.addTask { try await readers.add(edge, room) } }
                try await group.waitForAll()
            }
        }
        return readers
    }

    private func add(_ edge: EdgeProcess, _ room: String) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let joined = loop.makePromise(of: Void.self)
        let authority = edge.authority
        let segment = NIOBSDSocket.Option(rawValue: CInt(TCP_MAXSEG))
        do {
            let channel = try await ClientBootstrap(group: loop)
                .channelOption(.socketOption(.so_rcvbuf), value: 4096)
                // Small segments make the sender's buffer small too.
                .channelOption(ChannelOptions.Types.SocketOption(level: .tcp, name: segment), value: 1000)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            Handler(authority: authority, room: room, joined: joined))
                    }
                }
                .connect(host: "127.0.0.1", port: edge.port).get()
            channels.withLockedValue { $0.append(channel) }
        } catch {
            joined.fail(error)
        }
        try await joined.futureResult.get()
    }

    /// Closes all.
    func close() async {
        for channel in channels.withLockedValue({ $0 }) { try? await channel.close() }
    }
}
