import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// One request of the table.
struct AuthorisationAsking {
    /// Method and path: `ROOM` for the room's id, `USER` for the other one of a conversation, `ID` for a message.
    var name: String
    var body: String?
    /// The op that it is another way of, where that decides which column counts.
    var op: ClientCommand.Name?
    /// The code with which it is refused where it is allowed, and cannot be done all the same.
    var passed: String?
    /// Whether `ID` is what somebody else said; else there is no such message.
    var isMeddling = false
    /// What the request is, without what the table says of it besides.
    var line: String { String(name.prefix { $0 != "," }) }

    /// How each request is made. One line a request.
    static let requests: [Self] = [
        Self(name: "GET /v1/rooms"),
        Self(name: "POST /v1/rooms", body: #"{"room":"ROOM"}"#, op: .create, passed: "exists"),
        Self(name: "GET /v1/rooms/ROOM"),
        Self(name: "PATCH /v1/rooms/ROOM", body: #"{"name":"other"}"#),
        Self(name: "GET /v1/rooms/ROOM/messages"),
        Self(name: "POST /v1/rooms/ROOM/messages", body: #"{"text":"hi"}"#),
        Self(name: "PATCH /v1/rooms/ROOM/messages/ID", body: #"{"text":"hi"}"#, passed: "no_such_message"),
        Self(name: "DELETE /v1/rooms/ROOM/messages/ID", passed: "no_such_message"),
        Self(name: "PATCH /v1/rooms/ROOM/messages/ID, of another's", body: #"{"text":"hi"}"#, isMeddling: true),
        Self(name: "DELETE /v1/rooms/ROOM/messages/ID, of another's", isMeddling: true),
        Self(name: "GET /v1/rooms/ROOM/events"),
        Self(name: "GET /v1/rooms/ROOM/members"),
        Self(name: "PUT /v1/rooms/ROOM/read", body: #"{"id":"1-1"}"#),
        Self(name: "POST /v1/direct/USER/messages", body: #"{"text":"hi"}"#, op: .direct),
    ]

    /// Requests after which there is nothing left to ask for. Tried when all else is done.
    static let endings: [Self] = [
        Self(name: "DELETE /v1/rooms/ROOM")
    ]

    /// The table has what the edge says that it can be asked for by people, and nothing else.
    static func compareWithDescription(_ edge: EdgeProcess) async throws {
        let document = try JSONReader.object(from: try await edge.ask("GET", "/v1/openapi.json").body, depthMax: 64)
        let paths = try #require(document["paths"]?.object)
        var described: Set<String> = []
        for path in paths.keys where path.hasPrefix("/v1/rooms") || path.hasPrefix("/v1/direct") {
            let line = path.replacing("{room}", with: "ROOM").replacing("{to}", with: "USER")
                .replacing("{message}", with: "ID")
            for method in paths[path]?.object?.keys ?? [] { described.insert("\(method.uppercased()) \(line)") }
        }
        #expect(Set((requests + endings).map(\.line)) == described)
    }
}
