import NIOCore
import NIOHTTP1
import RelayWire

/// Takes `Upgrade` out of a connection's first request where that will not become a WebSocket, so that it goes to the
/// HTTP routes and is answered.
///
/// NIO's upgrade handler drops the head of a request whose upgrade comes to nothing, which then waits for ever. Not
/// only bad handshakes end there: many HTTP clients offer `Upgrade: h2c` with whatever they ask. That the connection
/// ends with the answer sees `ConnectionEndHandler` to.
final class UpgradeFilterHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let admission: UpgradeAdmission
    private let gate: ConnectionGate
    /// What follows the first head may be no HTTP any more.
    private var hasSeenHead = false
    /// Nothing more is passed on: the connection is about to be closed.
    private var isRefusing = false

    init(admission: UpgradeAdmission, gate: ConnectionGate) {
        self.admission = admission
        self.gate = gate
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isRefusing { return }
        guard !hasSeenHead, case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        hasSeenHead = true
        if !admission.admitsHandshake(head) {
            head.headers.remove(name: "upgrade")
        } else if !isOneMore(head, of: context.channel) {
            return refuse(context)
        }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    /// Connections of a proxy are many clients': each WebSocket counts for whom it speaks for.
    private func isOneMore(_ head: HTTPRequestHead, of channel: any Channel) -> Bool {
        guard let peer = ConnectionGate.peer(of: channel), gate.isProxy(peer) else { return true }
        let client = gate.client(
            peer: peer, forwardedFor: head.headers["x-forwarded-for"], forwarded: head.headers["forwarded"])
        return gate.addresses.opened(channel, from: client)
    }

    private func refuse(_ context: ChannelHandlerContext) {
        isRefusing = true
        let channel = context.channel
        let (head, body) = ConnectionRefusal.tooManyOfAddress.parts
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
    }
}

extension UpgradeAdmission {
    /// The token that the request brings.
    func credentials(in head: HTTPRequestHead) -> Credentials {
        credentials.credentials(
            authorization: head.headers["authorization"], cookies: head.headers["cookie"],
            origin: head.headers.first(name: "origin"), host: head.headers.first(name: "host"), isChange: true)
    }

    private func isRefused(_ head: HTTPRequestHead) -> Bool {
        if case .refused = credentials(in: head) { true } else { false }
    }

    /// Whether a request is a whole handshake of RFC 6455 4.2.1 that may upgrade.
    func admitsHandshake(_ head: HTTPRequestHead) -> Bool {
        let verdict = verdict(of: head)
        guard verdict.purpose != nil, !isRefused(head), head.method == .GET, head.version == .http1_1 else {
            return false
        }
        func holds(_ name: String, _ token: String) -> Bool {
            head.headers[canonicalForm: name].contains { $0.lowercased() == token }
        }
        let versions = head.headers["sec-websocket-version"]
        let keys = head.headers["sec-websocket-key"]
        return holds("connection", "upgrade") && holds("upgrade", "websocket") && versions == ["13"]
            && keys.count == 1 && Self.isKey(keys[0]) && Self.offers(of: head) != nil
            && !head.headers.contains(name: "content-length")
            && !head.headers.contains(name: "transfer-encoding")
    }

    /// What is agreed about compression; nil where it is not offered in a way that will do, or not wanted.
    func agreement(with head: HTTPRequestHead) -> DeflateAgreement? {
        guard deflates, let offers = Self.offers(of: head) else { return nil }
        return DeflateAgreement(toFirstOf: offers)
    }

    /// What the answer to an upgrade says beside what each one says.
    func answerHeaders(to head: HTTPRequestHead) -> HTTPHeaders {
        var headers: HTTPHeaders = [:]
        if let agreement = agreement(with: head) {
            headers.add(name: "Sec-WebSocket-Extensions", value: agreement.answer)
        }
        // A browser that offered it and is not told so closes.
        if case .text = verdict(of: head), Self.protocols(of: head).contains(Self.textProtocol) {
            headers.add(name: "Sec-WebSocket-Protocol", value: Self.textProtocol)
        }
        return headers
    }

    /// What is decided about a request.
    func verdict(of head: HTTPRequestHead) -> Verdict {
        verdict(
            uri: head.uri, origin: head.headers.first(name: "origin"), host: head.headers.first(name: "host"),
            protocols: Self.protocols(of: head))
    }

    private static func protocols(of head: HTTPRequestHead) -> [String] {
        head.headers[canonicalForm: "sec-websocket-protocol"].map(String.init)
    }

    /// Nil where the request's extensions break their grammar.
    private static func offers(of head: HTTPRequestHead) -> [ExtensionOffer]? {
        ExtensionOffer.parse(head.headers["sec-websocket-extensions"])
    }
}
