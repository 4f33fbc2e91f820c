import Hummingbird
import HummingbirdCore
public import Logging
import NIOConcurrencyHelpers
public import NIOCore
import NIOSSL
import RelayCore
import RelayWire
public import ServiceLifecycle

/// One edge: a WebSocket and HTTP server on one port.
///
/// It keeps nothing that it cannot rebuild from its ports. On graceful shutdown it is not ready at once, takes no new
/// connection, sends every session away spread over the drain time, answers the posts in flight, and returns.
public struct EdgeServer: Service {
    private let configuration: EdgeConfiguration
    private let group: any EventLoopGroup
    private let makePorts: @Sendable (any EventLoop) throws -> EdgePorts
    private let onListening: @Sendable (String) -> Void
    private let logger: Logger

    /// - Parameters:
    ///   - configuration: what the operator says.
    ///   - group: the event loops; the hub lives on the first, a shard on each.
    ///   - makePorts: called once, on the hub's loop.
    ///   - onListening: called with the edge's URL, `http://127.0.0.1:8080`, once it takes connections.
    public init(
        configuration: EdgeConfiguration, group: any EventLoopGroup, logger: Logger,
        makePorts: @escaping @Sendable (any EventLoop) throws -> EdgePorts,
        onListening: @escaping @Sendable (String) -> Void
    ) {
        self.configuration = configuration
        self.group = group
        self.makePorts = makePorts
        self.onListening = onListening
        self.logger = logger
    }

    /// Serves until the graceful shutdown is done.
    public func run() async throws {
        let tls = try configuration.makeTLS()
        let loops = try await EdgeLoops.start(
            group: group, configuration: configuration, logger: logger, makePorts: makePorts)
        let connections = ConnectionCount(limit: configuration.limits.connectionsMax)
        let gate = ConnectionGate(
            addresses: AddressCount(limit: configuration.limits.connectionsPerAddressMax),
            trusted: configuration.trustedProxies)
        let metrics: @Sendable () async -> String = {
            let figures = await loops.figures()
            return MetricsText(
                shards: figures.shards, hub: figures.hub, rooms: figures.rooms, connections: connections,
                overAddress: gate.addresses.refused
            ).text
        }
        let application = makeApplication(loops, connections, gate, tls: tls, metrics: metrics)
        let end = NIOLockedValueBox<ContinuousClock.Instant?>(nil)
        try await withGracefulShutdownHandler {
            async let _ = cutLateRequests(connections)
            try await withThrowingTaskGroup { group in
                // First what may fail: an application that runs does not end because another task failed.
                let (running, isRunning) = AsyncStream<Void>.makeStream()
                group.addTask {
                    defer { isRunning.finish() }
                    try await serveMetrics(metrics) { isRunning.yield() }
                }
                var turns = running.makeAsyncIterator()
                if await turns.next() == nil { try await group.next() }
                group.addTask { try await application.run() }
                try await group.waitForAll()
            }
        } onGracefulShutdown: {
            end.withLockedValue { $0 = .now + configuration.drain + Limits.drainTail }
            loops.drain(over: configuration.drain)
        }
        // The application waits for requests, but knows nothing of sessions: those are the drain's.
        await loops.sessionsEnded(by: end.withLockedValue { $0 } ?? .now)
        await loops.stop()
    }

    /// `/metrics` on an address of its own, where one is given.
    private func serveMetrics(
        _ metrics: @escaping @Sendable () async -> String, onRunning: @escaping @Sendable () -> Void
    ) async throws {
        guard let address = configuration.metrics else { return }
        let router = Router(context: EdgeContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: ProblemMiddleware())
        OperationRoutes.addMetrics(metrics, to: router)
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        let application = Application(
            router: router,
            configuration: ApplicationConfiguration(address: .hostname(address.host, port: address.port)),
            onServerRunning: { [logger] channel in
                let port = channel.localAddress?.port ?? address.port
                logger.notice("Metrics are served", metadata: ["address": "\(address.host):\(port)"])
                onRunning()
            },
            eventLoopGroupProvider: .shared(group), logger: quiet)
        do {
            try await application.run()
        } catch {
            throw UnusableMetrics(reason: "\(error)")
        }
    }

    /// A request that has not ended when the drain is over does not hold the edge.
    private func cutLateRequests(_ connections: ConnectionCount) async throws {
        try await gracefulShutdown()
        try await Task.sleep(for: configuration.drain)
        connections.cutRequests()
    }

    private func makeApplication(
        _ loops: EdgeLoops, _ connections: ConnectionCount, _ gate: ConnectionGate, tls: NIOSSLContext?,
        metrics: @escaping @Sendable () async -> String
    ) -> some ApplicationProtocol {
        let policy = OriginPolicy(
            allowedOrigins: configuration.allowedOrigins, restrictsHosts: configuration.restrictsHosts)
        let admission = UpgradeAdmission(
            policy: policy, deflates: configuration.deflates, isConformance: configuration.isConformance,
            isTokenNeeded: configuration.verifier != nil)
        let upgrader = WebSocketUpgrader(admission: admission) { channel, purpose, token, agreement in
            guard let shard = loops.shard(on: channel.eventLoop) else {
                throw ChannelError.inappropriateOperationForState
            }
            try SessionHandler.install(
                on: channel, shard: shard, purpose: purpose, token: token, agreement: agreement)
        }
        let scheme = tls == nil ? "http" : "https"
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        return Application(
            router: makeRouter(loops, gate, admission: admission, metrics: metrics),
            server: HTTPServerBuilder { responder in
                RelayChildChannel(
                    responder: responder, tls: tls, upgrader: upgrader, connections: connections,
                    gate: gate)
            },
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), backlog: 4096),
            onServerRunning: { channel in
                let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
                let url = "\(scheme)://\(host):\(channel.localAddress?.port ?? configuration.port)"
                loops.hub.run { $0.address = url }
                onListening(url)
            },
            eventLoopGroupProvider: .shared(group), logger: quiet)
    }

    private func makeRouter(
        _ loops: EdgeLoops, _ gate: ConnectionGate, admission: UpgradeAdmission,
        metrics: @escaping @Sendable () async -> String
    ) -> Router<EdgeContext> {
        let router = Router(context: EdgeContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: CrossOriginMiddleware(allowedOrigins: configuration.allowedOrigins))
        router.add(middleware: ProblemMiddleware())
        router.add(middleware: AccessMiddleware(policy: admission.policy))
        router.add(
            middleware: CallerMiddleware(
                credentials: admission.credentials, verifier: configuration.verifier, guards: loops.hub.guards,
                gate: gate))
        EdgeRoutes(
            api: APIRoutes(
                hub: loops.hub, shard: { loops.shard(on: $0) }, textBytesMax: configuration.limits.textBytesMax),
            upgrade: UpgradeRefusalRoute(admission: admission),
            operations: OperationRoutes(
                isDraining: { loops.isDraining }, probe: { await loops.hub.probe() },
                metrics: configuration.metrics == nil ? metrics : nil),
            web: WebRoutes(
                isServed: configuration.servesWebClient, isTokenNeeded: configuration.verifier != nil,
                allowedOrigins: configuration.allowedOrigins)
        ).add(to: router)
        return router
    }
}

/// The address of `--metrics-listen` cannot be listened on.
public struct UnusableMetrics: Error {
    /// Why.
    public let reason: String
}

extension SessionHandler {
    /// Puts a session at the end of the channel's pipeline. To be called on the channel's loop.
    static func install(
        on channel: any Channel, shard: EdgeShard, purpose: SessionPurpose, token: String?,
        agreement: DeflateAgreement?
    ) throws {
        let budget = shard.configuration.limits.slowBudgetBytes
        try channel.syncOptions?.setOption(
            .writeBufferWaterMark, value: .init(low: budget / 2, high: budget))
        try channel.syncOptions?.setOption(.socketOption(.so_keepalive), value: 1)
        let id = String(UInt64.random(in: .min ... .max), radix: 36)
        try channel.pipeline.syncOperations.addHandler(
            SessionHandler(shard: shard, id: id, purpose: purpose, token: token, agreement: agreement))
    }
}
