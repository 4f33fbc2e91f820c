public import RelayCore
public import RelayWire

/// One client of a run: what it does when, by its seed and by what it is answered.
///
/// It sends, with and without a nonce and several at once, joins, leaves, goes away in good order or by a cut, stops
/// reading for a while, and tries sends again on whatever edge it is at. When it is told to finish, it says no more,
/// tries what is open until it is settled, and takes up every room that it ever was in.
public struct ClientStateMachine: Sendable {
    private enum Link: Equatable {
        /// Exits: opening.
        case offline(until: Moment)
        /// Exits: open, offline.
        case opening
        /// Exits: closing, offline.
        case open
        /// Exits: offline.
        case closing
    }

    private enum Phase {
        case working, finishing, leaving
    }

    /// An op that waits for its answer.
    private enum Pending {
        case send(SendKey, room: Int)
        case join(room: Int)
        case leave(room: Int)
        case history(room: Int)
    }

    /// A send whose fate is not known.
    private struct Unsettled {
        var room: Int
        var attempts: Int
        var notBefore: Moment
        var isUnderWay: Bool
    }

    /// How long an op may wait for its answer on a connection that stands.
    static let answerDeadline: Duration = .seconds(30)
    /// Sends whose fate is open; with so many the client says nothing new.
    static let unsettledMax = 64
    /// Nonces are good for ten minutes; what is older is given up.
    private static let acknowledgedMax = 16

    private let plan: ClientPlan
    private var random: CheckRandom
    private var link: Link
    private var edge = 0
    private var phase = Phase.working
    private var stands: [RoomStand]
    private var pending: [Int64: (op: Pending, asked: Moment)] = [:]
    private var unsettled: [SendKey: Unsettled] = [:]
    private var acknowledged: [(key: SendKey, room: Int, attempts: Int)] = []
    private var lastRef: Int64 = 0
    private var lastNumber: UInt32 = 0
    private var resumeAt: Moment?
    private var budget: OpBudget

    /// A client that is not connected.
    public init(_ plan: ClientPlan, now: Moment) {
        self.plan = plan
        random = CheckRandom(seed: plan.seed, stream: UInt64(plan.number) + 1)
        stands = plan.rooms.map { _ in RoomStand() }
        link = .offline(until: now)
        budget = OpBudget(now: now)
    }

    // MARK: What is asked of it

    /// It is to come to an end.
    public mutating func finish() { if phase == .working { phase = .finishing } }

    /// Whether all that it said is settled, and it is in every room that it ever was in.
    public var isSettled: Bool {
        phase != .working && link == .open && resumeAt == nil && unsettled.isEmpty && pending.isEmpty
            && stands.allSatisfy { !$0.wasThere || $0.state == .joined }
    }

    /// It leaves all rooms and closes.
    public mutating func depart(now: Moment) -> [ClientAction] {
        phase = .leaving
        guard link == .open else { return [] }
        var actions: [ClientAction] = resumeAt == nil ? [] : [.resume]
        for room in stands.indices where stands[room].state == .joined { actions += leave(room, now) }
        return actions + goAway(.close)
    }

    // MARK: Time

    /// A beat of the clock.
    public mutating func ticked(now: Moment) -> [ClientAction] {
        switch link {
        case .offline(let until):
            guard now >= until, phase != .leaving else { return [] }
            link = .opening
            let other = random.below(plan.edges)
            // Elsewhere than last time more often than not.
            edge = other == edge ? random.below(plan.edges) : other
            return [.open(edge: edge)]
        case .opening, .closing: return []
        case .open: break
        }
        if let resumeAt {
            guard now >= resumeAt || phase != .working else { return [] }
            self.resumeAt = nil
            return [.record(room: nil, .resumed), .resume]
        }
        if let late = pending.values.first(where: { now - $0.asked > Self.answerDeadline }) {
            guard case .send(let key, let room) = late.op else { return goAway(.cut) }
            return [.record(room: room, .unanswered(key))] + goAway(.cut)
        }
        let actions = retry(now)
        if !actions.isEmpty { return actions }
        if phase == .finishing { return takeUpRooms(now) }
        return random.chance(plan.opsPerMille) ? act(now) : []
    }

    private mutating func act(_ now: Moment) -> [ClientAction] {
        switch random.below(1000) {
        case ..<3: return goAway(.close)
        case ..<6: return goAway(.cut)
        case ..<10:
            resumeAt = now + .milliseconds(500 + random.below(6000))
            return [.record(room: nil, .stalled), .pause]
        case ..<50: return repeatAcknowledged(now)
        case ..<70: return readHistory(now)
        case ..<85:
            let room = random.below(stands.count)
            return stands[room].state == .joined ? leave(room, now) : []
        case ..<250:
            let room = random.below(stands.count)
            return stands[room].state == .away ? join(room, now) : []
        default: return say(now)
        }
    }

    // MARK: Connections

    /// The connection stands.
    public mutating func opened(now: Moment) -> [ClientAction] {
        link = .open
        budget = OpBudget(now: now)
        return [.record(room: nil, .opened(edge: edge))]
    }

    /// No connection came about.
    public mutating func openFailed(now: Moment) {
        link = .offline(until: now + .milliseconds(100 + random.below(300)))
    }

    /// The connection is over.
    public mutating func closed(_ cause: CloseCause, now: Moment) -> [ClientAction] {
        let isOwn = link == .closing
        link = .offline(until: now + .milliseconds(random.below(isOwn ? 1500 : 200)))
        var actions: [ClientAction] = [.record(room: nil, .closed(isOwn ? .own : cause))]
        if resumeAt != nil { actions.append(.resume) }
        resumeAt = nil
        pending = [:]
        for key in unsettled.keys { unsettled[key]?.isUnderWay = false }
        // Nobody can know what became of these, and they cannot be tried again.
        unsettled = unsettled.filter { $0.key.hasNonce }
        for room in stands.indices { stands[room].state = .away }
        return actions
    }

    private mutating func goAway(_ how: ClientAction) -> [ClientAction] {
        link = .closing
        return [how]
    }

    // MARK: Ops

    private mutating func ask(
        _ command: ClientCommand, _ op: Pending, _ now: Moment
    ) -> [ClientAction]? {
        guard budget.take(command.cost, now: now) else { return nil }
        lastRef += 1
        pending[lastRef] = (op, now)
        return [.send(command, ref: lastRef)]
    }

    private mutating func say(_ now: Moment) -> [ClientAction] {
        guard phase == .working else { return [] }
        var actions: [ClientAction] = []
        let room = random.below(stands.count)
        // Now and then several at once, so that they are in flight together.
        for _ in 0..<(random.chance(60) ? 1 + random.below(6) : 1) where unsettled.count < Self.unsettledMax {
            lastNumber += 1
            let key = SendKey(client: plan.number, number: lastNumber, hasNonce: random.chance(700))
            unsettled[key] = Unsettled(room: room, attempts: 0, notBefore: now, isUnderWay: false)
            let sent = attempt(key, now)
            if sent.isEmpty {
                unsettled[key] = nil
                lastNumber -= 1
                break
            }
            actions += sent
        }
        return actions
    }

    private mutating func attempt(_ key: SendKey, _ now: Moment) -> [ClientAction] {
        guard var send = unsettled[key] else { return [] }
        let utterance = Utterance(
            room: plan.rooms[send.room], type: .message, text: plan.speech.text(of: key),
            nonce: plan.speech.nonce(of: key).flatMap { Nonce($0) }, replyTo: nil)
        guard let asked = ask(.send(utterance), .send(key, room: send.room), now) else { return [] }
        send.attempts += 1
        send.isUnderWay = true
        unsettled[key] = send
        // First the record: what it says of a send is known before anything can come of it.
        return [.record(room: send.room, .sent(key, attempt: send.attempts))] + asked
    }

    private mutating func retry(_ now: Moment) -> [ClientAction] {
        let due = unsettled.filter { !$0.value.isUnderWay && now >= $0.value.notBefore }.keys
        guard let key = due.min(by: { $0.number < $1.number }) else { return [] }
        return attempt(key, now)
    }

    private mutating func repeatAcknowledged(_ now: Moment) -> [ClientAction] {
        guard !acknowledged.isEmpty, phase == .working else { return [] }
        let done = acknowledged.remove(at: random.below(acknowledged.count))
        unsettled[done.key] = Unsettled(room: done.room, attempts: done.attempts, notBefore: now, isUnderWay: false)
        return attempt(done.key, now)
    }

    private mutating func readHistory(_ now: Moment) -> [ClientAction] {
        let room = random.below(stands.count)
        let limit = 1 + random.below(60)
        let span = stands[room].last.map { HistorySpan.before($0.id, limit: limit) } ?? .latest(limit: limit)
        return ask(.history(plan.rooms[room], span), .history(room: room), now) ?? []
    }

    private mutating func leave(_ room: Int, _ now: Moment) -> [ClientAction] {
        guard let asked = ask(.leave(plan.rooms[room]), .leave(room: room), now) else { return [] }
        stands[room].state = .leaving
        return [.record(room: room, .leaveAsked)] + asked
    }

    private mutating func join(_ room: Int, _ now: Moment) -> [ClientAction] {
        guard now >= stands[room].notBefore else { return [] }
        let point: JoinPoint
        let wish: JoinWish
        if let last = stands[room].last, phase != .working || random.chance(850) {
            point = .since(last.id, epoch: stands[room].epoch)
            wish = .since(last, epoch: stands[room].epoch)
        } else {
            let limit = random.below(60)
            point = .history(limit: limit)
            wish = .history(limit)
        }
        guard let asked = ask(.join(plan.rooms[room], from: point), .join(room: room), now) else { return [] }
        stands[room].state = .joining
        stands[room].wasThere = true
        return [.record(room: room, .joinAsked(wish))] + asked
    }

    private mutating func takeUpRooms(_ now: Moment) -> [ClientAction] {
        for room in stands.indices where stands[room].wasThere && stands[room].state == .away {
            let actions = join(room, now)
            if !actions.isEmpty { return actions }
        }
        return []
    }

    // MARK: What comes

    /// A frame came.
    public mutating func received(_ frame: ServerFrame, now: Moment) -> [ClientAction] {
        switch frame {
        case .message(let message): return heard(message)
        case .event(let event): return told(event)
        case .answer(let answer, ref: .integer(let ref)):
            guard let op = pending.removeValue(forKey: ref)?.op else { return [] }
            return answered(answer, to: op, now)
        case .answer, .notice: return []
        }
    }

    /// A frame came that cannot be read.
    public func strange(_ reason: String) -> [ClientAction] { [.record(room: nil, .unreadable(reason))] }

    private func room(_ id: RoomID) -> Int? { plan.rooms.firstIndex(of: id) }

    private mutating func heard(_ message: ReceivedMessage) -> [ClientAction] {
        guard let room = room(message.message.draft.room) else { return [] }
        let sighting = plan.speech.sighting(of: message)
        if stands[room].state == .joined { stands[room].last = sighting.place }
        return [.record(room: room, .heard(sighting))]
    }

    private mutating func told(_ event: ReceivedEvent) -> [ClientAction] {
        guard let room = room(event.event.room), !event.isForeign else { return [] }
        switch event.event.kind {
        case .lagged:
            let fact = CheckFact.lagged(
                from: event.figure("from_seq") ?? 0, to: event.figure("to_seq") ?? 0, count: event.figure("count") ?? 0)
            return [.record(room: room, fact)]
        case .rewound:
            let notice = RewoundFact(event)
            if notice.moved.isEmpty { stands[room].epoch = notice.epoch }
            return [.record(room: room, .rewound(notice))]
        case .join, .leave, .typing, .read, .page, .notice: return []
        }
    }

    private mutating func answered(_ answer: ServerAnswer, to op: Pending, _ now: Moment) -> [ClientAction] {
        switch (op, answer) {
        case (.send(let key, let room), .acknowledged(let receipt)):
            let done = unsettled.removeValue(forKey: key)
            if key.hasNonce, let done { remember(key, room, attempts: done.attempts) }
            let place = Place(id: receipt.id, seq: receipt.seq)
            return [.record(room: room, .acknowledged(key, place, isDuplicate: receipt.isDuplicate))]
        case (.send(let key, let room), .refused(let refusal)):
            unsettled[key]?.isUnderWay = false
            unsettled[key]?.notBefore = now + (refusal.retryAfter ?? .milliseconds(300))
            if !key.hasNonce { unsettled[key] = nil }
            return [.record(room: room, .refused(key, refusal.code))]
        case (.join(let room), .joined(let joined)): return self.joined(joined, room)
        case (.join(let room), .refused(let refusal)):
            stands[room].state = .away
            stands[room].notBefore = now + (refusal.retryAfter ?? .milliseconds(300))
            return [.record(room: room, .joinFailed)]
        case (.leave(let room), _):
            stands[room].state = .away
            return []
        case (.history(let room), .history(let page)):
            return page.messages.map { .record(room: room, .paged(plan.speech.sighting(of: $0), edge: -1)) }
        default: return []
        }
    }

    private mutating func remember(_ key: SendKey, _ room: Int, attempts: Int) {
        acknowledged.append((key, room, attempts))
        if acknowledged.count > Self.acknowledgedMax { acknowledged.removeFirst() }
    }

    private mutating func joined(_ answer: JoinAnswer, _ room: Int) -> [ClientAction] {
        stands[room].state = .joined
        stands[room].epoch = answer.epoch
        let fact = JoinedFact(
            epoch: answer.epoch, seq: answer.seq, isRecovered: answer.isRecovered,
            isRewound: answer.reason == "rewound", more: answer.more, count: answer.messages.count)
        return [.record(room: room, .joined(fact))] + answer.messages.flatMap { heard($0) }
    }
}
