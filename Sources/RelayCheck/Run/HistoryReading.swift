public import RelayClient
public import RelayCore
public import RelayWire

/// Reads a room's history from an edge over HTTP, a page after the other.
public struct HistoryReading: Sendable {
    private let edge: RelayURL
    private let room: RoomID

    /// Messages in one page.
    private static let pageMessages = 500

    /// The history of a room at the edge with this URL.
    public init(edge: RelayURL, room: RoomID) {
        self.edge = edge
        self.room = room
    }

    /// Hands every message from the oldest that the edge has to the newest to the function, in the order in which
    /// they came.
    ///
    /// - Throws: `HistoryReadingError`, or `RelayConnectionError`.
    public func forEach(_ body: (ReceivedMessage) -> Void) async throws {
        var after = MessageID.zero
        while true {
            let path = "/v1/rooms/\(room)/messages?after=\(after)&limit=\(Self.pageMessages)"
            let page = try await RelayRequest.get(path, RelayConnectionConfiguration(url: edge))
            guard page.status == 200 else { throw HistoryReadingError(reason: "\(path): HTTP \(page.status)") }
            guard let object = try? JSONReader.object(from: page.body), let elements = object["messages"]?.elements
            else {
                throw HistoryReadingError(reason: "\(path): no list of messages")
            }
            for element in elements {
                let message = try ServerFrameDecoder.message(from: element.json)
                after = max(after, message.message.id)
                body(message)
            }
            guard object["more"]?.bool == true, !elements.isEmpty else { return }
        }
    }
}

/// Why a page of history could not be read.
public struct HistoryReadingError: Error, CustomStringConvertible {
    /// One line for people.
    public let reason: String

    /// That line.
    public var description: String { reason }
}
