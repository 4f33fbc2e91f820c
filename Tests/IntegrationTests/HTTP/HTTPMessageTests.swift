import NIOCore
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// What is said over HTTP.
@Suite("Messages over HTTP", .timeLimit(.minutes(20)))
struct HTTPMessageTests {
    private static let path = "/v1/rooms/general/messages"

    private static func id(_ answer: HTTPAnswer) throws -> String {
        try #require(try JSONReader.object(from: answer.body)["id"]?.string, "\(answer.text)")
    }

    @Test("A post is answered with the envelope that others get, and a repeat on another edge with the first one's")
    func repeats() async throws {
        try await RelayWorld.run(edges: [[], []]) { world, edges in
            let bob = try await Talker.connect(edges[1], as: "bob")
            try await bob.join("general")
            let first = try await edges[0].ask(
                "POST", Self.path + "?user=alice", headers: ["Idempotency-Key: k 1"], json: #"{"text":"one"}"#)
            #expect(first.status == 201 && first.headers["cache-control"] == "no-store")
            let again = try await edges[1].ask(
                "POST", Self.path + "?user=alice", headers: ["Idempotency-Key: k 1"], json: #"{"text":"other"}"#)
            #expect(again.status == 200 && again.body == first.body)
            let inBody = try await edges[1].ask(
                "POST", Self.path + "?user=alice", json: #"{"text":"third","nonce":"k 1"}"#)
            #expect(inBody.status == 200 && inBody.body == first.body)
            let another = try await edges[1].ask(
                "POST", Self.path + "?user=carol", headers: ["Idempotency-Key: k 1"], json: #"{"text":"two"}"#)
            #expect(another.status == 201, "a key is its user's")
            try await bob.hear(2)
            #expect(
                bob.look { $0.frames.filter { String(buffer: $0).hasPrefix(#"{"id":"#) } } == [
                    first.body, another.body,
                ])
            #expect(try await world.cli("XLEN", "chat:{general}:stream") == "2")
        }
    }

    @Test("What one said one may edit and delete, what others said one may not, and repeats are no second time")
    func amending() async throws {
        try await RelayWorld.run { _, edges in
            let edge = edges[0]
            let bob = try await Talker.connect(edge, as: "bob")
            try await bob.join("general")
            let said = try Self.id(try await edge.ask("POST", Self.path + "?user=alice", json: #"{"text":"one"}"#))
            let message = "\(Self.path)/\(said)"
            for method in ["PATCH", "DELETE"] {
                let json = method == "PATCH" ? #"{"text":"x"}"# : nil
                #expect(try await edge.ask(method, message + "?user=eve", json: json).status == 403)
                #expect(try await edge.ask(method, message, json: json).status == 401)
                let none = try await edge.ask(method, "\(Self.path)/5-5?user=alice", json: json)
                #expect(none.status == 403 || none.status == 404, "\(none.text)")
            }
            let edited = try await edge.ask("PATCH", message + "?user=alice", json: #"{"text":"two","nonce":"e"}"#)
            #expect(edited.status == 200 && edited.text.contains(#""type":"edit""#))
            #expect(edited.text.contains(#""target":"\#(said)""#))
            let again = try await edge.ask("PATCH", message + "?user=alice", json: #"{"text":"two","nonce":"e"}"#)
            #expect(again.status == 200 && again.body == edited.body)
            let key = ["Idempotency-Key: d"]
            let deleted = try await edge.ask("DELETE", message + "?user=alice", headers: key)
            #expect(deleted.status == 200 && deleted.text.contains(#""type":"delete""#))
            #expect(try await edge.ask("DELETE", message + "?user=alice", headers: key).body == deleted.body)
            let gone = try await edge.ask("DELETE", message + "?user=alice")
            #expect(gone.status == 404 && gone.text.contains("no_such_message"))
            try await bob.hear(3)
            #expect(bob.messages.map(\.message.draft.type) == [.message, .edit, .delete])
            let page = try await edge.ask("GET", Self.path)
            #expect(page.text.contains(#""text":"","deleted":true"#) && !page.text.contains(#""text":"two""#))
        }
    }

    @Test("A direct message reaches both on any edge, says whether the other one is there, and is nobody else's")
    func direct() async throws {
        try await RelayWorld.run(edges: [[], []]) { _, edges in
            let path = "/v1/direct/bob/messages?user=alice"
            let away = try await edges[0].ask("POST", path, json: #"{"text":"psst"}"#)
            #expect(away.status == 201 && away.headers["martlet-online"] == "false")
            #expect(away.text.contains(#""room":"dm:alice+bob","type":"direct""#) && away.text.contains(#""to":"bob""#))
            let bob = try await Talker.connect(edges[1], as: "bob")
            // What is said in the moment of his coming may be before his channel is heard, though he is there by then.
            var said: [ByteBuffer] = []
            try await eventually("bob is known to be there, and hears it") {
                let there = try await edges[0].ask("POST", path, json: #"{"text":"hello"}"#)
                if there.headers["martlet-online"] == "true" { said.append(there.body) }
                return bob.look { bob in said.contains { bob.frames.contains($0) } }
            }
            let history = "/v1/rooms/dm:alice%2Bbob/messages"
            #expect(try await edges[1].ask("GET", history + "?user=bob").text.contains("psst"))
            for query in ["", "?user=eve"] {
                #expect(try await edges[1].ask("GET", history + query).status == 404)
                #expect(try await edges[1].ask("GET", "/v1/rooms/dm:alice+bob" + query).status == 404)
            }
            let oneself = try await edges[0].ask("POST", "/v1/direct/ALICE/messages?user=alice", json: #"{"text":"x"}"#)
            #expect(oneself.status == 400)
        }
    }

    @Test("HEAD is GET without the body; what may be kept says so; a path says which methods it has")
    func heads() async throws {
        try await RelayWorld.run { _, edges in
            let edge = edges[0]
            #expect(try await edge.ask("POST", Self.path + "?user=alice", json: #"{"text":"one"}"#).status == 201)
            for path in ["/v1/rooms/general", Self.path, "/v1/rooms/none", "/v1/openapi.json", "/health/live"] {
                let get = try await edge.ask("GET", path)
                let socket = try await RawSocket.connect(port: edge.port)
                let head = ["HEAD \(path) HTTP/1.1", "Host: \(edge.authority)", "Connection: close", "", ""]
                try await socket.send(head.joined(separator: "\r\n"))
                try await eventually("it is answered") { socket.isClosed }
                let text = String(buffer: socket.received)
                #expect(text.hasPrefix("HTTP/1.1 \(get.status) ") && text.hasSuffix("\r\n\r\n"), "\(path): \(text)")
                #expect(text.lowercased().contains("content-length: \(get.body.readableBytes)\r\n"), "\(path)")
                #expect(get.headers["cache-control"] == (path == "/v1/openapi.json" ? "max-age=300" : "no-store"))
            }
            let events = try await edge.request([
                "HEAD /v1/rooms/general/events HTTP/1.1", "Host: \(edge.authority)", "Connection: close",
            ])
            #expect(events.status == 200 && events.headers["content-type"] == "text/event-stream")
            for (path, methods) in [
                ("/v1/rooms", "GET, HEAD, POST"), (Self.path, "GET, HEAD, POST"), ("/metrics", "GET, HEAD"),
                (Self.path + "/5-0", "PATCH, DELETE"), ("/v1/ws", "GET"),
            ] {
                let options = try await edge.ask("OPTIONS", path)
                #expect(options.status == 204 && options.headers["allow"] == methods, "\(path)")
                for method in ["TRACE", "PURGE", "PUT"] {
                    let answer = try await edge.ask(method, path)
                    #expect(answer.status == 405 && answer.headers["allow"] == methods, "\(method) \(path)")
                    #expect(answer.headers["content-type"] == "application/problem+json")
                }
            }
            #expect(try await edge.ask("OPTIONS", "/v1/nothing").status == 404)
            let coded = try await edge.ask(
                "POST", Self.path + "?user=alice", headers: ["Content-Encoding: gzip"], json: #"{"text":"x"}"#)
            #expect(coded.status == 415)
        }
    }

    @Test("Pages of allowed origins may read what is answered, errors too, and are told beforehand what they may send")
    func crossOrigin() async throws {
        let app = "https://app.example"
        try await RelayWorld.run(edges: [["--allow-origin", app], ["--allow-origin", "*"], []]) { _, edges in
            let (listed, any, none) = (edges[0], edges[1], edges[2])
            func preflight(_ edge: EdgeProcess, _ origin: String) async throws -> HTTPAnswer {
                try await edge.ask(
                    "OPTIONS", Self.path,
                    headers: [
                        "Origin: \(origin)", "Access-Control-Request-Method: POST",
                        "Access-Control-Request-Headers: content-type, idempotency-key",
                    ])
            }
            let asked = try await preflight(listed, app)
            #expect(asked.status == 204 && asked.headers["access-control-allow-origin"] == app)
            #expect(asked.headers["access-control-allow-credentials"] == "true" && asked.headers["vary"] == "Origin")
            #expect(asked.headers["access-control-allow-methods"] == "GET, HEAD, POST")
            let allowed = asked.headers["access-control-allow-headers"]?.lowercased() ?? ""
            for name in ["authorization", "content-type", "idempotency-key", "last-event-id"] {
                #expect(allowed.contains(name))
            }
            #expect(asked.headers["access-control-max-age"] == "600")
            let other = try await preflight(listed, "https://evil.example")
            #expect(other.status == 403 && other.headers["access-control-allow-origin"] == nil)
            #expect(other.headers["vary"] == "Origin")
            let open = try await preflight(any, "https://evil.example")
            #expect(open.headers["access-control-allow-origin"] == "*")
            #expect(open.headers["access-control-allow-credentials"] == nil)
            #expect(try await preflight(none, app).status == 403)

            let wrong = try await listed.ask("GET", Self.path + "?limit=x", headers: ["Origin: \(app)"])
            #expect(wrong.status == 400 && wrong.headers["access-control-allow-origin"] == app)
            #expect(wrong.headers["access-control-expose-headers"]?.contains("Retry-After") == true)
            let posted = try await listed.ask(
                "POST", Self.path + "?user=alice", headers: ["Origin: \(app)"], json: #"{"text":"x"}"#)
            #expect(posted.status == 201 && posted.headers["access-control-allow-origin"] == app)
            let refused = try await listed.ask(
                "POST", Self.path + "?user=alice", headers: ["Origin: https://evil.example"], json: #"{"text":"x"}"#)
            #expect(refused.status == 403 && refused.headers["access-control-allow-origin"] == nil)
            let events = try await EventListener.open(listed, "/v1/rooms/general/events", headers: ["Origin: \(app)"])
            #expect(events.head.lowercased().contains("access-control-allow-origin: \(app)"))
            #expect(try await listed.ask("GET", Self.path).headers["access-control-allow-origin"] == nil)
        }
    }
}
