internal import Histogram

/// One load, from the first connection to the last delivery, on the thread that runs it.
public final class BenchRun {
    private let plan: BenchPlan
    private let poller: Poller
    private let readers: ReaderFleet
    private let posters: PosterFleet
    private let processes: [WatchedProcess]
    private let edgeCount: Int
    private let onProgress: (BenchProgress) -> Void

    private var phase = BenchProgress.Phase.connecting
    private var phaseStart: UInt64 = 0
    private var phaseSpan: UInt64?
    private var told: (moment: UInt64, deliveries: UInt64) = (0, 0)
    private var storm: (began: UInt64, readers: Int)?
    private var storms: [BenchOutcome.Storm] = []
    private var nextStorm: UInt64 = .max
    private var joins: PacingPlan?
    private var joinsDone = 0
    private var nextJoiner = 0
    private var lateness = Histogram<UInt64>(
        highestTrackableValue: 3_600_000_000_000, numberOfSignificantValueDigits: .two)

    /// Looks up where everything is, and sees that there are descriptors enough.
    ///
    /// - Parameters:
    ///   - plan: the load.
    ///   - edges: where readers connect, and posters but those of Redis; spread evenly. None is needed where nobody
    ///     reads and Redis is posted to.
    ///   - redis: where `.redis` posts.
    ///   - processes: what is to be measured beside.
    ///   - onProgress: called about ten times a second, on the thread of the run.
    public init(
        plan: BenchPlan, edges: [BenchTarget], redis: RedisTarget? = nil, processes: [WatchedProcess],
        onProgress: @escaping (BenchProgress) -> Void
    ) throws(BenchError) {
        self.plan = plan
        self.processes = processes
        edgeCount = edges.count
        self.onProgress = onProgress
        let needed = plan.readers + plan.posters + BenchLimits.spareDescriptors
        let allowed = SystemFigures.raisedDescriptorLimit()
        guard allowed >= needed else { throw .tooFewDescriptors(needed: needed, allowed: allowed) }
        let addresses = try edges.map { edge throws(BenchError) in try Self.address(edge.host, edge.port) }
        do { poller = try Poller() } catch { throw .system("\(error)") }
        let run = UInt32.random(in: 1...UInt32.max)
        readers = ReaderFleet(plan: plan, run: run, targets: edges, addresses: addresses, poller: poller)
        let destination = redis.map(PosterFleet.Destination.redis) ?? .edges(edges)
        posters = PosterFleet(
            plan: plan, run: run, destination: destination,
            addresses: try redis.map { redis throws(BenchError) in
                [try Self.address(redis.server.host, redis.server.port)]
            }
                ?? addresses, poller: poller)
    }

    private static func address(_ host: String, _ port: Int) throws(BenchError) -> SocketAddress {
        guard let address = SocketAddress(host: host, port: port) else { throw .unknownHost(host) }
        return address
    }

    /// Runs the load.
    public func run() throws(BenchError) -> BenchOutcome {
        var outcome = BenchOutcome(
            plan: plan, connections: plan.readers + plan.posters, latencies: readers.tally.latencies,
            lateness: lateness, timeline: readers.tally.timeline)
        outcome.edges = edgeCount
        let atStart = processes.map { ProcessSample($0) }
        begin(.connecting, nil)
        try connectAll()
        outcome.connectSeconds = Double(MonotonicClock.now - phaseStart) / 1e9
        begin(.settling, nil)
        while MonotonicClock.now - phaseStart < 300_000_000 { turn(waitingAtMost: 50_000_000) }
        let connected = processes.map { ProcessSample($0) }
        if plan.pace != .none, plan.warmUp > 0 {
            begin(.warmingUp, plan.warmUp)
            _ = load(for: plan.warmUp)
            begin(.draining, nil)
            drain()
        }

        lateness.reset()
        let begun = processes.map { ProcessSample($0) }
        let ownBegun = SystemFigures.processorNanoseconds(of: 0) ?? 0
        begin(.measuring, plan.span)
        let start = MeasuringStart(at: phaseStart, posters: posters, readers: readers)
        readers.tally.beginMeasuring(at: start.moment)
        armStorms(from: start.moment)
        outcome.notMade = load(for: plan.span)
        begin(.draining, nil)
        drain()
        let end = MonotonicClock.now
        outcome.ownProcessor = (SystemFigures.processorNanoseconds(of: 0) ?? 0) - ownBegun
        outcome.ownSpan = end - start.moment
        let ended = processes.map { ProcessSample($0) }
        outcome.ownProcessors = ProcessSample.ownProcessors()
        readers.settle(tops: posters.tops)

        start.count(posters, readers, until: end, into: &outcome)
        outcome.storms = storms
        outcome.lateness = lateness
        outcome.costs = processes.indices.map {
            BenchOutcome.Cost(
                process: processes[$0], atStart: atStart[$0], connected: connected[$0], begun: begun[$0],
                ended: ended[$0])
        }
        return outcome
    }

    /// Has everybody leave for good, and waits until the edges have let go of them all and the processes that are
    /// measured have come to rest: whoever measures next on this machine would pay for it else.
    ///
    /// - Returns: false where that was waited for in vain; all connections are closed then too.
    public func hangUp() -> Bool {
        begin(.leaving, nil)
        posters.hangUp()
        readers.sayGoodbye()
        var rest = RestWatch()
        while MonotonicClock.now - phaseStart < BenchLimits.leavingPatience {
            turn(waitingAtMost: 20_000_000)
            let used = processes.compactMap { SystemFigures.processorNanoseconds(of: $0.id) }.reduce(0, +)
            if readers.areGone, rest.isReached(at: MonotonicClock.now, used: used) { return true }
        }
        readers.hangUp()
        return false
    }

    // MARK: Phases

    private func begin(_ new: BenchProgress.Phase, _ span: UInt64?) {
        phase = new
        phaseStart = MonotonicClock.now
        phaseSpan = span
        if told.moment == 0 { told = (phaseStart, 0) }
    }

    /// Connects everybody: first those who read, so that the rooms are there.
    private func connectAll() throws(BenchError) {
        var progressed = phaseStart
        var best = 0
        while !readers.isComplete || !posters.isComplete {
            let now = MonotonicClock.now
            readers.advance(now)
            if readers.isComplete { posters.advance(now) }
            turn(waitingAtMost: 20_000_000)
            if let authority = readers.uncompressedEdge { throw .uncompressed(authority) }
            let count = readers.liveCount + posters.openCount
            if count > best {
                best = count
                progressed = now
            }
            // What does not come at all is said at once, what comes slowly is waited for.
            let failure = readers.isComplete ? posters.lastFailure : readers.lastFailure
            let patience = best == 0 && failure != nil ? 1_000_000_000 : BenchLimits.patience
            guard now - progressed < patience else {
                throw .unreachable(
                    (failure ?? "the relay does not answer")
                        + (best > 0 ? " (\(best) of \(plan.readers + plan.posters) are connected)" : ""))
            }
        }
    }

    /// Makes the posts of a span, each at its moment or as soon after it as can be. Returns how many were due and could
    /// not be made until long after its end.
    private func load(for span: UInt64) -> Int {
        let end = phaseStart + span
        let pacing: PacingPlan? =
            if case .rate(let rate) = plan.pace { PacingPlan(start: phaseStart, rate: rate) } else { nil }
        let dueInAll = pacing.map { $0.due(at: end - 1) } ?? 0
        var index = 0
        while true {
            let now = MonotonicClock.now
            guard now < end || index < dueInAll, now < end + BenchLimits.patience else { break }
            var wait: UInt64 = 20_000_000
            if let pacing {
                let isTaken = post(&index, upTo: min(pacing.due(at: now), dueInAll), pacing)
                let next = pacing.moment(of: index)
                // What no poster can take is tried again when a socket has moved, or in a millisecond.
                if index < dueInAll { wait = !isTaken ? 1_000_000 : next > now ? min(wait, next - now) : 0 }
            } else if case .window(let count) = plan.pace, now < end {
                fill(&index, window: count)
            }
            if now < end { disturb(now) }
            turn(waitingAtMost: now < end ? min(wait, end - now) : wait)
        }
        return max(dueInAll - index, 0)
    }

    /// At most so many posts before sockets are looked at again.
    private static let postsAtOnce = 256

    /// Makes the posts that are due; false where a poster was wanting.
    private func post(_ index: inout Int, upTo due: Int, _ pacing: PacingPlan) -> Bool {
        defer { posters.flush() }
        let last = min(due, index + Self.postsAtOnce)
        while index < last {
            let moment = pacing.moment(of: index)
            guard posters.post(room: index % plan.rooms, moment: moment) else { return false }
            let now = MonotonicClock.now
            lateness.record(now > moment ? now - moment : 0)
            index += 1
        }
        return true
    }

    private func fill(_ index: inout Int, window: Int) {
        let each = UInt64(max(plan.readers / plan.rooms, 1))
        var count = 0
        while count < Self.postsAtOnce, posters.unanswered < window {
            let arrived = readers.tally.all + readers.tally.missing
            guard posters.expected < arrived + UInt64(window) * each else { break }
            guard posters.post(room: index % plan.rooms, moment: MonotonicClock.now) else { break }
            index += 1
            count += 1
        }
        posters.flush()
    }

    /// Waits until everything has come that is to come, or nothing comes any more.
    private func drain() {
        var last: (Int, UInt64, Int) = (-1, 0, 0)
        var progressed = MonotonicClock.now
        while true {
            let all = readers.tally.all
            if posters.unanswered == 0, all >= posters.promised, readers.isComplete, storm == nil { return }
            let now = MonotonicClock.now
            let state = (posters.unanswered, all, readers.liveCount)
            if state != last {
                last = state
                progressed = now
            }
            guard now - progressed < BenchLimits.patience else { return }
            posters.flush()
            turn(waitingAtMost: 20_000_000)
        }
    }

    // MARK: Storms and joins

    private func armStorms(from start: UInt64) {
        if plan.stormInterval > 0 { nextStorm = start + plan.stormInterval }
        if plan.joinsPerSecond > 0 { joins = PacingPlan(start: start, rate: plan.joinsPerSecond) }
        joinsDone = 0
    }

    private func disturb(_ now: UInt64) {
        if now >= nextStorm, storm == nil {
            storm = (now, readers.cutAll())
            nextStorm += plan.stormInterval
        }
        guard let joins else { return }
        let due = joins.due(at: now)
        var tries = plan.readers
        while joinsDone < due, tries > 0 {
            if readers.rejoin(nextJoiner) { joinsDone += 1 }
            nextJoiner = (nextJoiner + 1) % plan.readers
            tries -= 1
        }
    }

    // MARK: One turn

    private func turn(waitingAtMost wait: UInt64) {
        let now = MonotonicClock.now
        readers.advance(now)
        if phase != .connecting, phase != .leaving { posters.advance(now) }
        if let began = storm?.began, readers.stormedCount == 0 {
            storms.append(
                BenchOutcome.Storm(readers: storm?.readers ?? 0, seconds: Double(now - began) / 1e9))
            storm = nil
        }
        for index in 0..<poller.wait(nanoseconds: Int64(wait)) {
            let found = poller.readiness(index)
            if found.token & PosterFleet.tokenBit != 0 {
                posters.ready(Int(found.token & (PosterFleet.tokenBit - 1)), found)
            } else {
                readers.ready(Int(found.token), found, now)
            }
        }
        tell(now)
    }

    private func tell(_ now: UInt64) {
        guard now - told.moment >= 100_000_000 else { return }
        let tally = readers.tally
        let rate = Double(tally.all - told.deliveries) / Double(now - told.moment) * 1e9
        told = (now, tally.all)
        onProgress(
            BenchProgress(
                phase: phase, seconds: Double(now - min(phaseStart, now)) / 1e9,
                secondsInAll: phaseSpan.map { Double($0) / 1e9 }, live: readers.liveCount, readers: plan.readers,
                posts: posters.sent, deliveries: tally.all, deliveriesPerSecond: rate, missing: tally.missing))
    }
}
