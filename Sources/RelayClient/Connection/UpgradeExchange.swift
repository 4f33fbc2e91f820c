import NIOCore
import NIOHTTP1
import NIOWebSocket

/// The client's half of the opening handshake (RFC 6455 4.1): a request out, a response in, no IO.
struct UpgradeExchange {
    /// What the bytes so far mean.
    enum Answer {
        case incomplete
        /// The relay speaks WebSocket from here on; the bytes are what came after its response.
        case accepted(rest: ByteBuffer)
        /// It does not; the body is what came of it, for people.
        case refused(status: Int, body: String)
        /// Not an answer that this handshake can have.
        case malformed
    }

    /// Bytes of the response's head; a longer one is malformed.
    static let headBytesMax = 16 * 1024

    private let key: String
    private let verifier: NIOWebSocketClientUpgrader
    private var received = ByteBuffer()

    /// A handshake with a key that nobody could foresee.
    init(key: String = NIOWebSocketClientUpgrader.randomRequestKey()) {
        self.key = key
        verifier = NIOWebSocketClientUpgrader(requestKey: key) { channel, _ in
            channel.eventLoop.makeSucceededVoidFuture()
        }
    }

    /// The request. The extra fields follow those of the handshake; the caller guarantees that they hold no line break.
    func request(for url: RelayURL, headers: [(name: String, value: String)]) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeString("GET \(url.target) HTTP/1.1\r\nHost: \(url.authority)\r\nUpgrade: websocket\r\n")
        buffer.writeString("Connection: Upgrade\r\nSec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 13\r\n")
        for header in headers { buffer.writeString("\(header.name): \(header.value)\r\n") }
        buffer.writeString("\r\n")
        return buffer
    }

    /// Takes bytes that came in.
    mutating func bytesReceived(_ bytes: inout ByteBuffer) -> Answer {
        received.writeBuffer(&bytes)
        let view = received.readableBytesView
        guard let end = view.firstRange(of: Array("\r\n\r\n".utf8)) else {
            return view.count > Self.headBytesMax ? .malformed : .incomplete
        }
        let headBytes = end.upperBound - view.startIndex
        guard headBytes <= Self.headBytesMax, let head = received.readString(length: headBytes),
            let response = Self.parse(head: head)
        else { return .malformed }
        guard response.status == .switchingProtocols else {
            let body = String(
                buffer: received.getSlice(at: received.readerIndex, length: min(1024, received.readableBytes))
                    ?? ByteBuffer())
            return .refused(status: Int(response.status.code), body: body)
        }
        let upgrades = response.headers[canonicalForm: "upgrade"].map { $0.lowercased() }
        let connections = response.headers[canonicalForm: "connection"].map { $0.lowercased() }
        guard upgrades == ["websocket"], connections.contains("upgrade"),
            !response.headers.contains(name: "Sec-WebSocket-Extensions"),
            verifier.shouldAllowUpgrade(upgradeResponse: response)
        else { return .malformed }
        return .accepted(rest: received)
    }

    private static func parse(head: String) -> HTTPResponseHead? {
        var lines = head.split(separator: "\r\n", omittingEmptySubsequences: true)[...]
        guard let statusLine = lines.popFirst(), statusLine.hasPrefix("HTTP/1.1 "),
            let code = Int(statusLine.dropFirst(9).prefix(3)), (100...599).contains(code)
        else { return nil }
        var headers = HTTPHeaders()
        for line in lines {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers.add(name: String(line[..<colon]), value: String(value))
        }
        return HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: code), headers: headers)
    }
}
