import NIOCore
import NIOHTTP1
import NIOPosix
public import RelayClient
public import RelayCore
public import RelayWire

/// Reads a room's history from an edge over HTTP, a page after the other.
public struct HistoryReading: Sendable {
    private let edge: RelayURL
    private let room: RoomID

    /// Messages in one page.
    private static let pageMessages = 500

    /// The history of a room at the edge with this URL.
    public init(edge: RelayURL, room: RoomID) {
        self.edge = edge
        self.room = room
    }

    /// Hands every message from the oldest that the edge has to the newest to the function, in the order in which
    /// they came.
    ///
    /// - Throws: `HistoryReadingError`, or what the socket says.
    public func forEach(_ body: (ReceivedMessage) -> Void) async throws {
        var after = MessageID.zero
        while true {
            let path = "/v1/rooms/\(room)/messages?after=\(after)&limit=\(Self.pageMessages)"
            let page = try await Self.get(path, from: edge)
            guard let object = try? JSONReader.object(from: page), let elements = object["messages"]?.elements else {
                throw HistoryReadingError(reason: "\(path): no list of messages")
            }
            for element in elements {
                let message = try ServerFrameDecoder.message(from: element.json)
                after = max(after, message.message.id)
                body(message)
            }
            guard object["more"]?.bool == true, !elements.isEmpty else { return }
        }
    }

    /// One request on a connection of its own.
    private static func get(_ path: String, from edge: RelayURL) async throws -> ByteBuffer {
        guard !edge.isSecure else { throw HistoryReadingError(reason: "history over TLS is not read") }
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let answer = loop.makePromise(of: ByteBuffer.self)
        let timeout = loop.scheduleTask(in: .seconds(10)) {
            answer.fail(HistoryReadingError(reason: "\(path): no answer within 10 s"))
        }
        defer { timeout.cancel() }
        let bootstrap = ClientBootstrap(group: loop).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                try channel.pipeline.syncOperations.addHandler(AnswerHandler(answer))
            }
        }
        let channel: any Channel
        do {
            channel = try await bootstrap.connect(host: edge.host, port: edge.port).get()
        } catch {
            answer.fail(error)
            throw error
        }
        defer { channel.close(promise: nil) }
        let headers = HTTPHeaders([("Host", edge.authority), ("Connection", "close")])
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: headers)
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        return try await answer.futureResult.get()
    }
}

/// Why a page of history could not be read.
public struct HistoryReadingError: Error, CustomStringConvertible {
    /// One line for people.
    public let reason: String

    /// That line.
    public var description: String { reason }
}

/// Puts the parts of one answer together.
private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let answer: EventLoopPromise<ByteBuffer>
    private var status = HTTPResponseStatus.ok
    private var body = ByteBuffer()
    /// A page of 500 messages of 4 KiB fits several times.
    private static let bytesMax = 16 << 20

    init(_ answer: EventLoopPromise<ByteBuffer>) {
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): status = head.status
        case .body(var part):
            guard body.readableBytes + part.readableBytes <= Self.bytesMax else {
                return answer.fail(HistoryReadingError(reason: "an answer of more than \(Self.bytesMax) bytes"))
            }
            body.writeBuffer(&part)
        case .end:
            guard status == .ok else { return answer.fail(HistoryReadingError(reason: "HTTP \(status.code)")) }
            answer.succeed(body)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        answer.fail(HistoryReadingError(reason: "the connection ended before the answer did"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        answer.fail(error)
        context.close(promise: nil)
    }
}
