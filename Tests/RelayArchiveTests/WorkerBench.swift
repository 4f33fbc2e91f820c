import Foundation
import NIOCore
import NIOPosix
import RelayCore
import RelayTestKit

@testable import RelayArchive

/// A directory, streams and an archiver on them, until the body returns.
final class WorkerBench: Sendable {
    let directory: String
    let streams = InMemoryStreams()
    let sinks = FaultySinks()
    let log = LogCapture()

    init() throws { directory = try TemporaryDirectory.make("martlet-worker") }
    deinit { TemporaryDirectory.remove(directory) }

    func worker(_ change: (inout ArchiveConfiguration) -> Void = { _ in }) -> ArchiveWorker {
        ArchiveWorker(configuration: configuration(change), source: streams, opener: sinks, logger: log.logger())
    }

    /// A room without a worker, under a claim of its own.
    func work(on room: RoomID) async throws -> RoomWork {
        let configuration = configuration { _ in }
        let held = HeldShard(shard: .whole, holder: ShardHolder(place: "here", run: configuration.run))
        _ = try await streams.claim(held.shard, as: held.holder, lapse: configuration.lockLapse)
        return RoomWork(
            room, lane: FileLane(pool: .singleton),
            shared: SharedByRooms(configuration, held: held, source: streams, opener: sinks, logger: log.logger()))
    }

    private func configuration(_ change: (inout ArchiveConfiguration) -> Void) -> ArchiveConfiguration {
        var configuration = ArchiveConfiguration(
            directory: directory, keep: 2, interval: .milliseconds(1), host: "here",
            run: "\(UInt64.random(in: 0...UInt64.max))")
        configuration.walkInterval = .milliseconds(20)
        configuration.pageEntriesMax = 4
        change(&configuration)
        return configuration
    }

    /// Runs an archiver while the body runs.
    func run(_ worker: ArchiveWorker? = nil, _ body: (ArchiveWorker) async throws -> Void) async throws {
        let worker = worker ?? self.worker()
        let task = Task { try await worker.run() }
        do { try await body(worker) } catch {
            task.cancel()
            _ = try? await task.value
            throw error
        }
        task.cancel()
        try await task.value
    }

    func lines(_ file: String = "2026-11-21.jsonl", of room: String = "general") -> [String] {
        let text = try? String(contentsOfFile: "\(directory)/\(room)/\(file)", encoding: .utf8)
        return (text ?? "").split(separator: "\n").map(String.init)
    }

    func archived(upTo position: ArchivePosition, in room: RoomID = Frames.room) async throws {
        try await eventually("\(position.seq) is acknowledged") {
            await self.streams.rooms[room]?.archived == position
        }
    }
}
