/// Every bound of the Redis layer, with what happens when it is reached.
public enum RedisLimits {
    /// Bytes of one reply, headers included. A longer one is a protocol error, which closes the connection.
    public static let replyBytesMax = 64 << 20

    /// Elements of one reply, counted over the whole tree. More is a protocol error, which closes the connection.
    public static let replyElementsMax = 4 << 20

    /// Bytes handed to hiredis at a time: it moves what is left of its buffer after every kilobyte it has consumed,
    /// so a short buffer keeps a burst of small replies from being moved over and over.
    public static let readerSliceBytes = 16 << 10

    /// Bytes of an empty read buffer that hiredis keeps for the next reply; a larger one is given back.
    public static let readerIdleBytesMax = 1 << 20

    /// Commands of one connection that wait for their reply. One more fails with `RedisError.overloaded`.
    public static let inFlightMax = 65_536

    /// Encoded bytes of the commands that wait for their reply. A command beyond fails with `RedisError.overloaded`.
    public static let inFlightBytesMax = 64 << 20

    /// Channels named by one `SUBSCRIBE`; the rest goes into the next command of the same write.
    public static let channelsPerCommandMax = 500

    /// Evaluations that wait for their script to be loaded. One more fails with `RedisError.overloaded`.
    public static let scriptWaitersMax = 16_384

    /// Times that a script is loaded again for one call whose server does not know it. Then the call fails with
    /// `NOSCRIPT`.
    public static let scriptLoadsMax = 8
}
