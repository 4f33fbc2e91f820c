/// Where Redis is and how to speak to it.
public struct RedisConfiguration: Sendable, Equatable {
    /// Where a server listens.
    public enum Address: Sendable, Equatable {
        /// A host name or address, and a port.
        case tcp(host: String, port: Int)
        /// The path of a unix socket.
        case unix(path: String)
    }

    /// How much of the server's certificate is believed.
    public enum Verification: Sendable, Equatable {
        /// The chain and the name.
        case full
        /// The chain alone, whatever name it is for.
        case chainOnly
        /// Nothing: encryption without knowing to whom.
        case none
    }

    /// How TLS is spoken.
    public struct TLS: Sendable, Equatable {
        /// A PEM file of the authorities to trust; nil for those of the system.
        public var authorityPath: String?
        /// How much of the server's certificate is believed.
        public var verification: Verification
        /// A PEM file with the certificate that this client shows; nil for none.
        public var certificatePath: String?
        /// A PEM file with the key of that certificate.
        public var keyPath: String?

        /// The system's authorities, full verification, no certificate of our own.
        public init(
            authorityPath: String? = nil, verification: Verification = .full, certificatePath: String? = nil,
            keyPath: String? = nil
        ) {
            self.authorityPath = authorityPath
            self.verification = verification
            self.certificatePath = certificatePath
            self.keyPath = keyPath
        }
    }

    /// Where the server listens.
    public var address: Address
    /// The user of the access control list; nil for the default user.
    public var username: String?
    /// The password; nil where none is needed.
    public var password: String?
    /// The number of the database.
    public var database: Int
    /// TLS; nil for a plain connection.
    public var tls: TLS?
    /// How long opening a socket may take, and then the first commands on it.
    public var connectTimeout: Duration
    /// How long a reply may take where a command says nothing else; later the connection counts as hung.
    public var commandDeadline: Duration
    /// The name shown by `CLIENT LIST`, without spaces; nil for none.
    public var clientName: String?

    /// A server at an address, everything else as usual.
    public init(
        address: Address, username: String? = nil, password: String? = nil, database: Int = 0, tls: TLS? = nil,
        connectTimeout: Duration = .seconds(2), commandDeadline: Duration = .seconds(2), clientName: String? = nil
    ) {
        self.address = address
        self.username = username
        self.password = password
        self.database = database
        self.tls = tls
        self.connectTimeout = connectTimeout
        self.commandDeadline = commandDeadline
        self.clientName = clientName
    }

    /// Where the server is, for people; never shows the password.
    public var serverName: String {
        switch address {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): path
        }
    }
}

extension RedisConfiguration: CustomStringConvertible {
    /// The URL without the password.
    public var description: String {
        let user = username.map { "\($0)@" } ?? ""
        switch address {
        case .tcp: return "\(tls == nil ? "redis" : "rediss")://\(user)\(serverName)/\(database)"
        case .unix: return "unix://\(user)\(serverName)?db=\(database)"
        }
    }
}

/// A setting of the Redis connection that cannot be used.
public struct RedisConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One line that names what is wrong, and no password.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
