import NIOCore
import RelayCore
import RelayTestKit
import Testing

@testable import RelayAuth

@Suite("What a token claims")
struct ClaimTests {
    private static func verify(_ payload: String, now: UInt64 = TokenScene.now) async throws -> TokenGrant {
        let scene = try TokenScene()
        let token = try await TokenMint(.secretFile(scene.secret)).signed(ByteBuffer(string: payload))
        return try await TokenKeys(.secretFile(scene.secret)).verify(token, nowMilliseconds: now)
    }

    @Test("is who, until when, and where")
    func all() async throws {
        let grant = try await Self.verify(
            #"{"sub":"Alice","name":"Alice Ä","exp":1800000060.5,"rooms":["a","b:*"],"read":["c"],"admin":false,"#
                + #""iss":"x","aud":["y"],"nbf":1799999999}"#)
        #expect(grant.identity.user.description == "alice")
        #expect(grant.identity.name.description == "Alice Ä")
        #expect(grant.expiresMilliseconds == 1_800_000_060_500)
        let permissions = grant.identity.permissions
        #expect(!permissions.isAdmin)
        #expect(permissions.write?.map(\.description) == ["a", "b:*"])
        #expect(permissions.read.map(\.description) == ["c"])
    }

    @Test("without rooms is every room, with read alone none to write")
    func scopes() async throws {
        #expect(try await Self.verify(#"{"sub":"a","exp":1900000000}"#).identity.permissions == .standard)
        let reader = try await Self.verify(#"{"sub":"a","exp":1900000000,"read":["c"]}"#).identity.permissions
        #expect(reader.write == [] && reader.read.map(\.description) == ["c"])
        let nobody = try await Self.verify(#"{"sub":"a","exp":1900000000,"rooms":[]}"#).identity.permissions
        #expect(nobody.write == [] && nobody.read.isEmpty)
        #expect(try await Self.verify(#"{"sub":"a","exp":1900000000,"admin":true}"#).identity.permissions.isAdmin)
    }

    @Test("ends at the very millisecond, and does not begin before its time")
    func times() async throws {
        let payload = #"{"sub":"a","exp":1800000000}"#
        #expect((try? await Self.verify(payload, now: 1_799_999_999_999)) != nil)
        await #expect(throws: TokenFault.expired) { try await Self.verify(payload, now: 1_800_000_000_000) }
        await #expect(throws: TokenFault.unusable) {
            try await Self.verify(#"{"sub":"a","exp":1900000000,"nbf":1800000001}"#)
        }
    }

    @Test(
        "is worth nothing where a claim is missing or is not what it has to be",
        arguments: [
            #"{"exp":1900000000}"#, #"{"sub":"a"}"#, #"{"sub":"a b","exp":1900000000}"#, #"{"sub":7,"exp":1900000000}"#,
            #"{"sub":"a","exp":"1900000000"}"#, #"{"sub":"a","exp":-1}"#, #"{"sub":"a","exp":1e300}"#,
            #"{"sub":"a","exp":1900000000,"name":""}"#, #"{"sub":"a","exp":1900000000,"name":"a\u0007"}"#,
            #"{"sub":"a","exp":1900000000,"rooms":"a"}"#, #"{"sub":"a","exp":1900000000,"rooms":["a b*"]}"#,
            #"{"sub":"a","exp":1900000000,"rooms":[1]}"#, #"{"sub":"a","exp":1900000000,"rooms":null}"#,
            #"{"sub":"a","exp":1900000000,"read":[""]}"#, #"{"sub":"a","exp":1900000000,"admin":"true"}"#,
            #"{"sub":"a","exp":1900000000,"admin":1}"#, #"{"sub":"a","exp":1900000000,"nbf":"soon"}"#,
            #"{"sub":"a","sub":"b","exp":1900000000}"#, "[]", "", "null",
        ])
    func wrong(_ payload: String) async throws {
        await #expect(throws: TokenFault.unusable) { try await Self.verify(payload) }
    }

    @Test("a token with more patterns than are looked at is worth nothing")
    func bounds() async throws {
        let many = (0...TokenClaims.patternsMax).map { "\"r\($0)\"" }.joined(separator: ",")
        await #expect(throws: TokenFault.unusable) {
            try await Self.verify(#"{"sub":"a","exp":1900000000,"rooms":[\#(many)]}"#)
        }
    }

    @Test("comes through a mint unchanged")
    func mint() async throws {
        let scene = try TokenScene()
        let patterns = try ["a", "b:*", "*"].map { try #require(RoomPattern($0)) }
        let user = try #require(UserID("alice"))
        let keys = try await TokenKeys(.secretFile(scene.secret))
        let mint = try await TokenMint(.secretFile(scene.secret), keyID: "k")
        for permissions in [
            .standard, Permissions(isAdmin: true, rooms: patterns, read: nil),
            Permissions(isAdmin: false, rooms: [], read: patterns),
        ] {
            let grant = TokenGrant(
                identity: Identity(
                    user: user, name: try #require(DisplayName("Ä\"\\ 🐦")), permissions: permissions),
                expiresMilliseconds: TokenScene.now + 1000)
            let token = try mint.token(for: grant, hasName: true)
            #expect(try keys.verify(token, nowMilliseconds: TokenScene.now) == grant)
        }
    }
}
