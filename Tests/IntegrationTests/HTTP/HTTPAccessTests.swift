import Foundation
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// What a token is for, over HTTP and beside it: nothing may lead around it, and nothing say more than it covers.
@Suite("Where tokens are wanted", .timeLimit(.minutes(10)))
struct HTTPAccessTests {
    private static let operations: [(method: String, path: String, body: String?)] = [
        ("GET", "/v1/rooms", nil), ("POST", "/v1/rooms", #"{"room":"new"}"#), ("GET", "/v1/rooms/den", nil),
        ("PATCH", "/v1/rooms/den", #"{"name":"x"}"#), ("GET", "/v1/rooms/den/messages", nil),
        ("POST", "/v1/rooms/den/messages", #"{"text":"in her name"}"#), ("GET", "/v1/rooms/den/events", nil),
        ("GET", "/v1/rooms/den/members", nil), ("PUT", "/v1/rooms/den/read", #"{"id":"1-0"}"#),
        ("PATCH", "/v1/rooms/den/messages/1-0", #"{"text":"x"}"#), ("DELETE", "/v1/rooms/den/messages/1-0", nil),
        ("POST", "/v1/direct/bob/messages", #"{"text":"x"}"#), ("DELETE", "/v1/rooms/den", nil),
    ]

    /// Ways to write a path that the router takes for the same one.
    private static func forms(of path: String, _ authority: String) -> [String] {
        [
            path, "/" + path, "//" + path, path.replacing("/", with: "//"), path + "/", path + "//",
            "http://\(authority)\(path)", "http://\(authority)/\(path)",
        ]
    }

    @Test("No way of writing a path leads around them, nor around an operator who sent somebody away")
    func paths() async throws {
        try await AuthScene.run { _, edges, scene in
            let edge = edges[0]
            let alice = ["Authorization: Bearer \(try scene.token("alice"))"]
            let den = try await edge.ask("POST", "/v1/rooms", headers: alice, json: #"{"room":"den","private":true}"#)
            #expect(den.status == 201)
            for (method, path, body) in Self.operations {
                for form in Self.forms(of: path, edge.authority) {
                    let answer = try await edge.ask(method, form + "?user=alice", json: body)
                    #expect(answer.status == 401, "\(method) \(form): \(answer.status)")
                }
            }
            #expect(try await edge.ask("GET", "//v1/rooms/den", headers: alice).status == 200)
            let admin = try await Talker.connect(edge, token: try scene.token("root", ["--admin"]))
            _ = try await admin.ask("kick", #""user":"alice","seconds":60"#)
            try await eventually("she is sent away") {
                try await edge.ask("GET", "/v1/rooms/den", headers: alice).status == 403
            }
            for form in Self.forms(of: "/v1/rooms/den", edge.authority) {
                #expect(try await edge.ask("GET", form, headers: alice).status == 403, "\(form)")
            }
        }
    }

    @Test("A token that covers less than what its user is a member of shows nothing of the rest")
    func narrow() async throws {
        try await AuthScene.run { _, edges, scene in
            let edge = edges[0]
            let boss = try await Talker.connect(edge, token: try scene.token("boss"))
            _ = try await boss.ask("create", #""room":"clinic","private":true,"members":["alice"]"#)
            _ = try await boss.ask("create", #""room":"appointment:1","private":true,"members":["alice"]"#)
            try await boss.say("open to her", in: "appointment:1")
            try await boss.say("the diagnosis", in: "clinic")
            let token = try scene.token("alice", ["--rooms", "appointment:*"])
            let narrow = try await Talker.connect(edge, token: token)
            let whole = try await Talker.connect(edge, token: try scene.token("alice"))
            let header = ["Authorization: Bearer \(token)"]
            try await eventually("she is listened for") {
                guard case .acknowledged(let receipt) = try await boss.ask("direct", #""to":"alice","text":"psst""#)
                else { return false }
                return receipt.isOnline == true
            }
            try await whole.hear(1)
            try await eventually("all of it is in her list") {
                guard case .rooms(let list, _) = try await whole.ask("rooms") else { return false }
                return list.count == 3
            }
            let list = try await edge.ask("GET", "/v1/rooms", headers: header)
            #expect(list.status == 200 && list.text.contains("open to her"))
            #expect(!list.text.contains("clinic") && !list.text.contains("dm:") && !list.text.contains("diagnosis"))
            // Page by page the rest is passed over, and not stopped at.
            var (seen, after, pages) = ([String](), "", 0)
            while pages < 5 {
                pages += 1
                let answer = try await edge.ask("GET", "/v1/rooms?limit=1\(after)", headers: header)
                let page = try JSONReader.object(from: answer.body)
                seen += page["rooms"]?.elements?.compactMap { $0.object?["room"]?.string } ?? []
                guard let next = page["next"]?.string else { break }
                after = "&after=" + (next.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")
            }
            #expect(seen == ["appointment:1"] && pages == 3)
            // Nor is it told how far she has read there.
            _ = try await whole.ask("read", #""room":"clinic","id":"9999999999999-0""#)
            try await eventually("her other session is told") {
                whole.look { $0.events.contains { $0.event.kind == .read } }
            }
            // An answer comes behind whatever was pushed before.
            guard case .rooms(let rooms, _) = try await narrow.ask("rooms") else {
                throw NeverHappened(description: "a list")
            }
            #expect(rooms.count == 1)
            #expect(narrow.messages.isEmpty && narrow.look { $0.events.isEmpty })
        }
    }
}
