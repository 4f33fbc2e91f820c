/// An error reply of Redis, divided into its code and the whole line.
public struct RESPError: Error, Sendable, Equatable {
    /// The first word where it is written in capitals (`WRONGTYPE`), else `ERR`.
    public let code: String
    /// The line as Redis sent it, the code included.
    public let message: String

    /// Divides an error line, without its leading `-`.
    public init(line: String) {
        message = line
        let word = line.prefix { $0 != " " }
        let isCode = !word.isEmpty && word.utf8.allSatisfy { (0x41...0x5A).contains($0) || $0 == 0x5F }
        code = isCode ? String(word) : "ERR"
    }
}

/// What an error code of Redis means to a caller.
public enum RedisErrorKind: Sendable, Equatable {
    /// The data set is still being read from disk.
    case loading
    /// Writes are refused because persistence fails.
    case misconfigured
    /// Writes are refused because of `maxmemory`.
    case outOfMemory
    /// The node is a replica.
    case readOnly
    /// The node is a replica without its primary.
    case primaryDown
    /// Too few replicas are attached for writes.
    case noReplicas
    /// The script is not in the script cache.
    case noScript
    /// A script has been running for too long.
    case busy
    /// A script has already written and cannot be killed.
    case unkillable
    /// The connection has not said who it is.
    case noAuth
    /// The user or the password is wrong.
    case wrongPassword
    /// The user may not do this.
    case noPermission
    /// The key holds another type.
    case wrongType
    /// The slot lives on another node of the Cluster, or is moving there.
    case redirected
    /// The Cluster does not serve this slot at present.
    case clusterDown
    /// Any other code.
    case other

    /// The meaning of an error code, the first word of an error reply.
    public init(code: String) {
        self =
            switch code {
            case "LOADING": .loading
            case "MISCONF": .misconfigured
            case "OOM": .outOfMemory
            case "READONLY": .readOnly
            case "MASTERDOWN": .primaryDown
            case "NOREPLICAS": .noReplicas
            case "NOSCRIPT": .noScript
            case "BUSY": .busy
            case "UNKILLABLE": .unkillable
            case "NOAUTH": .noAuth
            case "WRONGPASS": .wrongPassword
            case "NOPERM": .noPermission
            case "WRONGTYPE": .wrongType
            case "MOVED", "ASK", "TRYAGAIN", "CROSSSLOT": .redirected
            case "CLUSTERDOWN": .clusterDown
            default: .other
            }
    }
}
