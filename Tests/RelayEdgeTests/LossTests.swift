import RelayCore
import RelayTestKit
import RelayWire
import Testing

@testable import RelayEdge

@Suite("A room whose writes Redis lost, for those who are there")
struct LossTests {
    private let edge = OneLoopEdge()
    private let room: RoomID
    private let client: OneLoopClient

    /// A member who has had two messages of a room that is lost after them, and has one since.
    init() throws {
        room = try RoomID("r").orThrow()
        client = try edge.connect(as: "alice")
        try client.send(#"{"op":"join","room":"r","ref":1}"#)
        try edge.store.post("before", in: room, count: 2)
        #expect(try client.receivedNumbers() == [1, 2])
        edge.store.forget(room)
        try edge.store.post("after", in: room)
        #expect(edge.store.suspected == [room])
    }

    @Test("What the room holds comes as soon as the edges have put back what they had, and once")
    func restored() throws {
        #expect(try client.receivedNumbers() == [])
        edge.store.delegate?.brokerRestored(room)
        edge.turn(.zero)
        #expect(try client.receivedNumbers() == [1])
        edge.store.delegate?.brokerRestored(room)
        edge.turn(Limits.restoreSpan)
        try edge.store.post("live", in: room)
        #expect(try client.receivedNumbers() == [2])
    }

    @Test("It comes a while later where nobody says that something was put back")
    func notRestored() throws {
        edge.turn(Limits.restoreSpan - .milliseconds(1))
        #expect(try client.receivedNumbers() == [])
        edge.turn(.milliseconds(1))
        #expect(try client.receivedNumbers() == [1])
    }

    @Test("A word on a room that waits for nothing, or that nobody has open, changes nothing")
    func unasked() throws {
        edge.turn(Limits.restoreSpan)
        #expect(try client.receivedNumbers() == [1])
        edge.store.holding = [.read]
        edge.store.delegate?.brokerRestored(room)
        edge.store.delegate?.brokerRestored(try RoomID("other").orThrow())
        edge.turn(.zero)
        #expect(edge.store.heldCount(.read) == 0)
    }
}
