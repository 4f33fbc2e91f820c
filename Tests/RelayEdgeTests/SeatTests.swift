import NIOCore
import NIOEmbedded
import RelayCore
import RelayWire
import Testing

@testable import RelayEdge

@Suite("A seat in a room")
struct SeatTests {
    private let room: RoomID
    private let edge = OneLoopEdge()

    init() throws {
        room = try #require(RoomID("r"))
    }

    private static let join = #"{"op":"join","room":"r","ref":1}"#
    private static let leave = #"{"op":"leave","room":"r","ref":2}"#
    private static let again = #"{"op":"join","room":"r","since":"0-0","ref":3}"#

    private func member(_ name: String) throws -> OneLoopClient {
        let client = try edge.connect(as: name)
        try client.send(Self.join)
        #expect(try client.received().answers(to: 1).count == 1)
        return client
    }

    @Test("A member gets what was said before, then what is said from there on, until it leaves")
    func life() throws {
        _ = try member("first")
        try edge.store.post("before", in: room, count: 3)
        let client = try edge.connect(as: "alice")
        try client.send(Self.join)
        #expect(try client.receivedNumbers() == [1, 2, 3])
        try edge.store.post("live", in: room, count: 2)
        #expect(try client.receivedNumbers() == [4, 5])
        try client.send(Self.leave)
        #expect(try client.received().answers(to: 2) == [.left(room)])
        try edge.store.post("after", in: room)
        #expect(try client.received().isEmpty)
    }

    @Test("A leave that overtakes its join is answered after it, and nothing comes any more")
    func leaveWhileJoining() throws {
        edge.store.holding = [.read]
        let client = try edge.connect(as: "alice")
        try client.send(Self.join)
        try client.send(Self.leave)
        edge.store.holding = []
        edge.store.release(.read)
        let frames = try client.received()
        #expect(frames.answers(to: 1).count == 1)
        #expect(frames.last == .answer(.left(room), ref: .integer(2)))
        try edge.store.post("after", in: room)
        #expect(try client.received().isEmpty)
        #expect(edge.store.present[room]?.isEmpty != false)
    }

    @Test("A member that vanishes while it joins once more takes nothing from the others, also if that is refused")
    func vanishedWhileJoiningAgain() throws {
        let (stays, goes) = (try member("stays"), try member("goes"))
        try edge.store.post("more than the ring", in: room, count: Limits.ringFramesMax + 10)
        _ = (try stays.received(), try goes.received())
        edge.store.holding = [.read]
        try goes.send(Self.again)
        #expect(edge.store.heldCount(.read) == 1)
        goes.vanish()
        edge.store.holding = []
        edge.store.release(.read, with: .unavailable)
        try edge.store.post("still here", in: room)
        #expect(try stays.receivedNumbers() == [UInt64(Limits.ringFramesMax) + 11])
        #expect(edge.hub.rooms[room]?.isAbandoned == false)
    }

    @Test("Who leaves while it joins once more is told that the join came to nothing")
    func leftWhileJoiningAgain() throws {
        let client = try member("alice")
        try edge.store.post("more than the ring", in: room, count: Limits.ringFramesMax + 10)
        _ = try client.received()
        edge.store.holding = [.read]
        try client.send(Self.again)
        try client.send(Self.leave)
        #expect(try client.received().answers(to: 2) == [.left(room)])
        edge.store.holding = []
        edge.store.release(.read)
        guard case .refused(let refusal)? = try client.received().answers(to: 3).first else {
            Issue.record("no answer")
            return
        }
        #expect(refusal.code == .notJoined)
    }

    @Test("A reader that falls behind is given everything once, in order, when its socket drains")
    func behind() throws {
        let client = try member("slow")
        try edge.store.post("live", in: room, count: 2)
        client.setWritable(false)
        try edge.store.post("unseen", in: room, count: Limits.pageMessagesMax + 100)
        #expect(try client.receivedNumbers() == [1, 2])
        client.setWritable(true)
        try edge.store.post("live again", in: room, count: 3)
        #expect(try client.receivedNumbers() == Array(3...UInt64(Limits.pageMessagesMax) + 105))
    }

    @Test("What is over a reader's budget follows exactly behind what it was sent: after its join, and page by page")
    func cutToBudget() throws {
        let edge = OneLoopEdge { $0.limits.slowBudgetBytes = 2000 }
        try edge.store.post(String(repeating: "x", count: 150), in: room, count: 60)
        let client = try edge.connect(as: "slow")
        client.setWritable(false)
        try client.send(#"{"op":"join","room":"r","since":"0-0","ref":1}"#)
        let given = try client.receivedNumbers()
        #expect(given.count > 1 && given.count < 20 && given == Array(1...UInt64(given.count)))
        // One page after the other: each is cut in its turn.
        client.setWritable(true)
        try edge.store.post("live", in: room)
        #expect(given + (try client.receivedNumbers()) == Array(1...61))
    }

    @Test("A page that is refused is asked for again")
    func refusedPage() throws {
        let client = try member("slow")
        client.setWritable(false)
        try edge.store.post("more than the ring", in: room, count: Limits.ringFramesMax + 10)
        edge.store.holding = [.read]
        client.setWritable(true)
        edge.store.holding = []
        edge.store.release(.read, with: .unavailable)
        #expect(try client.receivedNumbers().isEmpty)
        edge.loop.advanceTime(by: .milliseconds(500))
        try edge.store.post("live again", in: room)
        #expect(try client.receivedNumbers() == Array(1...UInt64(Limits.ringFramesMax) + 11))
    }

    @Test("A reader that is behind and joins once more for the last messages is given those, and then all it is owed")
    func lastWhileBehind() throws {
        let client = try member("slow")
        client.setWritable(false)
        try edge.store.post("more than the ring", in: room, count: Limits.ringFramesMax + 10)
        edge.store.holding = [.read]
        client.setWritable(true)
        #expect(edge.store.heldCount(.read) == 1)
        try client.send(#"{"op":"join","room":"r","history":2,"ref":3}"#)
        let last = UInt64(Limits.ringFramesMax) + 10
        #expect(try client.receivedNumbers() == [last - 1, last])
        edge.store.holding = []
        edge.store.release(.read)
        try edge.store.post("live again", in: room)
        #expect(try client.receivedNumbers() == Array(1...last + 1))
    }

    @Test("One that joins once more from where it is goes on from that answer")
    func againWhileBehind() throws {
        let client = try member("slow")
        try edge.store.post("live", in: room)
        let place = try edge.store.newest(in: room).orThrow().id
        client.setWritable(false)
        try edge.store.post("unseen", in: room, count: 10)
        try client.send(#"{"op":"join","room":"r","since":"\#(place)","ref":3}"#)
        #expect(try client.receivedNumbers() == Array(1...11))
        client.setWritable(true)
        try edge.store.post("live again", in: room)
        #expect(try client.receivedNumbers() == [12])
    }

    @Test("A ping of a reader that is behind is answered too, and one that does nothing but ping is closed")
    func pings() throws {
        let edge = OneLoopEdge { $0.limits.slowBudgetBytes = 1000 }
        let client = try edge.connect(as: "slow")
        client.setWritable(false)
        try client.ping("hi")
        #expect(Array(try client.receivedBytes().readableBytesView) == [0x8A, 2] + "hi".utf8)
        for _ in 0..<200 { try client.ping("") }
        #expect(try client.lines().last == "close \(CloseReason.tooSlow.code)")
    }

    @Test("While nobody listens a join is refused at once, also one whose user is being announced")
    func unavailable() throws {
        edge.store.holding = [.announce]
        let client = try edge.connect(as: "alice")
        try client.send(Self.join)
        #expect(edge.store.heldCount(.announce) == 1)
        edge.store.lose()
        edge.store.release(.announce, with: .unavailable)
        #expect(try client.received().answers(to: 1) == [.refused(.unavailable)])
        edge.store.holding = []
        edge.store.release(.announce, with: .unavailable)
        edge.store.comeBack()
        try client.send(Self.join)
        #expect(try client.received().answers(to: 1).count == 1)
    }

    @Test("A channel that is not confirmed in time holds no join up")
    func unconfirmed() throws {
        edge.store.holding = [.subscribe]
        let client = try edge.connect(as: "alice")
        try client.send(Self.join)
        #expect(try client.received().isEmpty)
        edge.loop.advanceTime(by: .seconds(2))
        #expect(try client.received().answers(to: 1) == [.refused(.unavailable)])
        edge.store.holding = []
        edge.store.release(.subscribe)
        try client.send(Self.join)
        #expect(try client.received().answers(to: 1).count == 1)
    }

    @Test("What was said while nobody listened comes once, in order, when somebody listens again")
    func interruption() throws {
        let client = try member("alice")
        try edge.store.post("live", in: room)
        edge.store.lose()
        try edge.store.post("unheard", in: room, count: 3)
        edge.store.comeBack()
        try edge.store.post("live again", in: room)
        #expect(try client.receivedNumbers() == [1, 2, 3, 4, 5])
    }

    @Test("A room that everybody left is given up after a while, and can be entered anew while a read is under way")
    func remade() throws {
        let client = try member("alice")
        try edge.store.post("more than the ring", in: room, count: Limits.ringFramesMax + 10)
        edge.store.holding = [.read]
        try client.send(Self.again)
        try client.send(Self.leave)
        edge.hub.closeAbandonedRooms(now: Clock.now + .seconds(60))
        #expect(edge.hub.rooms[room] == nil)
        #expect(!edge.store.isSubscribed(room))
        _ = try client.received()
        try client.send(#"{"op":"join","room":"r","history":1,"ref":1}"#)
        edge.store.holding = []
        edge.store.release(.read)
        try edge.store.post("live", in: room)
        #expect(
            try client.receivedNumbers() == [UInt64(Limits.ringFramesMax) + 10, UInt64(Limits.ringFramesMax) + 11])
    }

    @Test("Whoever closes while its join is under way leaves no seat, no room and no presence behind")
    func vanishedWhileJoining() throws {
        for held in [InMemoryStore.Step.subscribe, .read, .create, .announce] {
            edge.store.holding = [held]
            let client = try edge.connect(as: "alice")
            try client.send(Self.join)
            client.vanish()
            edge.store.holding = []
            edge.store.release(held)
            edge.hub.flushPresence()
            edge.loop.run()
            edge.hub.closeAbandonedRooms(now: Clock.now + .seconds(60))
            #expect(edge.hub.rooms.isEmpty, "\(held)")
            #expect(edge.store.peopled.isEmpty, "\(held)")
            #expect(edge.store.present[room]?.isEmpty != false, "\(held)")
            #expect(edge.shard.figures.sessions == 0)
        }
    }
}
