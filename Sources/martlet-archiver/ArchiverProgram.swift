import Foundation
import Logging
import NIOPosix
import RedisClient
import RelayArchive
import RelayCore
import RelayRedis
import RelaySettings
import ServiceLifecycle
import UnixSignals

/// Reads the settings, ties the archiver to Redis and to the files, and runs until it is told to stop.
@main
enum ArchiverProgram {
    private static let name = "martlet-archiver"
    /// `EX_USAGE`, `EX_UNAVAILABLE` and `EX_TEMPFAIL` of sysexits.h.
    private static let (wrongExitCode, unusableExitCode, heldExitCode): (Int32, Int32, Int32) = (64, 69, 75)

    static func main() async {
        let settings = SettingsParser.parseOrExit(ArchiverSettings.self, program: name, flags: ArchiverSettings.flags)
        let (redis, keys): (RedisConfiguration, KeySpace)
        do { (redis, keys) = try settings.checked() } catch { SettingsParser.refuse(error, program: name) }
        let directory = URL(fileURLWithPath: settings.dir).standardizedFileURL.path
        do { try ArchiveConfiguration.makeDirectory(directory) } catch { exit(telling(error)) }
        Signals.prepare()
        settings.service.installLogging()
        let logger = Logger(label: name)
        let client: RedisClient
        do {
            client = try RedisClient(
                configuration: redis, eventLoop: MultiThreadedEventLoopGroup.singleton.next(), logger: logger)
        } catch {
            SettingsParser.refuse(SettingError(setting: "--redis-url", problem: "\(error)"), program: name)
        }
        let code = await run(settings, directory, RedisStreamSource(client: client, keys: keys), logger)
        await client.close()
        exit(code)
    }

    private static func run(
        _ settings: ArchiverSettings, _ directory: String, _ source: RedisStreamSource, _ logger: Logger
    ) async -> Int32 {
        let shard = settings.shard.shard
        var configuration = ArchiveConfiguration(
            directory: directory, shard: shard, keep: settings.keep, interval: settings.interval.duration,
            host: ProcessInfo.processInfo.hostName, run: UUID().uuidString)
        configuration.host = configuration.host.isEmpty ? "unknown" : configuration.host
        let worker = ArchiveWorker(
            configuration: configuration, source: source,
            opener: FileSegmentOpener(isSyncing: settings.fsync == .on), logger: logger
        ) {
            try? FileHandle.standardOutput.write(contentsOf: Data("\(name) ready: shard \(shard), \(directory)\n".utf8))
        }
        do {
            var services: [any Service] = [VersionGuard(source: source), worker]
            if let address = settings.metricsListen {
                services.append(try await MetricsServer.listen(on: address, worker: worker, logger: logger))
            }
            let group = ServiceGroup(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
            try await group.run()
            return 0
        } catch {
            return telling(error)
        }
    }

    /// Says in one line why it ends.
    ///
    /// - Returns: the exit code for that.
    private static func telling(_ error: any Error) -> Int32 {
        try? FileHandle.standardError.write(contentsOf: Data("\(name): \(error)\n".utf8))
        return switch error as? ArchiveRefusal {
        case .held: heldExitCode
        case let refusal? where refusal.isWrongDirectory: wrongExitCode
        case .directory, nil: unusableExitCode
        }
    }
}

/// What signals do to this program.
enum Signals {
    /// A parent may start it with signals blocked; then nobody could end it but with SIGKILL. A file that may not grow
    /// (`ulimit -f`) is an error like a full disk, to be told and waited out, and no reason to die.
    static func prepare() {
        _ = signal(SIGXFSZ, SIG_IGN)
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGTERM)
        unsafe sigaddset(&signals, SIGINT)
        unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }
}

/// Ends the program where Redis is too old: waiting does not mend that. Everything else is waited for.
struct VersionGuard: Service {
    let source: RedisStreamSource

    func run() async throws {
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            if try await source.isUsable(deadline: .seconds(1)) { break }
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .milliseconds(500)) }
        }
        try? await gracefulShutdown()
    }
}
