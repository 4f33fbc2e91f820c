import RelayCore

/// Where a request's token stands, if it has one.
enum Credentials: Equatable {
    /// It has none.
    case none
    /// In `Authorization`, or in the cookie of a page that may send it.
    case token(String)
    /// It has one that is not looked at, for this reason.
    case refused(Refusal)
}

/// Finds the token of a request.
///
/// A browser sends cookies along with whatever any page asks for. So a cookie counts for an upgrade, and for what
/// changes something, only where `Origin` is there and is the edge's own or on the list by its name: `*` is not enough.
struct CredentialReader: Sendable {
    /// The cookie that holds a token.
    static let cookieName = "martlet_token"

    let policy: OriginPolicy
    /// Whether there are tokens at all.
    let isTokenNeeded: Bool

    /// - Parameters:
    ///   - isChange: whether the request upgrades or changes something.
    func credentials(
        authorization: [String], cookies: [String], origin: String?, host: String?, isChange: Bool
    ) -> Credentials {
        guard isTokenNeeded else { return .none }
        if !authorization.isEmpty {
            let words = authorization[0].split(separator: " ")
            guard authorization.count == 1, words.count == 2, words[0].lowercased() == "bearer" else {
                return .refused(TokenFault.unusable.refusal)
            }
            return .token(String(words[1]))
        }
        guard let cookie = Self.cookie(in: cookies) else { return .none }
        guard !isChange || policy.allowsCookies(origin: origin, host: host) else {
            return .refused(Refusal(.forbidden, "Origin: a cookie counts from pages of this site only."))
        }
        return .token(cookie)
    }

    private static func cookie(in headers: [String]) -> String? {
        for pair in headers.joined(separator: ";").split(separator: ";") {
            let pair = pair.drop { $0 == " " || $0 == "\t" }
            guard pair.hasPrefix("\(cookieName)=") else { continue }
            var value = pair.dropFirst(cookieName.utf8.count + 1)
            while let last = value.last, last == " " || last == "\t" { value.removeLast() }
            if value.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") { value = value.dropFirst().dropLast() }
            return String(value)
        }
        return nil
    }
}
