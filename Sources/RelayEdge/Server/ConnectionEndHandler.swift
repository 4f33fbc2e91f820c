import NIOCore
import NIOHTTP1

/// Ends a connection of HTTP where its answer is the last:
/// - after one that says `Connection: close`,
/// - after the first to a client of HTTP/1.0 that does not ask to go on (RFC 9112, 9.3), which reads to the end of the
///   connection,
/// - after one to a request that asked for another protocol and does not get it. NIO's decoder takes what follows such
///   a request for that protocol: it reads no further request out of it, and keeps all that comes.
///
/// It stands between the decoder and whoever answers, so that refusals of what is no HTTP pass here too.
final class ConnectionEndHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum Reading {
        /// Requests.
        case requests
        /// A request behind which the decoder is deaf. Exits: nothing.
        case lastRequest
        /// What comes is not read, so that it is not kept either.
        case nothing
        /// Perhaps another protocol: who is let change does not have to wait for the answer. What comes is no part of
        /// HTTP, and nothing is asked of it.
        case other
    }

    private let admission: UpgradeAdmission
    private var reading = Reading.requests
    private var hasSeenHead = false
    private var isLast = false
    /// The change was agreed to.
    private var mayWriteOther = false

    /// - Parameter admission: which requests become WebSockets.
    init(admission: UpgradeAdmission) {
        self.admission = admission
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if reading == .other { return context.fireChannelRead(data) }
        switch unwrapInboundIn(data) {
        case .head(var head):
            let isFirst = !hasSeenHead
            hasSeenHead = true
            if Self.deafens(head) {
                // Only the first request of a connection can become a WebSocket.
                reading = isFirst && admission.admitsHandshake(head) ? .other : .lastRequest
            }
            let isOld = head.version == .http1_0 && !head.isKeepAlive
            guard reading == .lastRequest || isOld else { return context.fireChannelRead(data) }
            // Whoever serves it knows nothing of this, but stops reading after it.
            head.headers.replaceOrAdd(name: "Connection", value: "close")
            isLast = true
            context.fireChannelRead(wrapInboundOut(.head(head)))
        case .end:
            if reading == .lastRequest { reading = .nothing }
            context.fireChannelRead(data)
        case .body: context.fireChannelRead(data)
        }
    }

    func read(context: ChannelHandlerContext) {
        if reading == .nothing { return }
        context.read()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !mayWriteOther else { return context.write(data, promise: promise) }
        switch unwrapOutboundIn(data) {
        case .head(var head):
            mayWriteOther = head.status == .switchingProtocols
            if head.headers[canonicalForm: "connection"].contains(where: { $0.lowercased() == "close" }) {
                isLast = true
            } else if isLast, !mayWriteOther, head.status.code >= 200 {
                head.headers.add(name: "Connection", value: "close")
                return context.write(wrapOutboundOut(.head(head)), promise: promise)
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

    /// Whether NIO's decoder parses nothing more behind this request.
    private static func deafens(_ head: HTTPRequestHead) -> Bool {
        guard head.method != .CONNECT else { return true }
        return head.headers.contains(name: "upgrade")
            && head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "upgrade" }
    }
}
