import Foundation
import RelayCore
import RelayTestKit
import NIOConcurrencyHelpers
import Testing

/// People in one room of two edges, with Redis and an archiver: something breaks while they talk, and the oracle judges
/// what became of the room.
final class FaultScene: Sendable {
    /// What a scene is like.
    struct Options {
        var world = RelayWorld.Options(isAppendOnly: true)
        /// Ops a second of one session: so fast do talkers talk.
        var rate = 150
        var edgeFlags: [String] = []
        var archiverFlags = ["--keep", "100000"]
        var talkers = 2
        var listeners = 2
    }

    static let room: RoomID = {
        guard let room = RoomID("general") else { preconditionFailure("letters are a room's id") }
        return room
    }()

    let world: RelayWorld
    let balancer: Balancer
    private let edgeFlags: [String]
    private let archiverFlags: [String]
    private let living: NIOLockedValueBox<[EdgeProcess]>
    private let residents: [Resident]
    private let talkers: Int
    private let archive: String

    private init(
        world: RelayWorld, edges: [EdgeProcess], balancer: Balancer, archive: String, options: Options
    ) async throws {
        self.world = world
        self.balancer = balancer
        self.archive = archive
        edgeFlags = Self.flags(options)
        archiverFlags = options.archiverFlags
        living = NIOLockedValueBox(edges)
        talkers = options.talkers
        var residents: [Resident] = []
        for number in 0..<options.talkers + options.listeners {
            let name = number < options.talkers ? "talker\(number)" : "listener\(number)"
            residents.append(try await Resident.arrive(name, in: Self.room, port: balancer.port))
        }
        self.residents = residents
    }

    private static func flags(_ options: Options) -> [String] {
        ["--rate", "\(options.rate)", "--burst", "\(options.rate)"] + options.edgeFlags
    }

    /// Makes a scene, lets the body do its worst, and judges the room.
    static func run(_ options: Options = Options(), _ body: (FaultScene) async throws -> Void) async throws {
        let flags = flags(options)
        try await RelayWorld.run(edges: [flags, flags], options: options.world) { world, edges in
            let balancer = try await Balancer.start()
            balancer.serve(edges.map(\.port))
            let archive = try await world.startArchiver(options.archiverFlags)
            let scene = try await FaultScene(
                world: world, edges: edges, balancer: balancer, archive: archive, options: options)
            let outcome: Result<Void, any Error>
            do {
                try await body(scene)
                outcome = .success(try await scene.judge())
            } catch {
                outcome = .failure(error)
            }
            for resident in scene.residents { await resident.leave() }
            await balancer.close()
            try outcome.get()
        }
    }

    // MARK: What the body uses

    var edges: [EdgeProcess] { living.withLockedValue { $0 } }
    var people: [Resident] { residents }

    /// Lets the talkers talk while the fault happens, and a while before and after it.
    func underLoad(_ fault: () async throws -> Void) async throws {
        let goesOn = Switch()
        let talking = residents.prefix(talkers).map { talker in
            Task { try await talker.talk { goesOn.isOn } }
        }
        let outcome: Result<Void, any Error>
        do {
            try await progress(Campaign.isOn ? 3000 : 50)
            try await fault()
            try await progress(Campaign.isOn ? 3000 : 50)
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        goesOn.turnOff()
        if case .success = outcome {
            for talk in talking { try await talk.value }
        }
        try outcome.get()
    }

    /// How many messages have been acknowledged.
    var acknowledged: Int { residents.reduce(0) { $0 + $1.look { $0.receipts.count } } }

    /// Waits until so many more messages are acknowledged.
    func progress(_ count: Int, within limit: Duration = .seconds(60)) async throws {
        let before = acknowledged
        try await eventually("\(count) more messages are acknowledged", within: limit) {
            acknowledged >= before + count
        }
    }

    /// Takes an edge's place with a new one, and lets the balancer know only that.
    func replace(_ index: Int) async throws {
        let edge = try await world.startEdge(edgeFlags)
        try await edge.waitUntilReady()
        living.withLockedValue { $0[index] = edge }
        balancer.serve(edges.map(\.port))
    }

    /// Kills the archiver and starts another.
    func replaceArchiver() async throws {
        try await world.killArchiver()
        _ = try await world.startArchiver(archiverFlags)
    }

    /// A session outside of the balancer, who is not judged.
    func visitor(_ name: String, at index: Int = 0) async throws -> Talker {
        try await Talker.connect(edges[index], as: name)
    }

    // MARK: The end

    /// Waits until everybody has heard everything and all is archived, and asks the oracle.
    private func judge() async throws {
        let records = try RoomRecords(world, room: Self.room, archive: archive)
        defer { Task { await records.close() } }
        let last = try await records.number("seq")
        #expect(last > 0, "nobody said anything")
        // Where this does not come to pass the oracle says what is missing.
        _ = await condition(within: .seconds(30)) {
            residents.allSatisfy { resident in resident.look { $0.copies.last?.seq ?? 0 } >= last }
        }
        _ = try await condition(within: .seconds(30)) { try await records.number("archived_seq") >= last }
        var evidence = RoomEvidence()
        evidence.receipts = residents.flatMap { $0.look { $0.receipts } }
        evidence.stream = try await records.stream()
        if let archived = try records.archived() {
            evidence.archive = archived.copies
            evidence.archiveGapLines = archived.gapLines
        }
        evidence.sessions = residents.map(\.testimony)
        let violations = RoomOracle.violations(in: evidence)
        #expect(violations.isEmpty, "\(violations.count) violations: \(violations.prefix(10))")
        for resident in residents {
            let (gaps, rewinds, end) = resident.look { ($0.gaps, $0.rewinds, $0.end) }
            #expect(gaps.isEmpty && rewinds == 0 && end == nil, "\(resident.name): \(gaps) \(rewinds) \(end as Any)")
        }
    }

    private final class Switch: Sendable {
        private let value = NIOLockedValueBox(true)
        var isOn: Bool { value.withLockedValue { $0 } }
        func turnOff() { value.withLockedValue { $0 = false } }
    }
}

/// How long faults last: short in CI, long where `MARTLET_CAMPAIGN` is set.
enum Campaign {
    static let isOn = ProcessInfo.processInfo.environment["MARTLET_CAMPAIGN"] != nil

    /// The short form, or the long one.
    static func span(_ short: Duration, long: Duration) -> Duration { isOn ? long : short }
}
