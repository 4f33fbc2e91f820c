/// Says who holds a token, and what they may do.
///
/// Called on event loops: it answers at once and asks nobody.
public protocol TokenVerifier: Sendable {
    /// What a token grants at a moment of the calendar, in ms since 1970.
    ///
    /// - Throws: `TokenFault`.
    func verify(_ token: String, nowMilliseconds: UInt64) throws(TokenFault) -> TokenGrant
}

/// Who holds a token, what they may do, and until when.
public struct TokenGrant: Sendable, Equatable {
    /// The user, the name that people see, and what the user may do.
    public var identity: Identity
    /// The first moment at which the token is worth nothing, in ms since 1970.
    public var expiresMilliseconds: UInt64

    /// A grant of the given parts.
    public init(identity: Identity, expiresMilliseconds: UInt64) {
        self.identity = identity
        self.expiresMilliseconds = expiresMilliseconds
    }
}

/// Why a token is worth nothing.
///
/// What exactly is wrong with one that we have not signed is nobody's business: it would help who tries.
public enum TokenFault: Error, Sendable, Equatable {
    /// Its signature is right and its time is over.
    case expired
    /// Anything else.
    case unusable

    /// What its holder is told.
    public var refusal: Refusal {
        switch self {
        case .expired: Refusal(.tokenExpired, "The token has expired.")
        case .unusable: Refusal(.unauthorized, "The token is not valid.")
        }
    }
}
