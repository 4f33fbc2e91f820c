/// The guarantees of the relay, by their numbers in the contract.
public enum Guarantee: Int, Sendable, Hashable, CaseIterable {
    /// An acknowledged message is stored, archived once, and delivered once and in order.
    case acknowledged = 1
    /// A send that is tried again with its nonce is one message.
    case oneMessage = 2
    /// What was missed is delivered before anything newer.
    case repair = 3
    /// A slow reader gets all, or is told exactly what is gone.
    case slowReader = 4
    /// Many reconnects cost one read. Not a thing that clients can see.
    case sharedRead = 5
    /// A drain tells every session to come back, and ends with 0.
    case drain = 6
    /// Redis away: sessions stay, no ack is wrong, and what Redis lost is said.
    case outage = 7

    /// A few words for a table.
    public var summary: String {
        switch self {
        case .acknowledged: "acknowledged: stored, archived once, delivered once, in order"
        case .oneMessage: "a send tried again with its nonce is one message"
        case .repair: "what was missed comes before anything newer"
        case .slowReader: "a slow reader gets all, or is told exactly what is gone"
        case .sharedRead: "many reconnects cost one read of Redis"
        case .drain: "a drain sends every session away properly"
        case .outage: "Redis away: sessions stay, no ack is wrong, losses are said"
        }
    }
}

/// What is looked for; each is a way of breaking one guarantee.
public enum CheckRule: String, Sendable, Hashable, CaseIterable {
    /// Two places, or two messages at one place: sessions do not agree on the order.
    case order
    /// A number that no message has, or ids that do not ascend with the numbers.
    case density
    /// An acknowledged message is neither in the stream nor in the archive.
    case missing
    /// A stored message is not in the archive.
    case unarchived
    /// A message stands in the archive twice, or out of order.
    case archiveOrder = "archive-order"
    /// A message has other bytes in one place than in another.
    case bytes
    /// A message that nobody sent, or not so.
    case forged
    /// A send without a nonce became two messages.
    case double
    /// A reader got a message again, or an older one after a newer one.
    case repeated
    /// A reader that was there to the end never got a message.
    case undelivered
    /// Sends of one session, acknowledged in another order than they were made.
    case sendOrder = "send-order"
    /// The relay sent a frame that is none of its protocol.
    case unreadable
    /// A send with a nonce became two messages, or was acknowledged with two places.
    case nonce
    /// A reader got a message before an older one that it never had.
    case hole
    /// `lagged`, or a recovery said to be incomplete, although nothing was gone, or with wrong numbers.
    case falseLoss = "false-loss"
    /// A drained edge cut a session without a word, or ended with another status than 0.
    case drain
    /// An ack named a place where another message stands.
    case wrongAck = "wrong-ack"
    /// `rewound` although Redis lost nothing, or a new epoch without it.
    case falseRewind = "false-rewind"
    /// A session was closed for no reason of its own.
    case closed
    /// An op was not answered for half a minute on a connection that stood.
    case unanswered

    /// The guarantee that it breaks.
    public var guarantee: Guarantee {
        switch self {
        case .order, .density, .missing, .unarchived, .archiveOrder, .bytes, .forged, .double, .repeated,
            .undelivered, .sendOrder, .unreadable:
            .acknowledged
        case .nonce: .oneMessage
        case .hole: .repair
        case .falseLoss: .slowReader
        case .drain: .drain
        case .wrongAck, .falseRewind, .closed, .unanswered: .outage
        }
    }
}

/// A guarantee that did not hold, and what to look at.
public struct Violation: Sendable, Equatable {
    /// What was broken.
    public var rule: CheckRule
    /// One sentence.
    public var text: String
    /// The events that show it are about these.
    public var focus: Focus

    /// What a violation is about.
    public struct Focus: Sendable, Equatable {
        /// The room.
        public var room: Int?
        /// The client whose reading it is.
        public var client: Int?
        /// The messages.
        public var seqs: ClosedRange<UInt64>?
        /// A second place that it is about.
        public var otherSeq: UInt64?
        /// The sends.
        public var keys: [SendKey]

        /// A focus of the given parts.
        public init(
            room: Int? = nil, client: Int? = nil, seqs: ClosedRange<UInt64>? = nil, otherSeq: UInt64? = nil,
            keys: [SendKey] = []
        ) {
            self.room = room
            self.client = client
            self.seqs = seqs
            self.otherSeq = otherSeq
            self.keys = keys
        }
    }

    /// A violation of the given parts.
    public init(_ rule: CheckRule, _ text: String, focus: Focus) {
        self.rule = rule
        self.text = text
        self.focus = focus
    }
}
