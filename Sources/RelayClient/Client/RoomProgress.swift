import RelayCore
import RelayWire

/// How far a client has come in one room: what it was given, and so what it still needs.
struct RoomProgress: Equatable {
    /// What a message means.
    enum Verdict: Equatable {
        /// It was given before.
        case known
        /// To be given.
        case new
        /// To be given, after word of what is missing before it.
        case newAfterGap(ClientGap)
    }

    /// Ids of the newest messages that were given: after a rewind of the relay the order of ids alone does not tell
    /// what is new. Twice what a join answers with; the oldest go first.
    private static let recentMax = 2 * Limits.pageMessagesMax

    let room: RoomID
    private(set) var lastID: MessageID?
    private(set) var lastSeq: UInt64?
    private(set) var epoch: UInt64?
    private var recent: Set<MessageID> = []
    private var recentOrder: [MessageID] = []

    init(room: RoomID) {
        self.room = room
    }

    /// Starts after a message that the owner has from an earlier run.
    init(room: RoomID, since id: MessageID, epoch: UInt64?) {
        self.room = room
        lastID = id
        self.epoch = epoch
    }

    /// What to ask for to go on from here; nil where nothing was given yet.
    var joinPoint: JoinPoint? {
        lastID.map { .since($0, epoch: epoch) }
    }

    /// The room answered a join. Its messages come after this, one by one, as `messageReceived`.
    mutating func joined(_ answer: JoinAnswer) -> RelayClientEvent? {
        let isFirst = lastID == nil
        let wasRewound = answer.reason == Recovery.Shortfall.rewound.rawValue
        epoch = answer.epoch
        if isFirst || wasRewound {
            // An empty room is recovered from its very beginning.
            lastID = .zero
            lastSeq = nil
        }
        if wasRewound { return .rewound(room, epoch: answer.epoch) }
        guard !answer.isRecovered else { return nil }
        defer { lastSeq = nil }
        let first = answer.messages.first?.message.seq
        let missing = lastSeq.flatMap { last in first.flatMap { last + 1 < $0 ? last + 1...$0 - 1 : nil } }
        return .gap(ClientGap(room: room, missing: missing, reason: .trimmed))
    }

    /// A message came, in an answer to a join or live.
    mutating func messageReceived(_ received: ReceivedMessage) -> Verdict {
        let message = received.message
        guard !recent.contains(message.id), lastID.map({ $0 < message.id }) ?? true else { return .known }
        var gap: ClientGap?
        if let lastSeq, message.seq > lastSeq + 1 {
            gap = ClientGap(room: room, missing: lastSeq + 1...message.seq - 1, reason: .unexplained)
        }
        lastID = message.id
        lastSeq = message.seq
        remember(message.id)
        return gap.map(Verdict.newAfterGap) ?? .new
    }

    /// A live event came: what it changes here, and what it means to the owner.
    mutating func eventReceived(_ event: ReceivedEvent) -> RelayClientEvent {
        // Anybody with access to Redis may publish an event by hand; only those of edges say how the room stands.
        guard !event.isForeign else { return .event(event) }
        switch event.event.kind {
        case .lagged:
            guard let from = event.figure("from_seq"), let to = event.figure("to_seq"), from <= to else {
                return .event(event)
            }
            lastSeq = to
            return .gap(ClientGap(room: room, missing: from...to, reason: .lagged))
        case .rewound:
            // Where messages were moved the room goes on as it stands: they come as new ones.
            guard event.event.moved.isEmpty else { return .event(event) }
            guard let epoch = event.figure("epoch") else { return .event(event) }
            self.epoch = epoch
            lastID = .zero
            lastSeq = nil
            return .rewound(room, epoch: epoch)
        case .join, .leave, .typing, .read, .page, .notice:
            return .event(event)
        }
    }

    private mutating func remember(_ id: MessageID) {
        recent.insert(id)
        recentOrder.append(id)
        guard recentOrder.count >= 2 * Self.recentMax else { return }
        for old in recentOrder.prefix(Self.recentMax) { recent.remove(old) }
        recentOrder.removeFirst(Self.recentMax)
    }
}
