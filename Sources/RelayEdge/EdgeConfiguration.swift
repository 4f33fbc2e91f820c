public import RelayCore

/// What an operator says about one edge.
public struct EdgeConfiguration: Sendable {
    /// Where it listens: the host.
    public var host: String
    /// Where it listens: the port; 0 asks the system for a free one.
    public var port: Int
    /// The id of this run.
    public var edge: EdgeID
    /// The bounds of sessions.
    public var limits: Limits
    /// Whether a room comes into being with its first join.
    public var autoCreate: Bool
    /// How long a user who disconnected is not said to have left.
    public var leaveGrace: Duration
    /// How long what comes in for the members of a busy room may wait for more; zero for not at all.
    public var coalesce: Duration
    /// How often sessions are pinged.
    public var pingInterval: Duration
    /// Over what time sessions are sent away at the end.
    public var drain: Duration
    /// Origins beside the edge's own that browsers may come from, `https://chat.example`.
    public var allowedOrigins: [String]
    /// Hosts that a request may name where nobody has to prove who they are; nil takes any.
    public var restrictsHosts: Bool
    /// Whether compression is agreed to where a client offers it.
    public var deflates: Bool
    /// Whether sends share a system call where the kernel has io_uring.
    public var usesRing: Bool
    /// Whether `/` is the web client.
    public var servesWebClient: Bool
    /// Whether `/v1/echo` exists: for conformance suites, not for the public.
    public var isConformance: Bool
    /// Who says what a token is worth; nil where anyone is whom they say.
    public var verifier: (any TokenVerifier)?
    /// Proxies whose word is taken for whom they speak.
    public var trustedProxies: [AddressRange]
    /// Where `/metrics` is, apart from everything else; nil serves it on the one port.
    public var metrics: (host: String, port: Int)?
    /// Called when operators end this edge.
    public var onDrainOrdered: (@Sendable () -> Void)?
    /// Certificate chain and key in PEM files; nil speaks plain HTTP.
    public var tls: (certificate: String, key: String)?

    /// A configuration with the defaults of the contract.
    public init(edge: EdgeID) {
        host = "127.0.0.1"
        port = 8080
        self.edge = edge
        limits = Limits()
        autoCreate = true
        leaveGrace = .seconds(5)
        coalesce = .milliseconds(5)
        pingInterval = .seconds(25)
        drain = .seconds(20)
        allowedOrigins = []
        restrictsHosts = true
        deflates = true
        usesRing = true
        servesWebClient = true
        isConformance = false
        trustedProxies = []
    }
}
