import NIOCore
import NIOEmbedded
import RelayCore
import RelayWire
import Testing

@testable import RelayEdge

@Suite("Direct messages on one edge")
struct DirectMessageTests {
    private let edge = OneLoopEdge()
    private let room: RoomID

    init() throws {
        room = .direct(try #require(UserID("alice")), try #require(UserID("bob")))
    }

    private static let join = #"{"op":"join","room":"dm:alice+bob","history":0,"ref":1}"#
    private static let leave = #"{"op":"leave","room":"dm:alice+bob","ref":2}"#

    private func direct(_ text: String) -> String { #"{"op":"direct","to":"bob","text":"\#(text)","ref":9}"# }

    @Test("Every session of both is given each message once and in order, whether it is in the room or not")
    func everywhere() throws {
        let alice = try edge.connect(as: "alice")
        let (inside, outside) = (try edge.connect(as: "bob"), try edge.connect(as: "bob"))
        let eve = try edge.connect(as: "eve")
        try alice.send(direct("1"))
        #expect(try inside.receivedNumbers() == [1])
        try inside.send(Self.join)
        for number in 2...4 { try alice.send(direct("\(number)")) }
        try inside.send(Self.leave)
        try alice.send(direct("5"))
        #expect(try inside.receivedNumbers() == [2, 3, 4, 5])
        #expect(try outside.receivedNumbers() == [1, 2, 3, 4, 5])
        #expect(try alice.receivedNumbers() == [1, 2, 3, 4, 5])
        #expect(try eve.received().isEmpty)
    }

    @Test("What was said while the subscriptions were interrupted comes after it, once")
    func interruption() throws {
        let bob = try edge.connect(as: "bob")
        try edge.store.post("1", in: room)
        edge.hub.activity.beaten(now: 1)
        #expect(try bob.receivedNumbers() == [1])
        edge.store.lose()
        try edge.store.post("2", in: room)
        try edge.store.post("3", in: room)
        #expect(try bob.receivedNumbers().isEmpty)
        edge.store.comeBack()
        edge.loop.advanceTime(by: .seconds(1))
        #expect(try bob.receivedNumbers() == [2, 3])
        try edge.store.post("4", in: room)
        #expect(try bob.receivedNumbers() == [4])
    }

    @Test("A user is listened to as long as there is a session, and no longer")
    func subscriptions() throws {
        let bob = try #require(UserID("bob"))
        let (first, second) = (try edge.connect(as: "bob"), try edge.connect(as: "bob"))
        #expect(edge.store.users == [bob])
        first.vanish()
        #expect(edge.store.users == [bob])
        second.vanish()
        #expect(edge.store.users.isEmpty)
        let again = try edge.connect(as: "bob")
        try edge.store.post("1", in: room)
        #expect(try again.receivedNumbers() == [1])
    }

    @Test("An event for a user is told to that user's sessions, and what is neither is told to nobody")
    func events() throws {
        let bob = try #require(UserID("bob"))
        let (first, second, other) = (
            try edge.connect(as: "bob"), try edge.connect(as: "bob"), try edge.connect(as: "alice")
        )
        let event = LiveEvent.read(ReadMarker(id: MessageID(milliseconds: 7, sequence: 0), seq: 3), in: room, by: bob)
        edge.store.publish(EventCoder.encode(event, edge: EdgeID("other")), to: bob)
        edge.store.publish(.init(string: "{\"x\":1}"), to: bob)
        edge.loop.run()
        for client in [first, second] {
            let frames = try client.received()
            guard frames.count == 1, case .event(let told) = frames[0] else {
                Issue.record("\(frames)")
                continue
            }
            #expect(told.event == event)
        }
        #expect(try other.received().isEmpty)
        #expect(edge.hub.counters.rejected == 1)
    }
}
