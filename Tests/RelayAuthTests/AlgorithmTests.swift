import Foundation
import JWTKit
import NIOCore
import RelayCore
import RelayTestKit
import Testing

@testable import RelayAuth

@Suite("A token's signature", .timeLimit(.minutes(20)))
struct AlgorithmTests {
    @Test("is made and believed with a secret")
    func secret() async throws {
        let scene = try TokenScene()
        let keys = try await TokenKeys(.secretFile(scene.secret))
        let grant = try TokenScene.grant()
        let token = try await TokenMint(.secretFile(scene.secret)).token(for: grant, hasName: false)
        #expect(try keys.verify(token, nowMilliseconds: TokenScene.now) == grant)
        let other = try scene.file("other", "another secret that is long enough.")
        let stranger = try await TokenMint(.secretFile(other)).token(for: grant, hasName: false)
        #expect(throws: TokenFault.unusable) { try keys.verify(stranger, nowMilliseconds: TokenScene.now) }
    }

    @Test("is made with a private key and believed with its public one", arguments: TokenScene.Kind.allCases)
    func pairs(_ kind: TokenScene.Kind) async throws {
        let scene = try TokenScene()
        let (own, shown) = try await scene.pair(kind)
        let (stranger, _) = try await scene.pair(kind, "stranger")
        let keys = try await TokenKeys(.keyFile(shown))
        let grant = try TokenScene.grant()
        let token = try await TokenMint(.keyFile(own)).token(for: grant, hasName: false)
        #expect(CompactToken(token)?.algorithm == kind.rawValue)
        #expect(try keys.verify(token, nowMilliseconds: TokenScene.now) == grant)
        let forged = try await TokenMint(.keyFile(stranger)).token(for: grant, hasName: false)
        #expect(throws: TokenFault.unusable) { try keys.verify(forged, nowMilliseconds: TokenScene.now) }
    }

    /// RFC 7515 A.1: a vector that we have not made.
    @Test("is that of the standard's own example")
    func vector() async throws {
        let scene = try TokenScene()
        let path = "\(scene.directory)/vector"
        let text = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
        try #require(URLSafeText.decoded(text[...].utf8)).write(to: URL(fileURLWithPath: path))
        let key = try await VerificationKey.secret(try KeyFile.read(path))
        let token = try #require(
            CompactToken(
                "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9"
                    + "leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))
        #expect(token.algorithm == "HS256")
        #expect(try key.algorithm.verify(token.signature, signs: token.signedBytes))
    }

    @Test("counts for every bit of the token", arguments: [nil] + TokenScene.Kind.allCases.map(Optional.some))
    func tampered(_ kind: TokenScene.Kind?) async throws {
        let scene = try TokenScene()
        let keys: TokenKeys
        let mint: TokenMint
        if let kind {
            let (own, shown) = try await scene.pair(kind)
            (keys, mint) = (try await TokenKeys(.keyFile(shown)), try await TokenMint(.keyFile(own)))
        } else {
            keys = try await TokenKeys(.secretFile(scene.secret))
            mint = try await TokenMint(.secretFile(scene.secret))
        }
        let token = try mint.token(for: try TokenScene.grant(), hasName: false)
        let good = Array(token.utf8)
        for index in stride(from: 0, to: good.count, by: 3) where good[index] != UInt8(ascii: ".") {
            var bad = good
            // The last letter of a part may hold bits that are no part of its bytes: another letter, other bits.
            bad[index] = good[index] == UInt8(ascii: "A") ? UInt8(ascii: "z") : UInt8(ascii: "A")
            let text = String(decoding: bad, as: UTF8.self)
            guard Self.bytes(text) != Self.bytes(token) else { continue }
            #expect(throws: TokenFault.unusable) { try keys.verify(text, nowMilliseconds: TokenScene.now) }
        }
        for length in stride(from: 0, to: token.utf8.count - 2, by: 7) {
            #expect(throws: TokenFault.unusable) {
                try keys.verify(String(token.prefix(length)), nowMilliseconds: TokenScene.now)
            }
        }
        let parts = token.split(separator: ".")
        for text in ["\(parts[0]).\(parts[1]).", "\(parts[0]).\(parts[1])", token + ".", token + "=", " " + token, ""] {
            #expect(throws: TokenFault.unusable) { try keys.verify(text, nowMilliseconds: TokenScene.now) }
        }
    }

    private static func bytes(_ token: String) -> [Data?] {
        token.utf8.split(separator: UInt8(ascii: ".")).map { URLSafeText.decoded($0) }
    }

    @Test("is looked at by the key's algorithm, whatever the token asks for")
    func confusion() async throws {
        let scene = try TokenScene()
        let payload = #"{"sub":"mallory","exp":1900000000,"admin":true}"#
        let (_, shown) = try await scene.pair(.rs256)
        let keys = try await TokenKeys(.keyFile(shown))
        // The public key as a secret, with and without its line break.
        let pem = try String(contentsOfFile: shown, encoding: .utf8)
        for text in [pem, pem.trimmingCharacters(in: .newlines)] {
            let path = try scene.file("as-secret", text + "\n")
            let mint = try await TokenMint(.secretFile(path))
            let token = try mint.signed(ByteBuffer(string: payload))
            #expect(CompactToken(token)?.algorithm == "HS256")
            #expect(throws: TokenFault.unusable) { try keys.verify(token, nowMilliseconds: TokenScene.now) }
            // The same signature under the name of the algorithm that the key is for.
            let renamed = TokenScene.token(
                #"{"alg":"RS256"}"#, payload, signature: try #require(CompactToken(token)).signature)
            #expect(throws: TokenFault.unusable) { try keys.verify(renamed, nowMilliseconds: TokenScene.now) }
        }
        let secret = try await TokenKeys(.secretFile(scene.secret))
        for name in ["none", "None", "NONE", "", "HS256", "HS384", "HS512", "PS256", "ES256", "EdDSA", "RS256 "] {
            for signature: [UInt8] in [[], [0], Array(repeating: 0, count: 32), Array(repeating: 0, count: 64)] {
                let token = TokenScene.token(#"{"alg":"\#(name)"}"#, payload, signature: signature)
                #expect(throws: TokenFault.unusable) { try keys.verify(token, nowMilliseconds: TokenScene.now) }
                #expect(throws: TokenFault.unusable) { try secret.verify(token, nowMilliseconds: TokenScene.now) }
            }
        }
    }

    @Test("with demands that are not met here, or a header that is none, is worth nothing")
    func headers() async throws {
        let scene = try TokenScene()
        let keys = try await TokenKeys(.secretFile(scene.secret))
        let key = try await VerificationKey.secret(try KeyFile.read(scene.secret))
        func token(_ header: String) throws -> String {
            let text =
                TokenScene.base64URL(header.utf8) + "."
                + TokenScene.base64URL(#"{"sub":"alice","exp":1900000000}"#.utf8)
            return text + "." + TokenScene.base64URL(try key.algorithm.sign(Array(text.utf8)))
        }
        #expect((try? keys.verify(try token(#"{"alg":"HS256"}"#), nowMilliseconds: TokenScene.now)) != nil)
        for header in [
            #"{"alg":"HS256","crit":["b64"],"b64":false}"#, #"{"alg":"HS256","crit":[]}"#, #"{"alg":1}"#, "{}", "[]",
            "", #"{"alg":"HS256","alg":"HS256"}"#, #"{"alg":"HS256","kid":7}"#,
        ] {
            let token = try token(header)
            #expect(throws: TokenFault.unusable, "\(header)") {
                try keys.verify(token, nowMilliseconds: TokenScene.now)
            }
        }
        let long = try token(#"{"alg":"HS256","x":"\#(String(repeating: "x", count: CompactToken.bytesMax))"}"#)
        #expect(throws: TokenFault.unusable) { try keys.verify(long, nowMilliseconds: TokenScene.now) }
    }
}
