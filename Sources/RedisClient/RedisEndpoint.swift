internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import RedisProtocol

/// A configuration with its certificates read: what connections are made from.
struct RedisEndpoint: Sendable {
    let configuration: RedisConfiguration
    private let tlsContext: NIOSSLContext?

    init(_ configuration: RedisConfiguration) throws(RedisConfigurationError) {
        self.configuration = configuration
        if let name = configuration.clientName, name.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F }) {
            throw RedisConfigurationError("the client name for Redis may hold printable ASCII without spaces only")
        }
        guard let tls = configuration.tls else {
            tlsContext = nil
            return
        }
        do {
            tlsContext = try NIOSSLContext(configuration: Self.tlsConfiguration(tls))
        } catch {
            throw RedisConfigurationError("the TLS settings for Redis cannot be used: \(error)")
        }
    }

    var handshake: HandshakeConfiguration {
        HandshakeConfiguration(
            username: configuration.username, password: configuration.password, database: configuration.database,
            clientName: configuration.clientName, serverName: configuration.serverName)
    }

    private static func tlsConfiguration(_ tls: RedisConfiguration.TLS) throws -> TLSConfiguration {
        var made = TLSConfiguration.makeClientConfiguration()
        made.minimumTLSVersion = .tlsv12
        if let path = tls.authorityPath { made.trustRoots = .file(path) }
        made.certificateVerification =
            switch tls.verification {
            case .full: .fullVerification
            case .chainOnly: .noHostnameVerification
            case .none: .none
            }
        if let path = tls.certificatePath {
            made.certificateChain = try NIOSSLCertificate.fromPEMFile(path).map { .certificate($0) }
        }
        if let path = tls.keyPath {
            made.privateKey = .privateKey(try NIOSSLPrivateKey(file: path, format: .pem))
        }
        return made
    }

    /// Opens a socket whose replies go to the handler.
    func connect(_ handler: RESPHandler, on eventLoop: any EventLoop) -> EventLoopFuture<any Channel> {
        let bound = NIOLoopBound(handler, eventLoop: eventLoop)
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tlsContext {
                        try channel.pipeline.syncOperations.addHandler(tlsHandler(tlsContext))
                    }
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
        switch configuration.address {
        case .tcp(let host, let port):
            return bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1).connect(host: host, port: port)
        case .unix(let path):
            return bootstrap.connect(unixDomainSocketPath: path)
        }
    }

    private func tlsHandler(_ context: NIOSSLContext) throws -> NIOSSLClientHandler {
        guard case .tcp(let host, _) = configuration.address, (try? SocketAddress(ipAddress: host, port: 0)) == nil
        else {
            // An address is no name to send; the certificate is then checked against the address.
            return try NIOSSLClientHandler(context: context, serverHostname: nil)
        }
        return try NIOSSLClientHandler(context: context, serverHostname: host)
    }
}

extension RedisConfiguration {
    /// Reads the certificates, as a client does when it is made.
    ///
    /// - Throws: where they cannot be used.
    public func check() throws(RedisConfigurationError) {
        _ = try RedisEndpoint(self)
    }
}
