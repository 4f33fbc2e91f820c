import NIOCore
import NIOHTTP1
import RelayCore
import RelayWire

/// Why a connection is not served.
enum ConnectionRefusal: Sendable {
    /// The edge has as many as it may.
    case full
    /// This address has as many as it may.
    case tooManyOfAddress
    /// What it sends is no request of HTTP/1.
    case malformed
    /// The head of its request is larger than the decoder takes.
    case headersTooLarge

    private var status: String {
        switch self {
        case .full: "503 Service Unavailable"
        case .tooManyOfAddress: "429 Too Many Requests"
        case .malformed: "400 Bad Request"
        case .headersTooLarge: "431 Request Header Fields Too Large"
        }
    }

    private var refusal: Refusal {
        switch self {
        case .full: Refusal(.full, "This edge has as many connections as it may; try another one, or later.")
        case .tooManyOfAddress: Refusal(.rateLimited, "Too many connections from this address.")
        case .malformed: Refusal(.badRequest, "This is no request of HTTP/1.1.")
        case .headersTooLarge: Refusal(.tooLarge, "The head of the request is too large.")
        }
    }

    /// How long whoever was refused should stay away.
    static let retrySeconds = 5

    /// Whether it may be otherwise later.
    private var isPassing: Bool {
        switch self {
        case .full, .tooManyOfAddress: true
        case .malformed, .headersTooLarge: false
        }
    }

    /// The answer in parts, where HTTP is spoken already.
    var parts: (head: HTTPResponseHead, body: ByteBuffer) {
        let status = HTTPResponseStatus(statusCode: Int(status.prefix(3)) ?? 0)
        let body = problem
        var headers: HTTPHeaders = [
            "Content-Type": "application/problem+json", "Content-Length": "\(body.readableBytes)",
            "Connection": "close",
        ]
        if isPassing { headers.add(name: "Retry-After", value: "\(Self.retrySeconds)") }
        return (HTTPResponseHead(version: .http1_1, status: status, headers: headers), body)
    }

    private var problem: ByteBuffer {
        var body = ByteBuffer()
        body.writeJSONObject { object in
            object.string("type", "about:blank")
            object.string("title", String(status.dropFirst(4)))
            object.integer("status", Int(status.prefix(3)) ?? 0)
            object.string("code", refusal.code.rawValue)
            object.string("detail", refusal.message)
            if isPassing { object.integer("retry_after", Self.retrySeconds * 1000) }
        }
        return body
    }

    /// A whole answer, after which the connection is closed.
    var answer: ByteBuffer {
        var body = problem
        var answer = ByteBuffer(
            string: "HTTP/1.1 \(status)\r\nContent-Type: application/problem+json\r\n"
                + "Content-Length: \(body.readableBytes)\r\nRetry-After: \(Self.retrySeconds)\r\n"
                + "Connection: close\r\n\r\n")
        answer.writeBuffer(&body)
        return answer
    }
}

/// Answers the first bytes of a connection, whatever they ask, with the reason why it is not served, and closes it.
///
/// One that sends nothing within a few seconds is closed without a word.
final class RefusingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let refusal: ConnectionRefusal
    private var hasAnswered = false
    private var deadline: Scheduled<Void>?

    init(_ refusal: ConnectionRefusal) {
        self.refusal = refusal
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: .seconds(Int64(ConnectionRefusal.retrySeconds))) {
            channel.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasAnswered else { return }
        hasAnswered = true
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(refusal.answer)).whenComplete { _ in channel.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
