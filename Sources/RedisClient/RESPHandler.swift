internal import NIOCore
internal import RedisProtocol

/// Turns the bytes of one connection into replies for its link, until it is detached.
///
/// Reading is never paused: Redis cuts a subscriber that does not read, and replies are bounded by what was asked.
final class RESPHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let reader = RESPReader()
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
        link?.readEnded()
    }

    func channelInactive(context: ChannelHandlerContext) {
        link?.connectionEnded(.connectionLost(mayHaveExecuted: true))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        link?.connectionEnded(.connectFailed("\(error)"))
    }
}
