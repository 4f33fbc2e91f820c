/// Where a relay listens: `ws://HOST:PORT/PATH?QUERY` or `wss://…`.
///
/// `http` and `https` are taken for `ws` and `wss`. Without a port it is 80 or 443, without a path `/v1/ws`. A fragment
/// and a user in the URL are refused: the protocol has other places for who one is.
public struct RelayURL: Sendable, Hashable, CustomStringConvertible {
    /// Whether the connection is encrypted.
    public let isSecure: Bool
    /// The host, without brackets where it is an IPv6 address.
    public let host: String
    /// The port.
    public let port: Int
    /// Path and query as they stand in the request line.
    public let target: String

    /// Parses a URL; nil where it is none of these.
    public init?(_ text: String) {
        guard let colon = text.range(of: "://"), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            return nil
        }
        switch text[..<colon.lowerBound].lowercased() {
        case "ws", "http": isSecure = false
        case "wss", "https": isSecure = true
        default: return nil
        }
        let rest = text[colon.upperBound...]
        let authorityEnd = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        guard !rest.contains("#"), !rest[..<authorityEnd].contains("@"),
            let (host, port) = Self.split(authority: rest[..<authorityEnd])
        else { return nil }
        self.host = host
        self.port = port ?? (isSecure ? 443 : 80)
        let target = String(rest[authorityEnd...])
        self.target =
            switch target.first {
            case nil: Self.defaultPath
            case "?": Self.defaultPath + target
            default: target == "/" ? Self.defaultPath : target
            }
    }

    /// What stands in the `Host` field.
    public var authority: String {
        let bracketed = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? bracketed : "\(bracketed):\(port)"
    }

    /// The whole URL.
    public var description: String { "\(isSecure ? "wss" : "ws")://\(authority)\(target)" }

    private static let defaultPath = "/v1/ws"

    private static func split(authority: Substring) -> (String, Int?)? {
        var host = authority
        var port: Int?
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0 else { return nil }
            host = authority[..<colon]
            port = Int(number)
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        return host.isEmpty ? nil : (String(host), port)
    }
}

extension String {
    fileprivate func range(of mark: String) -> Range<String.Index>? {
        firstRange(of: mark)
    }
}
