import NIOEmbedded
import RelayCore
import RelayWire
import Testing

@testable import RelayEdge

@Suite("Presence on one edge")
struct EdgePresenceTests {
    private let room: RoomID
    private let alice: UserID
    private let edge = OneLoopEdge()

    init() throws {
        room = try #require(RoomID("r"))
        alice = try #require(UserID("alice"))
    }

    private static let join = #"{"op":"join","room":"r","ref":1}"#
    private static let leave = #"{"op":"leave","room":"r","ref":2}"#

    private func events(_ client: OneLoopClient) throws -> [LiveEvent.Kind] {
        try client.received().compactMap { if case .event(let event) = $0 { event.event.kind } else { nil } }
    }

    @Test("Coming and going is announced once, and the answer to a join counts who joins")
    func once() throws {
        let witness = try edge.connect(as: "witness")
        try witness.send(Self.join)
        _ = try witness.received()
        let (first, second) = (try edge.connect(as: "alice"), try edge.connect(as: "alice"))
        try first.send(Self.join)
        try second.send(Self.join)
        for client in [first, second] {
            guard case .joined(let answer)? = try client.received().answers(to: 1).first else {
                Issue.record("not joined")
                continue
            }
            #expect(answer.here == 2)
        }
        #expect(try events(witness) == [.join])
        first.vanish()
        #expect(try events(witness).isEmpty)
        try second.send(Self.leave)
        #expect(try events(witness) == [.leave])
    }

    @Test("Who says hello again under another name stands so in the rooms where they are, and has not come anew")
    func renamed() throws {
        let (witness, client) = (try edge.connect(as: "witness"), try edge.connect(as: "alice"))
        for one in [witness, client] { try one.send(Self.join) }
        _ = (try witness.received(), try client.received())
        try client.send(#"{"op":"hello","user":"alice","name":"Alice the Second","ref":3}"#)
        #expect(try client.received().answers(to: 3).count == 1)
        #expect(edge.store.present[room]?[alice] == 1 && edge.store.names[alice] == "Alice the Second")
        #expect(try events(witness).isEmpty)
        // Also where the relay is told of the first name only after that.
        edge.store.holding = [.read]
        let late = try edge.connect(as: "late")
        try late.send(#"{"op":"join","room":"s","ref":1}"#)
        try late.send(#"{"op":"hello","user":"late","name":"Late Riser","ref":3}"#)
        edge.store.holding = []
        edge.store.release(.read)
        #expect(try late.received().answers(to: 1).count == 1)
        #expect(edge.store.names[try #require(UserID("late"))] == "Late Riser")
    }

    @Test("The second session of a user whose first is being announced is told the right number too")
    func secondSession() throws {
        edge.store.holding = [.announce]
        let (first, second) = (try edge.connect(as: "alice"), try edge.connect(as: "alice"))
        let bob = try edge.connect(as: "bob")
        for client in [bob, first, second] { try client.send(Self.join) }
        edge.store.holding = []
        edge.store.release(.announce)
        guard case .joined(let answer)? = try second.received().answers(to: 1).first else {
            Issue.record("not joined")
            return
        }
        #expect(answer.here == 2)
    }

    @Test("An announcement that fails is made good by what is true by then, and the join is answered all the same")
    func failure() throws {
        edge.store.holding = [.announce]
        let client = try edge.connect(as: "alice")
        try client.send(Self.join)
        edge.store.release(.announce, with: .unavailable)
        #expect(try client.received().answers(to: 1).count == 1)
        #expect(edge.store.present[room] == nil)
        edge.store.holding = []
        edge.hub.timePassed()
        edge.loop.run()
        #expect(edge.store.present[room] == [alice: 1])
    }

    @Test("A room that is forgotten as the last one leaves is made again for whoever comes in at that moment")
    func forgotten() throws {
        let client = try edge.connect(as: "alice")
        try client.send(Self.join)
        try client.send(Self.leave)
        _ = try client.received()
        try client.send(Self.join)
        guard case .joined(let answer)? = try client.received().answers(to: 1).first else {
            Issue.record("not joined")
            return
        }
        #expect(answer.epoch == 2)
        try client.send(#"{"op":"history","room":"r","ref":3}"#)
        guard case .history? = try client.received().answers(to: 3).first else {
            Issue.record("the room of a member does not exist")
            return
        }
    }

    @Test("Of two announcements that both fail, the older one is not what is told in the end")
    func failures() throws {
        let first = try edge.connect(as: "alice")
        try first.send(Self.join)
        #expect(edge.store.present[room] == [alice: 1])
        edge.store.holding = [.announce]
        first.vanish()
        let second = try edge.connect(as: "alice")
        try second.send(Self.join)
        edge.store.release(.announce, with: .unavailable)
        edge.store.release(.announce, with: .unavailable)
        edge.store.holding = []
        for _ in 0..<3 {
            edge.hub.timePassed()
            edge.loop.run()
        }
        #expect(edge.store.present[room] == [alice: 1])
        #expect(try second.received().answers(to: 1).count == 1)
    }

    @Test("One announcement a room is under way at a time, so that none overtakes another")
    func oneAtATime() throws {
        edge.store.holding = [.announce]
        let (first, second) = (try edge.connect(as: "alice"), try edge.connect(as: "bob"))
        try first.send(Self.join)
        try second.send(Self.join)
        #expect(edge.store.announcements == 1)
        edge.store.holding = []
        edge.store.release(.announce)
        #expect(edge.store.announcements == 2)
        #expect(edge.store.present[room]?.count == 2)
        #expect(try second.received().answers(to: 1).count == 1)
    }

    @Test("The burial of a dead edge that fails is tried again with the next heartbeat")
    func burial() throws {
        let client = try edge.connect(as: "alice")
        try client.send(Self.join)
        edge.store.census.dead = [EdgeID("dead")]
        edge.hub.beatingSince = Clock.now + .seconds(-60)
        edge.hub.beat()
        edge.hub.beat()
        #expect(edge.store.buried == [[EdgeID("dead")], [EdgeID("dead")]])
    }
}
