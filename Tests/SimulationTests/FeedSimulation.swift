import RelayCore
import RelayTestKit

/// One seeded run of a feed: a Redis that trims, rewinds and is emptied, a channel that loses, delays and repeats,
/// reads that take their time or fail, and readers who come, fall behind, page, leave and come back.
struct FeedSimulation {
    typealias Feed = RoomFeedStateMachine<Int>

    var random: SeededRandom
    let mutation: Mutation
    /// Whether Redis may lose writes in this run.
    let rewinds: Bool
    /// Whether edges then put back some of it, and raise the room above all that was given, under a new epoch.
    let restores: Bool
    /// Whether what is trimmed is archived before, and read from there; and whether that fails now and then.
    let (isArchived, isFlaky): (Bool, Bool)
    var archive = ModelArchive()
    var feed = Feed()
    var stream = ModelStream()
    var truth = Truth()
    var readers: [SimulatedReader]
    var reads: [Read] = []
    private(set) var channel: [StoredFrame] = []
    private(set) var isSubscribed = false
    private(set) var isSubscribing = false
    private(set) var readCount = 0
    /// What may cost a read each.
    var causes = 0
    private var tickets: [Int: Int] = [:]
    private var nextTicket = 0
    private var snapshots: [ModelStream] = []
    private(set) var archives: [ModelArchive] = []

    init(seed: UInt64, mutation: Mutation = .none) {
        random = SeededRandom(seed: seed)
        self.mutation = mutation
        rewinds = random.chance(30)
        (isArchived, isFlaky) = (random.chance(50), random.chance(20))
        restores = rewinds && !isArchived && seed % 5 < 3
        readers = Array(repeating: SimulatedReader(), count: 4)
        if random.chance(20) { stream.flush() }
        for _ in 0..<number(0, [3, 80, 700].randomElement(using: &random) ?? 3) { post() }
    }

    mutating func number(_ low: Int, _ high: Int) -> Int { Int.random(in: low...high, using: &random) }

    /// Runs it, and says what was wrong.
    mutating func run() -> [String] {
        for _ in 0..<number(50, 250) {
            step()
            snapshots.append(stream)
            archives.append(archive)
            if snapshots.count > 8 { (snapshots, archives) = (snapshots.suffix(8), archives.suffix(8)) }
        }
        var violations = settle()
        for index in readers.indices {
            if readers[index].state != .away { readers[index].finish(truth: truth, stream: kept) }
            violations += readers[index].violations.map { "reader \(index) \($0)" }
        }
        if readCount > 3 * causes + 10 { violations.append("\(readCount) reads for \(causes) causes") }
        return violations
    }

    mutating func step() {
        switch number(0, 99) {
        case 0..<30: post()
        case 30..<55: hear()
        case 55..<70: proceedWithRead()
        case 70..<85: moveReader(number(0, readers.count - 1))
        case 85..<89: confirmSubscription()
        case 89: loseSubscription()
        case 90: failRead()
        case 91..<93:
            causes += 1
            perform(feed.retry())
        case 93..<95:
            causes += 1
            perform(feed.activitySeen(milliseconds: stream.lastID?.milliseconds ?? 0, now: .max))
        case 95: trim()
        case 96: for _ in 0..<number(10, 400) { post() }
        case 97 where rewinds: loseWrites()
        default: hear()
        }
    }

    // MARK: Redis

    mutating func post() {
        let last = stream.lastID?.milliseconds ?? 0
        // An id is never given twice: the clock goes on whatever Redis forgets.
        let step = truth.highest.milliseconds >= last ? truth.highest.milliseconds - last + UInt64(number(0, 3)) : 1
        let isFirst = stream.lastID == nil
        let frame = stream.post(step: isFirst ? max(step, 1) : (stream.lastID == truth.highest ? step : step + 1))
        truth.add(frame)
        if isSubscribed { channel.append(frame) }
    }

    mutating func hear() {
        guard isSubscribed, !channel.isEmpty else { return }
        let frame = channel.removeFirst()
        if random.chance(5) {
            causes += 1
            return
        }
        hear(frame)
        if random.chance(5) {
            // One that the ring does not know any more may cost a read.
            causes += 1
            hear(frame)
        }
    }

    private mutating func hear(_ frame: StoredFrame) {
        switch feed.frameReceived(frame) {
        case .deliver: deliver([frame])
        case .none: break
        case .act(let actions): perform(actions)
        }
    }

    mutating func confirmSubscription() {
        guard isSubscribing else { return }
        (isSubscribing, isSubscribed) = (false, true)
        causes += 1
        perform(feed.subscribed())
    }

    mutating func loseSubscription() {
        guard isSubscribed else { return }
        (isSubscribing, isSubscribed) = (true, false)
        channel.removeAll()
        perform(feed.storeLost())
    }

    /// Redis answers a read, or its answer arrives.
    mutating func proceedWithRead() {
        guard !reads.isEmpty else { return }
        let index = number(0, reads.count - 1)
        guard let page = reads[index].page else {
            let isStale = mutation == .staleReads && random.chance(60)
            if reads[index].kind == .create { stream.create() }
            look(for: index, at: isStale ? snapshots.first ?? stream : stream)
            return
        }
        switch reads.remove(at: index).kind {
        case .catchUp:
            // Each page that is not the last costs one more, and so does a feed that is overtaken.
            causes += page.more || !channel.isEmpty ? 1 : 0
            perform(feed.caughtUp(page))
        case .backfill: perform(feed.backfilled(page))
        case .create: perform(feed.created())
        case .settle: perform(feed.settled())
        }
    }

    mutating func failRead() {
        guard !reads.isEmpty else { return }
        let index = number(0, reads.count - 1)
        guard reads[index].kind != .settle else { return }
        causes += 1
        switch reads.remove(at: index).kind {
        case .settle: break
        case .catchUp, .create: perform(feed.readFailed(.unavailable))
        case .backfill: perform(feed.backfillFailed(.unavailable))
        }
    }

    // MARK: Readers

    mutating func moveReader(_ index: Int) {
        switch readers[index].state {
        case .away:
            readers[index].point = point(for: readers[index])
            ask(index, isJoin: true)
        case .behind:
            ask(index, isJoin: false)
        case .live:
            readers[index].state = random.chance(50) ? .behind : .away
        case .waiting:
            if random.chance(10) { readers[index].state = .away }
        }
    }

    private mutating func point(for reader: SimulatedReader) -> JoinPoint {
        if isArchived, random.chance(30) { return .since(distantID(), epoch: nil) }
        if let cursor = reader.cursor, cursor.id > .zero, random.chance(60) {
            return .since(cursor.id, epoch: random.chance(50) ? reader.epoch : nil)
        }
        if random.chance(20), let entry = stream.entries.randomElement(using: &random) {
            return .since(entry.id, epoch: nil)
        }
        return .history(limit: [0, 1, 50, 500].randomElement(using: &random) ?? 50)
    }

    private mutating func ask(_ index: Int, isJoin: Bool) {
        causes += 1
        nextTicket += 1
        tickets[nextTicket] = index
        let cursor = readers[index].cursor ?? ReadCursor(id: .zero, seq: nil)
        let point = isJoin ? readers[index].point : .cursor(cursor)
        readers[index].state = .waiting(ticket: nextTicket, isJoin: isJoin)
        perform(feed.readerArrived(nextTicket, at: point))
    }

    // MARK: What the feed orders

    mutating func perform(_ actions: [Feed.Action]) {
        for action in actions {
            switch action {
            case .subscribe: isSubscribing = true
            case .catchUp(let span): begin(Read(kind: .catchUp, span: span))
            case .backfill(let span): begin(Read(kind: .backfill, span: span))
            case .settle: reads.append(Read(kind: .settle, span: .latest(limit: 0)))
            case .create: reads.append(Read(kind: .create, span: .latest(limit: 0)))
            case .deliver(let frames): deliver(frames)
            case .lost(let numbers): forLive { $0.lose(numbers, truth: $1.truth, stream: $1.kept) }
            case .tryAgain: causes += 1
            case .rewound(_, _, let epoch): forLive { reader, _ in reader.rewind(to: epoch) }
            case .answer(let ticket, let recovery): answer(ticket, recovery)
            case .refuse(let ticket, _):
                guard let index = tickets[ticket] else { continue }
                if case .waiting(ticket, let isJoin) = readers[index].state {
                    readers[index].state = isJoin ? .away : .behind
                }
            }
        }
    }

    private mutating func begin(_ read: Read) {
        readCount += 1
        reads.append(read)
    }

    private mutating func deliver(_ frames: [StoredFrame]) {
        for frame in frames {
            if mutation == .lostDeliveries, random.chance(3) { continue }
            forLive { $0.take(frame, truth: $1.truth) }
            if mutation == .repeatedDeliveries, random.chance(3) { forLive { $0.take(frame, truth: $1.truth) } }
        }
    }

    private mutating func forLive(_ body: (inout SimulatedReader, FeedSimulation) -> Void) {
        let world = self
        for index in readers.indices where readers[index].state == .live { body(&readers[index], world) }
    }

    private mutating func answer(_ ticket: Int, _ recovery: Recovery) {
        guard let index = tickets[ticket], case .waiting(ticket, let isJoin) = readers[index].state else { return }
        readers[index].take(recovery, isJoin: isJoin, truth: truth, stream: kept)
    }

    // MARK: The end

    /// No faults any more: everything under way arrives, the position is checked, and everybody comes up to now.
    mutating func settle() -> [String] {
        for round in 0..<2000 {
            confirmSubscription()
            while !channel.isEmpty { hear(channel.removeFirst()) }
            if !reads.isEmpty {
                proceedWithRead()
                continue
            }
            perform(feed.retry())
            if !reads.isEmpty || isSubscribing { continue }
            if let index = readers.firstIndex(where: { $0.state == .behind }) {
                ask(index, isJoin: false)
                continue
            }
            if round < 1000 {
                // The last look: as if the list of rooms said that something happened just now.
                perform(feed.activitySeen(milliseconds: truth.highest.milliseconds + UInt64(round) + 1, now: .max))
                if !reads.isEmpty, settleLastLook() { return [] }
            }
            return reads.isEmpty && !readers.contains { $0.state == .behind } ? [] : ["never came to rest"]
        }
        return ["asks on and on"]
    }

    private mutating func settleLastLook() -> Bool {
        var rounds = 0
        while rounds < 1000 {
            rounds += 1
            perform(feed.retry())
            if !reads.isEmpty {
                proceedWithRead()
            } else if let index = readers.firstIndex(where: { $0.state == .behind }) {
                ask(index, isJoin: false)
            } else {
                return true
            }
        }
        return false
    }
}
