public import NIOSSL
import RelayCore

/// How one connection is made and kept.
public struct RelayConnectionConfiguration: Sendable {
    /// Where the relay is.
    public var url: RelayURL
    /// Further fields of the upgrade request, such as `Authorization` or `Origin`.
    public var headers: [(name: String, value: String)] = []
    /// How long socket, TLS and upgrade may take together.
    public var openDeadline: Duration = .seconds(10)
    /// How often the relay is pinged; one that has not answered by the next time counts as gone. Nil: never.
    public var pingInterval: Duration?
    /// Whether pings of the relay are answered. A test of the relay's own patience says no.
    public var answersPings = true
    /// Bytes of one message of the relay; a longer one ends the connection with 1009.
    public var messageBytesMax = 16 << 20
    /// Events that wait for their reader; from there on the socket is not read until half of them are taken, so that
    /// the relay sees a slow reader.
    public var eventsMax = 1024
    /// The settings of TLS for `wss`.
    public var tls = TLSConfiguration.makeClientConfiguration()

    /// A connection to that relay with the defaults.
    public init(url: RelayURL) {
        self.url = url
    }

    /// Presents a token in the upgrade request, so that no `hello` is needed.
    public mutating func authorize(token: String) {
        headers.append(("Authorization", "Bearer \(token)"))
    }
}
