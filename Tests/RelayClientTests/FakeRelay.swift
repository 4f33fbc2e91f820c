import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import RelayCore
import RelayWire

/// A server on a real socket whose every answer a test decides. Its frames are NIO's, not ours.
final class FakeRelay: Sendable {
    /// One connection, as the test's script sees it.
    struct Conversation: Sendable {
        /// Counts from 1.
        let number: Int
        let channel: any Channel

        /// Answers an op.
        func reply(_ reply: ServerReply, to request: ClientRequest) {
            send(ReplyEncoder.encode(reply, ref: request.ref))
        }

        /// Sends a text.
        func send(_ text: ByteBuffer) { sendFrame(WebSocketFrame(fin: true, opcode: .text, data: text)) }

        /// Sends any frame.
        func sendFrame(_ frame: WebSocketFrame) { channel.writeAndFlush(frame, promise: nil) }

        /// Sends a close frame.
        func close(_ code: UInt16) {
            var payload = ByteBuffer()
            payload.writeInteger(code)
            payload.writeString("why")
            sendFrame(WebSocketFrame(fin: true, opcode: .connectionClose, data: payload))
        }

        /// Ends the socket without a word.
        func cut() { channel.close(promise: nil) }
    }

    /// What a script may do with what comes in.
    enum Input: Sendable {
        case opened
        case request(ClientRequest)
        case other(WebSocketOpcode, ByteBuffer)
    }

    typealias Script = @Sendable (Input, Conversation) -> Void

    private let listener: any Channel
    private let counter = NIOLockedValueBox(0)

    /// A relay that has opened its port.
    static func start(refusing status: HTTPResponseStatus? = nil, script: @escaping Script) async throws -> FakeRelay {
        let counter = NIOLockedValueBox(0)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let upgrader = NIOWebSocketServerUpgrader(
                        maxFrameSize: 1 << 24,
                        shouldUpgrade: { channel, _ in
                            channel.eventLoop.makeSucceededFuture(status == nil ? [:] : nil)
                        },
                        upgradePipelineHandler: { channel, _ in
                            channel.eventLoop.makeCompletedFuture {
                                let number = counter.withLockedValue { value in
                                    value += 1
                                    return value
                                }
                                try channel.pipeline.syncOperations.addHandler(
                                    FakeRelayHandler(number: number, script: script))
                            }
                        })
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                        withServerUpgrade: ([upgrader], { _ in }), withErrorHandling: false)
                    if let status { try channel.pipeline.syncOperations.addHandler(RefusingHandler(status: status)) }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return FakeRelay(listener: listener)
    }

    private init(listener: any Channel) {
        self.listener = listener
    }

    /// Where it listens.
    var url: RelayURLText { RelayURLText(text: "ws://127.0.0.1:\(listener.localAddress?.port ?? 0)") }

    /// Closes the port; open connections stay.
    func stop() async throws { try await listener.close() }
}

/// A URL as text, so that each test parses it itself.
struct RelayURLText: Sendable {
    let text: String
}

private final class FakeRelayHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame

    private let number: Int
    private let script: FakeRelay.Script

    init(number: Int, script: @escaping FakeRelay.Script) {
        self.number = number
        self.script = script
    }

    func handlerAdded(context: ChannelHandlerContext) {
        script(.opened, FakeRelay.Conversation(number: number, channel: context.channel))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        let conversation = FakeRelay.Conversation(number: number, channel: context.channel)
        let payload = frame.unmaskedData
        if frame.opcode == .text, let request = try? CommandDecoder(textBytesMax: 4096).decode(payload) {
            script(.request(request), conversation)
        } else {
            script(.other(frame.opcode, payload), conversation)
            guard frame.opcode == .connectionClose else { return }
            conversation.sendFrame(WebSocketFrame(fin: true, opcode: .connectionClose, data: payload))
        }
    }
}

private final class RefusingHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let status: HTTPResponseStatus

    init(status: HTTPResponseStatus) {
        self.status = status
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .end = unwrapInboundIn(data) else { return }
        let headers: HTTPHeaders = ["content-length": "2"]
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: "no")))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}
