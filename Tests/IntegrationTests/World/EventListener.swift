import Foundation
import NIOCore
import RelayTestKit

/// A reader of `GET /v1/rooms/ROOM/events` with a connection of its own, and all that came.
final class EventListener: Sendable {
    /// One event as `EventSource` would give it.
    struct Event: Sendable, Equatable {
        var id: String?
        var name: String?
        var data: String
    }

    private let socket: RawSocket

    private init(_ socket: RawSocket) {
        self.socket = socket
    }

    /// Asks for a room's events and returns when the head of the answer is there.
    ///
    /// - Parameter receivedBytesMax: what the kernel holds while it does not read; nil for as much as it likes.
    static func open(
        _ edge: EdgeProcess, _ path: String, headers: [String] = [], receivedBytesMax: Int? = nil
    ) async throws -> EventListener {
        let socket = try await RawSocket.connect(port: edge.port, receivedBytesMax: receivedBytesMax)
        let head = ["GET \(path) HTTP/1.1", "Host: \(edge.authority)", "Accept: text/event-stream"] + headers
        try await socket.send(head.joined(separator: "\r\n") + "\r\n\r\n")
        try await socket.waitFor("\r\n\r\n", within: .seconds(30))
        return EventListener(socket)
    }

    func close() { socket.close() }

    /// Stops to read what comes, or goes on.
    func setReading(_ isReading: Bool) async throws { try await socket.setReading(isReading) }

    /// Whether this text is among what came last.
    func endsAbout(_ text: String) -> Bool {
        String(decoding: socket.received.readableBytesView.suffix(16_384), as: UTF8.self).contains(text)
    }

    /// Whether the edge has ended the connection.
    var isClosed: Bool { socket.isClosed }

    /// The status line and the headers.
    var head: String { text.components(separatedBy: "\r\n\r\n")[0] }

    var status: Int { head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0 }

    /// What came of the body, as far as its chunks are whole.
    var body: String {
        let bytes = socket.received
        let view = bytes.readableBytesView
        guard let end = view.firstRange(of: Array("\r\n\r\n".utf8)) else { return "" }
        var rest = view[end.upperBound...]
        var body: [UInt8] = []
        while let line = rest.firstRange(of: Array("\r\n".utf8)),
            let count = Int(String(decoding: rest[..<line.lowerBound], as: UTF8.self), radix: 16), count > 0,
            rest.endIndex - line.upperBound >= count + 2
        {
            body += rest[line.upperBound..<(line.upperBound + count)]
            rest = rest[(line.upperBound + count + 2)...]
        }
        return String(decoding: body, as: UTF8.self)
    }

    /// The events that came whole.
    var events: [Event] {
        body.components(separatedBy: "\n\n").dropLast().compactMap { block in
            var event = Event(data: "")
            var lines: [String] = []
            for line in block.components(separatedBy: "\n") {
                if line.hasPrefix("id: ") { event.id = String(line.dropFirst(4)) }
                if line.hasPrefix("event: ") { event.name = String(line.dropFirst(7)) }
                if line.hasPrefix("data: ") { lines.append(String(line.dropFirst(6))) }
            }
            event.data = lines.joined(separator: "\n")
            return lines.isEmpty ? nil : event
        }
    }

    /// The envelopes of the messages, in the order in which they came.
    var envelopes: [String] { events.filter { $0.name == nil }.map(\.data) }

    /// The id that a browser would come back with.
    var lastID: String? { events.last { $0.id != nil }?.id }

    /// Waits until so many messages came.
    func hear(_ count: Int, within limit: Duration = .seconds(40)) async throws {
        try await eventually("\(count) messages come, not \(envelopes.count)", within: limit) {
            envelopes.count >= count
        }
    }

    private var text: String { String(buffer: socket.received) }
}
