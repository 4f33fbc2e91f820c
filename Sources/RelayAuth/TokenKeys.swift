internal import Foundation
internal import JWTKit
public import RelayCore
internal import NIOConcurrencyHelpers

/// The keys that tokens are held against.
public final class TokenKeys: TokenVerifier {
    /// Where the keys stand. The files are read when `TokenKeys` is made, a JWKS again whenever it has changed.
    public enum Source: Sendable, Equatable {
        /// A secret of at least 32 bytes, for HS256.
        case secretFile(String)
        /// A public key in PEM, for RS256, ES256 or EdDSA.
        case keyFile(String)
        /// A JWKS, for the same three.
        case keySetFile(String)
    }

    /// What became of a look at the JWKS.
    public enum Reload: Sendable, Equatable {
        /// The file is as it was.
        case unchanged
        /// Its keys are used from now on; that many were passed over.
        case loaded(keys: Int, passedOver: Int)
        /// It cannot be used, for this reason: the keys that were there stay.
        case failed(String)
    }

    private struct State {
        var keys: [VerificationKey]
        var stamp: FileStamp?
        /// Why the file could not be used when it was read last, and as what it was found then.
        var failure: Failure?
    }

    private struct Failure: Equatable {
        var stamp: FileStamp?
        var reason: String
    }

    private let source: Source
    private let state: NIOLockedValueBox<State>

    /// Reads the keys.
    ///
    /// - Throws: `KeyFileError`.
    public init(_ source: Source) async throws(KeyFileError) {
        self.source = source
        let stamp = FileStamp(ofFileAt: Self.path(of: source))
        let keys = try await Self.load(source).keys
        state = NIOLockedValueBox(State(keys: keys, stamp: stamp))
    }

    /// The keys whose algorithm the token names are tried, of a set those of that `kid`; what the token is not signed
    /// with decides nothing.
    public func verify(_ token: String, nowMilliseconds: UInt64) throws(TokenFault) -> TokenGrant {
        guard let token = CompactToken(token) else { throw .unusable }
        let keys = state.withLockedValue { $0.keys }
        let isSigned = keys.contains { key in
            guard key.algorithm.name == token.algorithm, token.keyID == nil || key.id == nil || token.keyID == key.id
            else { return false }
            return (try? key.algorithm.verify(token.signature, signs: token.signedBytes)) ?? false
        }
        guard isSigned else { throw .unusable }
        return try TokenClaims.grant(token.payload, nowMilliseconds: nowMilliseconds)
    }

    /// Looks whether the JWKS has changed, and reads it where it has. To be called every second or so.
    public func reloadIfChanged() async -> Reload {
        guard case .keySetFile(let path) = source else { return .unchanged }
        let stamp = FileStamp(ofFileAt: path)
        let isAsLoaded = state.withLockedValue { state in
            // Should it go away once more, that is news.
            if stamp == state.stamp { state.failure = nil }
            return stamp == state.stamp
        }
        guard !isAsLoaded else { return .unchanged }
        do {
            let loaded = try await Self.load(source)
            state.withLockedValue { $0 = State(keys: loaded.keys, stamp: stamp) }
            return .loaded(keys: loaded.keys.count, passedOver: loaded.passedOver)
        } catch {
            // Tried again, since it may become readable as it is; not said again before something changes.
            let failure = Failure(stamp: stamp, reason: error.description)
            let isNews = state.withLockedValue { state in
                defer { state.failure = failure }
                return state.failure != failure
            }
            return isNews ? .failed(error.description) : .unchanged
        }
    }

    private static func path(of source: Source) -> String {
        switch source {
        case .secretFile(let path), .keyFile(let path), .keySetFile(let path): path
        }
    }

    private static func load(_ source: Source) async throws(KeyFileError) -> (keys: [VerificationKey], passedOver: Int)
    {
        let file = try KeyFile.read(path(of: source))
        switch source {
        case .secretFile: return ([try await VerificationKey.secret(file)], 0)
        case .keyFile: return ([try await VerificationKey.publicPEM(String(decoding: file, as: UTF8.self))], 0)
        case .keySetFile: return try await VerificationKey.set(file)
        }
    }
}

/// A file of keys.
enum KeyFile {
    /// Bytes of such a file; a longer one is none.
    static let bytesMax = 256 * 1024

    static func read(_ path: String) throws(KeyFileError) -> Data {
        guard let file = FileManager.default.contents(atPath: path) else { throw KeyFileError("cannot be read") }
        guard file.count <= bytesMax else { throw KeyFileError("over \(bytesMax) bytes") }
        return file
    }
}

/// By what a changed file is known: it is another one, or has another length or time.
struct FileStamp: Equatable {
    private let inode: UInt64
    private let size: UInt64
    private let changed: Date

    /// Nil where there is no such file.
    init?(ofFileAt path: String) {
        // Of what a link leads to: a mounted ConfigMap is a link that is turned to another file.
        let path = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            let inode = attributes[.systemFileNumber] as? UInt64, let size = attributes[.size] as? UInt64,
            let changed = attributes[.modificationDate] as? Date
        else { return nil }
        (self.inode, self.size, self.changed) = (inode, size, changed)
    }
}
