import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Redis loses what it acknowledged while readers stall, and while it takes nothing back.
@Suite("Fault: Redis loses what it acknowledged", .timeLimit(.minutes(20)))
struct RedisLossTests {
    // Who does not read does not answer pings.
    private static let fast = [
        "--rate", "1000000", "--burst", "1000000", "--slow-budget", "64KiB", "--ping-interval", "20m",
    ]

    private static func expectStalled(_ edge: EdgeProcess) async throws {
        #expect(try await edge.metric("martlet_edge_fell_behind_total") == 1, "it never stalled")
    }

    @Test(
        "A reader who stalled over a loss is told of it, with its own number, and gets all in order, nothing twice",
        arguments: Loss.allCases)
    func slowReader(_ loss: Loss) async throws {
        try await LossyWorld.run(loss, edges: [Self.fast, Self.fast]) { scene in
            let writer = try await Talker.connect(scene.edges[0], as: "writer")
            var slow = try await SlowReader.join(scene.edges[0], seenBy: writer)
            let quick = try await Talker.connect(scene.edges[1], as: "quick")
            try await quick.join("general", #""history":0"#)
            try await writer.fill(2800)
            let created = try await scene.ask("HGET", "chat:{general}:meta", "created_at")
            try await scene.forget()
            try await writer.fill(200)
            try await quick.hear(3000, within: .seconds(60))
            try await Self.expectStalled(scene.edges[0])
            try await scene.lose()
            #expect(try await writer.insist("awake").seq == 3001)
            try await slow.read(upTo: 3001)
            #expect(slow.numbers == Array(1...3001))
            #expect(slow.lost.isEmpty)
            let told = slow.rewinds
            // Twice where all is put back later than an edge waits for it: then where it stands meanwhile comes first,
            // and in a slow build it comes as often as it waits.
            let often = 1...2 * FinishedCommand.slowness
            #expect(often.contains(told.count) && told.allSatisfy { $0.from == $0.after }, "\(told)")
            #expect(told.last.map { (3000...3001).contains($0.to) } == true, "\(told)")
            try await quick.hear(3001, within: .seconds(60))
            #expect(quick.numbers == Array(1...3001))
            #expect(often.contains(quick.rewindCount))
            #expect(try await scene.ask("HGET", "chat:{general}:meta", "created_at") == created)
        }
    }

    @Test("What nobody could put back is told to a reader who stalled: where it was, and which numbers are gone")
    func numbersGoOn() async throws {
        try await LossyWorld.run(.flushAll, edges: [Self.fast, Self.fast]) { scene in
            let reader = try await Talker.connect(scene.edges[0], as: "reader")
            try await reader.join("general")
            try await reader.insist("first")
            var slow = try await SlowReader.join(scene.edges[0], seenBy: reader)
            let writer = try await Talker.connect(scene.edges[1], as: "writer")
            try await writer.fill(3000)
            try await reader.hear(3001, within: .seconds(60))
            try await Self.expectStalled(scene.edges[0])
            // With the edge goes all that could put its messages back.
            try await scene.edges[1].program.kill()
            try await scene.lose()
            #expect(try await reader.insist("awake").seq == 3002)
            try await slow.read(upTo: 3002)
            let last = try #require(slow.numbers.dropLast().last)
            #expect(last < 3001 && slow.numbers == Array(2...last) + [3002])
            #expect(slow.rewinds.count == 1, "\(slow.rewinds)")
            #expect(slow.rewinds.allSatisfy { $0.after == last && $0.from == last && (3001...3002).contains($0.to) })
            #expect(slow.lost == [last + 1...3001])
            try await reader.hear(3002)
            #expect(reader.numbers == Array(1...3002) && reader.rewindCount == 1)
        }
    }

    @Test("A Redis that lost all and takes nothing back: sends are unavailable, and later everything is back in order")
    func refusedForAWhile() async throws {
        try await LossyWorld.run(.flushAll, edges: [Self.fast, Self.fast]) { scene in
            let alice = try await Talker.connect(scene.edges[0], as: "alice")
            let bob = try await Talker.connect(scene.edges[1], as: "bob")
            for talker in [alice, bob] { try await talker.join("general") }
            for number in 1...20 { try await [alice, bob][number % 2].say("\(number)", in: "general") }
            for talker in [alice, bob] { try await talker.hear(20) }
            try await scene.world.cli("CONFIG", "SET", "maxmemory", "1")
            try await scene.lose()
            // Nothing is posted before all is back, and Redis does not take it.
            for talker in [alice, bob] {
                #expect(try await talker.refusal("send", #""room":"general","text":"x""#)?.code == .unavailable)
            }
            #expect(alice.numbers == Array(1...20) && bob.numbers == Array(1...20))
            try await scene.world.cli("CONFIG", "SET", "maxmemory", "0")
            try await eventually("all is back") {
                try await scene.ask("XLEN", "chat:{general}:stream") == "20"
            }
            #expect(try await alice.insist("awake").seq == 21)
            for talker in [alice, bob] {
                try await talker.hear(21, within: .seconds(30))
                #expect(talker.numbers == Array(1...21))
                #expect(talker.rewindCount >= 1 && talker.closing == nil)
            }
        }
    }

    @Test(
        "An edge that is told to end right after a loss sends its sessions away and ends with 0", arguments: Loss.whole)
    func ended(_ loss: Loss) async throws {
        try await LossyWorld.run(loss, edges: [["--drain", "200ms"], Self.fast]) { scene in
            let leaver = try await Talker.connect(scene.edges[0], as: "leaver")
            let stayer = try await Talker.connect(scene.edges[1], as: "stayer")
            for talker in [leaver, stayer] { try await talker.join("general") }
            try await leaver.insist("one")
            try await scene.forget()
            try await stayer.insist("two")
            try await scene.lose()
            let start = ContinuousClock.now
            scene.edges[0].signal(15)
            #expect(try await leaver.ending().code == 4000)
            #expect(try await scene.edges[0].exitStatus(within: .seconds(60)) == 0)
            #expect(ContinuousClock.now - start < .seconds(7) * patience)
            try await stayer.insist("three")
            try await eventually("it goes on") { stayer.texts.last == "three" }
        }
    }
}
