import NIOCore
import NIOEmbedded
import RelayCore
import RelayWire
import Testing

@testable import RelayEdge

@Suite("Direct messages where something went wrong")
struct DirectRepairTests {
    private let edge = OneLoopEdge()
    private let room: RoomID

    init() throws {
        room = .direct(try #require(UserID("alice")), try #require(UserID("bob")))
        edge.hub.activity.beaten(now: 1)
        // Not so long before the messages that these would lie ahead of the clock.
        edge.hub.storeTime = (999_000, Clock.now)
    }

    private static let leave = #"{"op":"leave","room":"dm:alice+bob","ref":2}"#

    private func join(_ fields: String) -> String {
        #"{"op":"join","room":"dm:alice+bob",\#(fields),"ref":1}"#
    }

    private func pass(seconds: Int64) { edge.loop.advanceTime(by: .seconds(seconds)) }

    // MARK: Interruptions

    @Test("What was said during an interruption comes also where it cannot be read at first")
    func refusedRead() throws {
        let bob = try edge.connect(as: "bob")
        try edge.store.post("1", in: room)
        edge.store.noteOpened(room)
        #expect(try bob.receivedNumbers() == [1])
        edge.store.lose()
        try edge.store.post("2", in: room)
        edge.store.holding = [.read]
        edge.store.comeBack()
        pass(seconds: 2)
        edge.store.release(.read, with: .unavailable)
        edge.store.holding = []
        pass(seconds: 2)
        #expect(try bob.receivedNumbers() == [2])
    }

    @Test("A conversation that began during an interruption is found also where nobody can be asked at first")
    func refusedList() throws {
        let bob = try edge.connect(as: "bob")
        edge.store.lose()
        try edge.store.post("1", in: room)
        edge.store.noteOpened(room)
        edge.store.holding = [.list]
        edge.store.comeBack()
        pass(seconds: 2)
        edge.store.release(.list, with: .unavailable)
        edge.store.holding = []
        pass(seconds: 2)
        #expect(try bob.receivedNumbers() == [1])
    }

    @Test("The first message of a conversation brings those that were missed before it")
    func firstIsGap() throws {
        let bob = try edge.connect(as: "bob")
        edge.store.losesPersonal = true
        try edge.store.post("1", in: room)
        edge.store.losesPersonal = false
        try edge.store.post("2", in: room)
        #expect(try bob.receivedNumbers() == [1, 2])
    }

    @Test("A publish that reached nobody is found by the check of positions")
    func positionCheck() throws {
        let bob = try edge.connect(as: "bob")
        try edge.store.post("1", in: room)
        edge.store.losesPersonal = true
        try edge.store.post("2", in: room)
        edge.store.losesPersonal = false
        #expect(try bob.receivedNumbers() == [1])
        edge.hub.checkPositions()
        edge.loop.run()
        #expect(try bob.receivedNumbers() == [2])
    }

    @Test("What was said in the moment in which a user came, and before they were heard, is found by it too")
    func whileComing() throws {
        edge.store.losesPersonal = true
        let bob = try edge.connect(as: "bob")
        try edge.store.post("1", in: room)
        edge.store.losesPersonal = false
        #expect(try bob.receivedNumbers().isEmpty)
        edge.hub.checkPositions()
        edge.loop.run()
        #expect(try bob.receivedNumbers() == [1])
    }

    @Test("However many users are connected, an interruption reads nobody's list, and asks once what went on")
    func manyUsers() throws {
        let clients = try (0..<200).map { try edge.connect(as: "u\($0)") }
        edge.store.lose()
        edge.store.comeBack()
        pass(seconds: 5)
        #expect(edge.store.listReads == 0)
        #expect(edge.store.activityReads == 1)
        #expect(clients.count == 200)
    }

    // MARK: Numbers and ids

    @Test("Whoever has left the conversation is given what comes after its numbers began anew")
    func numbersAnew() throws {
        let bob = try edge.connect(as: "bob")
        try edge.store.post("old", in: room, count: 5)
        try bob.send(join(#""history":0"#))
        try bob.send(Self.leave)
        #expect(try bob.receivedNumbers() == [1, 2, 3, 4, 5])
        edge.store.forget(room)
        try edge.store.post("new", in: room, count: 7)
        #expect(try bob.receivedNumbers() == [1, 2, 3, 4, 5, 6, 7])
    }

    private func forge(_ id: String, seq: Int, in room: String) throws {
        let envelope =
            #"{"id":"\#(id)","seq":\#(seq),"ts":1,"room":"\#(room)","type":"direct","user":"eve","name":"e","text":""}"#
        edge.store.publish(ByteBuffer(string: envelope), to: try #require(UserID("bob")))
        edge.loop.run()
    }

    @Test("A message that nobody posted opens no conversation, and hides none of what follows")
    func forgedFirst() throws {
        let bob = try edge.connect(as: "bob")
        let eves = RoomID.direct(try #require(UserID("bob")), try #require(UserID("eve")))
        try forge("18446744073709551615-1", seq: 1, in: "dm:bob+eve")
        try forge("1-1", seq: 1, in: "dm:bob+eve")
        try edge.store.post("1", in: eves)
        try edge.store.post("2", in: eves)
        #expect(try bob.receivedNumbers() == [1, 2])
    }

    @Test("A message with an id far ahead of the clock is looked for, and hides none of what follows")
    func forgedNext() throws {
        let bob = try edge.connect(as: "bob")
        try edge.store.post("1", in: room)
        try forge("18446744073709551615-1", seq: 2, in: "dm:alice+bob")
        try edge.store.post("2", in: room)
        try edge.store.post("3", in: room)
        #expect(try bob.receivedNumbers() == [1, 2, 3])
    }

    // MARK: Joins under way

    @Test("What is said while a join is under way comes once", arguments: [#""history":0"#, #""history":50"#])
    func whileJoining(fields: String) throws {
        let bob = try edge.connect(as: "bob")
        edge.store.holding = [.read]
        try bob.send(join(fields))
        try edge.store.post("1", in: room)
        edge.store.holding = []
        edge.store.release(.read)
        try edge.store.post("2", in: room)
        #expect(try bob.receivedNumbers() == [1, 2])
        try bob.send(Self.leave)
        try edge.store.post("3", in: room)
        #expect(try bob.receivedNumbers() == [3])
    }

    @Test("What is said while a join is under way comes also where that is refused")
    func refusedJoin() throws {
        let bob = try edge.connect(as: "bob")
        try edge.store.post("1", in: room)
        edge.store.holding = [.read]
        try bob.send(join(#""history":50"#))
        try edge.store.post("2", in: room)
        edge.store.release(.read, with: .unavailable)
        edge.store.holding = []
        pass(seconds: 2)
        #expect(try bob.receivedNumbers() == [1, 2])
        #expect(edge.shard.users.count == 1)
    }

    @Test("What is said while a join is under way, and left before its answer, comes once")
    func leftWhileJoining() throws {
        let bob = try edge.connect(as: "bob")
        edge.store.holding = [.read]
        try bob.send(join(#""history":50"#))
        try bob.send(Self.leave)
        try edge.store.post("1", in: room)
        edge.store.holding = []
        edge.store.release(.read)
        try edge.store.post("2", in: room)
        #expect(try bob.receivedNumbers() == [1, 2])
    }

    // MARK: Lists

    @Test("Whoever edits in a conversation opens none", arguments: ["edit", "delete"])
    func amending(op: String) throws {
        let bob = try edge.connect(as: "bob")
        try bob.send(#"{"op":"\#(op)","room":"dm:bob+victim","target":"1-1","text":"x","ref":1}"#)
        #expect(edge.store.opened.isEmpty)
        try bob.send(#"{"op":"send","room":"dm:bob+victim","text":"x","ref":2}"#)
        #expect(edge.store.opened.count == 1)
    }
}
