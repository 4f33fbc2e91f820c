import RelayCore
import Testing

@testable import RelayEdge

@Suite("Who may upgrade to a WebSocket")
struct UpgradeAdmissionTests {
    private let admission = UpgradeAdmission(
        policy: OriginPolicy(allowedOrigins: ["https://chat.example"], restrictsHosts: true))

    private func verdict(_ uri: String, origin: String? = nil, host: String? = "127.0.0.1:8080")
        -> UpgradeAdmission.Verdict
    {
        admission.verdict(uri: uri, origin: origin, host: host)
    }

    private func code(_ verdict: UpgradeAdmission.Verdict) -> ErrorCode? {
        if case .refused(let refusal) = verdict { refusal.code } else { nil }
    }

    @Test("A bare request is admitted without an identity")
    func anonymous() {
        #expect(verdict("/v1/ws") == .admitted(nil))
    }

    @Test("A user in the query is folded; a name is decoded")
    func identity() throws {
        let user = try #require(UserID("alice"))
        let name = try #require(DisplayName("Al Ice é"))
        #expect(
            verdict("/v1/ws?user=ALICE&name=Al+Ice%20%C3%A9") == .admitted(Identity(user: user, name: name)))
        #expect(verdict("/v1/ws?user=alice") == .admitted(Identity(user: user, name: DisplayName(user))))
    }

    @Test(
        "What is wrong with the query is a bad request",
        arguments: [
            "/v1/ws?user=", "/v1/ws?user=a%20b", "/v1/ws?user=alice&name=%0A", "/v1/ws?user=alice&name=",
            "/v1/ws?token=x", "/v1/ws?user=alice&token=", "/v1/ws?format=xml",
        ])
    func badQuery(_ uri: String) {
        #expect(code(verdict(uri)) == .badRequest)
    }

    @Test("Lines are spoken where the query or the subprotocol asks for them, in the room that the query names")
    func text() throws {
        let user = try #require(UserID("alice"))
        let alice = Identity(user: user, name: DisplayName(user))
        #expect(verdict("/v1/ws?format=text&user=alice") == .text(alice, nil))
        #expect(verdict("/v1/ws?format=text&user=alice&room=tea") == .text(alice, RoomID("tea")))
        #expect(verdict("/v1/ws?format=text") == .text(nil, nil))
        #expect(code(verdict("/v1/ws?format=text&user=alice&room=!")) == .badRoom)
        #expect(verdict("/v1/ws?format=json&user=alice&room=!") == .admitted(alice))
        let offer = { (uri: String, protocols: [String]) in
            admission.verdict(uri: uri, origin: nil, host: "127.0.0.1", protocols: protocols)
        }
        #expect(offer("/v1/ws?user=alice", ["other", "martlet.text"]) == .text(alice, nil))
        #expect(offer("/v1/ws?user=alice", ["other"]) == .admitted(alice))
        #expect(offer("/v1/ws?user=alice&format=json", ["martlet.text"]) == .admitted(alice))
    }

    @Test("Other paths are not its business", arguments: ["/", "/v1/wsx", "/v1/ws/", "/v1/rooms?x=/v1/ws"])
    func elsewhere(_ uri: String) {
        #expect(verdict(uri) == .elsewhere)
    }

    @Test("A page of the edge itself or of an allowed site may connect, another may not")
    func origins() {
        #expect(verdict("/v1/ws", origin: "http://127.0.0.1:8080") == .admitted(nil))
        #expect(verdict("/v1/ws", origin: "https://CHAT.example") == .admitted(nil))
        #expect(code(verdict("/v1/ws", origin: "http://127.0.0.1:8081")) == .forbidden)
        #expect(code(verdict("/v1/ws", origin: "https://chat.example.evil.test")) == .forbidden)
        #expect(code(verdict("/v1/ws", origin: "null")) == .forbidden)
    }

    @Test("A name that somebody points at this machine is not one of the edge's")
    func hosts() {
        for host in ["localhost:1", "LOCALHOST", "[::1]:8080", "10.0.0.1", "chat.example", "chat.example:443"] {
            #expect(verdict("/v1/ws", host: host) == .admitted(nil), "\(host)")
        }
        for host in ["evil.test", "127.0.0.1.evil.test", "localhost.evil.test:80", "", "1.2.3"] {
            #expect(code(verdict("/v1/ws", host: host)) == .forbidden, "\(host)")
        }
        #expect(code(verdict("/v1/ws", host: nil)) == .forbidden)
    }

    @Test("A key is the base64 of sixteen bytes")
    func keys() {
        #expect(UpgradeAdmission.isKey("dGhlIHNhbXBsZSBub25jZQ=="))
        for key in [nil, "", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=a", "dGhlIHNhbXBsZSBub25jZ!=="] {
            #expect(!UpgradeAdmission.isKey(key), "\(key ?? "none")")
        }
    }

    @Test("Broken escapes are no text", arguments: ["%", "%4", "%zz", "%ff"])
    func escapes(_ text: String) {
        #expect(PercentCoding.decoded(text) == nil)
    }

    @Test("A plus is a blank in a query and a plus in a path")
    func pluses() {
        #expect(PercentCoding.decoded("dm:a+b", blanks: false) == "dm:a+b")
        #expect(PercentCoding.decoded("a+b") == "a b")
        #expect(PercentCoding.decoded("dm%3Aa%2Bb", blanks: false) == "dm:a+b")
    }
}
