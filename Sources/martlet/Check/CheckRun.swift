import ArgumentParser
import Foundation
import Logging
import NIOPosix
import RedisClient
import RedisProtocol
import RelayCheck
import RelayClient
import RelayCore
import RelayRedis
import RelaySettings
import Synchronization

/// What a run is to do.
struct CheckPlan {
    var seed: UInt64
    var duration: Duration
    var clients: Int
    var rooms: [RoomID]
    var faults: [Fault]
    var keepsRooms: Bool
}

/// To whom.
struct CheckTarget {
    var redis: RedisConfiguration
    var keys: KeySpace
    var edges: [RelayURL]
    /// The directory of the archive; nil where it is not to be read.
    var archive: String?
    /// The relay, where it is the checker's own.
    var own: OwnRelay?
}

/// One run, from the first connection to the report.
struct CheckRun {
    /// How long all may take to settle, and the archive to have everything.
    private static let settleDeadline: Duration = .seconds(90)
    /// What has not come after so long without anything new will not come: quiet rooms are looked at every ten seconds.
    private static let quietDeadline: Duration = .seconds(25)

    let plan: CheckPlan
    let target: CheckTarget
    private let clock = ContinuousClock()
    private let recorder: CheckRecorder

    init(plan: CheckPlan, target: CheckTarget) {
        self.plan = plan
        self.target = target
        recorder = CheckRecorder(rooms: plan.rooms.count, edges: target.edges.count)
    }

    func run() async throws -> CheckReport {
        let redis = try await connect()
        do {
            try await refuseLeftovers(redis)
            try await reachEdges()
        } catch {
            await redis.close()
            throw error
        }
        let speech = Speech(seed: plan.seed, mark: String(UInt64.random(in: 0..<(1 << 40)), radix: 36))
        let drivers = (0..<plan.clients).map { number in
            ClientDriver(
                ClientPlan(
                    number: number, seed: plan.seed, edges: target.edges.count, rooms: plan.rooms, speech: speech),
                edges: target.edges, recorder: recorder)
        }
        let store = RoomStore(redis: redis, keys: target.keys, rooms: plan.rooms, speech: speech, recorder: recorder)
        let watch = Task { await store.watch() }
        let lives = drivers.map { driver in Task { await driver.run() } }
        let outcome: Result<CheckReport, any Error>
        do {
            outcome = .success(try await judge(drivers, store, redis, speech))
        } catch {
            outcome = .failure(error)
        }
        // Whatever came of it, nothing of the run stays.
        for driver in drivers { await driver.depart() }
        for life in lives { await life.value }
        watch.cancel()
        await watch.value
        if !plan.keepsRooms, target.own == nil { await store.removeRooms() }
        await redis.close()
        return try outcome.get()
    }

    /// Lets the clients live through the faults, and looks at everything in the end.
    private func judge(
        _ drivers: [ClientDriver], _ store: RoomStore, _ redis: RedisClient, _ speech: Speech
    ) async throws -> CheckReport {
        let started = clock.now
        await beBusy(redis, speech)
        let worked = started.duration(to: clock.now)
        for driver in drivers { await driver.finish() }
        let lastSeqs = await settle(drivers, store)
        let hasArchive = try await readArchive(store, lastSeqs, speech)
        await readPages(speech)
        let setting = CheckReport.Setting(
            seed: plan.seed, edges: target.edges.count, rooms: plan.rooms, clients: plan.clients, duration: worked,
            hasArchive: hasArchive)
        return recorder.conclude(
            setting, endings: lastSeqs.map { RoomVerifier.Ending(hasArchive: hasArchive, lastSeq: $0) })
    }

    // MARK: Before

    private func connect() async throws -> RedisClient {
        let redis: RedisClient
        do {
            redis = try RedisClient(
                configuration: target.redis, eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                logger: Logger(label: "martlet") { _ in SwiftLogNoOpLogHandler() })
        } catch {
            throw SettingError(setting: "--redis-url", problem: error.description)
        }
        do {
            try await redis.waitUntilReady(deadline: .seconds(10))
        } catch {
            Console.complain("\(target.redis): \(error)")
            throw ExitCode(69)
        }
        return redis
    }

    private func refuseLeftovers(_ redis: RedisClient) async throws {
        for room in plan.rooms {
            let reply = try? await redis.execute(RedisCommand("EXISTS", target.keys.meta(of: room)))
            guard reply?.int == 0 else {
                throw SettingError(
                    setting: "--seed",
                    problem: "the room \(room) exists from an earlier run, or has been gone for less than six "
                        + "minutes; take another seed")
            }
        }
    }

    private func reachEdges() async throws {
        for edge in target.edges {
            do {
                let url = RelayURL("\(edge)\(edge.target.contains("?") ? "&" : "?")user=check") ?? edge
                try await RelayConnection.open(RelayConnectionConfiguration(url: url)).close()
            } catch {
                let reason = (error as? RelayConnectionError).map { Failure.text(.failed($0)) } ?? "\(error)"
                Console.complain("\(edge): \(reason)")
                throw ExitCode(69)
            }
        }
    }

    // MARK: Meanwhile

    /// Causes faults until the time is over, or somebody asks for the end.
    private func beBusy(_ redis: RedisClient, _ speech: Speech) async {
        let end = clock.now + plan.duration
        let isStopped = Atomic(false)
        Signals.watch { _ in
            // Asked once it looks at what there is; asked twice it goes.
            if isStopped.exchange(true, ordering: .relaxed) { Ending.exit(130) }
        }
        var schedule = FaultSchedule(kinds: plan.faults, seed: plan.seed, duration: plan.duration)
        let faults = CheckFaults(redis: redis, target: target, plan: plan, speech: speech, recorder: recorder)
        var told = clock.now
        func rest(until moment: ContinuousClock.Instant) async {
            while clock.now < min(moment, end), !isStopped.load(ordering: .relaxed) {
                try? await Task.sleep(for: min(.milliseconds(200), clock.now.duration(to: min(moment, end))))
                if told.duration(to: clock.now) >= .seconds(60) {
                    told = clock.now
                    tellProgress()
                }
            }
        }
        while clock.now < end, !isStopped.load(ordering: .relaxed) {
            guard let order = schedule.next() else {
                await rest(until: end)
                break
            }
            await rest(until: clock.now + order.pause)
            if clock.now < end, !isStopped.load(ordering: .relaxed) { await faults.cause(order) }
        }
    }

    private func tellProgress() {
        let tally = recorder.tally
        Console.complain(
            "check: \(tally.acks) acks, \(tally.deliveries) deliveries, \(tally.faults.values.reduce(0, +)) faults, "
                + "\(recorder.violationCount) violations")
    }

    // MARK: After

    /// Waits until everybody has everything; what is not so in the end is for the verifier to say.
    ///
    /// - Returns: the highest number of each room.
    private func settle(_ drivers: [ClientDriver], _ store: RoomStore) async -> [UInt64] {
        let deadline = clock.now + Self.settleDeadline
        var lastSeqs = [UInt64](repeating: 0, count: plan.rooms.count)
        var heard = (count: -1, at: clock.now)
        while clock.now < min(deadline, heard.at + Self.quietDeadline) {
            let count = recorder.tally.deliveries
            if count != heard.count { heard = (count, clock.now) }
            var isSettled = true
            for driver in drivers where isSettled { isSettled = await driver.isSettled }
            for room in plan.rooms.indices {
                guard let seq = await store.lastSeq(of: room) else {
                    isSettled = false
                    continue
                }
                lastSeqs[room] = max(seq, recorder.messageCount(of: room))
                isSettled =
                    isSettled && recorder.messageCount(of: room) >= seq && store.hasWatched(room, upTo: seq)
                    && recorder.isRead(room: room, upTo: lastSeqs[room])
            }
            if isSettled { break }
            try? await Task.sleep(for: .milliseconds(100))
        }
        return lastSeqs
    }

    private func readArchive(_ store: RoomStore, _ lastSeqs: [UInt64], _ speech: Speech) async throws -> Bool {
        guard let archive = target.archive else { return false }
        let deadline = clock.now + Self.settleDeadline
        for room in plan.rooms.indices {
            while clock.now < deadline, await store.archivedSeq(of: room) ?? 0 < lastSeqs[room] {
                try? await Task.sleep(for: .milliseconds(100))
            }
            do {
                try ArchiveLines(directory: archive, room: plan.rooms[room]).forEach { line in
                    recorder.record(room: room, line.fact(speech))
                }
            } catch {
                Console.complain("\(archive): \(error.localizedDescription)")
                throw ExitCode(69)
            }
        }
        return true
    }

    private func readPages(_ speech: Speech) async {
        for (edge, url) in target.edges.enumerated() {
            for (room, id) in plan.rooms.enumerated() {
                do {
                    try await HistoryReading(edge: url, room: id).forEach { message in
                        recorder.record(room: room, .paged(speech.sighting(of: message), edge: edge))
                    }
                } catch {
                    recorder.record(room: room, .unreadable("history of edge \(edge): \(error)"))
                }
            }
        }
    }
}
