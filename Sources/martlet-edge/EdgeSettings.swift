import ArgumentParser
import RelayCore
import RelaySettings

/// The settings of `martlet-edge`. Each can stand on the command line, in the environment and in a file.
struct EdgeSettings: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet-edge",
        abstract: "Serves chat rooms over WebSocket and HTTP; Redis carries and keeps what is said.",
        discussion: """
            \(ServiceOptions.discussion)

            Exit codes: 64 a wrong setting, 69 a port that is taken or a Redis that cannot be used.
            """,
        version: RelayVersion.current)

    @Option(help: "Where to listen, HOST:PORT; port 0 takes a free one.")
    var listen = ListenAddress.edgeDefault

    @OptionGroup var redis: RedisOptions

    @Option(help: "The edge's name in Redis; a suffix of its own is added at each start. Default: the host's name.")
    var edgeId: String?

    @Option(help: "How users prove who they are. none: anyone is whom they say. jwt: by a token.")
    var auth = AuthSetting.none

    @Option(help: "A file with a secret of at least 32 bytes: tokens are signed with HS256.")
    var jwtSecretFile: String?

    @Option(help: "A PEM file with a public key: tokens are signed with RS256, ES256 or EdDSA, as the key is.")
    var jwtKeyFile: String?

    @Option(help: "A JWKS file with public keys, read again when it changes.")
    var jwksFile: String?

    @Flag(help: "Allow --auth none on an address that other machines can reach.")
    var insecure = false

    @Option(help: "An origin beside the edge's own whose pages may connect, https://chat.example; repeatable.")
    var allowOrigin: [String] = []

    @Option(help: "off: no archiver is wanted, the edges trim the streams.")
    var archive = SwitchSetting.on

    @Option(help: "The archiver's directory: history goes on in its files where Redis's ends.")
    var archiveDir: String?

    @Option(help: "Messages of a room that stay in Redis, with --archive off.")
    var keep = 1000

    @Option(help: "Messages that a room's stream may hold before posts are refused as full.")
    var ceiling = Limits.ceilingDefault

    @Option(help: "Replicas of Redis to wait for before a post is acknowledged, for at most half a second.")
    var ackReplicas = 0

    @Option(help: "off: only rooms that exist can be joined.")
    var autoCreate = SwitchSetting.on

    @Option(help: "Bytes of a text.")
    var maxText = 4096

    @Option(help: "Ops a second and session.")
    var rate = 20

    @Option(help: "Ops that a session may send at once.")
    var burst = 40

    @Option(help: "Ops a second and user, by all sessions and over all edges. Default: three times --rate.")
    var userRate: Int?

    @Option(help: "Rooms a session.")
    var maxRooms = 128

    @Option(help: "Open connections.")
    var maxConnections = 100_000

    @Option(help: "Open connections of one address; 0: as many as it wants.")
    var maxConnectionsPerAddress = 0

    @Option(help: "Proxies whose word is taken for whom they speak, an address or a CIDR; repeatable.")
    var trustProxy: [AddressRange] = []

    @Option(help: "Where to serve /metrics, HOST:PORT, and nowhere else.")
    var metricsListen: ListenAddress?

    @Option(help: "Bytes that may wait for one reader before it reads on from history.")
    var slowBudget = ByteCountSetting(bytes: 256 * 1024)

    @Option(help: "How long a user who disconnected is not said to have left.")
    var leaveGrace = SpanSetting(.seconds(5))

    @Option(
        help: "How long what is busy, a room or all posts together, may wait for more to leave with; 0: not at all.")
    var coalesce = SpanSetting(.milliseconds(5))

    @Option(help: "How often sessions are pinged.")
    var pingInterval = SpanSetting(.seconds(25))

    @Option(help: "Over what time sessions are sent away at the end.")
    var drain = SpanSetting(.seconds(20))

    @Option(help: "Event loops; 0: one less than there are processors, which leaves one to Redis.")
    var threads = 0

    @Option(help: "A PEM file with the certificate chain; with --tls-key the edge speaks TLS.")
    var tlsCert: String?

    @Option(help: "A PEM file with the certificate's key.")
    var tlsKey: String?

    @Option(help: "Compress messages for clients that offer permessage-deflate.")
    var deflate = SwitchSetting.on

    @Option(help: "off: one system call a send, also where the kernel has io_uring.")
    var ioUring = SwitchSetting.on

    @Option(help: "off: no web client at /.")
    var webClient = SwitchSetting.on

    @Flag(help: "Open /v1/echo, which sends back what it gets, for WebSocket conformance suites.")
    var conformance = false

    @OptionGroup var service: ServiceOptions

    static let flags =
        [
            "listen", "edge-id", "auth", "jwt-secret-file", "jwt-key-file", "jwks-file", "user-rate",
            "max-connections-per-address", "metrics-listen", "archive", "archive-dir", "keep", "ceiling",
            "ack-replicas", "auto-create",
            "max-text", "rate", "burst", "max-rooms", "max-connections", "slow-budget", "leave-grace", "coalesce",
            "ping-interval",
            "drain", "threads",
            "tls-cert", "tls-key", "deflate", "io-uring", "web-client",
        ].map { SettingSources.Flag($0) } + [
            SettingSources.Flag("allow-origin", isRepeatable: true),
            SettingSources.Flag("trust-proxy", isRepeatable: true), SettingSources.Flag("insecure", isSwitch: true),
            SettingSources.Flag("conformance", isSwitch: true),
        ] + RedisOptions.flags + ServiceOptions.flags
}

/// How users prove who they are.
enum AuthSetting: String, ExpressibleByArgument, CaseIterable {
    case none
    case jwt
}

extension ListenAddress {
    /// Where an edge listens by default.
    static var edgeDefault: ListenAddress {
        guard let address = ListenAddress(argument: "127.0.0.1:8080") else { preconditionFailure("a constant") }
        return address
    }
}
