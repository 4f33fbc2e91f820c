import NIOCore
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// The relay over plain HTTP.
@Suite("HTTP")
struct EdgeHTTPTests {
    private static let path = "/v1/rooms/general/messages"

    private static func expectProblem(
        _ answer: HTTPAnswer, _ status: Int, _ code: String, _ what: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(answer.status == status, "\(what): \(answer.text)", sourceLocation: sourceLocation)
        #expect(answer.headers["content-type"] == "application/problem+json", "\(what)", sourceLocation: sourceLocation)
        guard let object = try? JSONReader.object(from: answer.body) else {
            Issue.record("\(what): no JSON", sourceLocation: sourceLocation)
            return
        }
        #expect(object["code"]?.string == code, "\(what)", sourceLocation: sourceLocation)
        #expect(object["status"]?.integer == Int64(status), "\(what)", sourceLocation: sourceLocation)
        #expect(object["detail"]?.string?.isEmpty == false, "\(what)", sourceLocation: sourceLocation)
        #expect(object.isPresent("type") && object.isPresent("title"), "\(what)", sourceLocation: sourceLocation)
    }

    @Test("History pages forward and back without a hole or a repeat")
    func pages() async throws {
        try await RelayWorld.run(edges: [["--rate", "1000", "--burst", "1000"]]) { _, edges in
            let edge = edges[0]
            let alice = try await Talker.connect(edge, as: "alice")
            for number in 1...25 { try await alice.say("\(number)", in: "general") }
            func page(_ query: String) async throws -> (seqs: [Int64], ids: [String], more: Bool?) {
                let answer = try await edge.ask("GET", Self.path + query)
                try #require(answer.status == 200, "\(answer.text)")
                #expect(answer.headers["content-type"] == "application/json")
                let object = try JSONReader.object(from: answer.body)
                let messages = object["messages"]?.elements ?? []
                return (
                    messages.compactMap { $0.object?["seq"]?.integer },
                    messages.compactMap { $0.object?["id"]?.string },
                    object["more"]?.bool
                )
            }
            let newest = try await page("?limit=10")
            #expect(newest.seqs == Array(16...25) && newest.more == true)
            let before = try await page("?limit=10&before=\(newest.ids[0])")
            #expect(before.seqs == Array(6...15) && before.more == true)
            let first = try await page("?limit=10&before=\(before.ids[0])")
            #expect(first.seqs == Array(1...5) && first.more == false)
            let after = try await page("?limit=3&after=\(first.ids[4])")
            #expect(after.seqs == Array(6...8) && after.more == true)
            let end = try await page("?after=\(newest.ids[4])")
            #expect(end.seqs == Array(21...25) && end.more == false)
            #expect(try await page("?after=0-0&limit=500").seqs == Array(1...25))
            #expect(try await page("").seqs.count == 25)
        }
    }

    @Test("Requests that are wrong get a problem document with the code that fits")
    func problems() async throws {
        try await RelayWorld.run { world, edges in
            let edge = edges[0]
            let post = Self.path + "?user=alice"
            for query in ["?limit=0", "?limit=-1", "?limit=x", "?before=x", "?after=-1", "?before=1-1&after=1-1"] {
                Self.expectProblem(try await edge.ask("GET", Self.path + query), 400, "bad_request", query)
            }
            for room in ["a%20b", "-x", "%ff", "a%2Fb", "%zz", "dm:x", String(repeating: "r", count: 65)] {
                let path = "/v1/rooms/\(room)/messages"
                Self.expectProblem(try await edge.ask("GET", path), 400, "bad_room", room)
            }
            Self.expectProblem(
                try await edge.ask("GET", "/v1/rooms/dm:bob+carol/messages?user=alice"), 404, "no_such_room", "dm")
            Self.expectProblem(try await edge.ask("GET", "/v1/nothing"), 404, "bad_request", "path")
            for method in ["PUT", "DELETE", "PATCH"] {
                let answer = try await edge.ask(method, post, json: "{}")
                Self.expectProblem(answer, 405, "bad_request", method)
                #expect(answer.headers["allow"]?.contains("POST") == true)
            }
            let bodies: [(String, String)] = [
                ("{", "bad_json"), ("[]", "bad_json"), ("", "bad_json"), ("{}", "bad_request"),
                (#"{"text":""}"#, "bad_request"), (#"{"text":5}"#, "bad_request"),
                (#"{"text":"a\u0000"}"#, "bad_request"),
                (#"{"text":"\ud800"}"#, "bad_request"), (#"{"text":"x","text":"y"}"#, "bad_request"),
                (#"{"text":"x","type":"edit"}"#, "bad_request"), (#"{"text":"x","nonce":""}"#, "bad_request"),
            ]
            for (body, code) in bodies {
                Self.expectProblem(try await edge.ask("POST", post, json: body), 400, code, body)
            }
            let long = #"{"text":"\#(String(repeating: "x", count: 4097))"}"#
            Self.expectProblem(try await edge.ask("POST", post, json: long), 413, "too_large", "text")
            let huge = #"{"text":"\#(String(repeating: "x", count: 70_000))"}"#
            Self.expectProblem(try await edge.ask("POST", post, json: huge), 413, "too_large", "body")
            let form = try await edge.ask("POST", post, headers: ["Content-Type: text/plain"], json: #"{"text":"x"}"#)
            Self.expectProblem(form, 415, "bad_request", "Content-Type")
            Self.expectProblem(
                try await edge.ask("POST", Self.path, json: #"{"text":"x"}"#), 401, "unauthorized", "who")
            let nobody = try await edge.ask("POST", Self.path + "?user=a%20b", json: #"{"text":"x"}"#)
            Self.expectProblem(nobody, 400, "bad_request", "user")
            let key = String(repeating: "k", count: 65)
            let keyed = try await edge.ask(
                "POST", post, headers: ["Idempotency-Key: \(key)"], json: #"{"text":"x"}"#)
            Self.expectProblem(keyed, 400, "bad_request", "key")
            #expect(try await world.cli("EXISTS", "chat:{general}:stream") == "0")
        }
    }

    @Test("A post is never a command, a room may be percent-encoded, and its members can be asked for")
    func posts() async throws {
        try await RelayWorld.run { _, edges in
            let bob = try await Talker.connect(edges[0], as: "bob")
            try await bob.join("a:b.c_d-e")
            let path = "/v1/rooms/a%3Ab%2Ec%5Fd-e"
            for text in ["/me waves", "/help", "//x", "/"] {
                let posted = try await edges[0].ask(
                    "POST", path + "/messages?user=alice", json: #"{"text":"\#(text)"}"#)
                #expect(posted.status == 201 && posted.text.contains(#""room":"a:b.c_d-e""#))
            }
            let action = try await edges[0].ask(
                "POST", path + "/messages?user=alice", json: #"{"text":"waves","type":"action"}"#)
            #expect(action.status == 201)
            try await bob.hear(5)
            #expect(bob.texts == ["/me waves", "/help", "//x", "/", "waves"])
            #expect(bob.messages.map(\.message.draft.type) == [.message, .message, .message, .message, .action])
            let members = try await edges[0].ask("GET", path + "/members")
            #expect(members.status == 200 && members.text.contains(#""user":"bob""#))
        }
    }

    @Test("Alive is alive, ready is a probe through Redis that names the hop which fails, and heals by itself")
    func health() async throws {
        try await RelayWorld.run(options: RelayWorld.Options(isAppendOnly: true)) { world, edges in
            let edge = edges[0]
            try await edge.waitUntilReady()
            try await world.redis.pause()
            try await eventually("the probe does not come back") {
                let answer = try await edge.ask("GET", "/health/ready")
                return answer.status == 503 && answer.text.contains(#""hop":""#)
            }
            #expect(try await edge.ask("GET", "/health/live").status == 200)
            try await world.redis.resume()
            try await edge.waitUntilReady()
            try await world.redis.kill()
            try await eventually("it is not ready") {
                let answer = try await edge.ask("GET", "/health/ready")
                return answer.status == 503 && answer.text.contains(#""hop":""#)
            }
            #expect(try await edge.ask("GET", "/health/live").status == 200)
            let history = try await edge.ask("GET", Self.path)
            Self.expectProblem(history, 503, "unavailable", "history")
            #expect(history.headers["retry-after"] == "1")
            let posted = try await edge.ask("POST", Self.path + "?user=alice", json: #"{"text":"x"}"#)
            Self.expectProblem(posted, 503, "unavailable", "post")
            try await world.redis.start()
            try await edge.waitUntilReady()
            #expect(try await edge.ask("POST", Self.path + "?user=alice", json: #"{"text":"x"}"#).status == 201)
        }
    }

    @Test("Metrics are the text format of Prometheus, with help and type, and name nobody")
    func metrics() async throws {
        try await RelayWorld.run { _, edges in
            let alice = try await Talker.connect(edges[0], as: "alice-secret")
            try await alice.join("room-secret")
            try await alice.say("hello", in: "room-secret")
            try await alice.hear(1)
            _ = try await alice.refusal("dance")
            let answer = try await edges[0].ask("GET", "/metrics")
            #expect(
                answer.status == 200 && answer.headers["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
            var typed: Set<Substring> = []
            let sample = /([a-z_]+)(\{[a-z_]+="[a-z0-9_]+"\})? [0-9]+/
            for line in answer.text.split(separator: "\n") {
                if line.hasPrefix("# HELP ") { continue }
                if line.hasPrefix("# TYPE ") {
                    let words = line.split(separator: " ")
                    #expect(words.count == 4 && ["counter", "gauge"].contains(words[3]))
                    #expect(typed.insert(words[2]).inserted, "\(words[2]) has a type twice")
                    continue
                }
                let match = try #require(try sample.wholeMatch(in: line), "\(line)")
                #expect(typed.contains(match.1), "\(line) has no type")
            }
            #expect(answer.text.hasSuffix("\n") && !answer.text.contains("secret"))
            #expect(try await edges[0].metric("martlet_edge_sessions") == 1)
            #expect(try await edges[0].metric("martlet_edge_posts_total") == 1)
            #expect(try await edges[0].metric("martlet_edge_rooms") == 1)
            #expect(try await edges[0].metric(#"martlet_edge_refusals_total{code="unknown_op"}"#) == 1)
        }
    }
}
