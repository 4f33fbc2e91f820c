import NIOCore
import RelayCore

/// Decides whether a request may become a WebSocket, who it is, and what is agreed about compression.
struct UpgradeAdmission: Sendable {
    enum Verdict: Equatable {
        /// May upgrade; with an identity where the request gave one.
        case admitted(Identity?)
        /// May upgrade, and speaks in lines; with an identity and a room where the request gave them.
        case text(Identity?, RoomID?)
        /// May upgrade, and gets back what it sends.
        case echo
        /// May not, and why.
        case refused(Refusal)
        /// Is for another path.
        case elsewhere

        /// What the WebSocket is for; nil where there will be none.
        var purpose: SessionPurpose? {
            switch self {
            case .admitted(let identity): .relay(identity)
            case .text(let identity, let room): .text(identity, room)
            case .echo: .echo
            case .refused, .elsewhere: nil
            }
        }
    }

    static let path = "/v1/ws"
    /// The subprotocol of a session in lines.
    static let textProtocol = "martlet.text"
    static let echoPath = "/v1/echo"

    let policy: OriginPolicy
    /// Whether compression is agreed to where it is offered.
    var deflates = true
    /// Whether there is an echo.
    var isConformance = false
    /// Whether it is the token that says who somebody is.
    var isTokenNeeded = false

    /// The paths that are for WebSockets.
    var paths: [String] { isConformance ? [Self.path, Self.echoPath] : [Self.path] }
    /// Where a token is found.
    var credentials: CredentialReader { CredentialReader(policy: policy, isTokenNeeded: isTokenNeeded) }

    /// - Parameter protocols: the subprotocols that the request offers.
    func verdict(uri: String, origin: String?, host: String?, protocols: [String] = []) -> Verdict {
        let parts = uri.split(separator: "?", maxSplits: 1)
        guard let path = parts.first.map(String.init), paths.contains(path) else { return .elsewhere }
        guard policy.allows(host: host) else {
            return .refused(Refusal(.forbidden, "Host: not a name under which this edge may be asked."))
        }
        guard policy.allows(origin: origin, host: host) else {
            return .refused(Refusal(.forbidden, "Origin: pages of this site may not connect."))
        }
        if path == Self.echoPath { return .echo }
        let query = QueryItems(parts.count == 2 ? parts[1] : "")
        guard query["token"] == nil else {
            return .refused(Refusal(.badRequest, "token: not taken from a query, where it would end in logs."))
        }
        let format = query["format"] ?? (protocols.contains(Self.textProtocol) ? "text" : "json")
        guard format == "json" || format == "text" else {
            return .refused(Refusal(.badRequest, "format: this edge speaks json and text."))
        }
        do throws(Refusal) {
            let identity = try identity(in: query)
            guard format == "text" else { return .admitted(identity) }
            guard let name = query["room"] else { return .text(identity, nil) }
            guard let room = RoomID(name) else { throw Refusal(.badRoom, "room: not a room id.") }
            return .text(identity, room)
        } catch {
            return .refused(error)
        }
    }

    /// Who a query says it is; nil where it says nothing, or where it takes a token to say so.
    private func identity(in query: QueryItems) throws(Refusal) -> Identity? {
        guard !isTokenNeeded, let userText = query["user"] else { return nil }
        guard let user = UserID(userText) else { throw Refusal(.badRequest, "user: not a user id.") }
        guard let nameText = query["name"] else { return Identity(user: user, name: DisplayName(user)) }
        guard let name = DisplayName(nameText) else {
            throw Refusal(.badRequest, "name: not 1 to \(Limits.nameBytesMax) bytes without control characters.")
        }
        return Identity(user: user, name: name)
    }

    /// Whether a `Sec-WebSocket-Key` is what RFC 6455 asks for: the base64 of 16 bytes.
    static func isKey(_ text: String?) -> Bool {
        guard let text, text.utf8.count == 24, text.hasSuffix("==") else { return false }
        return text.utf8.dropLast(2).allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                true
            default: false
            }
        }
    }
}

/// The items of a query, percent-decoded; the first of a name counts.
///
/// A value that cannot be decoded is NUL, which no item may be: it is refused as a wrong one, and not taken for absent.
struct QueryItems {
    private var values: [String: String] = [:]

    init(_ query: some StringProtocol) {
        for item in query.split(separator: "&") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentCoding.decoded(parts[0]) else { continue }
            let value = PercentCoding.decoded(parts.count == 2 ? parts[1] : "") ?? "\0"
            if values[name] == nil { values[name] = value }
        }
    }

    subscript(name: String) -> String? { values[name] }
}

/// Percent escapes of URIs.
enum PercentCoding {
    /// The text without escapes, `+` as a blank where `blanks` says so; nil where that is no UTF-8 or an escape is
    /// broken.
    static func decoded(_ text: some StringProtocol, blanks: Bool = true) -> String? {
        var bytes: [UInt8] = []
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "+") where blanks: bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(hex), let low = iterator.next().flatMap(hex) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
