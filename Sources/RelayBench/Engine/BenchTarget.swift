/// An edge that is loaded.
public struct BenchTarget: Sendable, Equatable {
    /// The host's name or address.
    public var host: String
    /// The port.
    public var port: Int
    /// What stands in `Host`.
    public var authority: String
    /// Path and query of the WebSocket.
    public var path: String

    /// An edge by its parts.
    public init(host: String, port: Int, authority: String, path: String = "/v1/ws") {
        self.host = host
        self.port = port
        self.authority = authority
        self.path = path
    }

    /// The request that opens a WebSocket as this user, or with this token, and offers compression where it is wanted.
    func upgrade(user: String, token: String?, offersDeflate: Bool = false) -> [UInt8] {
        let divider = path.contains("?") ? "&" : "?"
        let target = token == nil ? "\(path)\(divider)user=\(user)" : path
        let authorization = token.map { "Authorization: Bearer \($0)\r\n" } ?? ""
        let offer = offersDeflate ? DeflateOffer.line : ""
        // The key proves nothing here: nobody stands between who could have a stored answer.
        return Array(
            ("GET \(target) HTTP/1.1\r\nHost: \(authority)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bWFydGxldC1iZW5jaC1rZQ==\r\n"
                + "\(offer)\(authorization)\r\n")
                .utf8)
    }
}

/// Why a load came to nothing.
public enum BenchError: Error, Equatable, CustomStringConvertible {
    /// A name that nobody knows.
    case unknownHost(String)
    /// The relay cannot be reached, or lets nobody in.
    case unreachable(String)
    /// An edge, of this authority, does not agree to compress.
    case uncompressed(String)
    /// More connections than this process may have.
    case tooFewDescriptors(needed: Int, allowed: Int)
    /// The system has no epoll.
    case system(String)

    /// One line for people.
    public var description: String {
        switch self {
        case .unknownHost(let host): "nobody knows the host \(host)"
        case .unreachable(let reason): reason
        case .uncompressed(let authority):
            "\(authority) does not agree to permessage-deflate without context takeover; is it run with --deflate off?"
        case .tooFewDescriptors(let needed, let allowed):
            "\(needed) file descriptors are needed, and this process may have \(allowed): ulimit -n \(needed)"
        case .system(let reason): reason
        }
    }
}
