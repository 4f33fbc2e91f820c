/// What the checker may do to a relay.
public enum Fault: String, Sendable, Hashable, CaseIterable {
    // To Redis, over its port.
    case killConnections = "kill-connections"
    case scriptFlush = "script-flush"
    case pause = "pause"
    case outputBuffer = "output-buffer"
    // To a room of its own: a message that is stored, and that no edge is told of.
    case lostPublish = "lost-publish"
    // To data of rooms of its own: Redis loses what it acknowledged.
    case flushRoom = "flush-room"
    case trim = "trim"
    // To processes of its own.
    case restartEdge = "restart-edge"
    case killEdge = "kill-edge"
    case restartArchiver = "restart-archiver"
    case restartRedis = "restart-redis"
    case stop = "stop"

    /// Whether it needs processes of the checker's own.
    public var needsOwnProcesses: Bool {
        switch self {
        case .restartEdge, .killEdge, .restartArchiver, .restartRedis, .stop: true
        case .killConnections, .scriptFlush, .pause, .outputBuffer, .lostPublish, .flushRoom, .trim: false
        }
    }

    /// Whether it takes a while, so that its end is worth a line.
    var lasts: Bool { needsOwnProcesses || self == .pause }

    /// Whether Redis loses messages by it, so that it happens only where it is named.
    public var losesData: Bool { self == .flushRoom || self == .trim }

    /// What `all` stands for.
    public static func all(withOwnProcesses isOwn: Bool) -> [Fault] {
        allCases.filter { !$0.losesData && (isOwn || !$0.needsOwnProcesses) }
    }
}
