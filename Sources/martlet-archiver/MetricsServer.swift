import Glibc
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import RelayArchive
import RelaySettings
import ServiceLifecycle

/// `GET /metrics` for Prometheus, on an address of its own. Names no room and no user.
struct MetricsServer: Service {
    private let channel: any Channel

    /// Takes the address, before anything else is begun.
    ///
    /// - Throws: `SettingError`, where it cannot be had.
    static func listen(on address: ListenAddress, worker: ArchiveWorker, logger: Logger) async throws -> MetricsServer {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [worker] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(MetricsHandler(worker: worker))
                }
            }
        do {
            let channel = try await bootstrap.bind(host: address.host, port: address.port).get()
            let bound = channel.localAddress.map { "\($0)" } ?? ""
            logger.info("Metrics are served", metadata: ["address": "\(bound)"])
            return MetricsServer(channel: channel)
        } catch {
            // The text is the system's, ends with a zero and is copied at once.
            let text = unsafe (error as? IOError).flatMap { unsafe strerror($0.errnoCode) }
            let reason = unsafe text.map { unsafe String(cString: $0) }
            throw SettingError(
                setting: "--metrics-listen",
                problem: "cannot listen on \(address.defaultValueDescription): \(reason ?? "\(error)")")
        }
    }

    func run() async throws {
        try? await gracefulShutdown()
        try? await channel.close()
    }
}

/// Answers one request, then closes.
final class MetricsHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// How long one connection may take: whoever connects and is silent would keep a descriptor.
    static let connectionSpan: TimeAmount = .seconds(30)

    private let worker: ArchiveWorker
    private var isFound = false
    private var end: Scheduled<Void>?

    init(worker: ArchiveWorker) {
        self.worker = worker
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        end = context.eventLoop.scheduleTask(in: Self.connectionSpan) { channel.close(promise: nil) }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            isFound = head.method == .GET && head.uri.split(separator: "?").first == "/metrics"
        case .body:
            break
        case .end:
            Self.answer(isFound, from: worker, on: context.channel)
        }
    }

    private static func answer(_ isFound: Bool, from worker: ArchiveWorker, on channel: any Channel) {
        Task {
            let counters = await worker.counters
            if isFound {
                answer(.ok, MetricsText.render(counters), on: channel)
            } else {
                answer(.notFound, "GET /metrics\n", on: channel)
            }
        }
    }

    private static func answer(_ status: HTTPResponseStatus, _ text: String, on channel: any Channel) {
        let body = ByteBuffer(string: text)
        let headers: HTTPHeaders = [
            "content-type": "text/plain; version=0.0.4; charset=utf-8", "content-length": "\(body.readableBytes)",
            "connection": "close",
        ]
        channel.write(
            HTTPServerResponsePart.head(.init(version: .http1_1, status: status, headers: headers)), promise: nil)
        channel.write(HTTPServerResponsePart.body(.byteBuffer(body)), promise: nil)
        channel.writeAndFlush(HTTPServerResponsePart.end(nil)).whenComplete { _ in channel.close(promise: nil) }
    }
}

/// The text format of Prometheus.
enum MetricsText {
    static func render(_ counters: ArchiveCounters) -> String {
        let rows: [(name: String, kind: String, help: String, value: UInt64)] = [
            ("lines_total", "counter", "Lines written.", counters.lines),
            ("bytes_total", "counter", "Bytes written.", counters.bytes),
            ("gaps_total", "counter", "Gap lines written: holes in the numbers of rooms.", counters.gaps),
            ("skipped_total", "counter", "Stream entries that are no messages.", counters.skipped),
            ("rewinds_total", "counter", "Times that Redis had lost what the files hold.", counters.rewinds),
            ("errors_total", "counter", "Failed attempts.", counters.errors),
            ("behind", "gauge", "Messages in the streams that are not in the files.", counters.behind),
            ("rooms", "gauge", "Rooms with files.", UInt64(counters.rooms)),
            ("failing", "gauge", "1 while something is wrong.", counters.lastError.isEmpty ? 0 : 1),
        ]
        return rows.map { row in
            let name = "martlet_archiver_\(row.name)"
            return "# HELP \(name) \(row.help)\n# TYPE \(name) \(row.kind)\n\(name) \(row.value)\n"
        }.joined()
    }
}
