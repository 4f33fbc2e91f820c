public import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Asks a relay one thing over HTTP, on a connection of its own.
public enum RelayRequest {
    /// What a relay answered.
    public struct Answer: Sendable {
        /// The status code of HTTP.
        public var status: Int
        /// What came behind the headers.
        public var body: ByteBuffer
    }

    /// Asks for what is at a path.
    ///
    /// - Parameters:
    ///   - path: the path and the query.
    ///   - configuration: where and how: the URL, TLS, further headers, `messageBytesMax` for the body, and
    ///     `openDeadline` for the whole of it.
    /// - Throws: `RelayConnectionError`.
    public static func get(
        _ path: String, _ configuration: RelayConnectionConfiguration
    ) async throws(RelayConnectionError) -> Answer {
        do {
            return try await ask(path, configuration)
        } catch let error as RelayConnectionError {
            throw error
        } catch {
            throw .unreachable("\(error)")
        }
    }

    private static func ask(_ path: String, _ configuration: RelayConnectionConfiguration) async throws -> Answer {
        let url = configuration.url
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let answer = loop.makePromise(of: Answer.self)
        let span = TimeAmount(configuration.openDeadline)
        let timeout = loop.scheduleTask(in: span) { answer.fail(RelayConnectionError.timedOut) }
        defer { timeout.cancel() }
        let bootstrap: ClientBootstrap
        do {
            let tls = url.isSecure ? try NIOSSLContext(configuration: configuration.tls) : nil
            bootstrap = ClientBootstrap(group: loop).connectTimeout(span).channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(tls.clientHandler(host: url.host)) }
                    try pipeline.addHTTPClientHandlers()
                    try pipeline.addHandler(AnswerHandler(answer, bytesMax: configuration.messageBytesMax))
                }
            }
        } catch {
            answer.fail(error)
            throw error
        }
        let channel: any Channel
        do {
            channel = try await bootstrap.connect(host: url.host, port: url.port).get()
        } catch {
            answer.fail(error)
            throw error
        }
        defer { channel.close(promise: nil) }
        var headers = HTTPHeaders(configuration.headers)
        headers.replaceOrAdd(name: "Host", value: url.authority)
        headers.replaceOrAdd(name: "Connection", value: "close")
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: headers)
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        return try await answer.futureResult.get()
    }
}

/// Puts the parts of one answer together, up to a size.
private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let promise: EventLoopPromise<RelayRequest.Answer>
    private let bytesMax: Int
    private var answer = RelayRequest.Answer(status: 0, body: ByteBuffer())

    init(_ promise: EventLoopPromise<RelayRequest.Answer>, bytesMax: Int) {
        self.promise = promise
        self.bytesMax = bytesMax
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): answer.status = Int(head.status.code)
        case .body(var part):
            guard answer.body.readableBytes + part.readableBytes <= bytesMax else {
                promise.fail(RelayConnectionError.tooLong(bytesMax: bytesMax))
                return context.close(promise: nil)
            }
            answer.body.writeBuffer(&part)
        case .end: promise.succeed(answer)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(RelayConnectionError.closed)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }
}
