/// All connections that read, on one thread.
///
/// What is not connected waits in line, and at most `BenchLimits.connectingMax` are being made at once. A reader that
/// is cut off, by a storm, by the relay or by the network, comes back for what it missed.
final class ReaderFleet {
    private let plan: BenchPlan
    private let poller: Poller
    private let targets: [BenchTarget]
    private var addresses: [SocketAddress]
    private var buffer = ReceiveBuffer()
    private let inflater = PayloadInflater()
    private(set) var readers: [Reader]
    var tally: DeliveryTally

    /// Indices of readers that are to be connected, the next one last.
    private var line: [Int]
    /// Those that could not be, and when they go back into the line.
    private var failed: [Int] = []
    private var retryMoment: UInt64 = 0
    private var openingCount = 0
    /// Whether everybody goes, so that nobody comes back.
    private var isOver = false
    /// Readers that are in their rooms.
    private(set) var liveCount = 0
    /// Readers that a storm has cut off and that are not back yet.
    private(set) var stormedCount = 0
    /// Connections that ended though nobody here had cut them.
    private(set) var drops = 0
    /// Times that a reader came back, and times that it left its room and joined it again.
    private(set) var returns = 0
    /// Returns after which the relay said that not everything could be had.
    private(set) var unrecovered = 0
    /// Times that a reader was told that it fell behind further than history reaches.
    private(set) var lagged = 0
    /// What the relay refused, by its code.
    private(set) var refusals: [String: Int] = [:]
    /// Bytes that readers have received, as they came out of their sockets.
    private(set) var receivedBytes: UInt64 = 0
    /// The authority of an edge that does not compress though that was offered.
    private(set) var uncompressedEdge: String?
    /// Why a reader could not get in, the last one.
    private(set) var lastFailure: String?

    init(
        plan: BenchPlan, run: UInt32, targets: [BenchTarget], addresses: [SocketAddress], poller: Poller
    ) {
        self.plan = plan
        self.poller = poller
        self.targets = targets
        self.addresses = addresses
        readers = Array(repeating: Reader(), count: plan.readers)
        line = Array((0..<plan.readers).reversed())
        tally = DeliveryTally(run: run, span: plan.span)
    }

    /// Whether every reader is in its room.
    var isComplete: Bool { liveCount == readers.count }

    /// Begins as many connections as may be begun.
    func advance(_ now: UInt64) {
        guard !isOver else { return }
        if !failed.isEmpty, now >= retryMoment {
            line += failed
            failed = []
        }
        while openingCount < BenchLimits.connectingMax, let index = line.popLast() { connect(index, now) }
    }

    /// Cuts every connection that stands in a room; returns how many there were.
    func cutAll() -> Int {
        var count = 0
        for index in readers.indices where readers[index].descriptor >= 0 && !readers[index].state.isOpening {
            drop(index)
            line.append(index)
            readers[index].isStormed = true
            count += 1
        }
        stormedCount += count
        return count
    }

    /// Has every reader say that it goes, for good: it is gone when the edge has said so too.
    func sayGoodbye() {
        isOver = true
        for index in readers.indices where readers[index].descriptor >= 0 {
            let isOpen = readers[index].state != .connecting && readers[index].state != .upgrading
            if isOpen { say(FrameScanner.goodbye, opcode: FrameScanner.close, index) } else { drop(index) }
        }
    }

    /// Whether no connection is left.
    var areGone: Bool { !readers.contains { $0.descriptor >= 0 } }

    /// Closes every connection, for good.
    func hangUp() {
        for index in readers.indices where readers[index].descriptor >= 0 { drop(index) }
    }

    /// Has a reader leave its room and ask to be let in again; false where it is not in it.
    func rejoin(_ index: Int) -> Bool {
        guard readers[index].state == .live else { return false }
        liveCount -= 1
        readers[index].state = .leaving
        say(Array(#"{"op":"leave","room":"\#(plan.roomName(index % plan.rooms))"}"#.utf8), index)
        return true
    }

    /// Reads or writes, where a socket is ready for it.
    func ready(_ index: Int, _ readiness: Poller.Readiness, _ now: UInt64) {
        guard readers.indices.contains(index), readers[index].descriptor >= 0 else { return }
        if readers[index].state == .connecting { return connected(index, now) }
        if readiness.isWritable, !readers[index].outbox.isEmpty { flush(index) }
        if readiness.isReadable, readers[index].descriptor >= 0 { receive(index) }
    }

    // MARK: Coming and going

    private func connect(_ index: Int, _ now: UInt64) {
        switch addresses[index % addresses.count].connect(index: index / addresses.count) {
        case .success(let descriptor):
            readers[index].descriptor = descriptor
            readers[index].state = .connecting
            openingCount += 1
            poller.add(descriptor, .writing, token: UInt64(index))
        case .failure(let error): later(index, because: error, now)
        }
    }

    private func connected(_ index: Int, _ now: UInt64) {
        let failure = Socket.connectFailure(readers[index].descriptor)
        guard failure == 0 else {
            drop(index)
            return later(index, because: SocketError(number: failure), now)
        }
        readers[index].state = .upgrading
        poller.change(readers[index].descriptor, to: .reading, token: UInt64(index))
        let request = targets[index % targets.count].upgrade(
            user: "bench-r\(index)", token: plan.token, offersDeflate: plan.offersDeflate)
        readers[index].outbox.append { $0 += request }
        flush(index)
    }

    private func later(_ index: Int, because error: SocketError, _ now: UInt64) {
        let authority = targets[index % targets.count].authority
        lastFailure =
            error.isOutOfPorts
            ? "no port is left to come from: more than about 28 000 connections need more addresses, or edges"
            : "\(authority): \(error)"
        failed.append(index)
        retryMoment = now + 200_000_000
    }

    /// Forgets a connection.
    private func drop(_ index: Int) {
        if readers[index].state.isOpening { openingCount -= 1 }
        if readers[index].state == .live { liveCount -= 1 }
        if readers[index].descriptor >= 0 { Socket.close(readers[index].descriptor) }
        readers[index].descriptor = -1
        readers[index].state = .away
        readers[index].isWatchedForWriting = false
        readers[index].carried = []
        readers[index].outbox.clear()
    }

    private func lost(_ index: Int, because reason: String?) {
        if let reason { lastFailure = "\(targets[index % targets.count].authority): \(reason)" }
        drops += 1
        drop(index)
        failed.append(index)
        retryMoment = MonotonicClock.now + 200_000_000
    }

    // MARK: Bytes

    private func say(_ text: [UInt8], opcode: UInt8 = FrameScanner.text, _ index: Int) {
        readers[index].outbox.append { FrameScanner.append(text, opcode: opcode, to: &$0) }
        flush(index)
    }

    private func flush(_ index: Int) {
        let descriptor = readers[index].descriptor
        guard readers[index].outbox.flush(to: descriptor) else { return lost(index, because: "the connection broke") }
        let isBlocked = !readers[index].outbox.isEmpty
        guard isBlocked != readers[index].isWatchedForWriting else { return }
        readers[index].isWatchedForWriting = isBlocked
        poller.change(descriptor, to: isBlocked ? .both : .reading, token: UInt64(index))
    }

    private func receive(_ index: Int) {
        let (outcome, limit) = buffer.receive(readers[index].descriptor, after: readers[index].carried)
        switch outcome {
        case .moved: break
        case .blocked: return
        case .ended: return lost(index, because: readers[index].state.isOpening ? "it closed the connection" : nil)
        case .failed(let number): return lost(index, because: Socket.text(ofError: number))
        }
        receivedBytes += UInt64(limit - readers[index].carried.count)
        let now = MonotonicClock.now
        let held = buffer.bytes
        let bytes = held.span
        var offset = 0
        if readers[index].state == .upgrading {
            guard let head = HTTPAnswers.head(in: bytes, from: 0, to: limit) else {
                return buffer.keep(0..<limit, in: &readers[index].carried)
            }
            guard head.status == 101 else {
                let code = RelayWords.code(in: bytes, from: head.end, to: limit)
                return lost(index, because: "HTTP \(head.status) \(code)")
            }
            guard !plan.offersDeflate || DeflateOffer.isAccepted(byHead: bytes.string(0, head.end)) else {
                uncompressedEdge = targets[index % targets.count].authority
                return lost(index, because: "it does not compress")
            }
            offset = head.end
            readers[index].state = .joining
            say(readers[index].join(room: plan.roomName(index % plan.rooms)), index)
        }
        while readers[index].descriptor >= 0 {
            switch FrameScanner.next(in: bytes, from: offset, to: limit, acceptsCompression: plan.offersDeflate) {
            case .incomplete: return buffer.keep(offset..<limit, in: &readers[index].carried)
            case .broken: return lost(index, because: "a frame that no server sends")
            case .frame(FrameScanner.text, let start, let end):
                message(in: bytes, start, end, index, now)
                offset = end
            case .frame(FrameScanner.compressedText, let start, let end):
                guard let text = inflater.message(of: held[start..<end]) else {
                    return lost(index, because: "a compressed message that does not inflate")
                }
                message(in: text.span, 0, text.count, index, now)
                offset = end
            case .frame(FrameScanner.ping, let start, let end):
                say(Array(held[start..<end]), opcode: FrameScanner.pong, index)
                offset = end
            case .frame(FrameScanner.close, let start, let end):
                return lost(index, because: "it closed with \(FrameScanner.closeText(held[start..<end]))")
            case .frame(_, _, let end): offset = end
            }
        }
    }

    // MARK: Messages

    private func message(in bytes: Span<UInt8>, _ start: Int, _ end: Int, _ index: Int, _ now: UInt64) {
        if let place = EnvelopePlace(in: bytes, at: start, to: end) {
            let mark = PostMark.find(in: bytes, from: place.end, to: end, textBytes: plan.textBytes)
            return deliver(place, mark, index, now)
        }
        switch JoinAnswer(in: bytes, from: start, to: end) {
        case .joined(let joined):
            if readers[index].wasIn {
                returns += 1
                if !joined.isRecovered { unrecovered += 1 }
                joined.forEachMessage(in: bytes) { deliver($0, $1, index, now) }
            } else {
                readers[index].tracker = SequenceTracker(after: joined.seq)
                readers[index].milliseconds = joined.milliseconds
                readers[index].sequence = joined.sequence
                readers[index].wasIn = true
            }
            guard readers[index].state != .live else { return }
            if readers[index].isStormed { stormedCount -= 1 }
            readers[index].isStormed = false
            if readers[index].state == .joining { openingCount -= 1 }
            readers[index].state = .live
            liveCount += 1
        case .left:
            // Not before: what comes until then would be given again.
            guard readers[index].state == .leaving else { return }
            readers[index].state = .rejoining
            say(readers[index].join(room: plan.roomName(index % plan.rooms)), index)
        case .refused(let code):
            refusals[code, default: 0] += 1
            guard readers[index].state != .live else { return }
            lost(index, because: "a join was refused: \(code)")
        case .lagged: lagged += 1
        case .none: break
        }
    }

    private func deliver(_ place: EnvelopePlace, _ mark: PostMark?, _ index: Int, _ now: UInt64) {
        let verdict = readers[index].tracker.received(place.seq)
        if place.seq == readers[index].tracker.last {
            readers[index].milliseconds = place.milliseconds
            readers[index].sequence = place.sequence
        }
        tally.received(verdict, mark, at: now)
    }

    /// Counts as missing what was stored in a room by the end, up to these numbers, and never came.
    func settle(tops: [UInt64]) {
        for index in readers.indices {
            let top = tops[index % plan.rooms]
            let last = readers[index].tracker.last
            if top > last { tally.neverCame(top - last) }
        }
    }
}
