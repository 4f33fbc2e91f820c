import RelayCore

/// Holds what happened in one room against what was promised: a function of the events, without a clock or IO.
///
/// It remembers about 60 bytes a message and 60 a send, and of each reader only how far it is, so an hour of 200
/// messages a second over all rooms takes some 100 MB. What is broken is reported once, where it first shows.
public struct RoomVerifier: Sendable {
    let room: Int
    var ledger = RoomLedger()
    var sends: [SendKey: SendFact] = [:]
    var readers: [Int: ReaderProgress] = [:]
    var claims: [LossClaim] = []
    private var ackedOrder: [UInt32: [(number: UInt32, seq: UInt64)]] = [:]
    var storedLast: Place?
    var archivedLast: Place?
    var pagedLast: [Int: Place] = [:]
    var horizon = LossHorizon()
    private var newest = MessageID.zero
    private var moved: Set<MessageID> = []
    /// Where messages are said to have gone: whose they are, and where they were.
    private(set) var moves: [Place: SendKey] = [:]
    private(set) var origins: [Place: Place] = [:]
    var doubles: [Pair: DoubledSend] = [:]
    /// The longest time between an ack and its delivery to a reader who was there, in ms.
    public private(set) var worstGap: UInt32 = 0

    /// Numbers that somebody was told to be gone.
    struct LossClaim: Sendable {
        var seqs: ClosedRange<UInt64>
        var at: UInt32
        var client: Int?
    }

    /// Acks of one session that are kept to compare the order of later ones.
    private static let ordersMax = 64
    /// Claims that wait for the next look at the stream; further ones are not looked at.
    private static let claimsMax = 10_000

    /// A room of which nothing is known.
    public init(room: Int) {
        self.room = room
    }

    /// Takes the next event of this room.
    public mutating func take(_ event: CheckEvent) -> [Violation] {
        let client = event.client ?? -1
        horizon.timePassed(at: event.at, newest: newest)
        switch event.fact {
        case .sent(let key, let attempt): sent(key, attempt, event)
        case .acknowledged(let key, let place, _): return acknowledged(key, place, event)
        case .joinAsked(let wish): readers[client, default: ReaderProgress()].joinAsked(wish)
        case .joinFailed: readers[client]?.joinFailed()
        case .leaveAsked: readers[client]?.left()
        case .joined(let answer):
            horizon.epochHeard(answer.epoch)
            return judge(readers[client]?.joined(answer, at: event.at), event, seqs: answer.seq...answer.seq)
        case .heard(let sighting): return heard(sighting, event)
        case .lagged(let from, let to, let count):
            return judge(
                readers[client]?.lagged(from: from, to: to, count: count), event, seqs: from...max(from, to))
        case .rewound(let notice):
            horizon.epochHeard(notice.epoch)
            let seqs = notice.to...max(notice.to, notice.from)
            guard !notice.moved.isEmpty else { return judge(readers[client]?.rewound(notice), event, seqs: seqs) }
            note(notice.moved)
            return judge(.rewound, event, seqs: seqs)
        case .paged(let sighting, let edge): return paged(sighting, edge: edge, event)
        case .stored(let sighting): return stored(sighting, event)
        case .streamFloor(let seq, let asked): return floorSeen(seq, asked: asked)
        case .archived(let sighting): return archived(sighting, event)
        case .archiveGap(let from, let to, let reason): return archiveGap(from: from, to: to, reason, event)
        case .archiveStrange(let line):
            return [Violation(.archiveOrder, "The archive holds a line that is none: \(line)", focus: focus())]
        case .faultBegan(.flushRoom, _): horizon.forgettingBegan(at: event.at)
        case .faultBegan(.trim, _), .faultEnded(.trim, _): horizon.trimmed(at: event.at)
        case .opened, .closed, .stalled, .resumed, .refused, .unanswered, .unreadable, .faultBegan, .faultEnded,
            .edgeEnded:
            break
        }
        return []
    }

    /// The client's connection is over.
    mutating func connectionEnded(client: Int) { readers[client]?.left() }

    /// The client reads again after a pause.
    mutating func resumed(client: Int, at now: UInt32) { readers[client]?.resumed(at: now) }

    func focus(_ seqs: ClosedRange<UInt64>? = nil, client: Int? = nil, keys: [SendKey?] = []) -> Violation.Focus {
        Violation.Focus(room: room, client: client, seqs: seqs, keys: keys.compactMap { $0 })
    }

    private mutating func note(_ list: [RewoundFact.Move]) {
        for move in list {
            moved.formUnion([move.from.id, move.to.id])
            origins[move.to] = move.from
            let entry = ledger[move.from.seq]
            if entry.id == move.from.id, let key = entry.key ?? entry.ackedKey { moves[move.to] = key }
        }
    }

    // MARK: Sends

    private mutating func sent(_ key: SendKey, _ attempt: Int, _ event: CheckEvent) {
        var send = sends[key] ?? SendFact()
        send.attempts = attempt
        if attempt == 1 { send.session = event.session }
        sends[key] = send
    }

    private mutating func acknowledged(_ key: SendKey, _ place: Place, _ event: CheckEvent) -> [Violation] {
        let seqs = place.seq...place.seq
        guard var send = sends[key] else {
            return [Violation(.wrongAck, "An ack of \(key), which was not sent.", focus: focus(seqs, keys: [key]))]
        }
        if send.ackedSeq == place.seq, ledger[place.seq].id == place.id { return [] }
        if send.ackedSeq != 0 {
            let other = Place(id: ledger[send.ackedSeq].id, seq: send.ackedSeq)
            let text = "\(key) was acknowledged as number \(send.ackedSeq), and then as \(place.seq) (\(place.id))."
            let about = Violation.Focus(room: room, seqs: seqs, otherSeq: send.ackedSeq, keys: [key])
            return doubled(key, place, other, Violation(.nonce, text, focus: about))
        }
        newest = max(newest, place.id)
        send.ackedSeq = place.seq
        sends[key] = send
        var entry = ledger[place.seq]
        let isKnown = !entry.marks.isEmpty
        let isOther = entry.id != place.id || (entry.key ?? key) != key || (entry.ackedKey ?? key) != key
        if isKnown, isOther, entry.id != place.id, isExcused(place.id, beside: entry.id) {
            // Of two messages that were given one number the later one stays.
            guard place.id > entry.id else { return [] }
            entry = RoomLedger.Entry()
        } else if isKnown, isOther {
            let text =
                "\(key) was acknowledged as number \(place.seq) (\(place.id)), where "
                + "\((entry.key ?? entry.ackedKey)?.description ?? "another message") (\(entry.id)) stands."
            return [Violation(.wrongAck, text, focus: focus(seqs, keys: [key, entry.key, entry.ackedKey]))]
        }
        entry.id = place.id
        entry.ackedKey = key
        entry.ackedAt = event.at
        entry.marks.insert(.acknowledged)
        ledger[place.seq] = entry
        guard send.attempts == 1, send.session == event.session else { return [] }
        return ordered(key, place.seq, session: event.session)
    }

    private mutating func ordered(_ key: SendKey, _ seq: UInt64, session: UInt32) -> [Violation] {
        var known = ackedOrder[session] ?? []
        let other = known.first { ($0.number < key.number) != ($0.seq < seq) }
        known.append((key.number, seq))
        if known.count > Self.ordersMax { known.removeFirst() }
        ackedOrder[session] = known
        guard let other else { return [] }
        let text = "\(key) is number \(seq), and send \(other.number) of the same session is \(other.seq)."
        let about = Violation.Focus(
            room: room, seqs: seq...seq, otherSeq: other.seq,
            keys: [key, ledger[other.seq].ackedKey].compactMap { $0 })
        return [Violation(.sendOrder, text, focus: about)]
    }

    /// Whether a message may have the place, or the number, of another one: Redis forgot between the two, or it is
    /// said to have moved.
    private func isExcused(_ id: MessageID, beside other: MessageID) -> Bool {
        moved.contains(id) || horizon.lies(between: id, and: other)
    }

    // MARK: Messages

    private mutating func heard(_ sighting: Sighting, _ event: CheckEvent) -> [Violation] {
        let client = event.client ?? -1
        var found = see(sighting, .seen, event)
        let seq = sighting.place.seq
        found += judge(readers[client]?.heard(seq), event, seqs: seq...seq)
        let entry = ledger[seq]
        if entry.marks.contains(.acknowledged), let reader = readers[client], reader.isReading {
            let since = max(entry.ackedAt, reader.readsSince)
            if event.at > since { worstGap = max(worstGap, event.at - since) }
        }
        return found
    }

    /// A message stands somewhere: it has to be the one that stands there everywhere else.
    mutating func see(_ sighting: Sighting, _ mark: RoomLedger.Marks, _ event: CheckEvent) -> [Violation] {
        let (place, key) = (sighting.place, sighting.key)
        let about = focus(place.seq...place.seq, client: event.client, keys: [key])
        guard place.seq > 0, place.seq < RoomLedger.entriesMax, place.seq < ledger.lastSeq + 1_000_000 else {
            return [Violation(.density, "A message has the number \(place.seq).", focus: about)]
        }
        newest = max(newest, place.id)
        var entry = ledger[place.seq]
        var isOutdated = false
        defer {
            if !isOutdated {
                entry.marks.formUnion([.seen, mark])
                ledger[place.seq] = entry
            }
        }
        if !entry.marks.isEmpty, entry.id != place.id {
            if isExcused(place.id, beside: entry.id) {
                isOutdated = place.id < entry.id
                if !isOutdated { entry = RoomLedger.Entry(id: place.id, digest: sighting.digest, key: key) }
                return origin(of: sighting, about)
            }
            let rule = entry.marks == .acknowledged ? CheckRule.wrongAck : .order
            let known = entry.key ?? entry.ackedKey
            let text =
                "Number \(place.seq) is \(key?.description ?? "somebody's") (\(place.id)) here and "
                + "\(known?.description ?? "somebody's") (\(entry.id)) there."
            return [
                Violation(rule, text, focus: focus(place.seq...place.seq, client: event.client, keys: [key, known]))
            ]
        }
        if entry.marks.contains(.seen) {
            guard entry.digest != sighting.digest else { return [] }
            return [Violation(.bytes, "Number \(place.seq) has not the same bytes everywhere.", focus: about)]
        }
        (entry.id, entry.digest, entry.key) = (place.id, sighting.digest, key)
        if let acked = entry.ackedKey, acked != key {
            let text = "\(acked) was acknowledged as number \(place.seq), where another message stands."
            return [Violation(.wrongAck, text, focus: focus(place.seq...place.seq, keys: [acked, key]))]
        }
        return neighbours(of: place, about) + origin(of: sighting, about)
    }

    private func neighbours(of place: Place, _ about: Violation.Focus) -> [Violation] {
        let before = ledger[place.seq - 1]
        let after = ledger[place.seq + 1]
        let isAbove = before.marks.isEmpty || before.id < place.id || isExcused(place.id, beside: before.id)
        let isBelow = after.marks.isEmpty || after.id > place.id || isExcused(place.id, beside: after.id)
        guard !isAbove || !isBelow else { return [] }
        return [
            Violation(.density, "Number \(place.seq) (\(place.id)) has an id out of order.", focus: about)
        ]
    }

    /// Who said it, and whether it is the only message of that send.
    private mutating func origin(of sighting: Sighting, _ about: Violation.Focus) -> [Violation] {
        let seq = sighting.place.seq
        guard let key = sighting.key, var send = sends[key] else {
            return [Violation(.forged, "Number \(seq) is a message that nobody sent.", focus: about)]
        }
        guard !sighting.isAltered else {
            return [Violation(.forged, "Number \(seq) is not what \(key) said.", focus: about)]
        }
        let other = send.seq
        send.seq = seq
        sends[key] = send
        guard other != 0, other != seq else { return [] }
        let text = "\(key) is two messages, number \(min(other, seq)) and number \(max(other, seq))."
        let about = Violation.Focus(room: room, seqs: seq...seq, otherSeq: other, keys: [key])
        let violation = Violation(key.hasNonce ? .nonce : .double, text, focus: about)
        return doubled(key, sighting.place, Place(id: ledger[other].id, seq: other), violation)
    }

    private mutating func judge(
        _ outcome: ReaderProgress.Outcome?, _ event: CheckEvent, seqs: ClosedRange<UInt64>
    ) -> [Violation] {
        let who = event.client.map { "client \($0)" } ?? "a reader"
        switch outcome {
        case nil, .fits: return []
        case .hole(let gone):
            return [
                Violation(.hole, "\(who) never got \(Self.numbers(gone)).", focus: focus(gone, client: event.client))
            ]
        case .repeated:
            let text = "\(who) got number \(seqs.lowerBound) again, or too late."
            return [Violation(.repeated, text, focus: focus(seqs, client: event.client))]
        case .lost(let gone):
            if claims.count < Self.claimsMax {
                claims.append(LossClaim(seqs: gone, at: event.at, client: event.client))
            }
            return []
        case .inexact(let expected):
            let text = "\(who) was told of a loss with wrong numbers; \(expected) was expected."
            return [Violation(.falseLoss, text, focus: focus(seqs, client: event.client))]
        case .rewound:
            guard horizon.firstLossAt == nil else { return [] }
            let text = "\(who) was told that Redis lost writes, and nothing was done that loses any."
            return [Violation(.falseRewind, text, focus: focus(seqs, client: event.client))]
        case .silentRewind(let from, let to):
            let text = "\(who) was given epoch \(to) after \(from) as if nothing had happened."
            return [Violation(.falseRewind, text, focus: focus(seqs, client: event.client))]
        }
    }

    static func numbers(_ seqs: ClosedRange<UInt64>) -> String {
        seqs.count == 1 ? "number \(seqs.lowerBound)" : "numbers \(seqs.lowerBound) to \(seqs.upperBound)"
    }
}
