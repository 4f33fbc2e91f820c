import Foundation
import NIOCore
import RelayAuth
import RelayCore
import RelayTestKit
import Testing

/// Keys of all kinds in a folder of their own, made by openssl, and tokens signed with them or with whatever else.
final class TokenScene {
    /// A moment at which the tokens are looked at, in ms.
    static let now: UInt64 = 1_800_000_000_000

    let directory: String
    /// A file with a secret of 32 bytes.
    let secret: String

    init() throws {
        directory = try TemporaryDirectory.make("martlet-keys")
        secret = "\(directory)/secret"
        try "0123456789abcdef0123456789abcdef\n".write(toFile: secret, atomically: true, encoding: .utf8)
    }

    deinit { TemporaryDirectory.remove(directory) }

    /// Kinds of key pairs, by the algorithm that they are for.
    enum Kind: String, CaseIterable, Sendable {
        case rs256 = "RS256"
        case es256 = "ES256"
        case edDSA = "EdDSA"

        var arguments: [String] {
            switch self {
            case .rs256: ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
            case .es256: ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
            case .edDSA: ["-algorithm", "ED25519"]
            }
        }
    }

    /// Makes a key pair, and names its files.
    func pair(_ kind: Kind, _ name: String = "key") async throws -> (private: String, public: String) {
        try await pair(kind.arguments, "\(kind.rawValue)-\(name)")
    }

    /// Makes a key pair by these arguments of `openssl genpkey`.
    func pair(_ arguments: [String], _ name: String) async throws -> (private: String, public: String) {
        let (own, shown) = ("\(directory)/\(name).pem", "\(directory)/\(name).pub.pem")
        _ = try await Executable.run("openssl", ["genpkey", "-quiet"] + arguments + ["-out", own])
        _ = try await Executable.run("openssl", ["pkey", "-in", own, "-pubout", "-out", shown])
        return (own, shown)
    }

    /// Writes a file and names it.
    func file(_ name: String, _ text: String) throws -> String {
        let path = "\(directory)/\(name)"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    /// The entry of a public key in a JWKS; its numbers are read out of what openssl prints.
    func entry(_ kind: Kind, publicKey path: String, kid: String, more: String = "") async throws -> String {
        let der = try await Executable.run("sh", ["-c", "openssl pkey -pubin -in '\(path)' -outform DER | base64 -w0"])
        let bytes = [UInt8](try #require(Data(base64Encoded: der)))
        switch kind {
        case .edDSA:
            return #"{"kty":"OKP","crv":"Ed25519","x":"\#(Self.base64URL(bytes.suffix(32)))","kid":"\#(kid)"\#(more)}"#
        case .es256:
            let (x, y) = (Self.base64URL(bytes.suffix(64).prefix(32)), Self.base64URL(bytes.suffix(32)))
            return #"{"kty":"EC","crv":"P-256","x":"\#(x)","y":"\#(y)","kid":"\#(kid)"\#(more)}"#
        case .rs256:
            let text = try await Executable.run("openssl", ["rsa", "-pubin", "-in", path, "-modulus", "-noout"])
            let digits = Array(text.drop { $0 != "=" }.dropFirst())
            let modulus = stride(from: 0, to: digits.count, by: 2).compactMap {
                UInt8(String(digits[$0..<$0 + 2]), radix: 16)
            }
            return #"{"kty":"RSA","n":"\#(Self.base64URL(modulus))","e":"AQAB","kid":"\#(kid)"\#(more)}"#
        }
    }

    static func base64URL(_ bytes: some Sequence<UInt8>) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// A token of these parts, whatever they are.
    static func token(_ header: String, _ payload: String, signature: [UInt8]) -> String {
        "\(base64URL(header.utf8)).\(base64URL(payload.utf8)).\(base64URL(signature))"
    }

    /// A grant for alice that ends so long after `now`.
    static func grant(
        _ user: String = "alice", seconds: UInt64 = 60, _ permissions: Permissions = .standard
    ) throws -> TokenGrant {
        let id = try #require(UserID(user))
        return TokenGrant(
            identity: Identity(user: id, name: DisplayName(id), permissions: permissions),
            expiresMilliseconds: now + seconds * 1000)
    }
}
