internal import RelayCore
internal import RelayWire

/// What the claims of a token mean.
///
/// | claim | is |
/// |---|---|
/// | `sub` | the user's id |
/// | `name` | the name that people see; the user's id where it is absent |
/// | `exp` | when the token ends, in seconds since 1970; has to be there |
/// | `nbf` | when it begins, where it is there |
/// | `rooms` | patterns of rooms to read and to write; absent is every room that is not private, or none with `read` |
/// | `read` | patterns of rooms to read only |
/// | `admin` | whether the user may do everything |
///
/// A claim of another type or that is no pattern makes the token worth nothing: who meant to give less must not give
/// more. Other claims are passed over. There is no leeway.
enum TokenClaims {
    /// Patterns in one claim; a token with more is worth nothing.
    static let patternsMax = 256

    /// The grant of a token whose signature is right.
    static func grant(_ claims: JSONObject, nowMilliseconds: UInt64) throws(TokenFault) -> TokenGrant {
        do {
            guard let subject = try claims.string("sub"), let user = UserID(subject),
                let expires = try claims.number("exp"), let end = milliseconds(expires)
            else { throw TokenFault.unusable }
            var name = DisplayName(user)
            if let text = try claims.string("name") {
                guard let given = DisplayName(text) else { throw TokenFault.unusable }
                name = given
            }
            let rooms = try patterns("rooms", in: claims)
            let read = try patterns("read", in: claims)
            let isAdmin = try claims.bool("admin") ?? false
            guard nowMilliseconds < end else { throw TokenFault.expired }
            if let begins = try claims.number("nbf") {
                guard let begin = milliseconds(begins), begin <= nowMilliseconds else { throw TokenFault.unusable }
            }
            return TokenGrant(
                identity: Identity(
                    user: user, name: name, permissions: Permissions(isAdmin: isAdmin, rooms: rooms, read: read)),
                expiresMilliseconds: end)
        } catch let fault as TokenFault {
            throw fault
        } catch {
            throw .unusable
        }
    }

    private static func patterns(_ key: String, in claims: JSONObject) throws -> [RoomPattern]? {
        guard let texts = try claims.strings(key) else { return nil }
        guard texts.count <= patternsMax else { throw TokenFault.unusable }
        return try texts.map { text in
            guard let pattern = RoomPattern(text) else { throw TokenFault.unusable }
            return pattern
        }
    }

    /// Nil for what lies before 1970 or past the year 10 000.
    private static func milliseconds(_ seconds: Double) -> UInt64? {
        guard seconds >= 0, seconds < 253_402_300_800 else { return nil }
        return UInt64((seconds * 1000).rounded(.down))
    }
}
