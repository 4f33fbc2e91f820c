internal import Foundation
internal import JWTKit
internal import NIOCore
internal import RelayWire

/// A key and the one algorithm that it is for: a token does not choose how it is looked at.
struct VerificationKey: Sendable {
    let algorithm: any JWTAlgorithm
    /// The name by which tokens ask for it; nil for a key that is there alone.
    let id: String?

    /// Bytes that a secret needs: as many as the hash has.
    static let secretBytesMin = 32

    /// HS256 with the bytes of a file; one line break at its end is none of them.
    static func secret(_ file: Data) async throws(KeyFileError) -> VerificationKey {
        let bytes = trimmed(file)
        guard bytes.count >= secretBytesMin else {
            throw KeyFileError("a secret of \(bytes.count) bytes; it needs \(secretBytesMin)")
        }
        let keys = JWTKeyCollection()
        await keys.add(hmac: HMACKey(from: bytes), digestAlgorithm: .sha256)
        return try await only(keys, id: nil)
    }

    /// A public key in PEM: RSA is RS256, P-256 is ES256, Ed25519 is EdDSA.
    static func publicPEM(_ text: String) async throws(KeyFileError) -> VerificationKey {
        guard text.contains("-----BEGIN PUBLIC KEY-----") else {
            throw KeyFileError(
                text.contains("PRIVATE KEY-----")
                    ? "a private key; the edge needs the public one" : "no public key in PEM form")
        }
        let keys = JWTKeyCollection()
        if let key = try? EdDSA.PublicKey(pem: text) {
            await keys.add(eddsa: key)
        } else if let key = try? ES256PublicKey(pem: text) {
            await keys.add(ecdsa: key)
        } else if let key = try? Insecure.RSA.PublicKey(pem: text) {
            await keys.add(rsa: key, digestAlgorithm: .sha256)
        } else {
            throw KeyFileError("no key of RSA with 2048 bits or more, P-256 or Ed25519")
        }
        return try await only(keys, id: nil)
    }

    /// A private key in PEM, to sign with.
    static func privatePEM(_ text: String) async throws(KeyFileError) -> VerificationKey {
        let keys = JWTKeyCollection()
        if let key = try? EdDSA.PrivateKey(pem: text) {
            await keys.add(eddsa: key)
        } else if let key = try? ES256PrivateKey(pem: text) {
            await keys.add(ecdsa: key)
        } else if let key = try? Insecure.RSA.PrivateKey(pem: text) {
            await keys.add(rsa: key, digestAlgorithm: .sha256)
        } else {
            throw KeyFileError("no private key of RSA with 2048 bits or more, P-256 or Ed25519 in PEM form")
        }
        return try await only(keys, id: nil)
    }

    /// The keys of a JWKS: those that sign, of a kind that is known. Others are passed over, and counted.
    static func set(_ file: Data) async throws(KeyFileError) -> (keys: [VerificationKey], passedOver: Int) {
        guard let object = try? JSONReader.object(from: ByteBuffer(bytes: file), depthMax: 16),
            let entries = try? object.elements("keys")
        else { throw KeyFileError("no JSON object with a list of keys") }
        guard entries.count <= keysMax else { throw KeyFileError("\(entries.count) keys; \(keysMax) are allowed") }
        var keys: [VerificationKey] = []
        for entry in entries {
            if let key = await key(ofSet: entry) { keys.append(key) }
        }
        guard !keys.isEmpty else { throw KeyFileError("no key of RSA, P-256 or Ed25519") }
        return (keys, entries.count - keys.count)
    }

    /// Keys of a set. A token without `kid` is tried with all that are for its algorithm.
    static let keysMax = 16

    private static func key(ofSet entry: JSONValue) async -> VerificationKey? {
        guard let fields = entry.object, let kind = fields["kty"]?.string, fields["use"]?.string ?? "sig" == "sig"
        else { return nil }
        // A set is public: a secret in it (`oct`) is none.
        let algorithm: String
        switch (kind, fields["crv"]?.string) {
        case ("RSA", _): algorithm = "RS256"
        case ("EC", "P-256"): algorithm = "ES256"
        case ("OKP", "Ed25519"): algorithm = "EdDSA"
        default: return nil
        }
        guard fields["alg"]?.string ?? algorithm == algorithm,
            var jwk = try? JSONDecoder().decode(JWK.self, from: Data(entry.json.readableBytesView))
        else { return nil }
        let id = fields["kid"]?.string
        let name = JWKIdentifier(string: id ?? "only")
        jwk.keyIdentifier = name
        let keys = JWTKeyCollection()
        guard (try? await keys.add(jwk: jwk)) != nil, let found = try? await keys.getKey(for: name, alg: algorithm),
            found.name == algorithm
        else { return nil }
        return VerificationKey(algorithm: found, id: id)
    }

    private static func only(_ keys: JWTKeyCollection, id: String?) async throws(KeyFileError) -> VerificationKey {
        guard let algorithm = try? await keys.getKey() else { throw KeyFileError("a key that cannot be used") }
        return VerificationKey(algorithm: algorithm, id: id)
    }

    private static func trimmed(_ file: Data) -> Data {
        var bytes = file
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        return bytes
    }
}

/// What is wrong with a file of keys; says nothing of what is in it.
public struct KeyFileError: Error, Equatable, CustomStringConvertible {
    /// A few words, without the file's name.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
