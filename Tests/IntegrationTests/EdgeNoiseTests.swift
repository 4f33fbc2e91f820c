import Foundation
import NIOCore
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Who wants too much.
@Suite("Control over noise", .timeLimit(.minutes(20)))
struct EdgeNoiseTests {
    /// The status with which an upgrade is refused; nil where it is not.
    private static func refusal(_ edge: EdgeProcess, _ user: String, _ fields: [(String, String)] = []) async
        -> (status: Int, body: String)?
    {
        do {
            _ = try await Talker.connect(edge, as: user) { $0.headers += fields.map { (name: $0.0, value: $0.1) } }
            return nil
        } catch RelayConnectionError.refused(let status, let body) {
            return (status, body)
        } catch {
            return (0, "\(error)")
        }
    }

    @Test("A connection over --max-connections is answered 503 with Retry-After, and one that goes makes room")
    func connections() async throws {
        try await RelayWorld.run(edges: []) { world, _ in
            let edge = try await world.startEdge(["--max-connections", "3", "--metrics-listen", "127.0.0.1:0"])
            try await eventually("it is ready") { await edge.program.errorOutput.contains("Redis is here") }
            var held: [RawSocket] = []
            for _ in 0..<3 { held.append(try await RawSocket.connect(port: edge.port)) }
            try await eventually("a further one is refused") {
                try await edge.ask("GET", "/health/live").status == 503
            }
            let answer = try await edge.ask("GET", "/health/live")
            #expect(answer.headers["retry-after"] == "5")
            #expect(answer.headers["content-type"] == "application/problem+json")
            #expect(try JSONReader.object(from: answer.body)["code"]?.string == "full")
            let upgrade = try #require(await Self.refusal(edge, "bob"))
            #expect(upgrade.status == 503)
            held.removeLast().close()
            try await eventually("there is room") { await Self.refusal(edge, "bob") == nil }
        }
    }

    @Test("Coming back to many rooms counts as what it brings, also over all sessions of a user")
    func comingBack() async throws {
        try await RelayWorld.run(edges: [["--user-rate", "20"]]) { _, edges in
            let bob = try await Talker.connect(edges[0], as: "bob")
            // Each is counted as eleven until it is answered, of forty that there are.
            for number in 1...10 {
                let refusal = try await bob.refusal("join", #""room":"r\#(number)","since":"1763691000000-0""#)
                #expect(refusal == nil, "\(number)")
            }
        }
    }

    @Test("An address may have so many connections: the next is 429, other addresses are not concerned")
    func address() async throws {
        try await RelayWorld.run(edges: [["--max-connections-per-address", "3"]]) { _, edges in
            let edge = edges[0]
            var held: [Talker] = []
            for number in 0..<3 { held.append(try await Talker.connect(edge, as: "u\(number)")) }
            let refused = try #require(await Self.refusal(edge, "bob"))
            #expect(refused.status == 429)
            #expect(try await edge.ask("GET", "/health/live").headers["retry-after"] == "5")
            // A header says nothing where the peer is no proxy of ours.
            #expect(await Self.refusal(edge, "bob", [("X-Forwarded-For", "198.51.100.9")])?.status == 429)
            await held.removeLast().connection.close()
            try await eventually("there is room") { await Self.refusal(edge, "bob") == nil }
        }
    }

    @Test("Behind a trusted proxy it is the address that the proxy names")
    func proxies() async throws {
        let flags = ["--max-connections-per-address", "2", "--trust-proxy", "127.0.0.0/8", "--trust-proxy", "10.0.0.1"]
        try await RelayWorld.run(edges: [flags]) { _, edges in
            let edge = edges[0]
            func fields(_ value: String) -> [(String, String)] { [("X-Forwarded-For", value)] }
            var held: [Talker] = []
            for number in 0..<2 {
                held.append(
                    try await Talker.connect(edge, as: "u\(number)") {
                        $0.headers.append(("X-Forwarded-For", "198.51.100.1"))
                    })
            }
            #expect(await Self.refusal(edge, "bob", fields("198.51.100.1"))?.status == 429)
            // What the client wrote in front of it is no way out, and our own second proxy no way in.
            #expect(await Self.refusal(edge, "bob", fields("203.0.113.5, 198.51.100.1"))?.status == 429)
            #expect(await Self.refusal(edge, "bob", fields("198.51.100.1, 10.0.0.1"))?.status == 429)
            #expect(await Self.refusal(edge, "bob", [("Forwarded", "for=198.51.100.1")])?.status == 429)
            #expect(await Self.refusal(edge, "bob", fields("198.51.100.2")) == nil)
            #expect(held.allSatisfy { $0.closing == nil })
        }
    }

    @Test("HTTP has the user's rate too: 429 with Retry-After, and others are not concerned")
    func posts() async throws {
        try await RelayWorld.run(edges: [["--user-rate", "5"]]) { _, edges in
            let edge = edges[0]
            let path = "/v1/rooms/general/messages?user="
            var last: HTTPAnswer?
            for _ in 0..<30 where last?.status != 429 {
                last = try await edge.ask("POST", path + "bob", json: #"{"text":"x"}"#)
            }
            let refused = try #require(last)
            #expect(refused.status == 429)
            #expect(refused.headers["retry-after"].flatMap { Int($0) } ?? 0 >= 1)
            #expect(try JSONReader.object(from: refused.body)["code"]?.string == "rate_limited")
            #expect(try await edge.ask("POST", path + "alice", json: #"{"text":"x"}"#).status == 201)
            // Sessions of the same user are.
            let bob = try await Talker.connect(edge, as: "bob")
            var isRefused = false
            for _ in 0..<20 where !isRefused { isRefused = try await bob.refusal("ping")?.code == .rateLimited }
            #expect(isRefused)
        }
    }

    @Test("Who reads without a name has a rate by address")
    func anonymous() async throws {
        try await RelayWorld.run(edges: [["--user-rate", "5"]]) { _, edges in
            var statuses: Set<Int> = []
            for _ in 0..<30 {
                statuses.insert(try await edges[0].ask("GET", "/v1/rooms/general/messages?limit=500").status)
            }
            #expect(statuses == [404, 429])
        }
    }

    @Test("A user has one rate over all edges, once these have heard of each other")
    func overEdges() async throws {
        let flags = ["--user-rate", "40", "--rate", "100000", "--burst", "100000"]
        try await RelayWorld.run(edges: [flags, flags]) { _, edges in
            let sessions = [
                try await Talker.connect(edges[0], as: "bob"), try await Talker.connect(edges[1], as: "bob"),
            ]
            // Passed per whole second from the start, both sessions together.
            let start = ContinuousClock.now
            let passed = try await withThrowingTaskGroup(of: [Int: Int].self) { group in
                for session in sessions {
                    group.addTask {
                        var passed: [Int: Int] = [:]
                        while ContinuousClock.now - start < .seconds(8) {
                            if try await session.refusal("ping") == nil {
                                let second = (ContinuousClock.now - start).components.seconds
                                passed[Int(second), default: 0] += 1
                            }
                        }
                        return passed
                    }
                }
                return try await group.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
            }
            // Two bursts of 80 at first. Each edge alone would let 40 a second pass, 160 in these four.
            let later = (4..<8).reduce(0) { $0 + (passed[$1] ?? 0) }
            #expect(later < 240, "\(passed)")
            #expect(later > 60, "\(passed)")
        }
    }

    @Test("A flood that goes on is closed with 4504, by the rate of the user too")
    func flood() async throws {
        try await RelayWorld.run(edges: [["--rate", "1000", "--burst", "10", "--user-rate", "1"]]) { _, edges in
            let bob = try await Talker.connect(edges[0], as: "bob")
            try await eventually("bob is closed") {
                for _ in 0..<200 { try? await bob.connection.send(#"{"op":"ping"}"#) }
                return bob.closing != nil
            }
            #expect(try await bob.ending().code == 4504)
        }
    }

    @Test("/metrics can have an address of its own, and is nowhere else then; it names no room and no user")
    func metrics() async throws {
        try await RelayWorld.run(edges: [["--metrics-listen", "127.0.0.1:0"]]) { _, edges in
            let edge = edges[0]
            let bob = try await Talker.connect(edge, as: "bobby")
            try await bob.join("hideout")
            try await bob.say("x", in: "hideout")
            #expect(try await edge.ask("GET", "/metrics").status == 404)
            let log = await edge.program.errorOutput
            let port = try #require(log.firstMatch(of: /Metrics are served.*127\.0\.0\.1:(\d+)/).flatMap { Int($0.1) })
            let aside = EdgeProcess(program: edge.program, processID: edge.processID, port: port)
            let answer = try await aside.ask("GET", "/metrics", host: "prometheus.example")
            #expect(answer.status == 200 && answer.text.contains("martlet_edge_posts_total 1"))
            #expect(!answer.text.contains("bobby") && !answer.text.contains("hideout"))
            #expect(try await aside.ask("GET", "/v1/rooms/hideout/messages").status == 404)
            #expect(try await edge.program.stop() == 0)
        }
    }

    @Test("an address of /metrics that is taken ends the program, which names the setting")
    func takenMetrics() async throws {
        try await RelayWorld.run { world, edges in
            let program = try await RelayProgram(
                "martlet-edge",
                ["--listen", "127.0.0.1:0", "--metrics-listen", edges[0].authority, "--redis-url", world.redis.url])
            #expect(try await program.wait() == 69)
            #expect(await program.errorOutput.contains("martlet-edge: --metrics-listen:"))
        }
    }
}
