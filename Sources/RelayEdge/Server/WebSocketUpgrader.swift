import NIOCore
import NIOHTTP1
import NIOWebSocket
import RelayCore
import RelayWire

/// Answers the upgrade of `GET /v1/ws`, and of `GET /v1/echo` where there is one.
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
    private let makeSession: MakeSession

    /// Puts a session's handler at the end of the pipeline, given what it is for, the token that the request brought,
    /// and what was agreed about compression; called on the channel's loop.
    typealias MakeSession = @Sendable (any Channel, SessionPurpose, String?, DeflateAgreement?) throws -> Void

    /// - Parameters:
    ///   - admission: who may upgrade, and as whom.
    ///   - makeSession: makes a session of the connection.
    init(admission: UpgradeAdmission, makeSession: @escaping MakeSession) {
        self.makeSession = makeSession
        handshake = NIOTypedWebSocketServerUpgrader(
            shouldUpgrade: { channel, head in
                channel.eventLoop.makeSucceededFuture(
                    admission.admitsHandshake(head) ? admission.answerHeaders(to: head) : nil)
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
            let verdict = admission.verdict(of: upgradeRequest)
            guard let purpose = verdict.purpose else { throw ChannelError.inappropriateOperationForState }
            var token: String?
            if case .token(let found) = admission.credentials(in: upgradeRequest) { token = found }
            try makeSession(channel, purpose, token, admission.agreement(with: upgradeRequest))
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
