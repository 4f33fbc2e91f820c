public import RedisClient
public import RelayCore

/// What an edge's adapters to Redis have to know.
public struct RedisRelayConfiguration: Sendable {
    /// Where Redis is.
    public var redis: RedisConfiguration
    /// The names of keys.
    public var keys: KeySpace
    /// The id of this run of the edge.
    public var edge: EdgeID
    /// The version of the program, for `chat:edge:EDGE`.
    public var version: String
    /// Entries that a stream may hold; beyond it posts are `full`. 0 is no ceiling.
    public var ceiling = Limits.ceilingDefault
    /// Entries to which streams are trimmed that no archiver has touched, approximately; nil where an archiver trims.
    public var keep: Int?
    /// Whether the first post makes the room; else it is `no_such_room`.
    public var isAutoCreating = true
    /// Replicas to wait for before a post is acknowledged, for at most `Limits.replicaWait`; 0 waits for none.
    public var ackReplicas = 0
    /// How long posts that come one upon the other may wait for more, so that they leave together; zero for not at all.
    public var gatherSpan: Duration = .zero
    /// How often the connection that listens is tried where nobody asks: by a question on it, and by a message that has
    /// to come back.
    public var probeInterval: Duration = .seconds(10)

    /// A configuration with the defaults of the contract.
    public init(redis: RedisConfiguration, keys: KeySpace, edge: EdgeID, version: String) {
        self.redis = redis
        self.keys = keys
        self.edge = edge
        self.version = version
    }
}
