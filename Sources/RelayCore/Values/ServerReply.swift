/// What an op is answered with.
public enum ServerReply: Sendable {
    case welcome(Welcome)
    case joined(RoomID, Recovery, here: Int)
    case left(RoomID)
    /// The relay took the session out of the room, for this reason.
    case removed(RoomID, reason: String)
    case acknowledged(RoomID, PostReceipt, nonce: Nonce?)
    /// A direct message is stored; whether the other one has a session.
    case directed(RoomID, PostReceipt, nonce: Nonce?, isOnline: Bool)
    /// A read marker stands there.
    case marked(RoomID, ReadMarker)
    case rooms(ConversationList)
    case created(RoomID, RoomFacts)
    case history(RoomID, HistoryPage)
    case who(RoomID, [Occupant], more: Bool = false)
    /// What an admin ordered is told to all edges.
    case ordered(ControlCommand)
    /// The user was told that somebody pages them.
    case paged(RoomID, UserID)
    /// A command that was typed: lines for a person.
    case typed(TypedAnswer)
    case pong(milliseconds: UInt64)
    case refused(Refusal)
}

/// What a session is told of itself and of the relay.
public struct Welcome: Sendable, Equatable {
    /// Who it is now.
    public var identity: Identity
    /// The edge it is connected to.
    public var edge: EdgeID
    /// The session's own id.
    public var session: String
    /// How often the server pings.
    public var pingInterval: Duration
    /// What it may do how much.
    public var limits: Limits

    /// A welcome of the given parts.
    public init(identity: Identity, edge: EdgeID, session: String, pingInterval: Duration, limits: Limits) {
        self.identity = identity
        self.edge = edge
        self.session = session
        self.pingInterval = pingInterval
        self.limits = limits
    }
}
