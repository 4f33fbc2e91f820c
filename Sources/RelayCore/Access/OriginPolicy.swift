/// From where a browser may come, and under which name the edge may be asked.
///
/// Without authentication a page on any site could open a WebSocket to an edge on the reader's own machine; and a name
/// that an attacker points at 127.0.0.1 would even make it the same origin (DNS rebinding). Hence `Origin` has to be
/// the edge's own or be allowed, and `Host` an IP address, `localhost` or allowed.
public struct OriginPolicy: Sendable {
    private let allowedOrigins: Set<String>
    private let allowedHosts: Set<String>
    private let restrictsHosts: Bool

    /// A policy with the origins that an operator allows, `https://chat.example` or `*` for any.
    public init(allowedOrigins: [String], restrictsHosts: Bool) {
        self.allowedOrigins = Set(allowedOrigins.map { $0.lowercased() })
        allowedHosts = Set(allowedOrigins.compactMap { Self.authority(of: $0.lowercased()).map(Self.hostName) })
        self.restrictsHosts = restrictsHosts
    }

    /// Whether a request with this `Origin` may pass; requests without one come from no browser.
    public func allows(origin: String?, host: String?) -> Bool {
        guard let origin = origin?.lowercased() else { return true }
        if allowedOrigins.contains("*") || allowedOrigins.contains(origin) { return true }
        guard let host = host?.lowercased(), let authority = Self.authority(of: origin) else { return false }
        return authority == host
    }

    /// Whether a cookie counts that came with this `Origin`.
    ///
    /// It has to be there, and be the edge's own or allowed by its name.
    public func allowsCookies(origin: String?, host: String?) -> Bool {
        guard let origin = origin?.lowercased() else { return false }
        if origin != "*", allowedOrigins.contains(origin) { return true }
        guard let host = host?.lowercased(), let authority = Self.authority(of: origin) else { return false }
        return authority == host
    }

    /// Whether the edge may be asked under this name.
    public func allows(host: String?) -> Bool {
        guard restrictsHosts, !allowedOrigins.contains("*") else { return true }
        guard let host = host?.lowercased() else { return false }
        let name = Self.hostName(host)
        return name == "localhost" || Self.isAddress(name) || allowedHosts.contains(name)
    }

    /// `chat.example:8443` of `https://chat.example:8443`.
    private static func authority(of origin: String) -> String? {
        for scheme in ["http://", "https://"] where origin.hasPrefix(scheme) {
            return String(origin.dropFirst(scheme.count))
        }
        return nil
    }

    /// The authority without its port.
    private static func hostName(_ authority: String) -> String {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") { return String(authority[...end]) }
        return String(authority.prefix { $0 != ":" })
    }

    private static func isAddress(_ name: String) -> Bool {
        if name.hasPrefix("["), name.hasSuffix("]") { return true }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}
