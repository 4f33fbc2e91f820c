import NIOCore
import RelayTestKit
import RelayWire
import Testing

/// Every status that the description names, brought about; and no other in all of these tries.
@Suite("What the description says of statuses", .timeLimit(.minutes(20)))
struct HTTPStatusTests {
    /// An operation as the description has it.
    private struct Operation {
        var id: String
        var method: String
        var path: String
        var takesBody: Bool
        /// What its answers are by their status; nil where they have no body.
        var types: [Int: String?]
    }

    /// One request, and the status that is to come.
    private struct Try {
        var id: String
        var status: Int
        var path: String
        var headers: [String] = []
        var json: String?

        init(_ id: String, _ status: Int, _ path: String, _ json: String? = nil, headers: [String] = []) {
            (self.id, self.status, self.path, self.json, self.headers) = (id, status, path, json, headers)
        }
    }

    private static func operations(_ edge: EdgeProcess) async throws -> [Operation] {
        let answer = try await edge.ask("GET", "/v1/openapi.json")
        let paths = try #require(try JSONReader.object(from: answer.body, depthMax: 64)["paths"]?.object)
        var operations: [Operation] = []
        for path in paths.keys {
            let methods = try #require(paths[path]?.object)
            for method in methods.keys {
                let operation = try #require(methods[method]?.object)
                let responses = try #require(operation["responses"]?.object)
                var types: [Int: String?] = [:]
                for status in responses.keys {
                    types[try #require(Int(status))] = .some(responses[status]?.object?["content"]?.object?.keys.first)
                }
                operations.append(
                    Operation(
                        id: try #require(operation["operationId"]?.string), method: method.uppercased(), path: path,
                        takesBody: operation.isPresent("requestBody"), types: types))
            }
        }
        return operations
    }

    /// Asks, and holds the answer against the description.
    private static func ask(
        _ edge: EdgeProcess, _ operation: Operation, _ path: String, host: String? = nil, headers: [String] = [],
        json: String? = nil
    ) async throws -> Int {
        let answer = try await edge.ask(operation.method, path, host: host, headers: headers, json: json)
        let what = "\(operation.id) \(path): \(answer.status) \(answer.text.prefix(300))"
        guard let type = operation.types[answer.status] else {
            Issue.record("\(what) is not described")
            return answer.status
        }
        let given = answer.headers["content-type"].map { String($0.prefix { $0 != ";" }) }
        #expect(given == type, "\(what)")
        if answer.status == 429 || answer.status == 503, operation.id != "ready" {
            #expect(Int(answer.headers["retry-after"] ?? "") ?? 0 > 0, "\(what)")
        }
        return answer.status
    }

    /// What an operation's path is for one who is there: everything in it exists.
    private static func filled(_ path: String) -> String {
        path.replacing("{room}", with: "general").replacing("{to}", with: "bob").replacing("{message}", with: "1-1")
    }

    private static let texts = #"{"text":"hi"}"#
    private static let messages = "/v1/rooms/general/messages"

    /// What is answered well, or refused for what it says. `SAID` is a message of alice, `MINE` another one.
    private static let tries: [Try] = [
        Try("index", 200, "/"), Try("live", 200, "/health/live"), Try("ready", 200, "/health/ready"),
        Try("metrics", 200, "/metrics"), Try("openAPI", 200, "/v1/openapi.json"),
        Try("openAPI", 400, "/v1/openapi.json?token=x"),
        Try("webSocket", 400, "/v1/ws?user=-"), Try("webSocket", 426, "/v1/ws"),
        Try("listRooms", 200, "/v1/rooms?user=alice"), Try("listRooms", 400, "/v1/rooms?user=alice&scope=x"),
        Try("createRoom", 201, "/v1/rooms?user=alice", #"{"room":"club"}"#),
        Try("createRoom", 409, "/v1/rooms?user=alice", #"{"room":"club"}"#),
        Try("createRoom", 400, "/v1/rooms?user=alice", #"{"room":"-"}"#),
        Try("readRoom", 200, "/v1/rooms/general"), Try("readRoom", 400, "/v1/rooms/-"),
        Try("readRoom", 404, "/v1/rooms/none"),
        Try("changeRoom", 200, "/v1/rooms/club?user=alice", #"{"name":"Club"}"#),
        Try("changeRoom", 400, "/v1/rooms/club?user=alice", #"{"name":5}"#),
        Try("changeRoom", 404, "/v1/rooms/none?user=alice", "{}"),
        Try("deleteRoom", 204, "/v1/rooms/club?user=alice"), Try("deleteRoom", 400, "/v1/rooms/-?user=alice"),
        Try("deleteRoom", 404, "/v1/rooms/none?user=alice"),
        Try("readMembers", 200, "/v1/rooms/general/members"), Try("readMembers", 400, "/v1/rooms/-/members"),
        Try("readMembers", 404, "/v1/rooms/none/members"),
        Try("markRead", 200, "/v1/rooms/general/read?user=alice", #"{"id":"SAID"}"#),
        Try("markRead", 400, "/v1/rooms/general/read?user=alice", #"{"id":"x"}"#),
        Try("markRead", 404, "/v1/rooms/none/read?user=alice", #"{"id":"SAID"}"#),
        Try("readMessages", 200, messages), Try("readMessages", 400, messages + "?limit=0"),
        Try("readMessages", 404, "/v1/rooms/none/messages"),
        Try("sendMessage", 201, messages + "?user=alice", texts, headers: ["Idempotency-Key: k"]),
        Try("sendMessage", 200, messages + "?user=alice", texts, headers: ["Idempotency-Key: k"]),
        Try("sendMessage", 400, messages + "?user=alice", "{}"),
        Try("sendMessage", 404, "/v1/rooms/dm:bob+carol/messages?user=alice", texts),
        Try("editMessage", 200, messages + "/SAID?user=alice", texts),
        Try("editMessage", 400, messages + "/x?user=alice", texts),
        Try("editMessage", 404, messages + "/1-1?user=alice", texts),
        Try("deleteMessage", 200, messages + "/MINE?user=alice"),
        Try("deleteMessage", 400, messages + "/x?user=alice"), Try("deleteMessage", 404, messages + "/1-1?user=alice"),
        Try("sendDirect", 201, "/v1/direct/bob/messages?user=alice", #"{"text":"hi","nonce":"d"}"#),
        Try("sendDirect", 200, "/v1/direct/bob/messages?user=alice", #"{"text":"hi","nonce":"d"}"#),
        Try("sendDirect", 400, "/v1/direct/alice/messages?user=alice", texts),
        Try("readEvents", 200, "/v1/rooms/general/events?wait=0"),
        Try("readEvents", 400, "/v1/rooms/general/events?since=x"),
        Try("readEvents", 404, "/v1/rooms/none/events"),
    ]

    @Test("Each of them comes, as what it says it is")
    func statuses() async throws {
        var seen: Set<String> = []
        var described: Set<String> = []
        try await RelayWorld.run(edges: [["--rate", "1000", "--burst", "1000"]]) { world, edges in
            let edge = edges[0]
            let operations = try await Self.operations(edge)
            for operation in operations {
                for status in operation.types.keys { described.insert("\(operation.id) \(status)") }
            }
            func note(
                _ operation: Operation, _ path: String, host: String? = nil, headers: [String] = [],
                json: String? = nil
            ) async throws -> Int {
                let status = try await Self.ask(edge, operation, path, host: host, headers: headers, json: json)
                seen.insert("\(operation.id) \(status)")
                return status
            }
            let alice = try await Talker.connect(edge, as: "alice")
            let (said, mine) = (try await alice.say("1", in: "general").id, try await alice.say("2", in: "general").id)
            for attempt in Self.tries {
                let operation = try #require(operations.first { $0.id == attempt.id })
                func put(_ text: String) -> String {
                    text.replacing("SAID", with: "\(said)").replacing("MINE", with: "\(mine)")
                }
                let status = try await note(
                    operation, put(attempt.path), headers: attempt.headers, json: attempt.json.map(put))
                #expect(status == attempt.status, "\(attempt.id) \(attempt.path)")
            }
            let long = #"{"text":"\#(String(repeating: "x", count: 70_000))"}"#
            for operation in operations {
                let path = Self.filled(operation.path)
                let json = operation.takesBody ? "{}" : nil
                #expect(try await note(operation, path, host: "evil.example", json: json) == 403, "\(path)")
                guard operation.takesBody else { continue }
                #expect(try await note(operation, path + "?user=alice", json: long) == 413, "\(path)")
                let form = ["Content-Type: text/plain"]
                #expect(try await note(operation, path + "?user=alice", headers: form, json: "{}") == 415, "\(path)")
            }
            try await world.redis.kill()
            try await eventually("it is not ready") { try await edge.ask("GET", "/health/ready").status == 503 }
            for operation in operations where operation.types[503] != nil && operation.id != "webSocket" {
                let json = operation.takesBody ? #"{"room":"x","text":"hi","id":"1-1"}"# : nil
                #expect(try await note(operation, Self.filled(operation.path) + "?user=alice", json: json) == 503)
            }
        }
        seen.formUnion(try await Self.withTokens())
        seen.formUnion(try await Self.inHaste())
        // The one status that is not answered but switched to: EdgeUpgradeTests.
        seen.insert("webSocket 101")
        #expect(described.subtracting(seen) == [])
        #expect(seen.subtracting(described) == [])
    }

    /// What comes where a token is needed, and metrics are served elsewhere.
    private static func withTokens() async throws -> Set<String> {
        var seen: Set<String> = []
        try await AuthScene.run(["--metrics-listen", "127.0.0.1:0"]) { _, edges, _ in
            let operations = try await operations(edges[0])
            for operation in operations where operation.types[401] != nil {
                let status = try await ask(
                    edges[0], operation, filled(operation.path), headers: ["Authorization: Basic x"],
                    json: operation.takesBody ? "{}" : nil)
                #expect(status == 401, "\(operation.id)")
                seen.insert("\(operation.id) \(status)")
            }
            // A cookie changes nothing but as JSON, also where there is no body.
            let cookie = ["Cookie: martlet_token=x", "Origin: http://\(edges[0].authority)"]
            for operation in operations where operation.method == "DELETE" {
                let status = try await ask(edges[0], operation, filled(operation.path), headers: cookie)
                #expect(status == 415, "\(operation.id)")
                seen.insert("\(operation.id) \(status)")
            }
            let metrics = try #require(operations.first { $0.id == "metrics" })
            seen.insert("metrics \(try await ask(edges[0], metrics, "/metrics"))")
        }
        return seen
    }

    /// What comes where somebody asks for too much, or is one too many.
    private static func inHaste() async throws -> Set<String> {
        var seen: Set<String> = []
        let flags = [["--user-rate", "1"], ["--max-connections", "1"], ["--max-connections-per-address", "1"]]
        try await RelayWorld.run(edges: []) { world, _ in
            var edges: [EdgeProcess] = []
            for flags in flags { edges.append(try await world.startEdge(flags)) }
            try await edges[0].waitUntilReady()
            let operations = try await operations(edges[0])
            for operation in operations where operation.types[429] != nil && operation.id != "webSocket" {
                let json = operation.takesBody ? #"{"room":"x","text":"hi","id":"1-1"}"# : nil
                let path = filled(operation.path)
                try await eventually("\(operation.id) is too much") {
                    let status = try await ask(edges[0], operation, path + "?user=hasty&wait=0", json: json)
                    seen.insert("\(operation.id) \(status)")
                    return status == 429
                }
            }
            let upgrade = try #require(operations.first { $0.id == "webSocket" })
            for (edge, status) in [(edges[1], 503), (edges[2], 429)] {
                let first = try await RawSocket.connect(port: edge.port)
                try await first.send("GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                try await first.waitFor("live")
                #expect(try await ask(edge, upgrade, "/v1/ws") == status)
                seen.insert("webSocket \(status)")
                first.close()
            }
        }
        return seen
    }
}
