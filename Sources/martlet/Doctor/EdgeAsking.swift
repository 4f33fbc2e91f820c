import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import RelayClient
import RelayCore
import RelayWire

/// Asks an edge how it is.
struct EdgeAsking {
    let edge: RelayURL

    private static let deadline = TimeAmount.seconds(10)

    func finding() async -> HopFinding {
        let name = "\(edge.isSecure ? "https" : "http")://\(edge.authority)"
        let ready: Answer
        do {
            ready = try await get("/health/ready")
        } catch {
            return HopFinding(
                .edge, .unreachable, "\(name): \(Self.reason(error))",
                remedy: "is it running, is the address right, does a firewall or a proxy stand between?")
        }
        let object = try? JSONReader.object(from: ready.body)
        let status = (try? object?.string("status")).flatMap { $0 }
        guard let status else {
            return HopFinding(
                .edge, .wrong, "\(name): HTTP \(ready.status), and that is no edge's answer",
                remedy: "does this URL lead to an edge? `curl -i \(name)/health/ready` shows what answers")
        }
        guard ready.status == 200 else {
            let hop = (try? object?.string("hop")).flatMap { $0 }
            return HopFinding(
                .edge, .wrong, "\(name) is \(status)\(hop.map { ": \($0) fails" } ?? "")", remedy: Self.remedy(hop: hop)
            )
        }
        let version = await version()
        guard version == nil || version == RelayVersion.current else {
            return HopFinding(
                .edge, .note, "\(name) is ready, of version \(version ?? ""); this program is \(RelayVersion.current)",
                remedy: "fine during an upgrade")
        }
        return HopFinding(.edge, .well, "\(name) is ready\(version.map { ", version \($0)" } ?? "")")
    }

    private static func remedy(hop: String?) -> String {
        switch hop {
        case "publish":
            "its connection that posts is down: can that machine reach Redis, and are its user and password right?"
        case "subscribe": "its subscription is down: may its user SUBSCRIBE (&chat:*), and can it reach Redis?"
        case "return": "what it publishes does not come back: see whether Redis is overloaded, and its log"
        case "read": "its connection that reads is down: can that machine reach Redis?"
        case nil: "it is on its way out, or starts; ask again in a moment"
        default: "see its log"
        }
    }

    private func version() async -> String? {
        guard let answer = try? await get("/v1/openapi.json"), answer.status == 200,
            let info = try? JSONReader.object(from: answer.body).object("info")
        else { return nil }
        return (try? info.string("version")).flatMap { $0 }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case is NIOConnectionError: "it cannot be reached"
        case let error as IOError: error.localizedReason
        case let error as AskingError: error.reason
        default: "\(error)"
        }
    }

    // MARK: One request on a connection of its own

    struct Answer {
        var status: Int
        var body: ByteBuffer
    }

    struct AskingError: Error {
        var reason: String
    }

    private func get(_ path: String) async throws -> Answer {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: Answer.self)
        let timeout = loop.scheduleTask(in: Self.deadline) {
            promise.fail(AskingError(reason: "no answer within 10 s"))
        }
        defer { timeout.cancel() }
        let tls = edge.isSecure ? try NIOSSLContext(configuration: .makeClientConfiguration()) : nil
        let bootstrap = ClientBootstrap(group: loop).connectTimeout(Self.deadline).channelInitializer {
            [edge] channel in
            channel.eventLoop.makeCompletedFuture {
                if let tls {
                    let isAddress = (try? SocketAddress(ipAddress: edge.host, port: 0)) != nil
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : edge.host))
                }
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                try channel.pipeline.syncOperations.addHandler(EdgeAnswerHandler(promise))
            }
        }
        let channel: any Channel
        do {
            channel = try await bootstrap.connect(host: edge.host, port: edge.port).get()
        } catch {
            promise.fail(error)
            throw error
        }
        defer { channel.close(promise: nil) }
        let headers = HTTPHeaders([("Host", edge.authority), ("Connection", "close")])
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: headers)
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        return try await promise.futureResult.get()
    }
}

extension IOError {
    /// What the system says, without the call.
    fileprivate var localizedReason: String { "it cannot be reached: \(self)" }
}

/// Puts the parts of one answer together, up to a size.
private final class EdgeAnswerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private static let bytesMax = 4 << 20
    private let promise: EventLoopPromise<EdgeAsking.Answer>
    private var answer = EdgeAsking.Answer(status: 0, body: ByteBuffer())

    init(_ promise: EventLoopPromise<EdgeAsking.Answer>) {
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): answer.status = Int(head.status.code)
        case .body(var part):
            guard answer.body.readableBytes + part.readableBytes <= Self.bytesMax else {
                return promise.fail(EdgeAsking.AskingError(reason: "an answer of more than \(Self.bytesMax) bytes"))
            }
            answer.body.writeBuffer(&part)
        case .end: promise.succeed(answer)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(EdgeAsking.AskingError(reason: "it hung up without an answer"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }
}
