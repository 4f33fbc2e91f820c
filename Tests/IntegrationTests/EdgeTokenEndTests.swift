import Foundation
import RelayClient
import RelayTestKit
import Testing

/// What happens in the moment in which a token ends.
@Suite("The end of a token", .timeLimit(.minutes(10)))
struct EdgeTokenEndTests {
    @Test("A session ends with the newest of its tokens, also where an earlier one would have ended before")
    func newest() async throws {
        try await AuthScene.run { _, edges, scene in
            let bob = try await Talker.connect(edges[0], as: nil)
            for span in ["6s", "9s"] {
                let token = try scene.token("bob", ["--expires", span])
                #expect(try await bob.refusal("hello", #""token":"\#(token)""#) == nil)
            }
            let started = ContinuousClock.now
            let ending = try await bob.ending()
            // A ping would wake it after 25 s.
            let passed = ContinuousClock.now - started
            #expect(ending.code == 4502 && passed < .seconds(20), "\(passed)")
        }
    }

    @Test("Requests that come in its last moment are answered, whether it has ended when they are")
    func lastMoment() async throws {
        try await AuthScene.run { _, edges, scene in
            let edge = edges[0]
            for attempt in 0..<4 {
                let token = try scene.token("mallory\(attempt)", ["--expires", "2s"])
                let parts = token.split(separator: ".")
                let ends = try #require(Self.end(of: String(parts[1])))
                var sockets: [RawSocket] = []
                for _ in 0..<60 { sockets.append(try await RawSocket.connect(port: edge.port)) }
                let request =
                    "GET /v1/rooms/general/events HTTP/1.1\r\nHost: \(edge.authority)\r\n"
                    + "Authorization: Bearer \(token)\r\n\r\n"
                try await eventually("it is about to end") { Date().timeIntervalSince1970 >= ends - 0.03 }
                for socket in sockets { try await socket.send(request) }
                let answer = try await edge.ask("GET", "/health/live")
                #expect(answer.status == 200)
                for socket in sockets { socket.close() }
            }
        }
    }

    /// The `exp` of a token's payload, in seconds.
    private static func end(of payload: String) -> Double? {
        var text = payload.replacing("-", with: "+").replacing("_", with: "/")
        while text.utf8.count % 4 != 0 { text += "=" }
        guard let bytes = Data(base64Encoded: text) else { return nil }
        let claims = try? JSONSerialization.jsonObject(with: bytes) as? [String: Any]
        return claims?["exp"] as? Double
    }
}
