import DequeModule

/// One room on one edge: where it stands, what came last, and how every reader gets from its point to now.
///
/// There is one notion of "where am I", the `position`, and one way to "now": read the stream above the position, merge
/// by number, go on live. A first join, a gap, a lost subscription, a quiet room that turns out not to be quiet and a
/// Redis that lost writes all take it. A frame is delivered only if it has the next number and a higher id.
///
/// `Ticket` stands for a reader that waits for an answer; the machine never looks into it.
public struct RoomFeedStateMachine<Ticket> {
    /// What a feed asks for.
    public enum Action {
        /// Ask for the room's channel; answered by `subscribed`.
        case subscribe
        /// Read the stream to get to now; answered by `caughtUp` or `readFailed`.
        case catchUp(HistorySpan)
        /// Read older messages for readers who wait; answered by `backfilled` or `backfillFailed`.
        case backfill(HistorySpan)
        /// Redis lost writes: let the edges put back what they have, and call `settled` when they have, or after
        /// `Limits.restoreSpan`.
        case settle
        /// The room does not exist: make it for one of `waitingTickets`, or refuse the readers; answered by `created`,
        /// `creationRefused` or `readFailed`.
        case create
        /// Hand these to every live member, in this order.
        case deliver([StoredFrame])
        /// Tell every live member that these numbers are gone for good.
        case lost(ClosedRange<UInt64>)
        /// Tell every live member that Redis lost writes: the room stood at `from` and now stands at `to`.
        case rewound(from: UInt64, to: UInt64, epoch: UInt64)
        /// Answer a reader; where `isLive`, it is a member from here on.
        case answer(Ticket, Recovery)
        /// Refuse a reader.
        case refuse(Ticket, Refusal)
        /// What is needed to get to now could not be read; call `retry` in a while.
        case tryAgain
    }

    /// What to do with one frame that came live.
    public enum Verdict {
        /// The next one: hand it to every live member.
        case deliver
        /// Nothing to hand on now: kept until the read is back, or known already.
        case none
        /// It does not fit; the stream has the truth.
        case act([Action])
    }

    enum Phase: Equatable {
        /// Nobody asked yet. Exits: subscribing.
        case idle
        /// The channel is asked for. Exits: catchingUp.
        case subscribing
        /// The stream is being read; live frames are held. Exits: live, stalled, catchingUp again, subscribing.
        ///
        /// Where Redis lost writes, a pause goes before the read, so that what members are told is what stays.
        case catchingUp
        /// Up to date. Exits: catchingUp, subscribing.
        case live
        /// A read failed while subscribed; `retry` reads again. Exits: catchingUp, subscribing.
        case stalled
    }

    struct Position: Equatable {
        var epoch: UInt64
        var seq: UInt64
        var id: MessageID

        /// Nil where nothing was said: a room that was made again begins with a number above 0.
        var lastID: MessageID? { seq == 0 || id == .zero ? nil : id }
    }

    var phase = Phase.idle
    var position: Position?
    var ring = FrameRing(floor: .zero, isWhole: true)
    private var held: Deque<StoredFrame> = []
    /// How many of `held` came before the read under way began: the stream must have them by then, or never.
    private var settledByRead = 0
    private var mustReadAgain = false
    /// Whether a read, or the making of the room, is under way: there is one at a time.
    private var isReading = false
    /// Whether what is under way began before the channel was confirmed, so that it may know too little.
    private var isReadOutdated = false
    /// Where the feed stood and what it had before Redis lost writes, until it knows where the room stands now.
    private var lost: (position: Position, ring: FrameRing)?
    /// What members had before the last loss: they are not given it again where it is put back late.
    private var past: FrameRing?
    /// Whether the room was not there when the edges had had their time.
    private var isLostAgain = false
    /// Whether the feed goes on from before a loss, because more was said since than one look shows.
    private var isRetracing = false
    var waiting: [(ticket: Ticket, point: JoinPoint)] = []
    var backfill: (span: HistorySpan, ringFloor: MessageID, waitingCount: Int)?
    /// Whether the reader who waits longest was there when the last read of older messages began for somebody else, and
    /// was not served by it: the next read is for this one.
    var isFirstPassedOver = false
    /// What the last read of older messages brought, for readers who come a little later.
    var recent: FeedStretch<[StoredFrame]>?
    /// Right below the oldest message that the stream held when it was looked at last.
    var streamFloor = MessageID.zero
    private var checkedMilliseconds: UInt64 = 0
    /// How often members were told of a rewind. (Not the epoch: Redis may come up with an older file of the same one,
    /// and a room in which nothing was said changes it without a word.)
    private(set) var rewinds: UInt64 = 0

    /// A feed that nobody asked for yet.
    public init() {}

    /// The number of the newest message that members have; 0 before the first.
    public var lastSeq: UInt64 { position?.seq ?? 0 }

    /// The id of the newest message that members have.
    public var lastID: MessageID? { position.flatMap(\.lastID) }

    /// Where the room stood by what members have; nil where nothing is known of it. After a loss it is where it stood
    /// before, until the feed knows where it stands now.
    public var standing: RoomStanding? {
        (position ?? lost?.position).map {
            RoomStanding(epoch: $0.epoch, lastSeq: $0.seq, lastID: $0.lastID, oldestSeq: nil)
        }
    }

    /// How many live frames wait for a read to come back.
    public var lag: UInt64 { UInt64(held.count) }

    // MARK: Readers

    /// Those who wait for an answer, in the order in which they came.
    public var waitingTickets: some Sequence<Ticket> { waiting.lazy.map(\.ticket) }

    /// A reader wants the room from a point on.
    public mutating func readerArrived(_ ticket: Ticket, at point: JoinPoint) -> [Action] {
        guard waiting.count < Limits.waitingJoinsMax else { return [.refuse(ticket, .unavailable)] }
        switch phase {
        case .live:
            if let recovery = answer(point) ?? recent.flatMap({ answer(point, from: $0) }) {
                return [.answer(ticket, recovery)]
            }
            waiting.append((ticket, point))
            return startBackfill()
        case .idle:
            waiting.append((ticket, point))
            phase = .subscribing
            return [.subscribe]
        case .stalled:
            waiting.append((ticket, point))
            return retry()
        case .subscribing, .catchingUp:
            waiting.append((ticket, point))
            return []
        }
    }

    /// The store is out of reach: whoever waits is told so; members keep their place.
    public mutating func storeLost() -> [Action] {
        if phase != .idle { phase = .subscribing }
        held.removeAll()
        return refuseWaiting(.unavailable)
    }

    // MARK: Getting to now

    /// The channel is heard from now on, for the first time or again.
    public mutating func subscribed() -> [Action] {
        guard phase != .idle else { return [] }
        return catchUp()
    }

    /// A pause is over after which a failed read is tried again.
    public mutating func retry() -> [Action] {
        phase == .stalled ? catchUp() : []
    }

    /// The room was active at that time in ms, as the list of rooms has it. Reads only where this feed knows nothing of
    /// it; a time that is ahead of `now` hides what is said until then, so the room is read at each look.
    public mutating func activitySeen(milliseconds: UInt64, now: UInt64) -> [Action] {
        // Not above alone: what was missed may bear the ms of the message before it.
        guard phase == .live, milliseconds >= position?.id.milliseconds ?? 0, milliseconds > checkedMilliseconds
        else { return [] }
        checkedMilliseconds = min(milliseconds, now)
        return catchUp()
    }

    mutating func catchUp() -> [Action] {
        phase = .catchingUp
        guard !isReading else {
            isReadOutdated = true
            return []
        }
        isReading = true
        mustReadAgain = false
        settledByRead = held.count
        if let position { return [.catchUp(.after(position.id, limit: Limits.pageMessagesMax))] }
        let limit = lost == nil ? max(wantedHistory, Limits.historyDefault) : Limits.pageMessagesMax
        return [.catchUp(.latest(limit: limit + 1))]
    }

    /// What was under way has ended; true where it is of use, false where it was not waited for or is outdated.
    private mutating func readEnded() -> Bool {
        defer { (isReading, isReadOutdated) = (false, false) }
        return isReading && phase == .catchingUp && !isReadOutdated
    }

    private mutating func readAgainIfOutdated() -> [Action] {
        phase == .catchingUp && !isReading ? catchUp() : []
    }

    /// The read that was to bring the feed to now is back.
    public mutating func caughtUp(_ page: HistoryPage) -> [Action] {
        guard readEnded() else { return readAgainIfOutdated() }
        guard let standing = page.standing else {
            if lastSeq > 0 { return rewindNoticed() }
            if let lost, lost.position.seq > 0, !isLostAgain {
                // Forgotten once more while the edges had their time: they begin anew.
                isLostAgain = true
                isReading = true
                return [.settle]
            }
            reset()
            isReading = true
            return [.create]
        }
        streamFloor = standing.oldestID?.previous ?? .zero
        guard let before = position else { return open(at: standing, page: page) }
        if before.seq == 0 {
            // Nothing was said yet, so nothing is lost if the room was forgotten and made again.
            position?.epoch = standing.epoch
        } else if standing.epoch != before.epoch || page.contradicts(seq: before.seq, id: before.id) {
            if !isRetracing { return rewindNoticed() }
            reset()
            return catchUp()
        }
        guard !page.isLate(behind: before.seq) else {
            // Members would be told that messages are gone which the archive has.
            phase = .stalled
            held.removeAll()
            return refuseWaiting(.unavailable) + [.tryAgain]
        }
        return merge(page, standing)
    }

    /// Redis lost writes. What is read before the edges had their time to put them back would not stay true.
    private mutating func rewindNoticed() -> [Action] {
        reset()
        isReading = true
        isLostAgain = false
        return [.settle]
    }

    /// The pause is over in which edges put back what Redis lost. What is said next may be archived, and lost with its
    /// number in its turn, before members have it: the shorter the pause, the better.
    public mutating func settled() -> [Action] {
        readEnded() ? catchUp() : readAgainIfOutdated()
    }

    /// The room was made; it stands where it stands.
    public mutating func created() -> [Action] {
        _ = readEnded()
        return readAgainIfOutdated()
    }

    /// The room could not be made for one of those who wait: that one is refused, and it is made for another.
    public mutating func creationRefused(_ refusal: Refusal, to isMeant: (Ticket) -> Bool) -> [Action] {
        guard phase == .catchingUp, isReading, !isReadOutdated, waiting.contains(where: { !isMeant($0.ticket) }) else {
            return readFailed(refusal)
        }
        let refused = waiting.filter { isMeant($0.ticket) }
        waiting.removeAll { isMeant($0.ticket) }
        return refused.map { .refuse($0.ticket, refusal) } + [.create]
    }

    /// The read that was to bring the feed to now failed.
    public mutating func readFailed(_ refusal: Refusal) -> [Action] {
        guard readEnded() else { return readAgainIfOutdated() }
        phase = .stalled
        held.removeAll()
        return refuseWaiting(refusal)
    }

    /// The first look at the room: its newest messages.
    ///
    /// Where this follows a loss, members are given what is new to them beyond doubt: what follows on the newest
    /// message that both they and the stream have, or else what has a higher id than any that they have.
    private mutating func open(at standing: RoomStanding, page: HistoryPage) -> [Action] {
        let frames = page.numbered(from: 0)
        if let actions = retrace(page, frames, standing) { return actions }
        let lastID = max(standing.lastID ?? .zero, page.frames.last?.id ?? .zero)
        position = Position(epoch: standing.epoch, seq: standing.lastSeq, id: lastID)
        if page.mayHaveMore {
            ring = FrameRing(floor: frames.first?.id ?? lastID, isWhole: true)
        } else {
            ring = FrameRing(floor: .zero, isWhole: frames.first.map { $0.seq == 1 } ?? (standing.lastSeq == 0))
        }
        for frame in frames.dropFirst(page.mayHaveMore ? 1 : 0) { keep(frame) }
        var actions: [Action] = []
        if let lost, lost.position.seq > 0 {
            actions.append(rewound(from: lost.position.seq, to: standing.lastSeq, epoch: standing.epoch))
            let common = frames.last { lost.ring.frame(seq: $0.seq)?.id == $0.id }
            let unseen = frames.filter { $0.id > (common?.id ?? lost.position.id) && past?.hasHeld($0) != true }
            // Numbers above all that members had, and above what they share with the stream, are gone for good.
            let end = max(common?.seq ?? 0, lost.position.seq)
            let isRaised = (unseen.first?.seq ?? standing.lastSeq) > end
            actions += deliveries(of: unseen, after: isRaised ? end : common?.seq)
            if let last = unseen.last?.seq ?? (isRaised ? end : nil), last < standing.lastSeq {
                actions.append(.lost(last + 1...standing.lastSeq))
            }
            if !lost.ring.frames.isEmpty { past = lost.ring }
        }
        lost = nil
        return actions + goLive()
    }

    /// The room goes on from where it stood before the loss, but farther than the page reaches back: it is read on
    /// from there, and what turns out not to fit shows the newest after all.
    private mutating func retrace(_ page: HistoryPage, _ frames: [StoredFrame], _ standing: RoomStanding) -> [Action]? {
        guard let (before, beforeRing) = lost, page.more, !isRetracing, before.seq > 0, let first = frames.first,
            first.seq > before.seq, first.id > before.id
        else { return nil }
        isRetracing = true
        position = Position(epoch: standing.epoch, seq: before.seq, id: before.id)
        ring = beforeRing
        lost = nil
        return [rewound(from: before.seq, to: standing.lastSeq, epoch: standing.epoch)] + catchUp()
    }

    /// Members are told now; who catches up is told with the next page.
    private mutating func rewound(from: UInt64, to: UInt64, epoch: UInt64) -> Action {
        rewinds += 1
        return .rewound(from: from, to: to, epoch: epoch)
    }

    private mutating func reset() {
        if let position { lost = (position, ring) }
        (position, recent) = (nil, nil)
        ring = FrameRing(floor: .zero, isWhole: true)
    }

    /// Takes in what a read brought, then what was held meanwhile.
    private mutating func merge(_ page: HistoryPage, _ standing: RoomStanding) -> [Action] {
        let frames = page.numbered(from: lastSeq)
        var actions: [Action] = []
        if let past, let end = frames.last(where: past.hasHeld) {
            // Members had these before Redis lost them. Now the room has them again.
            actions.append(rewound(from: lastSeq, to: end.seq, epoch: standing.epoch))
            actions += deliveries(of: frames.filter { $0.seq > end.seq || !past.hasHeld($0) })
        } else {
            actions += deliveries(of: frames, after: lastSeq)
        }
        for frame in frames { advance(to: frame) }
        if page.more { return actions + catchUp() }
        if lastSeq < standing.lastSeq {
            // One look has shown both the counter and that the stream ends before it.
            actions.append(.lost(lastSeq + 1...standing.lastSeq))
            let end = max(standing.lastID ?? .zero, position?.id ?? .zero)
            position = Position(epoch: standing.epoch, seq: standing.lastSeq, id: end)
            ring = FrameRing(floor: end, isWhole: true)
        }
        return actions + goLive()
    }

    /// Orders to hand these on, and between them to tell which numbers are gone.
    private func deliveries(of frames: [StoredFrame], after seq: UInt64? = nil) -> [Action] {
        var actions: [Action] = []
        var run: [StoredFrame] = []
        var last = seq
        for frame in frames {
            if let last, frame.seq - last > 1 {
                if !run.isEmpty { actions.append(.deliver(run)) }
                run.removeAll()
                actions.append(.lost(last + 1...frame.seq - 1))
            }
            run.append(frame)
            last = frame.seq
        }
        return run.isEmpty ? actions : actions + [.deliver(run)]
    }

    /// Takes in what was held; live afterwards unless something is still missing. Readers need not wait for that.
    private mutating func goLive() -> [Action] {
        var delivered: [StoredFrame] = []
        while let frame = held.first {
            // One that came before the read began and was not in it is of a room that Redis has lost.
            if settledByRead == 0, fits(frame) {
                advance(to: frame)
                delivered.append(frame)
            } else if settledByRead == 0, !isKnown(frame) {
                mustReadAgain = true
                break
            }
            held.removeFirst()
            settledByRead = max(0, settledByRead - 1)
        }
        if !mustReadAgain { phase = .live }
        isRetracing = false
        let actions: [Action] = delivered.isEmpty ? [] : [.deliver(delivered)]
        return actions + answerWaiting() + (mustReadAgain ? catchUp() : [])
    }

    // MARK: Live frames

    /// A message came over the room's channel.
    public mutating func frameReceived(_ frame: StoredFrame) -> Verdict {
        switch phase {
        case .live:
            if fits(frame) {
                advance(to: frame)
                return .deliver
            }
            if isKnown(frame) { return .none }
            held.append(frame)
            return .act(catchUp())
        case .catchingUp:
            if held.count < Limits.heldFramesMax {
                held.append(frame)
            } else {
                held.removeAll()
                settledByRead = 0
                mustReadAgain = true
            }
            return .none
        case .idle, .subscribing, .stalled:
            return .none
        }
    }

    /// What is known may be wrong: a message came that is none, or the room may be gone. The stream knows.
    public mutating func doubtArose() -> [Action] {
        phase == .live ? catchUp() : []
    }

    /// Who may be in the room has changed: nothing is handed on before a read that began after that.
    public mutating func membersChanged() -> [Action] {
        if phase == .catchingUp, isReading { isReadOutdated = true }
        return doubtArose()
    }

    private func fits(_ frame: StoredFrame) -> Bool {
        guard let position else { return false }
        return frame.seq > position.seq && frame.seq - position.seq == 1 && frame.id > position.id
    }

    private func isKnown(_ frame: StoredFrame) -> Bool {
        if let known = ring.frame(seq: frame.seq) { return known.id == frame.id }
        return ring.frames.first.map { frame.seq < $0.seq && frame.id < $0.id } ?? false
    }

    private mutating func advance(to frame: StoredFrame) {
        position?.seq = frame.seq
        position?.id = frame.id
        keep(frame)
    }

    /// Takes a frame into the ring, which begins anew where it does not follow on the last: a ring has no hole.
    private mutating func keep(_ frame: StoredFrame) {
        if let last = ring.frames.last, frame.seq != last.seq &+ 1 { ring = FrameRing(floor: last.id, isWhole: false) }
        ring.append(frame)
    }
}
