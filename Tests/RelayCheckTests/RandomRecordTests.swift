import RelayCheck
import RelayCore
import RelayTestKit
import Testing

/// Records of a relay that keeps all promises, made at random, and what becomes of them when one thing is changed.
@Suite("The verifier on random records")
struct RandomRecordTests {
    /// A perfect relay and four clients that come and go.
    struct PerfectRun {
        var events: [CheckEvent] = []
        var lastSeq: UInt64 = 0
        private var random: SeededRandom
        private var heard: [UInt64?] = [nil, nil, nil, nil]
        private var isIn = [false, false, false, false]
        private var stored: [Sighting] = []

        init(seed: UInt64, steps: Int) {
            random = SeededRandom(seed: seed)
            for client in 0..<4 { add(client, .opened(edge: client % 2), inRoom: false) }
            for _ in 0..<steps { step() }
            for client in 0..<4 where !isIn[client] && heard[client] != nil { join(client) }
            for sighting in stored { add(nil, .archived(sighting)) }
        }

        var verdict: [Violation] {
            Verifier.verify(
                events, rooms: 1, edges: 2, endings: [RoomVerifier.Ending(hasArchive: true, lastSeq: lastSeq)])
        }

        private mutating func add(_ client: Int?, _ fact: CheckFact, inRoom: Bool = true) {
            let session = client.map { UInt32($0) + 1 } ?? 0
            events.append(
                CheckEvent(
                    at: UInt32(events.count), room: inRoom ? 0 : nil, client: client, session: session, fact))
        }

        private mutating func step() {
            let client = Int.random(in: 0..<4, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0 where isIn[client]:
                add(client, .leaveAsked)
                isIn[client] = false
            case 1..<3 where !isIn[client]: join(client)
            default: say(client)
            }
        }

        private mutating func say(_ client: Int) {
            let key = SendKey(client: client, number: UInt32(lastSeq) + 1, hasNonce: random.chance(50))
            lastSeq += 1
            let sighting = Sighting(place: Story.place(lastSeq), key: key, digest: random.next())
            stored.append(sighting)
            add(client, .sent(key, attempt: 1))
            add(nil, .stored(sighting))
            for reader in 0..<4 where isIn[reader] { hear(reader, sighting) }
            if random.chance(80) { add(client, .acknowledged(key, sighting.place, isDuplicate: false)) }
        }

        private mutating func hear(_ client: Int, _ sighting: Sighting) {
            add(client, .heard(sighting))
            heard[client] = sighting.place.seq
        }

        private mutating func join(_ client: Int) {
            isIn[client] = true
            let given: ArraySlice<Sighting>
            if let last = heard[client] {
                add(client, .joinAsked(.since(Story.place(last), epoch: Story.epoch)))
                given = stored[Int(last)...]
            } else {
                add(client, .joinAsked(.history(3)))
                given = stored.suffix(3)
            }
            add(client, .joined(Story.joined(seq: lastSeq, count: given.count)))
            for sighting in given { hear(client, sighting) }
            if heard[client] == nil { heard[client] = stored.last?.place.seq }
        }
    }

    @Test("A relay that keeps its promises is never blamed", arguments: 1...60)
    func perfect(seed: Int) {
        let run = PerfectRun(seed: UInt64(seed), steps: 200)
        #expect(run.lastSeq > 50)
        #expect(run.verdict.isEmpty)
    }

    @Test("One delivery left out, given twice or swapped with its neighbour is always noticed", arguments: 1...60)
    func oneChange(seed: Int) throws {
        let run = PerfectRun(seed: UInt64(seed), steps: 200)
        var random = SeededRandom(seed: UInt64(seed) &* 7919)
        let heard = run.events.indices.filter { if case .heard = run.events[$0].fact { true } else { false } }
        // Behind the first, so that the reader knows what to expect.
        let client = try #require(run.events[heard[heard.count / 2]].client)
        let own = heard.filter { run.events[$0].client == client }.dropFirst()
        // What a reader says that it had when it comes back is taken at its word.
        let continued = zip(own, own.dropFirst()).filter { at, next in
            !run.events[at...next].contains { event in
                guard case .joinAsked = event.fact else { return false }
                return event.client == client
            }
        }
        let at = try #require(continued.randomElement(using: &random)).0

        var dropped = run
        dropped.events.remove(at: at)
        #expect(!dropped.verdict.isEmpty)

        var doubled = run
        doubled.events.insert(run.events[at], at: at)
        #expect(doubled.verdict.map(\.rule) == [.repeated])
        #expect(doubled.verdict.first?.focus.client == client)

        var swapped = run
        let next = try #require(own.first { $0 > at })
        swapped.events.swapAt(at, next)
        #expect(!swapped.verdict.isEmpty)
    }
}
