import Foundation
import NIOCore
import RelayClient
import RelayTestKit
import RelayWire
import NIOConcurrencyHelpers
import Testing

/// A WebSocket that is read message by message, in order: a person at a terminal, or a program that speaks JSON.
final class Typist: Sendable {
    private struct Paper {
        var texts: [String] = []
        var read = 0
        var closing: Closing?
    }

    /// The lock and what it guards, shared with the connection's callback.
    private final class Desk: Sendable {
        let paper = NIOLockedValueBox(Paper())
    }

    let connection: RelayConnection
    private let desk: Desk

    private init(connection: RelayConnection, desk: Desk) {
        self.connection = connection
        self.desk = desk
    }

    /// Connects with that query; in lines unless it says otherwise.
    static func connect(
        _ edge: EdgeProcess, _ query: String, configure: (inout RelayConnectionConfiguration) -> Void = { _ in }
    ) async throws -> Typist {
        guard let url = RelayURL("ws://\(edge.authority)/v1/ws?\(query)") else {
            throw NeverHappened(description: "a URL of \(edge.authority)")
        }
        var configuration = RelayConnectionConfiguration(url: url)
        configure(&configuration)
        let desk = Desk()
        let connection = try await RelayConnection.open(configuration) { event in
            desk.paper.withLockedValue { paper in
                switch event {
                case .text(let text): paper.texts.append(String(buffer: text))
                case .closed(let closing): paper.closing = closing
                case .pong: break
                }
            }
        }
        return Typist(connection: connection, desk: desk)
    }

    /// A person at a terminal in that room, welcomed; or in the lobby, which has been shown.
    static func arrive(
        _ edge: EdgeProcess, as user: String, in room: String? = nil, name: String? = nil
    ) async throws -> Typist {
        let query = "format=text&user=\(user)\(name.map { "&name=\($0)" } ?? "")\(room.map { "&room=\($0)" } ?? "")"
        let typist = try await connect(edge, query)
        _ = try await typist.readUp(to: room == nil ? "*** Type a room's name" : "*** Welcome to ")
        return typist
    }

    /// Sends one message.
    func type(_ line: String) async throws { try await connection.send(line) }

    /// All that has come.
    var texts: [String] { desk.paper.withLockedValue { $0.texts } }

    /// How the connection ended; nil as long as it has not.
    var closing: Closing? { desk.paper.withLockedValue { $0.closing } }

    /// The next message that was not read yet.
    func next(within limit: Duration = .seconds(30)) async throws -> String {
        var line: String?
        _ = await condition(within: limit) {
            line = desk.paper.withLockedValue { paper in
                guard paper.read < paper.texts.count else { return nil }
                paper.read += 1
                return paper.texts[paper.read - 1]
            }
            return line != nil || closing != nil
        }
        guard let line else { throw NeverHappened(description: "a line after \(texts.suffix(3)); \(closing as Any)") }
        return line
    }

    /// Reads up to and with the first message that begins so, and returns what was read.
    func readUp(to beginning: String, within limit: Duration = .seconds(30)) async throws -> [String] {
        var lines: [String] = []
        repeat { lines.append(try await next(within: limit)) } while lines.last?.hasPrefix(beginning) != true
        return lines
    }

    /// Expects these messages next.
    func reads(_ lines: String..., at location: SourceLocation = #_sourceLocation) async throws {
        for line in lines {
            let next = try await next()
            #expect(next == line, sourceLocation: location)
        }
    }

    /// Waits until the connection is closed, and tells how.
    func ending(within limit: Duration = .seconds(30)) async throws -> Closing {
        try await eventually("the connection is closed", within: limit) { closing != nil }
        guard let closing else { throw NeverHappened(description: "a closing") }
        return closing
    }
}
