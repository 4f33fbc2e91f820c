internal import Foundation
internal import JWTKit
internal import NIOCore
public import RelayCore
internal import RelayWire

/// Makes tokens.
public struct TokenMint: Sendable {
    /// What a token is signed with.
    public enum Key: Sendable, Equatable {
        /// A file with a secret of at least 32 bytes: HS256.
        case secretFile(String)
        /// A file with a private key in PEM: RS256, ES256 or EdDSA.
        case keyFile(String)
    }

    private let key: VerificationKey
    private let keyID: String?

    /// Reads the key.
    ///
    /// - Parameter keyID: the name of the key in a JWKS, for the token's header.
    /// - Throws: `KeyFileError`.
    public init(_ key: Key, keyID: String? = nil) async throws(KeyFileError) {
        self.keyID = keyID
        switch key {
        case .secretFile(let path): self.key = try await .secret(try KeyFile.read(path))
        case .keyFile(let path):
            self.key = try await .privatePEM(String(decoding: try KeyFile.read(path), as: UTF8.self))
        }
    }

    /// A token that says what the grant says, in whole seconds.
    ///
    /// - Parameter hasName: whether the name is said; left out, people see the user's id.
    /// - Throws: what the key throws where it cannot sign.
    public func token(for grant: TokenGrant, hasName: Bool) throws -> String {
        let permissions = grant.identity.permissions
        let payload = Self.json { object in
            object.string("sub", grant.identity.user.description)
            if hasName { object.string("name", grant.identity.name.description) }
            object.integer("exp", grant.expiresMilliseconds / 1000)
            Self.write(permissions.write, "rooms", to: &object)
            Self.write(permissions.read.isEmpty ? nil : permissions.read, "read", to: &object)
            if permissions.isAdmin { object.bool("admin", true) }
        }
        return try signed(payload)
    }

    /// The payload, whatever it says, with a header and a signature.
    func signed(_ payload: ByteBuffer) throws -> String {
        let header = Self.json { object in
            object.string("alg", key.algorithm.name)
            object.string("typ", "JWT")
            if let keyID { object.string("kid", keyID) }
        }
        let text = URLSafeText.encoded(header.readableBytesView) + "." + URLSafeText.encoded(payload.readableBytesView)
        return text + "." + URLSafeText.encoded(try key.algorithm.sign(Array(text.utf8)))
    }

    private static func json(_ write: (inout JSONObjectWriter) -> Void) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeJSONObject(write)
        return buffer
    }

    private static func write(_ patterns: [RoomPattern]?, _ key: String, to object: inout JSONObjectWriter) {
        guard let patterns else { return }
        object.array(key) { array in
            for pattern in patterns { array.string(pattern.description) }
        }
    }
}
