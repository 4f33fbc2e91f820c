/// A Redis that is spoken to without TLS.
public struct RedisServer: Sendable, Equatable {
    /// The host's name or address.
    public var host: String
    /// The port.
    public var port: Int
    /// What a connection begins with, `AUTH` and the like; each is answered before anything else is said.
    public var opening: [[String]]

    /// A Redis by its parts.
    public init(host: String, port: Int, opening: [[String]]) {
        self.host = host
        self.port = port
        self.opening = opening
    }
}

/// The words of a command that posts one text, but for the three in their midst that say where the room stands: the
/// number, id and epoch that earlier replies told.
public struct RedisPostWords: Sendable, Equatable {
    /// The words before these three.
    public var head: [String]
    /// The words behind them; the text is among them.
    public var tail: [String]

    /// A command by its parts.
    public init(head: [String], tail: [String]) {
        self.head = head
        self.tail = tail
    }
}

/// The Redis that is posted to, and what is said to it.
public struct RedisTarget: Sendable {
    /// Where it is.
    public var server: RedisServer
    /// The command that posts a text to the room of this name.
    public var command: @Sendable (_ room: String, _ text: String) -> RedisPostWords

    /// A Redis by its parts.
    public init(server: RedisServer, command: @escaping @Sendable (String, String) -> RedisPostWords) {
        self.server = server
        self.command = command
    }
}
