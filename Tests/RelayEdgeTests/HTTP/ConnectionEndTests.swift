import NIOCore
import NIOEmbedded
import NIOHTTP1
import RelayCore
import Testing

@testable import RelayEdge

@Suite("Where a connection of HTTP ends")
struct ConnectionEndTests {
    /// Counts what is asked of the socket.
    private final class Socket: ChannelOutboundHandler {
        typealias OutboundIn = HTTPServerResponsePart

        var reads = 0

        func read(context: ChannelHandlerContext) {
            reads += 1
            context.read()
        }
    }

    private let socket = Socket()
    private let channel = EmbeddedChannel()

    init() throws {
        let admission = UpgradeAdmission(policy: OriginPolicy(allowedOrigins: [], restrictsHosts: false))
        try channel.pipeline.syncOperations.addHandlers([socket, ConnectionEndHandler(admission: admission)])
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "/none")).wait()
    }

    private func ask(
        _ uri: String, _ fields: [(String, String)], method: HTTPMethod = .GET, version: HTTPVersion = .http1_1
    ) throws {
        let head = HTTPRequestHead(version: version, method: method, uri: uri, headers: HTTPHeaders(fields))
        try channel.writeInbound(HTTPServerRequestPart.head(head))
        try channel.writeInbound(HTTPServerRequestPart.body(ByteBuffer(string: "x")))
        try channel.writeInbound(HTTPServerRequestPart.end(nil))
    }

    /// Whether the socket is read from where that is asked for.
    private func isRead() -> Bool {
        let before = socket.reads
        channel.read()
        return socket.reads > before
    }

    private func answer(_ status: HTTPResponseStatus) throws -> HTTPHeaders {
        try channel.writeOutbound(HTTPServerResponsePart.head(HTTPResponseHead(version: .http1_1, status: status)))
        guard case .head(let head)? = try channel.readOutbound(as: HTTPServerResponsePart.self) else { return [:] }
        return head.headers
    }

    /// Ends an answer; whether the connection is still there then.
    private func endsAnswerAndGoesOn() throws -> Bool {
        try channel.writeOutbound(HTTPServerResponsePart.end(nil))
        _ = try channel.readOutbound(as: HTTPServerResponsePart.self)
        channel.embeddedEventLoop.run()
        return channel.isActive
    }

    @Test(
        "What follows a request for a protocol that is not spoken here is not read, and its answer is the last",
        arguments: [
            (HTTPMethod.GET, [("Connection", "keep-alive, Upgrade"), ("Upgrade", "h2c")]), (.CONNECT, []),
        ])
    func deaf(_ method: HTTPMethod, _ fields: [(String, String)]) throws {
        try ask("/", [])
        #expect(isRead())
        #expect(try answer(.ok)["connection"].isEmpty)
        #expect(try endsAnswerAndGoesOn())
        try ask("/", fields, method: method)
        #expect(!isRead())
        #expect(try answer(.continue)["connection"].isEmpty)
        #expect(try answer(.ok)["connection"] == ["close"])
        #expect(channel.isActive)
        #expect(try !endsAnswerAndGoesOn())
    }

    @Test(
        "What was asked before the last request of a connection is answered too",
        arguments: [
            (HTTPVersion.http1_1, [("Connection", "Upgrade"), ("Upgrade", "h2c")]), (.http1_0, []),
        ])
    func pipelined(_ version: HTTPVersion, _ fields: [(String, String)]) throws {
        try ask("/", [])
        try ask("/", [])
        try ask("/", fields, version: version)
        // Behind one of HTTP/1.0 the decoder reads on.
        if version == .http1_0 { try ask("/", fields, version: version) }
        for _ in 1...2 {
            #expect(try answer(.ok)["connection"].isEmpty)
            #expect(try endsAnswerAndGoesOn())
        }
        #expect(try answer(.ok)["connection"] == ["close"])
        #expect(try !endsAnswerAndGoesOn())
    }

    @Test("What follows a handshake passes as it is, both ways")
    func other() throws {
        let key = "dGhlIHNhbXBsZSBub25jZQ=="
        try ask(
            "/v1/ws",
            [
                ("Host", "localhost"), ("Connection", "Upgrade"), ("Upgrade", "websocket"),
                ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", key),
            ])
        #expect(isRead())
        for _ in 1...3 { _ = try channel.readInbound(as: HTTPServerRequestPart.self) }
        try channel.writeInbound(ByteBuffer(string: "frame"))
        #expect(try channel.readInbound(as: ByteBuffer.self) == ByteBuffer(string: "frame"))
        #expect(try answer(.switchingProtocols)["connection"].isEmpty)
        try channel.writeOutbound(ByteBuffer(string: "frame"))
        #expect(try channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "frame"))
        #expect(channel.isActive)
    }
}
