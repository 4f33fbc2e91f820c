import RelayTestKit
import RelayWire
import Testing

/// The web client as an edge serves it.
@Suite("Serving the web client")
struct WebClientServingTests {
    @Test("The page and its files come with their types, tags and policies, and cost nothing a second time")
    func files() async throws {
        try await RelayWorld.run(edges: [[]]) { _, edges in
            let edge = edges[0]
            for (path, type) in [
                ("/", "text/html; charset=utf-8"), ("/style/base.css", "text/css; charset=utf-8"),
                ("/app/main.js", "text/javascript; charset=utf-8"), ("/icon.svg", "image/svg+xml"),
                ("/settings.json", "application/json"),
            ] {
                let answer = try await edge.ask("GET", path)
                #expect(answer.status == 200 && answer.headers["content-type"] == type, "\(path): \(answer.status)")
                #expect(!answer.text.isEmpty && answer.headers["cache-control"] == "no-cache", "\(path)")
                #expect(answer.headers["x-content-type-options"] == "nosniff", "\(path)")
                #expect(answer.headers["referrer-policy"] == "no-referrer", "\(path)")
                let policy = try #require(answer.headers["content-security-policy"])
                #expect(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "\(policy)")
                #expect(policy.contains("frame-ancestors 'self';"), "\(policy)")
                let tag = try #require(answer.headers["etag"])
                for known in [tag, "\"x\", W/\(tag)", "*"] {
                    let again = try await edge.ask("GET", path, headers: ["If-None-Match: \(known)"])
                    #expect(again.status == 304 && again.text.isEmpty && again.headers["etag"] == tag, "\(path)")
                }
                #expect(try await edge.ask("GET", path, headers: ["If-None-Match: \"x\""]).status == 200)
            }
            let refused = try await edge.ask("POST", "/app/main.js", json: "{}")
            #expect(refused.status == 405 && refused.headers["allow"] == "GET, HEAD")
            for path in ["/app/nothing.js", "/app/", "/app/../app/main.js", "/index.htm"] {
                let answer = try await edge.ask("GET", path)
                #expect(answer.status == 404, "\(path)")
                #expect(answer.headers["content-type"] == "application/problem+json", "\(path)")
            }
        }
    }

    @Test("Pages of allowed origins may have it in a frame, and are named to it")
    func frames() async throws {
        let origin = "https://clinic.example"
        try await RelayWorld.run(edges: [["--allow-origin", origin]]) { _, edges in
            let answer = try await edges[0].ask("GET", "/")
            let policy = try #require(answer.headers["content-security-policy"])
            #expect(policy.contains("frame-ancestors 'self' \(origin);"), "\(policy)")
            let settings = try JSONReader.object(from: try await edges[0].ask("GET", "/settings.json").body)
            #expect(settings["auth"]?.string == "none")
            #expect(settings["origins"]?.elements?.compactMap(\.string) == [origin])
        }
    }

    @Test("Switched off, nothing of it is there, and the rest is")
    func off() async throws {
        try await RelayWorld.run(edges: [["--web-client", "off"]]) { _, edges in
            let index = try await edges[0].ask("GET", "/")
            #expect(index.status == 200 && !index.text.contains("<script"))
            #expect(try await edges[0].ask("GET", "/app/main.js").status == 404)
            #expect(try await edges[0].ask("GET", "/settings.json").status == 404)
            #expect(try await edges[0].ask("GET", "/v1/openapi.json").status == 200)
        }
    }
}
