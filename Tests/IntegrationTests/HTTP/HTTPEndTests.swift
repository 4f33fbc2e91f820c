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
