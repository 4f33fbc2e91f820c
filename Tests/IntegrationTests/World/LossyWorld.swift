import Foundation
import RelayTestKit
import Testing

/// A way for Redis to lose what it acknowledged in the room `general`.
enum Loss: CaseIterable, CustomTestStringConvertible {
    case flushAll
    case restartWithoutFile
    /// To a replica that lacks what was said after `forget`.
    case failover
    case streamDeleted
    case metaDeleted
    /// The room's keys are those of the moment of `forget` again.
    case olderKeys

    /// The ways in which all of Redis is concerned, and not one key of a room.
    static let whole: [Loss] = [.flushAll, .restartWithoutFile, .failover]

    var testDescription: String { "\(self)" }
}

/// A relay whose Redis, which has no file, is about to lose what it acknowledged.
struct LossyWorld {
    let world: RelayWorld
    let edges: [EdgeProcess]
    private let loss: Loss
    private let address: SwitchedPort
    private let replica: LocalRedis?

    private static let stream = "chat:{general}:stream"
    private static let meta = "chat:{general}:meta"

    /// Makes such a world with an edge for each list of flags.
    static func run(
        _ loss: Loss, edges: [[String]], isMostlyWaiting: Bool = false, _ body: (LossyWorld) async throws -> Void
    ) async throws {
        let address = try await SwitchedPort.open()
        defer { address.close() }
        var options = RelayWorld.Options(isMostlyWaiting: isMostlyWaiting)
        options.makeURL = { redis in
            address.lead(to: redis.port)
            return "redis://127.0.0.1:\(address.port)"
        }
        try await RelayWorld.run(edges: edges, options: options) { world, edges in
            let replica = loss == .failover ? try await world.startReplica() : nil
            do {
                try await body(
                    LossyWorld(world: world, edges: edges, loss: loss, address: address, replica: replica))
            } catch {
                await replica?.stop()
                throw error
            }
            if replica != nil { try await world.redis.resume() }
            await replica?.stop()
        }
    }

    /// What is said from here on will be lost; before that too where the loss is one of all.
    func forget() async throws {
        switch loss {
        case .failover:
            guard let replica else { return }
            let length = try await world.cli("XLEN", Self.stream)
            try await eventually("the replica has it all") {
                try await world.ask(replica, "XLEN", Self.stream) == length
            }
            try await world.ask(replica, "REPLICAOF", "NO", "ONE")
        case .olderKeys:
            for key in [Self.stream, Self.meta] { try await world.cli("COPY", key, "older:" + key) }
        case .flushAll, .restartWithoutFile, .streamDeleted, .metaDeleted: break
        }
    }

    /// It is lost.
    func lose() async throws {
        switch loss {
        case .flushAll: try await world.cli("FLUSHALL")
        case .restartWithoutFile:
            try await world.redis.kill()
            try await world.redis.start()
        case .failover:
            try await world.redis.pause()
            if let replica { address.lead(to: replica.port) }
        case .streamDeleted: try await world.cli("DEL", Self.stream)
        case .metaDeleted: try await world.cli("DEL", Self.meta)
        case .olderKeys:
            // Both in one step, as a person would who is careful.
            let script = """
                for _, key in ipairs(KEYS) do redis.call('COPY', 'older:' .. key, key, 'REPLACE') end
                return 1
                """
            try await world.cli("EVAL", script, "2", Self.stream, Self.meta)
        }
    }

    /// What a command prints at the Redis that there is now.
    func ask(_ command: String...) async throws -> String {
        guard let replica, loss == .failover else { return try await world.cli(command) }
        let tester = GuardedRedis.User.tester
        let login = ["--user", tester.rawValue, "--pass", tester.password, "--no-auth-warning"]
        return try FinishedCommand.run(["/usr/bin/env", "redis-cli"] + login + ["-s", replica.socketPath] + command)
            .output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
