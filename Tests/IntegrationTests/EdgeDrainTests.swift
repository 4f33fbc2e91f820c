import Glibc
import NIOCore
import RelayClient
import RelayCore
import RelayTestKit
import Testing

/// How an edge ends.
@Suite("Draining")
struct EdgeDrainTests {
    @Test("SIGTERM sends every session away with 4000, over the time of --drain, and the edge ends with 0")
    func sessions() async throws {
        try await RelayWorld.run(edges: [["--drain", "1s"]]) { _, edges in
            var talkers: [Talker] = []
            for number in 1...12 { talkers.append(try await Talker.connect(edges[0], as: "user\(number)")) }
            _ = try await talkers[0].join("general")
            edges[0].signal(SIGTERM)
            for talker in talkers { #expect(try await talker.ending().code == 4000) }
            #expect(try await edges[0].exitStatus(within: .seconds(10)) == 0)
        }
    }

    @Test("Neither silence, nor half a request, nor an idle connection, nor a second SIGTERM holds the end up")
    func idlers() async throws {
        try await RelayWorld.run(edges: [["--drain", "1s"]]) { _, edges in
            let port = edges[0].port
            let silent = try await RawSocket.connect(port: port)
            let half = try await RawSocket.connect(port: port)
            try await half.send(
                "POST /v1/rooms/a/messages?user=x HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                    + "Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{\"te")
            let idle = try await RawSocket.connect(port: port)
            try await idle.send("GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            try await idle.waitFor("live")
            edges[0].signal(SIGTERM)
            edges[0].signal(SIGTERM)
            #expect(try await edges[0].exitStatus(within: .seconds(7)) == 0)
            for socket in [silent, half, idle] { socket.close() }
        }
    }

    @Test("An edge whose Redis hangs drains too")
    func withoutRedis() async throws {
        try await RelayWorld.run(edges: [["--drain", "0s"]]) { world, edges in
            let talker = try await Talker.connect(edges[0], as: "alice")
            _ = try await talker.join("general")
            try await world.redis.pause()
            edges[0].signal(SIGTERM)
            #expect(try await talker.ending().code == 4000)
            #expect(try await edges[0].exitStatus(within: .seconds(10)) == 0)
            try await world.redis.resume()
        }
    }
}
