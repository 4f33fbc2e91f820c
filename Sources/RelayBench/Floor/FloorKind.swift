/// What a relay is held against.
public enum FloorKind: String, Sendable, CaseIterable {
    /// The floor server, which writes each message by itself as soon as it comes.
    case plain
    /// The floor server, which writes all that came in one turn of its loop together.
    case coalesced
    /// The floor server, through Redis: what one says is published there, and written when it comes back.
    case redis
    /// No server: the posting script alone, straight to Redis, for nobody.
    case script

    /// How the floor server works for it; nil where there is none.
    public var mode: FloorServer.Mode? { FloorServer.Mode(rawValue: rawValue) }

    /// What it does, for people.
    var explanation: String {
        switch self {
        case .plain, .coalesced: "the same load on a bare epoll loop"
        case .redis: "the same load on a bare epoll loop, by PUBLISH and SUBSCRIBE through Redis"
        case .script: "the same posts straight to Redis by the posting script, each by itself; nobody reads"
        }
    }
}
