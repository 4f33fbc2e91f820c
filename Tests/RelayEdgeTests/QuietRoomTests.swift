import NIOEmbedded
import RelayCore
import RelayTestKit
import Testing

@testable import RelayEdge

@Suite("A quiet room in which something was said that nobody heard")
struct QuietRoomTests {
    private let edge = OneLoopEdge()
    private let room: RoomID
    private let other: RoomID
    private let client: OneLoopClient

    init() throws {
        room = try RoomID("quiet").orThrow()
        other = try RoomID("other").orThrow()
        client = try edge.connect(as: "alice")
        for room in ["quiet", "other"] { try client.send(#"{"op":"join","room":"\#(room)","ref":1}"#) }
        try edge.store.post("1", in: room)
        try edge.store.post("1", in: other)
        #expect(try client.receivedNumbers() == [1, 1])
        beat(now: 1_000_000)
    }

    private func beat(now: UInt64) {
        edge.store.census = EdgeCensus(now: now, living: [], dead: [])
        edge.hub.beat()
        edge.loop.run()
    }

    private func miss(_ text: String, in room: RoomID) throws {
        edge.store.losesRooms = true
        try edge.store.post(text, in: room)
        edge.store.losesRooms = false
        #expect(try client.receivedNumbers().isEmpty)
    }

    private func look() {
        edge.hub.checkPositions()
        edge.loop.run()
    }

    @Test("It is found, also where another room's score lies far ahead of the clock")
    func forgedScore() throws {
        edge.store.forgedScores[other] = 9_000_000_000_000
        look()
        try miss("2", in: room)
        look()
        #expect(try client.receivedNumbers() == [2])
        try miss("2", in: other)
        look()
        #expect(try client.receivedNumbers() == [2])
        try miss("3", in: other)
        look()
        #expect(try client.receivedNumbers() == [3], "its own score does not move")
    }

    @Test("It is found after Redis's clock was set back too")
    func clockSetBack() throws {
        beat(now: 9_000_000)
        edge.store.forgedScores[other] = 8_999_000
        look()
        beat(now: 1_000_500)
        try miss("2", in: room)
        look()
        #expect(try client.receivedNumbers() == [2])
    }
}
