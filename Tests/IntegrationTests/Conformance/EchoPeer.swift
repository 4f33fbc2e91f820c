import NIOCore
import NIOPosix
import RelayTestKit
import NIOConcurrencyHelpers

/// A client of `/v1/echo` that knows no more of WebSockets than how a server's frames are laid out: it sends whatever
/// bytes it is given, cut as it is told, and keeps what comes.
final class EchoPeer: Sendable {
    /// A frame of the server as it came.
    struct Frame: Sendable, Equatable {
        /// FIN, the reserved bits and the opcode.
        var first: UInt8
        var isMasked: Bool
        var payload: ByteBuffer

        var opcode: UInt8 { first & 0x0F }
        var isCompressed: Bool { first & 0x40 != 0 }
    }

    struct Inbox: Sendable {
        /// The lines of the answer to the upgrade; empty as long as it is not whole.
        var head: [String] = []
        var frames: [Frame] = []
        var isClosed = false
        fileprivate var bytes = ByteBuffer()

        fileprivate mutating func take(_ more: ByteBuffer) {
            bytes.writeImmutableBuffer(more)
            if head.isEmpty {
                guard let end = bytes.readableBytesView.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
                let lines = bytes.readSlice(length: end.upperBound - bytes.readerIndex) ?? ByteBuffer()
                head = String(buffer: lines).split(separator: "\r\n").map(String.init)
            }
            while let frame = nextFrame() { frames.append(frame) }
        }

        private mutating func nextFrame() -> Frame? {
            guard let first: UInt8 = bytes.getInteger(at: bytes.readerIndex),
                let second: UInt8 = bytes.getInteger(at: bytes.readerIndex + 1)
            else { return nil }
            var length = Int(second & 0x7F)
            var headerBytes = 2
            if length == 126 {
                guard let long: UInt16 = bytes.getInteger(at: bytes.readerIndex + 2) else { return nil }
                (length, headerBytes) = (Int(long), 4)
            } else if length == 127 {
                guard let long: UInt64 = bytes.getInteger(at: bytes.readerIndex + 2) else { return nil }
                (length, headerBytes) = (Int(long), 10)
            }
            guard bytes.readableBytes >= headerBytes + length else { return nil }
            bytes.moveReaderIndex(forwardBy: headerBytes)
            let payload = bytes.readSlice(length: length) ?? ByteBuffer()
            if bytes.readableBytes == 0 { bytes = ByteBuffer() }
            return Frame(first: first, isMasked: second & 0x80 != 0, payload: payload)
        }
    }

    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        let inbox = NIOLockedValueBox(Inbox())
        private let request: ByteBuffer

        init(request: ByteBuffer) { self.request = request }

        /// On the loop, since tasks may have to wait for longer than a server waits for a request.
        func channelActive(context: ChannelHandlerContext) {
            context.writeAndFlush(wrapOutboundOut(request), promise: nil)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            inbox.withLockedValue { $0.take(bytes) }
        }

        func channelInactive(context: ChannelHandlerContext) { inbox.withLockedValue { $0.isClosed = true } }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    private let channel: any Channel
    private let collector: Collector

    private init(channel: any Channel, collector: Collector) {
        self.channel = channel
        self.collector = collector
    }

    deinit { channel.close(promise: nil) }

    /// Connects and waits for the answer to the upgrade, whatever it is.
    ///
    /// - Parameters:
    ///   - path: what to ask for.
    ///   - offer: the value of `Sec-WebSocket-Extensions`; nil for none.
    static func connect(port: Int, path: String = "/v1/echo", offer: String? = nil) async throws -> EchoPeer {
        var lines = [
            "GET \(path) HTTP/1.1", "Host: 127.0.0.1:\(port)", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ]
        if let offer { lines.append("Sec-WebSocket-Extensions: \(offer)") }
        let collector = Collector(request: ByteBuffer(string: lines.joined(separator: "\r\n") + "\r\n\r\n"))
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(collector) }
            }
            .connect(host: "127.0.0.1", port: port).get()
        let peer = EchoPeer(channel: channel, collector: collector)
        try await eventually("the upgrade of \(path) is answered") { peer.look { !$0.head.isEmpty || $0.isClosed } }
        return peer
    }

    /// A part of what has come.
    func look<Value: Sendable>(_ read: (borrowing Inbox) -> Value) -> Value {
        collector.inbox.withLockedValue { read($0) }
    }

    /// The status of the answer to the upgrade.
    var status: Int { look { $0.head.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0 } }

    /// The value of a field of that answer.
    func header(_ name: String) -> String? {
        look { inbox in
            let line = inbox.head.first { $0.lowercased().hasPrefix(name.lowercased() + ":") }
            return line.map { String($0.dropFirst(name.count + 1).drop { $0 == " " }) }
        }
    }

    /// Sends bytes, in pieces of at most so many, each with a `send` of its own.
    func send(_ bytes: ByteBuffer, pieces pieceBytes: Int? = nil) async throws {
        guard let pieceBytes else { return try await channel.writeAndFlush(bytes) }
        // On the loop: a wait of this task for each piece takes longer than all the rest.
        try await channel.eventLoop.flatSubmit { [channel] in
            var rest = bytes
            var last = channel.eventLoop.makeSucceededVoidFuture()
            while rest.readableBytes > 0, let piece = rest.readSlice(length: min(pieceBytes, rest.readableBytes)) {
                last = channel.writeAndFlush(piece)
            }
            return last
        }.get()
    }
}
