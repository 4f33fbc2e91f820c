import Foundation
import NIOCore
import RelayTestKit
import Testing

@Suite("Where a connection of HTTP ends")
struct HTTPEndTests {
    @Test("After the answer to HTTP/1.0, unless it asks to go on, and after what says that it ends")
    func ends() async throws {
        try await RelayWorld.run { _, edges in
            let port = edges[0].port
            for request in [
                "GET /health/live HTTP/1.0\r\n\r\n",
                "GET /health/live HTTP/1.0\r\nHost: localhost\r\n\r\n",
                "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                "this is no HTTP\r\n\r\n",
                "GET /health/live HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n",
                // Behind these the decoder hears nothing more.
                "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
                "GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
                "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
                "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
                    + "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
            ] {
                let socket = try await RawSocket.connect(port: port)
                try await socket.send(request)
                // Well before an idle connection would be closed.
                try await eventually("it is closed: \(request.debugDescription)", within: .seconds(20)) {
                    socket.isClosed
                }
                #expect(socket.holds("HTTP/1.1 ".utf8) && socket.holds("\r\n\r\n".utf8), "\(request)")
            }
        }
    }

    @Test("What is no HTTP is refused by a problem document, in its turn, and the connection ends")
    func malformed() async throws {
        try await RelayWorld.run { _, edges in
            let good = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let post = "POST /v1/rooms/general/messages?user=alice HTTP/1.1\r\nHost: localhost\r\n"
            let bad = "400 Bad Request"
            for (request, answers) in [
                ("this is no HTTP\r\n\r\n", [bad]),
                (good + good + "this is no HTTP\r\n\r\n", ["200 OK", "200 OK", bad]),
                (post + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n", [bad]),
                (
                    "GET /health/live HTTP/1.1\r\nX: \(String(repeating: "x", count: 100_000))\r\n\r\n",
                    ["431 Request Header Fields Too Large"]
                ),
            ] {
                let socket = try await RawSocket.connect(port: edges[0].port)
                try await socket.send(request)
                try await eventually("it is closed: \(request.prefix(80).debugDescription)", within: .seconds(20)) {
                    socket.isClosed
                }
                let said = String(buffer: socket.received)
                let found = said.components(separatedBy: "HTTP/1.1 ").dropFirst().map { part in
                    String(part.prefix { $0 != "\r\n" })
                }
                #expect(found == answers, "\(request.prefix(80))")
                #expect(said.contains("application/problem+json") && said.contains(#""detail":"#))
            }
        }
    }

    @Test("A client that asks before it sends a body is told to")
    func expectation() async throws {
        try await RelayWorld.run { _, edges in
            let socket = try await RawSocket.connect(port: edges[0].port)
            let body = #"{"text":"hi"}"#
            for number in 1...2 {
                try await socket.send(
                    "POST /v1/rooms/general/messages?user=alice HTTP/1.1\r\nHost: localhost\r\n"
                        + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
                        + "Expect: 100-continue\r\n\r\n")
                let words = { (word: String) in String(buffer: socket.received).components(separatedBy: word).count - 1
                }
                try await eventually("it may go on") { words("HTTP/1.1 100 Continue\r\n\r\n") == number }
                try await socket.send(body)
                try await eventually("it is posted") { words("HTTP/1.1 201 Created") == number }
            }
        }
    }

    @Test("Not where another request may follow")
    func goesOn() async throws {
        try await RelayWorld.run { _, edges in
            for head in [
                "GET /health/live HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n",
                "GET /health/live HTTP/1.1\r\nHost: localhost\r\n",
            ] {
                let socket = try await RawSocket.connect(port: edges[0].port)
                try await socket.send(head + "\r\n")
                try await socket.waitFor("200 OK")
                try await socket.send(head + "X-Second: 1\r\n\r\n")
                try await eventually("the second is answered") {
                    String(buffer: socket.received).components(separatedBy: "200 OK").count == 3
                }
                #expect(!socket.isClosed)
            }
        }
    }
}
