internal import NIOCore
internal import RedisProtocol

/// Turns the bytes of one connection into replies for its link, until it is detached.
///
/// Reading is never paused: Redis cuts a subscriber that does not read, and replies are bounded by what was asked.
final class RESPHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let reader = RESPReader()
    /// Whether there are bytes that are looked at when the loop has read what is there of other connections.
    private var isActingDue = false
    // Strong, and let go when the connection ends: the link outlives each of its connections.
    private var link: RedisLink?

    init(link: RedisLink) {
        self.link = link
    }

    /// Nothing of this connection is reported any more.
    func detach() {
        link = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let link else { return }
        reader.feed(unwrapInboundIn(data))
        link.bytesReceived()
        guard link.yieldsToOthers else { return act() }
        guard !isActingDue else { return }
        isActingDue = true
        context.eventLoop.assumeIsolated().execute { self.catchUp() }
    }

    /// Reports the replies that are there and wait for others.
    func catchUp() {
        guard isActingDue else { return }
        act()
        link?.readEnded()
    }

    private func act() {
        isActingDue = false
        guard let link else { return }
        do throws(RESPProtocolError) {
            // Acting on a reply may end this connection, and what comes behind it is then nobody's.
            while self.link != nil, let reply = try reader.next(isTaped: link.isNextReplyTaped) {
                link.replyReceived(reply)
            }
        } catch {
            link.connectionEnded(.protocolViolation(error.reason))
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !isActingDue { link?.readEnded() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        catchUp()
        link?.connectionEnded(.connectionLost(mayHaveExecuted: true))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        catchUp()
        link?.connectionEnded(.connectFailed("\(error)"))
    }
}
