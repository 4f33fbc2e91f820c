import NIOCore
import NIOHTTP1

/// Ends a connection of HTTP where its answer is the last: after one that says `Connection: close`, and after the first
/// to a client of HTTP/1.0 that does not ask to go on (RFC 9112, 9.3), which reads to the end of the connection.
///
/// It stands between the socket and whoever answers, so that refusals of what is no HTTP pass here too.
final class ConnectionEndHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private var isLast = false
    /// The client may be speaking another protocol from here on: who asks to change does not have to wait for the
    /// answer. What comes then is no part of HTTP, and nothing is asked of it.
    private var mayReadOther = false
    /// The change was agreed to.
    private var mayWriteOther = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !mayReadOther, case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        mayReadOther = head.headers.contains(name: "upgrade")
        guard head.version == .http1_0, !head.isKeepAlive else { return context.fireChannelRead(data) }
        // Whoever serves it knows of no version, but stops reading after this.
        head.headers.replaceOrAdd(name: "Connection", value: "close")
        isLast = true
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !mayWriteOther else { return context.write(data, promise: promise) }
        switch unwrapOutboundIn(data) {
        case .head(let head):
            mayWriteOther = head.status == .switchingProtocols
            if head.headers[canonicalForm: "connection"].contains(where: { $0.lowercased() == "close" }) {
                isLast = true
            }
        case .end where isLast:
            let written = promise ?? context.eventLoop.makePromise()
            context.write(data, promise: written)
            let channel = context.channel
            return written.futureResult.whenComplete { _ in channel.close(promise: nil) }
        case .body, .end: break
        }
        context.write(data, promise: promise)
    }
}
