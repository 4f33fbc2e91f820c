import NIOCore
import NIOSSL
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Who may open a WebSocket, and how the others are told that they may not.
@Suite("Upgrades")
struct EdgeUpgradeTests {
    private static let handshake = [
        "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]

    private static func upgrade(
        _ edge: EdgeProcess, _ target: String = "/v1/ws", host: String? = nil, adding more: [String] = [],
        without absent: String? = nil
    ) async throws -> HTTPAnswer {
        let fields = handshake.filter { field in absent.map { !field.hasPrefix($0 + ":") } ?? true }
        return try await edge.request(["GET \(target) HTTP/1.1", "Host: \(host ?? edge.authority)"] + fields + more)
    }

    private static func expectProblem(_ answer: HTTPAnswer, _ status: Int, _ code: String, _ what: String) {
        #expect(answer.status == status, "\(what): \(answer.text)")
        #expect(answer.headers["content-type"] == "application/problem+json", "\(what)")
        #expect(answer.text.contains(#""code":"\#(code)""#) && answer.text.contains(#""status":\#(status)"#), "\(what)")
    }

    @Test("The handshake is answered as RFC 6455 computes it")
    func accepted() async throws {
        try await RelayWorld.run { _, edges in
            let answer = try await Self.upgrade(edges[0])
            #expect(answer.status == 101)
            #expect(answer.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            #expect(answer.headers["upgrade"]?.lowercased() == "websocket")
        }
    }

    @Test("A page of another site is refused, the edge's own pages and allowed ones are not")
    func origins() async throws {
        try await RelayWorld.run(edges: [["--allow-origin", "https://chat.example"]]) { world, edges in
            let edge = edges[0]
            for origin in ["https://evil.example", "http://127.0.0.1:1", "null", "https://chat.example.evil.example"] {
                let answer = try await Self.upgrade(edge, adding: ["Origin: \(origin)"])
                Self.expectProblem(answer, 403, "forbidden", origin)
            }
            for origin in ["http://\(edge.authority)", "https://chat.example", "HTTPS://CHAT.example"] {
                #expect(try await Self.upgrade(edge, adding: ["Origin: \(origin)"]).status == 101, "\(origin)")
            }
            let path = "/v1/rooms/general/messages?user=mallory"
            let posted = try await edge.ask(
                "POST", path, headers: ["Origin: https://evil.example"], json: #"{"text":"x"}"#)
            Self.expectProblem(posted, 403, "forbidden", "POST")
            #expect(try await world.cli("EXISTS", "chat:{general}:stream") == "0")
        }
    }

    @Test(
        "A name that somebody points at this machine is no name of the edge; addresses, localhost and allowed ones are")
    func hosts() async throws {
        try await RelayWorld.run(edges: [["--allow-origin", "https://chat.example"]]) { _, edges in
            let edge = edges[0]
            for host in [
                "evil.example", "evil.example:\(edge.port)", "127.0.0.1.evil.example", "localhost.evil.example",
            ] {
                Self.expectProblem(try await Self.upgrade(edge, host: host), 403, "forbidden", host)
                let history = try await edge.ask("GET", "/v1/rooms/general/messages", host: host)
                Self.expectProblem(history, 403, "forbidden", host)
            }
            for host in ["localhost:\(edge.port)", "127.0.0.1", "[::1]:80", "chat.example", "Chat.Example:443"] {
                #expect(try await Self.upgrade(edge, host: host).status == 101, "\(host)")
            }
        }
    }

    @Test("A handshake that lacks a part, and a request that is none, are told what is needed")
    func incomplete() async throws {
        try await RelayWorld.run { _, edges in
            for absent in ["Upgrade", "Connection", "Sec-WebSocket-Version", "Sec-WebSocket-Key"] {
                let answer = try await Self.upgrade(edges[0], without: absent)
                #expect([400, 426].contains(answer.status), "\(absent): \(answer.status)")
                #expect(answer.status != 426 || answer.headers["upgrade"] == "websocket")
            }
            for wrong in ["Sec-WebSocket-Version: 8", "Sec-WebSocket-Key: short"] {
                let name = String(wrong.prefix { $0 != ":" })
                let answer = try await Self.upgrade(edges[0], adding: [wrong], without: name)
                #expect([400, 426].contains(answer.status), "\(wrong): \(answer.status)")
            }
            // What many HTTP clients offer with every request.
            let offer = ["GET / HTTP/1.1", "Host: \(edges[0].authority)", "Connection: Upgrade, HTTP2-Settings"]
            #expect(try await edges[0].request(offer + ["Upgrade: h2c", "HTTP2-Settings: AAEAAEAA"]).status == 200)
            let posted = try await edges[0].ask("POST", "/v1/ws", json: "{}")
            Self.expectProblem(posted, 405, "bad_request", "POST")
            #expect(posted.headers["allow"] == "GET")
        }
    }

    @Test("A token in a query is refused, so is a user that is none; a user in the query needs no hello")
    func queries() async throws {
        try await RelayWorld.run { _, edges in
            let bad = [
                "?token=abc", "?user=alice&token=abc", "?user=a%20b", "?user=", "?user=%zz", "?user=alice&name=%ff",
                "?user=\(String(repeating: "a", count: 65))",
                "?user=alice&name=", "?user=alice&name=%0A", "?user=alice&format=xml",
            ]
            for query in bad {
                Self.expectProblem(try await Self.upgrade(edges[0], "/v1/ws" + query), 400, "bad_request", query)
            }
            let alice = try await Talker.connect(edges[0], as: "ALICE&name=Al%C3%ADce+B")
            try await alice.join("general")
            guard case .who(_, let people, _) = try await alice.ask("who", #""room":"general""#) else {
                Issue.record("no who")
                return
            }
            #expect(people.map { "\($0.user) \($0.name)" } == ["alice Alíce B"])
        }
    }

    @Test("Who does not wait for the answer to the handshake, and sends at once, is heard all the same")
    func atOnce() async throws {
        try await RelayWorld.run { _, edges in
            for (query, line, answer) in [
                ("user=alice", #"{"op":"ping","ref":1}"#, #"{"type":"pong""#),
                ("user=bob&format=text&room=general", "/who", "*** 1 here: bob"),
            ] {
                // A masked text frame, with the key 0.
                let frame = [0x81, 0x80 | UInt8(line.utf8.count), 0, 0, 0, 0] + Array(line.utf8)
                let handshake = """
                    GET /v1/ws?\(query) HTTP/1.1\r
                    Host: 127.0.0.1\r
                    Upgrade: websocket\r
                    Connection: Upgrade\r
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
                    Sec-WebSocket-Version: 13\r
                    \r

                    """
                let socket = try await RawSocket.connect(port: edges[0].port)
                try await socket.send(Array(handshake.utf8) + frame)
                try await socket.waitFor(answer, within: .seconds(20))
            }
        }
    }

    @Test("One connection more than --max-connections is closed soon though it asks nothing, and the others go on")
    func connectionLimit() async throws {
        try await RelayWorld.run(edges: [["--max-connections", "3"]]) { _, edges in
            // The connection by which the edge was asked whether it is ready may still count for a moment.
            func connect(_ user: String) async throws -> Talker {
                var talker: Talker?
                try await eventually("\(user) is let in") {
                    talker = try? await Talker.connect(edges[0], as: user)
                    return talker != nil
                }
                return try #require(talker)
            }
            let alice = try await connect("alice")
            let bob = try await connect("bob")
            let carol = try await connect("carol")
            let dave = try await RawSocket.connect(port: edges[0].port)
            try await eventually("one too many is cut") { dave.isClosed }
            await carol.connection.cut()
            try await alice.join("general")
            try await bob.join("general")
            try await alice.say("hello", in: "general")
            try await bob.hear(1)
            try await eventually("a place is free again") {
                let refused = try? await edges[0].metric("martlet_edge_connections_refused_total")
                return (refused ?? 0) >= 1
            }
        }
    }

    @Test("An edge with a certificate speaks TLS alone")
    func overTLS() async throws {
        let certificate = try await TestCertificate.make()
        let flags = ["--tls-cert", certificate.certificatePath, "--tls-key", certificate.keyPath]
        try await RelayWorld.run(edges: []) { world, _ in
            let edge = try await world.startEdge(flags)
            let url = try #require(RelayURL("wss://localhost:\(edge.port)/v1/ws?user=alice"))
            let alice = try await Talker.connect(edge, as: nil) { configuration in
                configuration.url = url
                configuration.tls.trustRoots = .file(certificate.authorityPath)
            }
            try await alice.join("general")
            try await alice.say("in private", in: "general")
            try await alice.hear(1)
            await #expect(throws: RelayConnectionError.self) {
                _ = try await Talker.connect(edge, as: "bob")
            }
            let line = try await edge.program.line(beginning: "martlet-edge listening on ")
            #expect(line == "martlet-edge listening on https://127.0.0.1:\(edge.port)")
        }
    }
}
