import Foundation
import Logging
import NIOCore
import NIOPosix
import RelayArchive
import RelayAuth
import RelayCore
import RelayEdge
import RelayRedis
import RelaySettings
import ServiceLifecycle
import UnixSignals

/// Reads the settings, ties the edge to Redis, and serves until it is told to stop.
@main
enum EdgeProgram {
    private static let name = "martlet-edge"
    /// `EX_UNAVAILABLE` of sysexits.h.
    private static let unusableExitCode: Int32 = 69

    static func main() async {
        let settings = SettingsParser.parseOrExit(EdgeSettings.self, program: name, flags: EdgeSettings.flags)
        let (checked, relay, archive): (EdgeConfiguration, RedisRelayConfiguration, String?)
        let keys: TokenKeys?
        do {
            (checked, relay, archive) = try settings.checked()
            keys = try await settings.tokenKeys()
        } catch {
            SettingsParser.refuse(error, program: name)
        }
        let (orders, ordered) = AsyncStream<Void>.makeStream()
        var edge = checked
        edge.verifier = keys
        edge.onDrainOrdered = { ordered.yield() }
        settings.service.installLogging()
        let logger = Logger(label: name)
        let threads = settings.threads > 0 ? settings.threads : max(1, System.coreCount - 1)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        let (refusals, refused) = AsyncStream<String>.makeStream()
        let server = EdgeServer(configuration: edge, group: group, logger: logger) { loop in
            try RedisPorts.make(relay, archive: archive, on: loop, logger: logger) { refused.yield($0) }
        } onListening: { url in
            write("\(name) listening on \(url)\n", to: .standardOutput)
        }
        let services = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: server, successTerminationBehavior: .gracefullyShutdownGroup),
                    .init(service: RefusalGuard(refusals: refusals), successTerminationBehavior: .ignore),
                    .init(
                        service: DrainOrder(orders: orders), successTerminationBehavior: .gracefullyShutdownGroup),
                    .init(service: KeyWatch(keys: keys, logger: logger), successTerminationBehavior: .ignore),
                ], gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "lifecycle") { _ in SwiftLogNoOpLogHandler() }))
        let impatience = Task { await endAtSecondSignal() }
        defer { impatience.cancel() }
        do {
            try await services.run()
            exit(0)
        } catch let error as UnusableRedis {
            write("\(name): \(error.reason)\n", to: .standardError)
        } catch let error as UnusableMetrics {
            write("\(name): --metrics-listen: \(error.reason)\n", to: .standardError)
        } catch let error as IOError {
            // The text is the system's, ends with a zero and is copied at once.
            let reason = unsafe strerror(error.errnoCode).map { unsafe String(cString: $0) }
            let address = settings.listen.defaultValueDescription
            write("\(name): --listen: cannot listen on \(address): \(reason ?? "\(error)")\n", to: .standardError)
        } catch {
            write("\(name): \(error)\n", to: .standardError)
        }
        exit(unusableExitCode)
    }

    /// The first signal begins the drain. Whoever sends another does not want to wait for it: sessions are cut and come
    /// back elsewhere, and other edges find this one dead.
    private static func endAtSecondSignal() async {
        var count = 0
        for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
            count += 1
            if count == 2 { exit(0) }
        }
    }

    private static func write(_ text: String, to file: FileHandle) {
        try? file.write(contentsOf: Data(text.utf8))
    }
}

/// A Redis that waiting does not mend.
struct UnusableRedis: Error {
    let reason: String
}

/// Ends the program where Redis is too old.
struct RefusalGuard: Service {
    let refusals: AsyncStream<String>

    func run() async throws {
        for await reason in refusals.cancelOnGracefulShutdown() { throw UnusableRedis(reason: reason) }
    }
}

/// Ends the program, as SIGTERM does, where operators say so.
struct DrainOrder: Service {
    let orders: AsyncStream<Void>

    func run() async throws {
        for await _ in orders.cancelOnGracefulShutdown() { return }
    }
}

/// Reads a JWKS again when it has changed.
struct KeyWatch: Service {
    let keys: TokenKeys?
    let logger: Logger

    func run() async throws {
        guard let keys else { return }
        for await _ in AsyncTimer(every: .seconds(1)).cancelOnGracefulShutdown() {
            switch await keys.reloadIfChanged() {
            case .unchanged: break
            case .loaded(let count, let passedOver):
                logger.notice(
                    "The keys of --jwks-file are read again",
                    metadata: ["keys": "\(count)", "passed_over": "\(passedOver)"])
            case .failed(let reason):
                logger.error(
                    "--jwks-file cannot be used; the keys stay as they were", metadata: ["reason": "\(reason)"])
            }
        }
    }
}

/// One turn after each span.
struct AsyncTimer: AsyncSequence, AsyncIteratorProtocol, Sendable {
    let span: Duration

    init(every span: Duration) {
        self.span = span
    }

    func makeAsyncIterator() -> AsyncTimer { self }

    func next() async -> Void? {
        try? await Task.sleep(for: span)
    }
}

/// The ports over Redis, and what is said of its state.
enum RedisPorts {
    /// Makes and starts them, on the loop that they live on.
    ///
    /// - Parameters:
    ///   - archive: the directory of the archive; nil where history ends where Redis's ends.
    ///   - onUnusable: called with the reason where Redis can never be used as it is.
    static func make(
        _ configuration: RedisRelayConfiguration, archive: String?, on loop: any EventLoop, logger: Logger,
        onUnusable: @escaping @Sendable (String) -> Void
    ) throws -> EdgePorts {
        let relay = try RedisRelay(configuration, eventLoop: loop, logger: logger)
        relay.onStateChange = { state in
            switch state {
            case .connecting, .stopped: break
            case .ready: logger.notice("Redis is here")
            case .away(let reason): logger.warning("Redis is away", metadata: ["reason": "\(reason)"])
            case .refused(let reason): logger.error("Redis refuses the edge", metadata: ["reason": "\(reason)"])
            case .unsupported(let reason): onUnusable(reason)
            }
        }
        relay.start()
        let archived = archive.map {
            ArchivedHistory(over: relay.history, directory: $0, eventLoop: loop, logger: logger)
        }
        return EdgePorts(
            broker: relay.broker, history: archived.map { $0 as any HistoryStore } ?? relay.history,
            directory: relay.directory, rooms: relay.rooms,
            directs: relay.directs, markers: relay.markers,
            control: relay.control
        ) { completion in
            relay.stop {
                if let archived { archived.stop(completion) } else { completion() }
            }
        }
    }
}
