import Testing

@testable import RelayBench

@Suite("What a load is made of")
struct PlanTests {
    @Test("Each post has its moment, and as many are due as have had theirs", arguments: [0.5, 1, 3, 50, 333, 7919])
    func pacing(rate: Double) {
        let plan = PacingPlan(start: 5_000_000_123, rate: rate)
        #expect(plan.due(at: 0) == 0)
        #expect(plan.due(at: 5_000_000_122) == 0)
        for index in 0..<2000 {
            let moment = plan.moment(of: index)
            #expect(plan.due(at: moment) == index + 1)
            if moment > plan.start { #expect(plan.due(at: moment - 1) == index) }
        }
        let late = plan.start + UInt64(1000e9 / rate)
        #expect(abs(plan.due(at: late) - 1001) <= 1)
    }

    @Test("A post that is made late keeps the moment that it was meant for")
    func intendedMoments() {
        let plan = PacingPlan(start: 1_000_000_000, rate: 100)
        // Nothing was done for half a second: fifty are due at once, each with its own moment.
        #expect(plan.due(at: 1_500_000_000) == 51)
        #expect((0...50).map { plan.moment(of: $0) } == (0...50).map { 1_000_000_000 + UInt64($0) * 10_000_000 })
    }

    @Test("Members are spread evenly over rooms, and none is forgotten")
    func members() {
        var plan = BenchPlan()
        for (readers, rooms) in [(10, 3), (1000, 1), (2000, 200), (7, 7)] {
            plan.readers = readers
            plan.rooms = rooms
            let counts = (0..<rooms).map { plan.members(of: $0) }
            #expect(counts.reduce(0, +) == readers)
            #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
            for room in 0..<rooms {
                #expect((0..<readers).count { $0 % rooms == room } == counts[room])
            }
        }
    }

    @Test("More than 28 000 connections have more than one address on loopback to come from")
    func sources() {
        let addresses = (0..<200_000).map { SourceAddress.loopback($0) }
        #expect(addresses.allSatisfy { $0 == 0 || $0 >> 24 == 127 })
        var counts: [UInt32: Int] = [:]
        for address in addresses { counts[address, default: 0] += 1 }
        #expect(counts.count == 13)
        #expect(counts.values.allSatisfy { $0 <= 28_000 })
        #expect(addresses[0] == 0)
        #expect(addresses[SourceAddress.connectionsEach] == 0x7F01_0001)
        #expect(SourceAddress.loopback(SourceAddress.connectionsEach * 255) == 0x7F01_0101)
    }

    @Test("A template has the moment in every copy of the text, and the poster in every name")
    func templates() {
        let text = PostMark.text(run: 7, byteCount: 40)
        let template = PostTemplate(Array("a \(text) b \(PostTemplate.user) c \(text)".utf8))
        var output = Array("before ".utf8)
        template.append(moment: 0xff, poster: 1234, to: &output)
        let mark = "~0000000700000000000000ff~\(ProseFiller.text(byteCount: 14))"
        #expect(String(decoding: output, as: UTF8.self) == "before a \(mark) b bench-p1234 c \(mark)")
    }
}
