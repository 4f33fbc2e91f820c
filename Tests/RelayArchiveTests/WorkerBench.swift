import Foundation
import NIOCore
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
        var configuration = ArchiveConfiguration(
            directory: directory, keep: 2, interval: .milliseconds(1), host: "here",
            run: "\(UInt64.random(in: 0...UInt64.max))")
        configuration.walkInterval = .milliseconds(20)
        configuration.pageEntriesMax = 4
        change(&configuration)
        return ArchiveWorker(configuration: configuration, source: streams, opener: sinks, logger: log.logger())
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
