/// A Lua script, known by its identity: make each one once.
public final class RedisScript: Sendable {
    /// The name for logs.
    public let name: String
    /// The Lua text.
    public let source: String

    /// A script by name and text.
    public init(name: String, source: String) {
        self.name = name
        self.source = source
    }
}
