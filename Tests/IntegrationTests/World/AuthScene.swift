import Foundation
import NIOCore
import RelayClient
import RelayTestKit

/// Edges that want tokens, and the tokens, made by `martlet token`.
struct AuthScene {
    let directory: String
    let secret: String

    init(_ world: RelayWorld) throws {
        directory = world.directory
        secret = "\(directory)/secret"
        try "a secret of more than thirty-two bytes\n".write(toFile: secret, atomically: true, encoding: .utf8)
    }

    /// The flags of an edge that believes tokens of this scene.
    var flags: [String] { ["--auth", "jwt", "--jwt-secret-file", secret] }

    /// A token for a user, with more arguments of `martlet token`.
    func token(_ user: String, _ more: [String] = []) throws -> String {
        try Self.mint(["--jwt-secret-file", secret, "--user", user] + more)
    }

    /// What `martlet token` prints.
    static func mint(_ arguments: [String]) throws -> String {
        let ended = try FinishedCommand.run(["\(RelayProgram.programsDirectory)/martlet", "token"] + arguments)
        guard ended.exitCode == 0, ended.errorOutput.isEmpty, ended.output.hasSuffix("\n") else {
            throw NeverHappened(description: "a token: \(ended)")
        }
        return String(ended.output.dropLast())
    }

    /// A world with one edge that wants tokens.
    static func run(
        _ more: [String] = [], edges count: Int = 1,
        _ body: (RelayWorld, [EdgeProcess], AuthScene) async throws -> Void
    ) async throws {
        try await RelayWorld.run(edges: []) { world, _ in
            let scene = try AuthScene(world)
            var edges: [EdgeProcess] = []
            for _ in 0..<count {
                let edge = try await world.startEdge(scene.flags + more)
                try await edge.waitUntilReady()
                edges.append(edge)
            }
            try await body(world, edges, scene)
        }
    }
}

extension Talker {
    /// Opens a connection whose upgrade request has these fields.
    static func connect(_ edge: EdgeProcess, headers: [(String, String)]) async throws -> Talker {
        try await connect(edge, as: nil) { configuration in
            for (name, value) in headers { configuration.headers.append((name, value)) }
        }
    }

    /// Opens a connection with a token in `Authorization`.
    static func connect(_ edge: EdgeProcess, token: String) async throws -> Talker {
        try await connect(edge, headers: [("Authorization", "Bearer \(token)")])
    }
}
