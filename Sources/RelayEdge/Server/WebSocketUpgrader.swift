import NIOCore
import NIOHTTP1
import NIOWebSocket
import RelayCore

/// Answers the upgrade of `GET /v1/ws`.
///
/// NIO's upgrader checks the handshake and computes the answer; the frames are `SessionHandler`'s own business, since
/// NIO's decoder lets pass what RFC 6455 forbids (unmasked frames, reserved bits, lengths that are not minimal). A
/// request that may not upgrade goes on to the HTTP routes, where it gets a problem document: `UpgradeFilterHandler`
/// sees to that.
final class WebSocketUpgrader: NIOTypedHTTPServerProtocolUpgrader, Sendable {
    typealias UpgradeResult = ConnectionKind

    let supportedProtocol = "websocket"
    let requiredUpgradeHeaders: [String] = []

    private let handshake: NIOTypedWebSocketServerUpgrader<ConnectionKind>
    private let makeSession: @Sendable (any Channel, Identity?) throws -> Void

    /// - Parameters:
    ///   - admission: who may upgrade, and as whom.
    ///   - makeSession: puts a session's handler at the end of the pipeline; called on the channel's loop.
    init(
        admission: UpgradeAdmission, makeSession: @escaping @Sendable (any Channel, Identity?) throws -> Void
    ) {
        self.makeSession = makeSession
        handshake = NIOTypedWebSocketServerUpgrader(
            shouldUpgrade: { channel, head in
                channel.eventLoop.makeSucceededFuture(admission.admitsHandshake(head) ? [:] : nil)
            },
            upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededFuture(.webSocket) })
        self.admission = admission
    }

    let admission: UpgradeAdmission

    func buildUpgradeResponse(
        channel: any Channel, upgradeRequest: HTTPRequestHead, initialResponseHeaders: HTTPHeaders
    ) -> EventLoopFuture<HTTPHeaders> {
        handshake.buildUpgradeResponse(
            channel: channel, upgradeRequest: upgradeRequest, initialResponseHeaders: initialResponseHeaders)
    }

    func upgrade(channel: any Channel, upgradeRequest: HTTPRequestHead) -> EventLoopFuture<ConnectionKind> {
        channel.eventLoop.makeCompletedFuture {
            let verdict = admission.verdict(
                uri: upgradeRequest.uri, origin: upgradeRequest.headers.first(name: "origin"),
                host: upgradeRequest.headers.first(name: "host"))
            guard case .admitted(let identity) = verdict else { throw ChannelError.inappropriateOperationForState }
            try makeSession(channel, identity)
            return .webSocket
        }
    }
}

/// What became of a connection's first request.
enum ConnectionKind: Sendable {
    /// It is a WebSocket; its handler does the rest.
    case webSocket
    /// It speaks HTTP.
    case http(HTTPConnection)
}
