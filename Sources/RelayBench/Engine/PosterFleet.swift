/// All connections that post, on the same thread as the readers.
final class PosterFleet {
    /// What tells a poster's events from a reader's.
    static let tokenBit: UInt64 = 1 << 40

    /// Where posts go.
    enum Destination {
        case edges([BenchTarget])
        case redis(RedisTarget)
    }

    private let plan: BenchPlan
    private let poller: Poller
    private let destination: Destination
    private var addresses: [SocketAddress]
    private let templates: [PostTemplate]
    private var buffer = ReceiveBuffer(byteCount: 64 << 10)
    private var posters: [Poster]
    /// For Redis, by room.
    private var standings: [RoomStanding]
    private var retryMoment: UInt64 = 0
    /// Where the search for a free poster goes on.
    private var next = 0

    /// Posts that were handed over, that were stored, and whose answer can no longer come.
    private(set) var sent = 0
    private(set) var stored = 0
    private(set) var abandoned = 0
    /// When the last answer came that something is stored, in nanoseconds of the clock.
    private(set) var storedMoment: UInt64 = 0
    /// Posts that were refused, by the reason.
    private(set) var refusals: [String: Int] = [:]
    private(set) var refused = 0
    private(set) var openCount = 0
    /// Deliveries that are to come of what was handed over, less what was refused or abandoned.
    private(set) var expected: UInt64 = 0
    /// Deliveries that are to come of what was stored.
    private(set) var promised: UInt64 = 0
    /// The highest number that was stored, by room.
    private(set) var tops: [UInt64]
    private(set) var lastFailure: String?

    init(
        plan: BenchPlan, run: UInt32, destination: Destination, addresses: [SocketAddress], poller: Poller
    ) {
        self.plan = plan
        self.poller = poller
        self.destination = destination
        self.addresses = addresses
        let text = PostMark.text(run: run, byteCount: plan.textBytes)
        templates = (0..<plan.rooms).map { index in
            let room = plan.roomName(index)
            switch destination {
            case .redis(let redis): return .redis(redis.command(room, text))
            case .edges(let targets) where plan.route == .http:
                // A poster's requests go to one edge; a name that differs matters to nobody there.
                return .http(room: room, authority: targets[0].authority, token: plan.token, text: text)
            case .edges: return .webSocket(room: room, index: index, text: text)
            }
        }
        posters = Array(repeating: Poster(), count: plan.posters)
        tops = Array(repeating: 0, count: plan.rooms)
        standings = plan.route == .redis ? Array(repeating: RoomStanding(), count: plan.rooms) : []
    }

    var isComplete: Bool { openCount == posters.count }
    var unanswered: Int { sent - stored - refused - abandoned }

    /// Makes the connections that are not there.
    func advance(_ now: UInt64) {
        guard openCount < posters.count, now >= retryMoment else { return }
        for index in posters.indices where posters[index].state == .away {
            // After the readers, so that no address gives all of its ports to both. Redis hears readers never, and in
            // its protected mode nobody but 127.0.0.1.
            let place = plan.route == .redis ? index : plan.readers + index
            switch addresses[index % addresses.count].connect(index: place) {
            case .success(let descriptor):
                posters[index].descriptor = descriptor
                posters[index].state = .connecting
                poller.add(descriptor, .writing, token: Self.tokenBit | UInt64(index))
            case .failure(let error):
                lastFailure = "\(error)"
                retryMoment = now + 200_000_000
                return
            }
        }
    }

    /// Closes every connection, for good.
    func hangUp() {
        for index in posters.indices where posters[index].descriptor >= 0 {
            Socket.close(posters[index].descriptor)
            posters[index] = Poster()
        }
    }

    /// Hands over a post that is meant for this moment; false where nobody can take it at present.
    func post(room: Int, moment: UInt64) -> Bool {
        guard let index = taker(of: room) else { return false }
        let position = standings.isEmpty ? .unknown : standings[room].next
        posters[index].outbox.append {
            templates[room].append(moment: moment, poster: index, at: position, to: &$0)
        }
        posters[index].asked(room: room)
        if !standings.isEmpty { standings[room].asked(of: index) }
        sent += 1
        expected += UInt64(plan.members(of: room))
        return true
    }

    /// The poster that is to make a post in a room: the next one in turn that can, unless the room has to stay with
    /// one. Nil where it cannot at present.
    private func taker(of room: Int) -> Int? {
        if !standings.isEmpty, let index = standings[room].taker { return isFree(index) ? index : nil }
        for step in 0..<posters.count {
            let index = (next + step) % posters.count
            guard isFree(index) else { continue }
            next = index + 1
            return index
        }
        return nil
    }

    private func isFree(_ index: Int) -> Bool {
        posters[index].state == .open && posters[index].outbox.count < BenchLimits.backlogBytesMax
            && (plan.route != .http || posters[index].unanswered == 0)
    }

    /// Sends what was handed over since: one write a poster.
    func flush() {
        for index in posters.indices where posters[index].state == .open && !posters[index].outbox.isEmpty {
            if !posters[index].isWatchedForWriting { flush(index) }
        }
    }

    /// Reads or writes, where a socket is ready for it.
    func ready(_ index: Int, _ readiness: Poller.Readiness) {
        guard posters.indices.contains(index), posters[index].descriptor >= 0 else { return }
        if posters[index].state == .connecting { return connected(index) }
        if readiness.isWritable { flush(index) }
        if readiness.isReadable, posters[index].descriptor >= 0 { receive(index) }
    }

    private func connected(_ index: Int) {
        let failure = Socket.connectFailure(posters[index].descriptor)
        guard failure == 0 else { return lost(index, because: Socket.text(ofError: failure)) }
        posters[index].state = .opening
        posters[index].isWatchedForWriting = true
        switch destination {
        case .edges(let targets) where plan.route == .webSocket:
            let request = targets[index % targets.count].upgrade(user: "bench-p\(index)", token: plan.token)
            posters[index].outbox.append { $0 += request }
        case .edges: opened(index)
        case .redis(let redis):
            let opening = redis.server.opening
            posters[index].openingCount = opening.count
            for words in opening { posters[index].outbox.append { $0 += RedisWords.encoded(words) } }
            if opening.isEmpty { opened(index) }
        }
        flush(index)
    }

    private func opened(_ index: Int) {
        posters[index].state = .open
        openCount += 1
    }

    private func flush(_ index: Int) {
        guard posters[index].outbox.flush(to: posters[index].descriptor) else {
            return lost(index, because: "the connection broke")
        }
        let isBlocked = !posters[index].outbox.isEmpty
        guard isBlocked != posters[index].isWatchedForWriting else { return }
        posters[index].isWatchedForWriting = isBlocked
        poller.change(
            posters[index].descriptor, to: isBlocked ? .both : .reading, token: Self.tokenBit | UInt64(index))
    }

    private func lost(_ index: Int, because reason: String) {
        lastFailure = reason
        if posters[index].state == .open { openCount -= 1 }
        while let room = posters[index].answered() {
            abandoned += 1
            if !standings.isEmpty { standings[room].notStored() }
            expected -= UInt64(plan.members(of: room))
        }
        Socket.close(posters[index].descriptor)
        posters[index] = Poster()
        retryMoment = MonotonicClock.now + 200_000_000
    }

    private func receive(_ index: Int) {
        let (outcome, limit) = buffer.receive(posters[index].descriptor, after: posters[index].carried)
        switch outcome {
        case .moved: break
        case .blocked: return
        case .ended: return lost(index, because: "the connection was closed")
        case .failed(let number): return lost(index, because: Socket.text(ofError: number))
        }
        let held = buffer.bytes
        var offset = 0
        let storedBefore = stored
        while posters[index].descriptor >= 0, let found = answer(in: held.span, from: offset, to: limit, index) {
            offset = found.end
            take(found.answer, index)
        }
        if stored > storedBefore { storedMoment = MonotonicClock.now }
        if posters[index].descriptor >= 0 { buffer.keep(offset..<limit, in: &posters[index].carried) }
    }

    private func answer(in bytes: Span<UInt8>, from offset: Int, to limit: Int, _ index: Int) -> ScannedAnswer? {
        switch destination {
        case .redis:
            guard
                let found = RedisAnswers.next(
                    in: bytes, from: offset, to: limit, opening: posters[index].openingCount)
            else { return nil }
            if posters[index].openingCount > 0 { posters[index].openingCount -= 1 }
            return found
        case .edges where plan.route == .http: return HTTPAnswers.next(in: bytes, from: offset, to: limit)
        case .edges:
            guard posters[index].state == .opening else {
                return SocketAnswers.next(in: bytes, from: offset, to: limit)
            }
            guard let head = HTTPAnswers.head(in: bytes, from: offset, to: limit) else { return nil }
            return (head.status == 101 ? .opened : .notOpened("HTTP \(head.status)"), head.end)
        }
    }

    private func take(_ answer: PostAnswer, _ index: Int) {
        switch answer {
        case .stored(let named, let seq, let position):
            guard let asked = posters[index].answered() else { return }
            // Answers for several rooms may change places; each names its own.
            let room = named.flatMap { tops.indices.contains($0) ? $0 : nil } ?? asked
            stored += 1
            if let position, !standings.isEmpty { standings[room].stored(at: position) }
            promised += UInt64(plan.members(of: room))
            if seq > tops[room] { tops[room] = seq }
        case .refused(let reason):
            guard let room = posters[index].answered() else { return }
            refused += 1
            if !standings.isEmpty { standings[room].notStored() }
            refusals[reason, default: 0] += 1
            expected -= min(expected, UInt64(plan.members(of: room)))
        case .opened: opened(index)
        case .notOpened(let reason): lost(index, because: reason)
        case .ping(let payload):
            posters[index].outbox.append { FrameScanner.append(payload, opcode: FrameScanner.pong, to: &$0) }
            flush(index)
        case .closed: lost(index, because: "the relay closed the connection")
        case .none: break
        }
    }
}
