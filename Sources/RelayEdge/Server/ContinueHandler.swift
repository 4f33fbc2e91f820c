import NIOCore
import NIOHTTP1

/// Tells a client that asks first to send the body of its request (`Expect: 100-continue`; RFC 9110, 10.1.1).
///
/// Only where no other answer is to come before: who sends requests in advance does not wait for a word.
final class ContinueHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private var unanswered = 0
    /// What follows is no HTTP any more.
    private var isOther = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !isOther, case .head(let head) = unwrapInboundIn(data) {
            if unanswered == 0, Self.asks(head) {
                let answer = HTTPResponseHead(version: .http1_1, status: .continue)
                context.writeAndFlush(wrapOutboundOut(.head(answer)), promise: nil)
            }
            unanswered += 1
            // A frame may come in one packet with the handshake, and a handshake brings no body.
            isOther = head.headers.contains(name: "upgrade")
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if !isOther, case .end = unwrapOutboundIn(data) { unanswered -= 1 }
        context.write(data, promise: promise)
    }

    private static func asks(_ head: HTTPRequestHead) -> Bool {
        head.version == .http1_1 && head.headers[canonicalForm: "expect"].contains { $0.lowercased() == "100-continue" }
    }
}
