public import NIOCore

/// Where messages are posted and where those of all edges come from.
///
/// Every call, completion and delegate call happens on the one event loop that owns the broker. Nothing is queued
/// without a bound: what cannot be taken is refused through the completion.
public protocol MessageBroker: AnyObject {
    /// Who is told what comes in. Not retained.
    var delegate: (any MessageBrokerDelegate)? { get set }

    /// Whether the connection that listens stands.
    var isListening: Bool { get }

    /// Asks for the room's channel. The delegate hears `brokerSubscribed` when it is there, and again after every
    /// interruption; what was published in between has to be read from history.
    func subscribe(_ room: RoomID)

    /// Gives the room's channel up. Frames that are under way may still arrive.
    func unsubscribe(_ room: RoomID)

    /// Asks for what is for one user alone. The delegate hears `brokerSubscribed(user:)` when it comes, and again after
    /// every interruption.
    func subscribe(user: UserID)

    /// Gives a user's channel up.
    func unsubscribe(user: UserID)

    /// Publishes an event on a room's channel. It is kept nowhere, and lost where the store is away.
    func publish(_ event: ByteBuffer, in room: RoomID)

    /// Publishes an event for one user alone, as `publish` does.
    func publish(_ event: ByteBuffer, to user: UserID)

    /// Persists and publishes a message. The completion is called once: with a receipt only where the store has the
    /// message, with a refusal where it does not or where nobody knows.
    func post(_ draft: MessageDraft, completion: @escaping (Result<PostReceipt, Refusal>) -> Void)

    /// The store seems to have lost writes in a room, or in all where none is named: what this edge posted there and
    /// the store lost is put back.
    func lossSuspected(in room: RoomID?)

    /// Sends a probe to oneself through the store: out by the connection that posts, back by the one that listens.
    func probe(completion: @escaping (ProbeOutcome) -> Void)

    /// How often each thing went wrong since the start: by the store's own code for it, or by a word.
    var faults: [String: UInt64] { get }
}

extension MessageBroker {
    /// Nothing: a broker without a store has none.
    public var faults: [String: UInt64] { [:] }
}

/// What a broker tells its owner.
public protocol MessageBrokerDelegate: AnyObject {
    /// The room's channel is heard from now on.
    func brokerSubscribed(_ room: RoomID)
    /// Bytes that came over the room's channel, as they came.
    func brokerReceived(_ payload: ByteBuffer, in room: RoomID)
    /// A user's channel is heard from now on.
    func brokerSubscribed(user: UserID)
    /// Bytes that came over a user's channel: a direct message's envelope, or an event.
    func brokerReceived(_ payload: ByteBuffer, for user: UserID)
    /// Nothing more is at hand: a good moment to pass on what came.
    func brokerBatchEnded()
    /// Where a room stood by what its members were given; nil where nothing is known of it.
    func standing(of room: RoomID) -> RoomStanding?
    /// A room is not there, and somebody wants to say this in it: makes the room, or says why not. The completion is
    /// called once; meanwhile nothing else is posted there, so that what is said keeps its order.
    func brokerMissedRoom(for draft: MessageDraft, completion: @escaping (Refusal?) -> Void)
    /// What the store lost of the room is put back, as far as edges had it.
    func brokerRestored(_ room: RoomID)
    /// Every subscription is interrupted; the broker takes them up again by itself.
    func brokerLost()
}

/// The store's word that it has a message.
public struct PostReceipt: Sendable, Equatable {
    /// The entry ID.
    public let id: MessageID
    /// The number in the room.
    public let seq: UInt64
    /// Whether an earlier send with the same nonce had already stored it.
    public let isDuplicate: Bool
    /// How many replicas have it too; nil where nobody asked.
    public private(set) var replicas: Int?

    /// A receipt of the given parts.
    public init(id: MessageID, seq: UInt64, isDuplicate: Bool, replicas: Int? = nil) {
        self.id = id
        self.seq = seq
        self.isDuplicate = isDuplicate
        self.replicas = replicas
    }

    /// The same, with the number of replicas that were reached.
    public func reaching(_ replicas: Int) -> PostReceipt {
        var receipt = self
        receipt.replicas = replicas
        return receipt
    }
}

/// How far a probe came.
public enum ProbeOutcome: String, Sendable {
    /// Out and back.
    case passed = "ok"
    /// The connection that posts is down or does not answer.
    case publishFailed = "publish"
    /// The connection that reads is down: nobody can join.
    case readDown = "read"
    /// The connection that listens is down.
    case subscriptionDown = "subscribe"
    /// It went out and did not come back in time.
    case notReturned = "return"
}
