import NIOCore
import NIOHTTP1

/// Ends a connection of HTTP where its answer is the last:
/// - after one that says `Connection: close`,
/// - after the first to a client of HTTP/1.0 that does not ask to go on (RFC 9112, 9.3), which reads to the end of the
///   connection,
/// - after one to a request that asked for another protocol and does not get it. NIO's decoder takes what follows such
///   a request for that protocol: it reads no further request out of it, and keeps all that comes,
/// - after the refusal of what is no request, which comes in its turn, behind the answers to those that were.
///
/// It stands between the decoder and whoever answers, so that refusals of handshakes pass here too.
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
    /// A head came, and not yet the end of its request.
    private var isInRequest = false
    /// The head of an answer went out, and not yet its end.
    private var isInAnswer = false
    /// Requests without an answer: there is more than one where they came in one packet.
    private var unanswered = 0
    /// How many answers are to come up to the one after which the client asked to end; nil where it did not.
    private var answersToLast: Int?
    /// The answer that is being written is the last one.
    private var isLast = false
    /// What came is no request, and is refused when so many answers have gone out.
    private var malformed: (refusal: ConnectionRefusal, answersBefore: Int)?
    /// It was refused. Nothing is written any more.
    private var isOver = false
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
            isInRequest = true
            unanswered += 1
            if Self.deafens(head) {
                // Only the first request of a connection can become a WebSocket.
                reading = isFirst && admission.admitsHandshake(head) ? .other : .lastRequest
            }
            let isOld = head.version == .http1_0 && !head.isKeepAlive
            guard reading == .lastRequest || isOld else { return context.fireChannelRead(data) }
            // Whoever serves it knows nothing of this, but stops reading after it.
            head.headers.replaceOrAdd(name: "Connection", value: "close")
            answersToLast = answersToLast ?? unanswered
            context.fireChannelRead(wrapInboundOut(.head(head)))
        case .end:
            isInRequest = false
            if reading == .lastRequest { reading = .nothing }
            context.fireChannelRead(data)
        case .body: context.fireChannelRead(data)
        }
    }

    func read(context: ChannelHandlerContext) {
        if reading == .nothing { return }
        context.read()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The decoder says so of every byte behind its first error.
        if malformed != nil, error is ByteToMessageDecoderError { return }
        guard reading != .other, let error = error as? HTTPParserError else { return context.fireErrorCaught(error) }
        reading = .nothing
        let whole = unanswered - (isInRequest ? 1 : 0)
        // Where the answer to it has begun, it cannot be another one any more.
        if isInRequest, whole < 0 || whole == 0 && isInAnswer { return context.fireErrorCaught(error) }
        malformed = (error == .headerOverflow ? .headersTooLarge : .malformed, max(0, whole))
        refuseMalformed(context)
    }

    /// Refuses what is no request, where it is its turn.
    private func refuseMalformed(_ context: ChannelHandlerContext) {
        guard let (refusal, answersBefore) = malformed, answersBefore == 0, !isOver else { return }
        isOver = true
        let (head, body) = refusal.parts
        let channel = context.channel
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !mayWriteOther else { return context.write(data, promise: promise) }
        guard !isOver else { return promise?.fail(ChannelError.ioOnClosedChannel) ?? () }
        switch unwrapOutboundIn(data) {
        case .head(var head):
            mayWriteOther = head.status == .switchingProtocols
            isInAnswer = head.status.code >= 200
            if head.headers[canonicalForm: "connection"].contains(where: { $0.lowercased() == "close" }) {
                isLast = true
            } else if answersToLast == 1, !mayWriteOther, head.status.code >= 200 {
                isLast = true
                head.headers.add(name: "Connection", value: "close")
                return context.write(wrapOutboundOut(.head(head)), promise: promise)
            }
        case .end where isLast:
            let written = promise ?? context.eventLoop.makePromise()
            context.write(data, promise: written)
            let channel = context.channel
            return written.futureResult.whenComplete { _ in channel.close(promise: nil) }
        case .end:
            isInAnswer = false
            unanswered -= 1
            answersToLast = answersToLast.map { $0 - 1 }
            malformed?.answersBefore -= 1
            context.write(data, promise: promise)
            return refuseMalformed(context)
        case .body: break
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
