/// Why something was refused, in the words of the contract.
public enum ErrorCode: String, Sendable, CaseIterable {
    case badJSON = "bad_json"
    case badRequest = "bad_request"
    case unknownOp = "unknown_op"
    case badRoom = "bad_room"
    case unauthorized
    case tokenExpired = "token_expired"
    case forbidden
    case exists
    case noSuchRoom = "no_such_room"
    case noSuchMessage = "no_such_message"
    case notJoined = "not_joined"
    case noSuchUser = "no_such_user"
    case tooLarge = "too_large"
    case rateLimited = "rate_limited"
    case unavailable
    case full
    case draining
}

/// A refusal: a code for programs, a sentence for people and, where it helps, when to come again.
public struct Refusal: Error, Sendable, Equatable {
    /// The code.
    public var code: ErrorCode
    /// One sentence that says what is wrong.
    public var message: String
    /// How long to wait before another try.
    public var retryAfter: Duration?

    /// A refusal of the given parts.
    public init(_ code: ErrorCode, _ message: String, retryAfter: Duration? = nil) {
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
    }

    /// Whether the same may be granted a moment later, so that asking again is worth it.
    public var isPassing: Bool {
        switch code {
        case .unavailable, .rateLimited, .draining: true
        case .badJSON, .badRequest, .unknownOp, .badRoom, .unauthorized, .tokenExpired, .forbidden, .exists,
            .noSuchRoom, .noSuchMessage, .notJoined, .noSuchUser, .tooLarge, .full:
            false
        }
    }

    /// Redis is away or does not take writes.
    public static let unavailable = Refusal(
        .unavailable, "The relay cannot reach its store; this was not acknowledged.", retryAfter: .seconds(1))

    /// The edge is about to end.
    public static let draining = Refusal(.draining, "This edge is shutting down; connect again.")
}
