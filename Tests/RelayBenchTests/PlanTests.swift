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

    @Test("A post for Redis says where the room stands, and the mark behind it is that of the moment")
    func redisTemplates() {
        let text = PostMark.text(run: 7, byteCount: 32)
        let template = PostTemplate.redis(RedisPostWords(head: ["EVALSHA", "x"], tail: ["0", text]))
        for (position, words) in [
            (RoomPosition.unknown, ["0", "", "0"]),
            (RoomPosition(seq: 12_345, id: "1795251097528-0", epoch: 9), ["12345", "1795251097528-0", "9"]),
        ] {
            var output: [UInt8] = []
            template.append(moment: 0xff, poster: 3, at: position, to: &output)
            let said = text.replacing(PostMark.blank, with: "00000000000000ff")
            #expect(output == RedisWords.encoded(["EVALSHA", "x"] + words + ["0", said]))
        }
    }

    @Test("The position ahead of the replies is what each post finds, and unknown after one that was not stored")
    func standings() {
        var standing = RoomStanding()
        standing.asked(of: 2)
        standing.asked(of: 2)
        #expect(standing.next == .unknown)
        #expect(standing.taker == 2)
        standing.stored(at: RoomPosition(seq: 7, id: "1-0", epoch: 5))
        // One is still under way, and will be number 8.
        #expect(standing.next == RoomPosition(seq: 8, id: "1-0", epoch: 5))
        standing.asked(of: 2)
        #expect(standing.next.seq == 9)
        standing.stored(at: RoomPosition(seq: 8, id: "1-1", epoch: 5))
        standing.notStored()
        #expect(standing.next == .unknown)
        #expect(standing.taker == nil)
        standing.asked(of: 4)
        #expect(standing.taker == 4)
        standing.stored(at: RoomPosition(seq: 20, id: "2-0", epoch: 6))
        #expect(standing.next == RoomPosition(seq: 20, id: "2-0", epoch: 6))
    }

    @Test("However posts are refused, soon after the last refusal all of them find the room where they say it is")
    func standingsAfterRefusals() {
        // Two refusals within one window: between them what is under way is told right, too high and not at all.
        for distance in 1...40 {
            let window = 8
            let refused: Set<Int> = [20, 20 + distance]
            var standing = RoomStanding()
            var room = RoomPosition(seq: 100, id: "1-0", epoch: 5)
            var underWay: [RoomPosition] = []
            var misled = 0
            for call in 0..<200 {
                while underWay.count < window {
                    underWay.append(standing.next)
                    standing.asked(of: 0)
                }
                let position = underWay.removeFirst()
                // As the script has it: a position that is too high is that of a room which has lost something.
                let isTooHigh = position.epoch > 0 && position.seq > room.seq
                if isTooHigh, call > 20 + distance + 2 * window { misled += 1 }
                if isTooHigh || refused.contains(call) {
                    standing.notStored()
                } else {
                    room.seq += 1
                    standing.stored(at: room)
                }
            }
            #expect(misled == 0, "\(distance) apart")
            #expect(standing.next.epoch == 5, "\(distance) apart")
        }
    }

    @Test("Edges are needed but where nobody reads what goes straight to Redis")
    func needs() {
        var plan = BenchPlan()
        #expect(plan.needsEdges)
        plan.route = .redis
        #expect(plan.needsEdges)
        plan.readers = 0
        #expect(!plan.needsEdges)
        plan.route = .http
        #expect(plan.needsEdges)
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
