import Foundation
import RelayTestKit

/// `martlet chat` under a terminal of its own.
enum ChatScene {
    /// Starts one that talks to that URL.
    static func start(
        _ user: String, _ rooms: [String] = [], url: String, flags: [String] = [],
        environment: [String: String] = [:], columns: Int = 80, rows: Int = 24
    ) throws -> TerminalSession {
        let variables = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "TERM": "xterm-256color",
            "HOME": "/nonexistent", "MARTLET_DATA": "/nonexistent", "TZ": "UTC",
        ]
        return try TerminalSession(
            ["\(RelayProgram.programsDirectory)/martlet", "chat"] + rooms + ["--user", user, "--url", url] + flags,
            environment: variables.merging(environment) { _, given in given }
                .merging(FinishedCommand.sanitizerOptions) { given, _ in given },
            columns: columns, rows: rows)
    }

    /// Starts one, and returns when it has entered its room.
    static func arrive(
        _ user: String, _ rooms: [String] = [], at edge: EdgeProcess, columns: Int = 80, rows: Int = 24
    ) async throws -> TerminalSession {
        let terminal = try start(user, rooms, url: "ws://\(edge.authority)", columns: columns, rows: rows)
        try await terminal.sees("*** Welcome to \(rooms.first ?? "general"), \(user).")
        try await terminal.sees("| connected")
        return terminal
    }

    /// Has alice and bob in these rooms of a relay of their own, alice first; their terminals go away at the end.
    static func meet(
        alice aliceRooms: [String] = [], bob bobRooms: [String] = [], columns: Int = 80, rows: Int = 24,
        _ body: @Sendable (_ edge: EdgeProcess, _ alice: TerminalSession, _ bob: TerminalSession) async throws -> Void
    ) async throws {
        try await RelayWorld.run(options: .init(isMostlyWaiting: true)) { _, edges in
            let alice = try await arrive("alice", aliceRooms, at: edges[0], columns: columns, rows: rows)
            defer { alice.close() }
            let bob = try await arrive("bob", bobRooms, at: edges[0])
            defer { bob.close() }
            try await body(edges[0], alice, bob)
        }
    }

    /// Has alice at a relay of her own by a port that can be led away from it; her terminal goes away at the end.
    static func meetByPort(
        _ body: @Sendable (_ edge: EdgeProcess, _ port: SwitchedPort, _ alice: TerminalSession) async throws -> Void
    ) async throws {
        try await RelayWorld.run(options: .init(isMostlyWaiting: true)) { _, edges in
            let port = try await SwitchedPort.open()
            defer { port.close() }
            port.lead(to: edges[0].port)
            let alice = try start("alice", url: "ws://127.0.0.1:\(port.port)")
            defer { alice.close() }
            try await alice.sees("*** Welcome to general, alice.")
            try await body(edges[0], port, alice)
        }
    }
}

extension TerminalSession {
    /// The last row: what is being typed.
    var prompt: String { lines.last ?? "" }

    /// The row above it.
    var status: String { lines.dropLast().last ?? "" }

    /// Waits until the prompt is so.
    func prompts(_ text: String) async throws {
        try await sees("the prompt \"\(text)\"") { $0.last == text }
    }

    /// Waits until that stands in the status line.
    func shows(_ text: String) async throws {
        try await sees("\"\(text)\" in the status line") { $0.dropLast().last?.contains(text) == true }
    }
}
