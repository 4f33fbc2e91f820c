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
    private var lostPosition: Position?
    private var waiting: [(ticket: Ticket, point: JoinPoint)] = []
    private var backfill: (span: HistorySpan, ringFloor: MessageID)?
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
            if let recovery = answer(point) { return [.answer(ticket, recovery)] }
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
        guard phase == .live, milliseconds > max(position?.id.milliseconds ?? 0, checkedMilliseconds) else { return [] }
        checkedMilliseconds = milliseconds
        return catchUp()
    }

    private mutating func catchUp() -> [Action] {
        phase = .catchingUp
        mustReadAgain = false
        settledByRead = held.count
        guard let position else { return [.catchUp(.latest(limit: max(wantedHistory, Limits.historyDefault) + 1))] }
        return [.catchUp(.after(position.id, limit: Limits.pageMessagesMax))]
    }

    /// The read that was to bring the feed to now is back.
    public mutating func caughtUp(_ page: HistoryPage) -> [Action] {
        guard phase == .catchingUp else { return [] }
        guard let standing = page.standing else {
            guard let lost = position else { return [.create] }
            reset()
            return [.rewound(from: lost.seq, to: 0, epoch: 0), .create]
        }
        guard let before = position else { return open(at: standing, page: page) }
        if before.seq == 0 {
            // Nothing was said yet, so nothing is lost if the room was forgotten and made again.
            position?.epoch = standing.epoch
            return merge(page.frames, readsOn: page.more)
        }
        let isBehind = standing.lastSeq < before.seq || (standing.lastID ?? .zero) < before.id
        if standing.epoch != before.epoch || isBehind {
            reset()
            return [.rewound(from: before.seq, to: standing.lastSeq, epoch: standing.epoch)] + catchUp()
        }
        return merge(page.frames, readsOn: page.more)
    }

    /// The room was made; it stands where it stands.
    public mutating func created() -> [Action] {
        phase == .catchingUp ? catchUp() : []
    }

    /// The read that was to bring the feed to now failed.
    public mutating func readFailed(_ refusal: Refusal) -> [Action] {
        guard phase == .catchingUp else { return [] }
        phase = .stalled
        held.removeAll()
        return refuseWaiting(refusal)
    }

    /// The first look at the room: its newest messages.
    ///
    /// Where this follows a rewind, members are given what is new to them beyond doubt: what has a higher id.
    private mutating func open(at standing: RoomStanding, page: HistoryPage) -> [Action] {
        position = Position(epoch: standing.epoch, seq: standing.lastSeq, id: standing.lastID ?? .zero)
        if page.more, let below = page.frames.first {
            ring = FrameRing(floor: below.id, isWhole: true)
        } else {
            ring = FrameRing(floor: .zero, isWhole: (page.frames.first?.seq ?? standing.lastSeq + 1) == 1)
        }
        for frame in page.frames.dropFirst(page.more ? 1 : 0) { ring.append(frame) }
        let unseen = lostPosition.map { lost in page.frames.filter { $0.id > lost.id } } ?? []
        lostPosition = nil
        let actions = merge([], readsOn: false)
        return unseen.isEmpty ? actions : [.deliver(unseen)] + actions
    }

    private mutating func reset() {
        lostPosition = position
        position = nil
        ring = FrameRing(floor: .zero, isWhole: true)
    }

    /// Takes in what a read brought, then what was held meanwhile; live afterwards unless something is still missing.
    private mutating func merge(_ frames: [StoredFrame], readsOn: Bool) -> [Action] {
        var actions: [Action] = []
        var delivered: [StoredFrame] = []
        func flush() {
            if !delivered.isEmpty { actions.append(.deliver(delivered)) }
            delivered.removeAll()
        }
        for frame in frames where frame.seq > lastSeq {
            if frame.seq > lastSeq + 1 {
                flush()
                actions.append(.lost(lastSeq + 1...frame.seq - 1))
            }
            advance(to: frame)
            delivered.append(frame)
        }
        while !readsOn, let frame = held.first {
            let isSettled = settledByRead > 0
            if fits(frame) {
                advance(to: frame)
                delivered.append(frame)
            } else if frame.seq > lastSeq, !isSettled {
                mustReadAgain = true
                break
            }
            held.removeFirst()
            settledByRead = max(0, settledByRead - 1)
        }
        flush()
        if readsOn || mustReadAgain { return actions + catchUp() }
        phase = .live
        return actions + answerWaiting()
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
            if let known = ring.frame(seq: frame.seq), known.id == frame.id { return .none }
            if let first = ring.frames.first, frame.seq < first.seq, frame.id < first.id { return .none }
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

    /// Something came that calls itself a message and is none: the stream knows whether there was one.
    public mutating func strangeFrameReceived() -> [Action] {
        phase == .live ? catchUp() : []
    }

    private func fits(_ frame: StoredFrame) -> Bool {
        guard let position else { return false }
        return frame.seq == position.seq + 1 && frame.id > position.id
    }

    private mutating func advance(to frame: StoredFrame) {
        position?.seq = frame.seq
        position?.id = frame.id
        ring.append(frame)
    }

    // MARK: Answers

    /// Older messages are here, for whoever waits for them.
    public mutating func backfilled(_ page: HistoryPage) -> [Action] {
        guard let (span, ringFloor) = backfill else { return [] }
        backfill = nil
        guard phase == .live, let position else { return [] }
        guard let standing = page.standing, standing.epoch == position.epoch else { return catchUp() }
        var known = page.frames.filter { $0.id <= position.id }[...]
        var bottom = MessageID.zero
        var isWhole = (known.first?.seq ?? 1) == 1
        if case .after(let id, _) = span {
            bottom = id
            isWhole = isWhole || (standing.oldestSeq ?? .max) < (known.first?.seq ?? 0)
        } else if page.more, let below = known.popFirst() {
            bottom = below.id
            isWhole = true
        }
        let isUnbroken = !page.more && ring.floor == ringFloor
        let meetsRing = span.isLatest || isUnbroken || (known.last?.id ?? bottom) >= ring.floor
        if meetsRing {
            let ringStart = ring.frames.first?.id ?? position.id.next
            ring.prepend(known.prefix { $0.id < ringStart }, lowerFloor: bottom, isWhole: isWhole)
            if let last = known.last?.id { known += ring.frames.drop { $0.id <= last } }
        }
        return answerWaiting(from: Stretch(frames: Array(known), bottom: bottom, isWhole: isWhole))
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
        guard backfill == nil, !waiting.isEmpty else { return [] }
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

    private mutating func answerWaiting(from stretch: Stretch<[StoredFrame]>? = nil) -> [Action] {
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
        let stretch = Stretch(frames: ring.frames, bottom: ring.floor, isWhole: ring.isWhole)
        switch point {
        case .history(let limit):
            guard ring.frames.count >= limit || ring.floor == .zero else { return nil }
            return recovery(Array(ring.frames.suffix(limit)), above: nil, shortfall: nil)
        case .since(_, let epoch?) where epoch != position.epoch:
            return everything(because: .rewound)
        case .since(let id, _) where id > position.id:
            return everything(because: .rewound)
        case .cursor(let cursor) where cursor.id > position.id:
            return everything(because: .rewound)
        case .since(let id, _):
            return id >= ring.floor ? self.stretch(stretch, above: ReadCursor(id: id, seq: nil)) : nil
        case .cursor(let cursor):
            return cursor.id >= ring.floor ? self.stretch(stretch, above: cursor) : nil
        }
    }

    /// The answer that a stretch just read can give; nil where it begins too late or holds nothing for this reader.
    private func answer(_ point: JoinPoint, from stretch: Stretch<[StoredFrame]>) -> Recovery? {
        switch point {
        case .history(let limit):
            guard stretch.frames.last?.id == position?.id, stretch.frames.count >= limit else { return nil }
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
        recovery([], above: ReadCursor(id: .zero, seq: nil), shortfall: shortfall)
    }

    private func stretch(_ stretch: Stretch<some RandomAccessCollection<StoredFrame>>, above cursor: ReadCursor)
        -> Recovery
    {
        let start = stretch.frames.partitioningIndex { $0.id > cursor.id }
        let frames = Array(stretch.frames[start...].prefix(Limits.pageMessagesMax))
        let isFirst = start == stretch.frames.startIndex
        let follows = cursor.seq.map { $0 + 1 == frames.first?.seq } ?? false
        let isComplete = stretch.isWhole || !isFirst || follows || cursor.id >= (position?.id ?? .zero)
        return recovery(frames, above: cursor, shortfall: isComplete ? nil : .trimmed)
    }

    private func recovery(_ frames: [StoredFrame], above cursor: ReadCursor?, shortfall: Recovery.Shortfall?)
        -> Recovery
    {
        let position = position ?? Position(epoch: 0, seq: 0, id: .zero)
        var missed: ClosedRange<UInt64>?
        if let seq = cursor?.seq, let first = frames.first?.seq, first > seq + 1 { missed = seq + 1...first - 1 }
        let end = ReadCursor(id: position.id, seq: position.seq)
        var reached = cursor ?? end
        if let last = frames.last { reached = ReadCursor(id: last.id, seq: last.seq) }
        let isLive = reached.id >= position.id || position.seq == 0 || (frames.isEmpty && shortfall != .rewound)
        return Recovery(
            standing: RoomStanding(epoch: position.epoch, lastSeq: position.seq, lastID: lastID, oldestSeq: nil),
            frames: frames, isLive: isLive, shortfall: shortfall, missed: missed, cursor: isLive ? end : reached)
    }
}

/// Frames without a hole, and what is known of what lies below the first.
private struct Stretch<Frames: RandomAccessCollection<StoredFrame>> {
    var frames: Frames
    /// How far down it reaches.
    var bottom: MessageID
    /// Whether nothing between `bottom` and the first frame was trimmed.
    var isWhole: Bool
}

extension RandomAccessCollection {
    /// The first index at which the predicate holds, where it holds for all that follow too.
    fileprivate func partitioningIndex(where belongsAbove: (Element) -> Bool) -> Index {
        var low = startIndex
        var count = self.count
        while count > 0 {
            let half = count / 2
            let middle = index(low, offsetBy: half)
            if belongsAbove(self[middle]) {
                count = half
            } else {
                low = index(after: middle)
                count -= half + 1
            }
        }
        return low
    }
}

extension HistorySpan {
    /// Whether this is the newest end of a room.
    var isLatest: Bool { if case .latest = self { true } else { false } }
}
