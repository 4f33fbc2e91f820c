public import RelayCore

/// Who a client is, where it connects, and how patient it is.
public struct RelayClientConfiguration: Sendable {
    /// How connections are made.
    public var connection: RelayConnectionConfiguration
    /// Who this is, where the relay asks for no token.
    public var user: UserID?
    /// The name that people see.
    public var name: DisplayName?
    /// The token, where the relay asks for one.
    public var token: String?
    /// How long to wait before each further try to connect.
    public var backoff = ReconnectBackoff()
    /// How long an answer may take; then the request throws `timedOut`.
    public var requestDeadline: Duration = .seconds(10)
    /// How long a message is tried before `send` throws `unacknowledged`: less than the ten minutes for which the relay
    /// knows a nonce, so that no try can become a second message.
    public var sendDeadline: Duration = .seconds(540)
    /// Messages that wait to be acknowledged; a further `send` throws `outboxFull`.
    public var outboxMax = 1000
    /// Requests that wait for an answer; a further one throws `tooManyRequests`.
    public var requestsMax = 1000
    /// Events that wait for their reader. Where they are so many, messages are left with the relay and fetched from
    /// there once half of the events were taken; live events of that time are lost.
    public var eventsMax = 2048

    /// A client of that relay under that name, with the defaults.
    public init(url: RelayURL, user: UserID?, name: DisplayName? = nil, token: String? = nil) {
        connection = RelayConnectionConfiguration(url: url)
        connection.pingInterval = .seconds(20)
        self.user = user
        self.name = name
        self.token = token
    }
}
