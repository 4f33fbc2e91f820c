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
        /// The room does not exist: make it, or refuse the readers; answered by `created` or `readFailed`.
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
    }

    private(set) var phase = Phase.idle
    private(set) var position: Position?
    private(set) var ring = FrameRing(floor: .zero, isWhole: true)
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
    private var waiting: [(ticket: Ticket, point: JoinPoint)] = []
    private var backfill: (span: HistorySpan, ringFloor: MessageID)?
    /// What the last read of older messages brought, for readers who come a little later.
    private var recent: FeedStretch<[StoredFrame]>?
    /// Right below the oldest message that the stream held when it was looked at last.
    private var streamFloor = MessageID.zero
    private var checkedMilliseconds: UInt64 = 0

    /// A feed that nobody asked for yet.
    public init() {}

    /// The number of the newest message that members have; 0 before the first.
    public var lastSeq: UInt64 { position?.seq ?? 0 }

    /// The id of the newest message that members have.
    public var lastID: MessageID? { position.flatMap { $0.seq == 0 ? nil : $0.id } }

    /// How many live frames wait for a read to come back.
    public var lag: UInt64 { UInt64(held.count) }

    // MARK: Readers

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

    /// The room was active at that time, as the list of rooms has it. Reads only where this feed knows nothing of it.
    public mutating func activitySeen(milliseconds: UInt64) -> [Action] {
        // Not above alone: what was missed may bear the ms of the message before it.
        guard phase == .live, milliseconds >= position?.id.milliseconds ?? 0, milliseconds > checkedMilliseconds
        else { return [] }
        checkedMilliseconds = milliseconds
        return catchUp()
    }

    private mutating func catchUp() -> [Action] {
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
            reset()
            return catchUp()
        }
        return merge(page, standing)
    }

    /// The room was made; it stands where it stands.
    public mutating func created() -> [Action] {
        _ = readEnded()
        return readAgainIfOutdated()
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
        let lastID = max(standing.lastID ?? .zero, page.frames.last?.id ?? .zero)
        position = Position(epoch: standing.epoch, seq: standing.lastSeq, id: lastID)
        if page.mayHaveMore, let below = frames.first {
            ring = FrameRing(floor: below.id, isWhole: true)
        } else {
            ring = FrameRing(floor: .zero, isWhole: frames.first.map { $0.seq == 1 } ?? (standing.lastSeq == 0))
        }
        for frame in frames.dropFirst(page.mayHaveMore ? 1 : 0) { keep(frame) }
        var actions: [Action] = []
        if let lost, lost.position.seq > 0 {
            actions.append(.rewound(from: lost.position.seq, to: standing.lastSeq, epoch: standing.epoch))
            let common = frames.last { lost.ring.frame(seq: $0.seq)?.id == $0.id }
            let unseen = frames.filter { $0.id > (common?.id ?? lost.position.id) }
            actions += deliveries(of: unseen)
            if let end = unseen.last?.seq, end < standing.lastSeq { actions.append(.lost(end + 1...standing.lastSeq)) }
        }
        lost = nil
        return actions + goLive()
    }

    private mutating func reset() {
        if let position { lost = (position, ring) }
        (position, recent) = (nil, nil)
        ring = FrameRing(floor: .zero, isWhole: true)
    }

    /// Takes in what a read brought, then what was held meanwhile.
    private mutating func merge(_ page: HistoryPage, _ standing: RoomStanding) -> [Action] {
        let frames = page.numbered(from: lastSeq)
        var actions = deliveries(of: frames, after: lastSeq)
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

    // MARK: Answers

    /// Older messages are here, for whoever waits for them.
    public mutating func backfilled(_ page: HistoryPage) -> [Action] {
        guard let (span, ringFloor) = backfill else { return [] }
        backfill = nil
        guard phase == .live, let position else { return [] }
        guard let standing = page.standing, standing.epoch == position.epoch else { return catchUp() }
        streamFloor = standing.oldestID?.previous ?? .zero
        var stretch = FeedStretch(page, for: span, upTo: ReadCursor(id: position.id, seq: position.seq))
        recent = page.isShortened ? nil : stretch
        let isUnbroken = !page.more && ring.floor == ringFloor
        let isGone = !(span.isLatest && page.more) && (page.frames.first?.id ?? .zero) > position.id
        let meetsRing = isUnbroken || isGone || (stretch.frames.last?.id ?? stretch.bottom) >= ring.floor
        if meetsRing {
            if !page.isShortened || stretch.frames.isEmpty { extendRing(with: stretch) }
            if let last = stretch.frames.last?.id { stretch.frames += ring.frames.drop { $0.id <= last } }
        }
        stretch.endsNow = meetsRing || span.isLatest || !page.more
        return answerWaiting(from: stretch)
    }

    /// What was read a while ago is kept no longer.
    public mutating func backfillAged() { recent = nil }

    private mutating func extendRing(with stretch: FeedStretch<[StoredFrame]>) {
        let older = stretch.frames.prefix { $0.id < (ring.frames.first?.id ?? position?.id.next ?? .zero) }
        // Where numbers are missing, the ring would have a hole; nor may there be one in what is put in front.
        var start = older.endIndex
        var next = ring.frames.first?.seq ?? lastSeq &+ 1
        while start > older.startIndex, older[start - 1].seq + 1 == next {
            start -= 1
            next = older[start].seq
        }
        if start == older.startIndex {
            ring.prepend(older, lowerFloor: stretch.bottom, isWhole: stretch.isWhole)
        } else {
            ring.prepend(older[start...], lowerFloor: older[start - 1].id, isWhole: false)
        }
    }

    /// Older messages could not be read.
    public mutating func backfillFailed(_ refusal: Refusal) -> [Action] {
        backfill = nil
        return phase == .live ? refuseWaiting(refusal) : []
    }

    private var wantedHistory: Int {
        waiting.map { if case .history(let limit) = $0.point { limit } else { 0 } }.max() ?? 0
    }

    private mutating func startBackfill() -> [Action] {
        guard phase == .live, backfill == nil, !waiting.isEmpty else { return [] }
        let span: HistorySpan
        if let lowest = waiting.compactMap(\.point.lowerBound).min() {
            span = .after(lowest, limit: Limits.pageMessagesMax)
        } else {
            // One more than wanted: the one below shows that the others are complete.
            span = .latest(limit: wantedHistory + 1)
        }
        backfill = (span, ring.floor)
        return [.backfill(span)]
    }

    private mutating func answerWaiting(from stretch: FeedStretch<[StoredFrame]>? = nil) -> [Action] {
        guard position != nil else { return [] }
        var actions: [Action] = []
        var still: [(ticket: Ticket, point: JoinPoint)] = []
        for (ticket, point) in waiting {
            if let recovery = answer(point) ?? stretch.flatMap({ answer(point, from: $0) }) {
                actions.append(.answer(ticket, recovery))
            } else {
                still.append((ticket, point))
            }
        }
        waiting = still
        return actions + startBackfill()
    }

    private mutating func refuseWaiting(_ refusal: Refusal) -> [Action] {
        defer { waiting.removeAll() }
        return waiting.map { .refuse($0.ticket, refusal) }
    }

    /// The answer that the ring alone can give; nil where older messages have to be read.
    private func answer(_ point: JoinPoint) -> Recovery? {
        guard let position else { return nil }
        let stretch = FeedStretch(frames: ring.frames, bottom: ring.floor, isWhole: ring.isWhole, endsNow: true)
        switch point {
        case .history(let limit):
            guard ring.frames.count >= limit || ring.floor == .zero else { return nil }
            return recovery(Array(ring.frames.suffix(limit)), above: nil, shortfall: nil)
        case .since(let id, let epoch) where id > position.id || (epoch ?? position.epoch) != position.epoch:
            // As long as the feed reads on, the reader may know more than the feed.
            return phase == .live ? everything(because: .rewound) : nil
        case .cursor(let cursor) where cursor.id > position.id:
            return everything(because: .rewound)
        case .since(let id, _):
            return id >= ring.floor ? self.stretch(stretch, above: ReadCursor(id: id, seq: nil)) : nil
        case .cursor(let cursor):
            return cursor.id >= ring.floor ? self.stretch(stretch, above: cursor) : nil
        }
    }

    /// The answer that a stretch just read can give; nil where it begins too late or holds nothing for this reader.
    private func answer(_ point: JoinPoint, from stretch: FeedStretch<[StoredFrame]>) -> Recovery? {
        switch point {
        case .history(let limit):
            guard stretch.endsNow, stretch.frames.count >= limit || stretch.bottom == .zero else { return nil }
            return recovery(stretch.frames.suffix(limit), above: nil, shortfall: nil)
        case .since(let id, _):
            return answer(.cursor(ReadCursor(id: id, seq: nil)), from: stretch)
        case .cursor(let cursor):
            guard cursor.id >= stretch.bottom, let last = stretch.frames.last, last.id > cursor.id else { return nil }
            return self.stretch(stretch, above: cursor)
        }
    }

    /// All that Redis holds, for a reader whose past is not this room's past: it begins below the first and pages up.
    private func everything(because shortfall: Recovery.Shortfall) -> Recovery? {
        recovery([], above: ReadCursor(id: streamFloor, seq: nil), shortfall: shortfall)
    }

    private func stretch(
        _ stretch: FeedStretch<some RandomAccessCollection<StoredFrame>>, above cursor: ReadCursor
    ) -> Recovery {
        let (frames, isFirst) = stretch.page(above: cursor.id)
        let first = frames.first?.seq ?? (position?.seq ?? 0) &+ 1
        var shortfall: Recovery.Shortfall?
        if let seq = cursor.seq {
            if first <= seq { shortfall = .rewound } else if first - seq > 1 { shortfall = .trimmed }
        } else if isFirst, !stretch.isWhole, cursor.id < (position?.id ?? .zero) {
            shortfall = .trimmed
        }
        return recovery(frames, above: cursor, shortfall: shortfall)
    }

    private func recovery(_ frames: [StoredFrame], above cursor: ReadCursor?, shortfall: Recovery.Shortfall?)
        -> Recovery
    {
        let position = position ?? Position(epoch: 0, seq: 0, id: .zero)
        let end = ReadCursor(id: position.id, seq: position.seq)
        var reached = cursor ?? end
        if let last = frames.last { reached = ReadCursor(id: last.id, seq: last.seq) }
        let isAtEnd = reached.id >= position.id && (reached.seq ?? position.seq) >= position.seq
        let isLive = isAtEnd || position.seq == 0 || (frames.isEmpty && shortfall != .rewound)
        // The number of the next message that there still is.
        let next = frames.first?.seq ?? (isLive ? position.seq &+ 1 : 0)
        var missed: ClosedRange<UInt64>?
        if let seq = cursor?.seq, next > seq, next - seq > 1 { missed = seq + 1...next - 1 }
        return Recovery(
            standing: RoomStanding(epoch: position.epoch, lastSeq: position.seq, lastID: lastID, oldestSeq: nil),
            frames: frames, isLive: isLive, shortfall: shortfall, missed: missed, cursor: isLive ? end : reached)
    }
}
