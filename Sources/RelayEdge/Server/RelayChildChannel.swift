import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOSSL
import RelayCore

/// One accepted connection: HTTP until its first request says otherwise.
///
/// A WebSocket costs no task: its handler lives on the loop, and `handle` returns as soon as the upgrade is done.
struct RelayChildChannel: ServerChildChannel, HTTPChannelHandler {
    struct Value: ServerChildChannelValue {
        let channel: any Channel
        let kind: EventLoopFuture<ConnectionKind>
    }

    let responder: HTTPChannelHandler.Responder
    let tls: NIOSSLContext?
    let upgrader: WebSocketUpgrader
    let connections: ConnectionCount
    let gate: ConnectionGate

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            guard connections.opened(channel) else {
                return try refuse(channel, .full)
            }
            if let peer = ConnectionGate.peer(of: channel), !gate.isProxy(peer),
                !gate.addresses.opened(channel, from: peer)
            {
                return try refuse(channel, .tooManyOfAddress)
            }
            let pipeline = channel.pipeline.syncOperations
            if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
            let upgrade = NIOTypedHTTPServerUpgradeConfiguration<ConnectionKind>(
                upgraders: [upgrader],
                notUpgradingCompletionHandler: { channel in
                    channel.eventLoop.makeCompletedFuture {
                        .http(try Self.makeHTTP(channel, isSecure: tls != nil, logger))
                    }
                })
            var configuration = NIOUpgradableHTTPServerPipelineConfiguration(upgradeConfiguration: upgrade)
            configuration.enablePipelining = false
            // `ConnectionEndHandler` does it.
            configuration.enableErrorHandling = false
            let kind = try pipeline.configureUpgradableHTTPServerPipeline(configuration: configuration)
            let beforeChoice: [any ChannelHandler & RemovableChannelHandler] = [
                HandshakeDeadlineHandler(), UpgradeFilterHandler(admission: upgrader.admission, gate: gate),
            ]
            let ofHTTP: [any ChannelHandler & RemovableChannelHandler] = [
                ConnectionEndHandler(admission: upgrader.admission), ContinueHandler(),
            ]
            try pipeline.addHandlers(
                ofHTTP + beforeChoice,
                position: .after(pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)))
            let handlers = NIOLoopBound((beforeChoice, ofHTTP), eventLoop: channel.eventLoop)
            kind.whenComplete { result in
                var (done, ofHTTP) = handlers.value
                if case .success(.webSocket) = result {
                    connections.upgraded(channel)
                    done += ofHTTP
                }
                for handler in done { channel.pipeline.syncOperations.removeHandler(handler, promise: nil) }
            }
            return Value(channel: channel, kind: kind)
        }
    }

    /// A connection that is one too many is told so, as long as not too many wait for that.
    private func refuse(_ channel: any Channel, _ refusal: ConnectionRefusal) throws -> Value {
        let value = Value(
            channel: channel, kind: channel.eventLoop.makeFailedFuture(ConnectionCount.TooMany()))
        guard connections.refusing(channel) else {
            // Not from within its own set-up: a channel that fails there is left open.
            channel.eventLoop.execute { channel.close(promise: nil) }
            return value
        }
        let pipeline = channel.pipeline.syncOperations
        if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
        try pipeline.addHandler(RefusingHandler(refusal))
        return value
    }

    func handle(value: Value, logger: Logger) async {
        guard case .http(let connection) = try? await value.kind.get() else { return }
        await handleHTTP(asyncChannel: connection, logger: logger)
    }

    private static func makeHTTP(_ channel: any Channel, isSecure: Bool, _ logger: Logger) throws -> HTTPConnection {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: isSecure))
        try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: .seconds(60), logger: logger))
        return try HTTPConnection(
            wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
    }
}

/// A connection that speaks HTTP.
typealias HTTPConnection = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>
