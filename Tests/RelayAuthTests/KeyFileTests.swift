import Foundation
import NIOCore
import RelayCore
import RelayTestKit
import Testing

@testable import RelayAuth

@Suite("Files of keys", .timeLimit(.minutes(20)))
struct KeyFileTests {
    @Test("a secret is 32 bytes at least, one line break at its end not counted")
    func secrets() async throws {
        let scene = try TokenScene()
        for (text, isGood) in [
            (String(repeating: "a", count: 32), true), (String(repeating: "a", count: 32) + "\r\n", true),
            (String(repeating: "a", count: 31) + "\n", false), (String(repeating: "a", count: 31), false), ("", false),
        ] {
            let path = try scene.file("s", text)
            let keys = try? await TokenKeys(.secretFile(path))
            #expect((keys != nil) == isGood, "\(text.utf8.count)")
        }
        await #expect(throws: KeyFileError.self) { try await TokenKeys(.secretFile("/nonexistent")) }
    }

    @Test("a file that is no public key of a known kind is refused, and nothing of it is said")
    func pems() async throws {
        let scene = try TokenScene()
        let (own, _) = try await scene.pair(.es256)
        let (_, small) = try await scene.pair(["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"], "small")
        let (_, other) = try await scene.pair(["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "p384")
        let text = try scene.file("text", "-----BEGIN PUBLIC KEY-----\nsecretsecret\n-----END PUBLIC KEY-----\n")
        for path in [own, small, other, text, scene.secret, "/nonexistent", scene.directory] {
            do {
                _ = try await TokenKeys(.keyFile(path))
                Issue.record("\(path) was taken")
            } catch {
                #expect(!error.description.contains("secretsecret") && !error.description.contains("\n"))
            }
        }
        await #expect(throws: KeyFileError.self) { try await TokenMint(.keyFile(text)) }
    }

    @Test("a JWKS has keys of all kinds, each for its own tokens")
    func sets() async throws {
        let scene = try TokenScene()
        var entries: [String] = []
        var mints: [(kid: String, path: String)] = []
        for kind in TokenScene.Kind.allCases {
            let (own, shown) = try await scene.pair(kind)
            let kid = "key-\(kind.rawValue)"
            entries.append(try await scene.entry(kind, publicKey: shown, kid: kid))
            mints.append((kid, own))
        }
        // What is not for us is passed over: a secret in public, an encryption key, another curve, nonsense.
        entries += [
            #"{"kty":"oct","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY","kid":"oct"}"#,
            #"{"kty":"RSA","use":"enc","n":"AQAB","e":"AQAB","kid":"enc"}"#, #"{"kty":"EC","crv":"P-521","kid":"x"}"#,
            #"{"kty":"OKP","crv":"Ed25519","x":"AA","kid":"short"}"#, "7", "{}",
        ]
        let path = try scene.file("jwks.json", #"{"keys":[\#(entries.joined(separator: ","))]}"#)
        let loaded = try await VerificationKey.set(try KeyFile.read(path))
        #expect(loaded.keys.count == 3 && loaded.passedOver == 6)
        let keys = try await TokenKeys(.keySetFile(path))
        let grant = try TokenScene.grant()
        for (kid, own) in mints {
            let good = try await TokenMint(.keyFile(own), keyID: kid).token(for: grant, hasName: false)
            #expect(try keys.verify(good, nowMilliseconds: TokenScene.now) == grant)
            let unnamed = try await TokenMint(.keyFile(own)).token(for: grant, hasName: false)
            #expect(try keys.verify(unnamed, nowMilliseconds: TokenScene.now) == grant)
            for name in ["other", mints[0].kid == kid ? mints[1].kid : mints[0].kid] {
                let misnamed = try await TokenMint(.keyFile(own), keyID: name).token(for: grant, hasName: false)
                #expect(throws: TokenFault.unusable) { try keys.verify(misnamed, nowMilliseconds: TokenScene.now) }
            }
        }
        let shared = try scene.file("shared", "0123456789abcdef0123456789abcdef")
        let bySecret = try await TokenMint(.secretFile(shared), keyID: "oct").token(for: grant, hasName: false)
        #expect(throws: TokenFault.unusable) { try keys.verify(bySecret, nowMilliseconds: TokenScene.now) }
    }

    @Test("a JWKS whose key says it is for another algorithm does not count")
    func algorithms() async throws {
        let scene = try TokenScene()
        let (_, shown) = try await scene.pair(.rs256)
        for name in ["HS256", "RS512", "PS256", "none"] {
            let entry = try await scene.entry(.rs256, publicKey: shown, kid: "k", more: #","alg":"\#(name)""#)
            let path = try scene.file("jwks.json", #"{"keys":[\#(entry)]}"#)
            await #expect(throws: KeyFileError.self, "\(name)") { try await TokenKeys(.keySetFile(path)) }
        }
        let entry = try await scene.entry(.rs256, publicKey: shown, kid: "k", more: #","alg":"RS256","use":"sig""#)
        _ = try await TokenKeys(.keySetFile(try scene.file("jwks.json", #"{"keys":[\#(entry)]}"#)))
    }

    @Test("a JWKS that changes is read again; one that is broken leaves the keys as they were")
    func reload() async throws {
        let scene = try TokenScene()
        let (first, firstShown) = try await scene.pair(.edDSA, "first")
        let (second, secondShown) = try await scene.pair(.es256, "second")
        let one = try await scene.entry(.edDSA, publicKey: firstShown, kid: "1")
        let two = try await scene.entry(.es256, publicKey: secondShown, kid: "2")
        let path = try scene.file("jwks.json", #"{"keys":[\#(one)]}"#)
        let keys = try await TokenKeys(.keySetFile(path))
        let grant = try TokenScene.grant()
        let byFirst = try await TokenMint(.keyFile(first), keyID: "1").token(for: grant, hasName: false)
        let bySecond = try await TokenMint(.keyFile(second), keyID: "2").token(for: grant, hasName: false)
        func isGood(_ token: String) -> Bool { (try? keys.verify(token, nowMilliseconds: TokenScene.now)) != nil }
        #expect(isGood(byFirst) && !isGood(bySecond))
        #expect(await keys.reloadIfChanged() == .unchanged)

        _ = try scene.file("jwks.json", #"{"keys":[\#(one),\#(two)]}"#)
        #expect(await keys.reloadIfChanged() == .loaded(keys: 2, passedOver: 0))
        #expect(isGood(byFirst) && isGood(bySecond))

        for broken in ["", "{", #"{"keys":[]}"#, "[]"] {
            _ = try scene.file("jwks.json", broken)
            guard case .failed = await keys.reloadIfChanged() else {
                Issue.record("\(broken) was taken")
                continue
            }
            #expect(await keys.reloadIfChanged() == .unchanged)
            #expect(isGood(byFirst) && isGood(bySecond))
        }

        _ = try scene.file("jwks.json", #"{"keys":[\#(two)]}"#)
        #expect(await keys.reloadIfChanged() == .loaded(keys: 1, passedOver: 0))
        #expect(!isGood(byFirst) && isGood(bySecond))
    }

    @Test("a JWKS behind a link that is turned elsewhere is read again, and one that could not be read when it can be")
    func turned() async throws {
        let scene = try TokenScene()
        let (_, firstShown) = try await scene.pair(.edDSA, "first")
        let (_, secondShown) = try await scene.pair(.es256, "second")
        let one = try await scene.entry(.edDSA, publicKey: firstShown, kid: "1")
        let two = try await scene.entry(.es256, publicKey: secondShown, kid: "2")
        let old = try scene.file("old.json", #"{"keys":[\#(one)]}"#)
        let new = try scene.file("new.json", #"{"keys":[\#(two),\#(one)]}"#)
        let files = FileManager.default
        let (link, folder) = (old + ".link", old + ".folder")
        // As a ConfigMap is mounted: a link to a file behind a link to a folder.
        for (name, file) in [("1", old), ("2", new)] {
            try files.createDirectory(atPath: folder + name, withIntermediateDirectories: false)
            try files.copyItem(atPath: file, toPath: "\(folder)\(name)/keys")
        }
        try files.createSymbolicLink(atPath: folder, withDestinationPath: folder + "1")
        try files.createSymbolicLink(atPath: link, withDestinationPath: "\(folder)/keys")
        let keys = try await TokenKeys(.keySetFile(link))
        #expect(await keys.reloadIfChanged() == .unchanged)
        try files.removeItem(atPath: folder)
        try files.createSymbolicLink(atPath: folder, withDestinationPath: folder + "2")
        #expect(await keys.reloadIfChanged() == .loaded(keys: 2, passedOver: 0))
        #expect(await keys.reloadIfChanged() == .unchanged)
        // A folder in the way is what even root cannot read; put back it is the very file that it was.
        let file = "\(folder)2/keys"
        try files.moveItem(atPath: file, toPath: file + ".away")
        guard case .failed = await keys.reloadIfChanged() else {
            Issue.record("it was read")
            return
        }
        #expect(await keys.reloadIfChanged() == .unchanged)
        for _ in 0..<2 {
            try files.moveItem(atPath: file + ".away", toPath: file)
            #expect(await keys.reloadIfChanged() == .unchanged)
            // Gone once more: that is said once more.
            try files.moveItem(atPath: file, toPath: file + ".away")
            guard case .failed = await keys.reloadIfChanged() else {
                Issue.record("it was not said")
                return
            }
        }
    }
}
