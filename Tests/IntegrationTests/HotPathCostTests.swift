import Foundation
import NIOCore
import RelayClient
import RelayTestKit
import Testing

/// What a message to many may cost the edge, in calls and allocations, which are counted and not measured: so these
/// bounds hold on any machine. They are those of a debug build, which allocates more than what is delivered to users.
///
/// A bound that is exceeded is a regression of the hot path, or a decision: then it is raised here, with the reason in
/// the message of the commit.
@Suite(
    "What a delivery costs the edge, counted", .timeLimit(.minutes(20)), .serialized,
    .disabled(if: FinishedCommand.isSanitized, "a sanitizer counts allocations itself"))
struct HotPathCostTests {
    /// What may be spent on a delivery.
    private struct Bounds {
        var writes: Double
        var reads: Double
        var waits: Double
        var allocations: Double

        /// One message at a time to sixty: a write for each, and beside these one to Redis, one to whoever said it and
        /// those that wake the loops; a few reads and waits for all sixty together. Measured: 1.03, 0.06, 0.04, 3.1.
        static let single = Bounds(writes: 1.1, reads: 0.12, waits: 0.1, allocations: 4.5)
        /// Many at once to sixty: what comes in one tick is one write a reader. Measured: 0.02, 0.004, 0.004, 1.5.
        static let burst = Bounds(writes: 0.1, reads: 0.05, waits: 0.05, allocations: 2.3)

        func exceeded(by counts: CostCounter.Counts) -> [String] {
            [
                ("writes", counts.writes, writes), ("reads", counts.reads, reads), ("waits", counts.waits, waits),
                ("allocations", counts.allocations, allocations),
                // Nobody's interest in a socket changes on the way of a message.
                ("controls", counts.controls, 0.02),
            ].filter { $0.1 > $0.2 }.map { "\($0.0): \($0.1) a delivery, at most \($0.2)" }
        }
    }

    private static let readers = 60

    /// Lets people into rooms, each into one or everybody into all, says something in each room in turn, and returns
    /// the cost a delivery.
    private static func cost(
        rooms: Int, readers: Int = readers, sharing: Bool = false, everywhere: Bool = false,
        _ body: (Talker, [[Talker]]) async throws -> Int
    ) async throws -> CostCounter.Counts {
        let directory = try TemporaryDirectory.make("martlet-cost")
        defer { TemporaryDirectory.remove(directory) }
        let counter = try await CostCounter(in: directory)
        var cost = CostCounter.Counts()
        // A call that many sends share cannot be seen by the counter, so each has its own but where it is asked for.
        let flags = [
            "--rate", "1000000", "--burst", "1000000", "--user-rate", "1000000", "--threads", "1",
            "--io-uring", sharing ? "on" : "off",
        ]
        try await RelayWorld.run(edges: [flags], options: .init(environment: counter.environment)) { _, edges in
            var members: [[Talker]] = []
            for room in 0..<rooms {
                var talkers: [Talker] = []
                for number in 0..<(readers / rooms) {
                    let talker = try await Talker.connect(edges[0], as: "r\(room)-\(number)")
                    for name in everywhere ? Array(0..<rooms) : [room] {
                        _ = try await talker.join("cost\(name)", #""history":0"#)
                    }
                    talkers.append(talker)
                }
                members.append(talkers)
            }
            if everywhere { members = Array(repeating: Array(members.joined()), count: rooms) }
            let poster = try await Talker.connect(edges[0], as: "poster")
            for room in 0..<rooms { try await poster.say("the first", in: "cost\(room)") }
            for talker in members.joined() { try await talker.hear(everywhere ? rooms : 1) }
            let before = try counter.counts
            let deliveries = try await body(poster, members)
            cost = (try counter.counts - before) / Double(deliveries)
        }
        return cost
    }

    /// Says so many things, each when the one before has come to everybody.
    private static func oneByOne(_ count: Int) -> (Talker, [[Talker]]) async throws -> Int {
        { poster, members in
            for number in 1...count {
                let room = number % members.count
                try await poster.say("message \(number)", in: "cost\(room)")
                let heard = 1 + (1...number).count { $0 % members.count == room }
                for talker in members[room] { try await talker.hear(heard) }
            }
            return count * (members.first?.count ?? 0)
        }
    }

    @Test("One message at a time: a write a reader, and next to nothing beside")
    func single() async throws {
        let cost = try await Self.cost(rooms: 1, Self.oneByOne(100))
        #expect(Bounds.single.exceeded(by: cost).isEmpty, "\(Bounds.single.exceeded(by: cost)) of \(cost)")
        // The counter counts: a delivery is a write.
        #expect(cost.writes > 0.9, "\(cost)")
    }

    /// Says a hundred things at once, five times, in each room in turn.
    private static func inBursts(_ poster: Talker, _ members: [[Talker]]) async throws -> Int {
        let size = 100
        for round in 1...5 {
            var frames = ByteBuffer()
            for number in 0..<size {
                let text = #"{"op":"send","room":"cost\#(number % members.count)","text":"one of many"}"#
                // Masked with zeros, in one piece, so that the edge reads many at once.
                frames.writeBytes([0x81, 0x80 | UInt8(text.utf8.count), 0, 0, 0, 0])
                frames.writeString(text)
            }
            try await poster.connection.sendRaw(frames)
            for talker in members[0] { try await talker.hear(members.count + round * size) }
        }
        return 5 * size * members[0].count
    }

    @Test("Many at once: they share their writes")
    func burst() async throws {
        let cost = try await Self.cost(rooms: 1, Self.inBursts)
        #expect(Bounds.burst.exceeded(by: cost).isEmpty, "\(Bounds.burst.exceeded(by: cost)) of \(cost)")
        #expect(cost.writes > 0, "\(cost)")
    }

    @Test("Many at once in two rooms of the same people: they share their writes as well")
    func burstInTwoRooms() async throws {
        let cost = try await Self.cost(rooms: 2, everywhere: true, Self.inBursts)
        #expect(Bounds.burst.exceeded(by: cost).isEmpty, "\(Bounds.burst.exceeded(by: cost)) of \(cost)")
        #expect(cost.writes > 0, "\(cost)")
    }

    @Test("Where sends share a system call one message at a time costs no more beside")
    func shared() async throws {
        let cost = try await Self.cost(rooms: 1, sharing: true, Self.oneByOne(100))
        #expect(Bounds.single.exceeded(by: cost).isEmpty, "\(Bounds.single.exceeded(by: cost)) of \(cost)")
        // The one to Redis, and the one to whoever said it; or, without io_uring, these and one for each reader.
        #expect(cost.writes < 0.1 || cost.writes > 0.9, "\(cost)")
    }

    @Test("A hot path that costs more a delivery exceeds the bounds")
    func sensitivity() async throws {
        // The price of a message for each of two readers alone is what all sixty would have without a shared fan-out.
        let cost = try await Self.cost(rooms: 30, Self.oneByOne(60))
        let exceeded = Bounds.single.exceeded(by: cost)
        for kind in ["writes", "reads", "waits", "allocations"] {
            #expect(exceeded.contains { $0.hasPrefix(kind) }, "\(kind) of \(cost)")
        }
    }
}
