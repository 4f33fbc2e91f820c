import NIOCore
import RelayCore
import Testing

@Suite("A user's direct conversations on an edge")
struct DirectInboxTests {
    private let room: RoomID
    private var inbox = DirectInboxStateMachine(since: MessageID(milliseconds: 10, sequence: 0))

    init() throws {
        room = .direct(try #require(UserID("alice")), try #require(UserID("bob")))
    }

    private func frame(_ seq: UInt64, id: UInt64? = nil) -> StoredFrame {
        StoredFrame(
            id: MessageID(milliseconds: id ?? 100 + seq, sequence: 0), seq: seq, envelope: ByteBuffer(string: "\(seq)"))
    }

    private func given(_ actions: [DirectInboxStateMachine.Action]) -> String {
        actions.map { action in
            switch action {
            case .deliver(_, let frames): frames.map { "\($0.seq)" }.joined(separator: " ")
            case .read(_, let id): "read after \(id)"
            }
        }.joined(separator: ", ")
    }

    private mutating func received(
        _ seq: UInt64, id: UInt64? = nil, in other: RoomID? = nil, now: UInt64? = 1000
    ) -> String {
        given(inbox.frameReceived(frame(seq, id: id), in: other ?? room, now: now))
    }

    private mutating func seen(_ milliseconds: UInt64, in other: RoomID? = nil, now: UInt64 = 1000) -> String {
        given(inbox.activitySeen(in: other ?? room, milliseconds: milliseconds, now: now))
    }

    private mutating func read(_ numbers: [UInt64], more: Bool = false, in other: RoomID? = nil) -> String {
        given(inbox.readAnswered(numbers.map { frame($0) }, more: more, in: other ?? room))
    }

    @Test("are looked for with the first message, and handed on as they come from then on, each once")
    mutating func inOrder() {
        #expect(received(4) == "read after 10-0")
        #expect(read([3, 4]) == "3 4")
        #expect(received(5) == "5")
        #expect(received(5) == "")
        #expect(received(4) == "")
    }

    @Test("are read on where a message is missing, and nothing overtakes what is read")
    mutating func gap() {
        _ = (received(1), read([1]))
        #expect(received(4) == "read after 101-0")
        #expect(received(5) == "")
        // The read began before 5 was stored.
        #expect(read([2, 3, 4]) == "2 3 4, read after 104-0")
        #expect(read([5]) == "5")
        #expect(received(6) == "6")
    }

    @Test("are read to the end where the list of rooms says that they went on, those known and those that are new")
    mutating func activity() throws {
        let other = RoomID.direct(try #require(UserID("alice")), try #require(UserID("carol")))
        _ = (received(1), read([1]))
        #expect(seen(100) == "", "that was before the last message")
        #expect(seen(101) == "read after 101-0", "two may bear the same time")
        #expect(read([]) == "")
        #expect(seen(101) == "", "once for each time")
        #expect(seen(103) == "read after 101-0")
        #expect(seen(104) == "")
        #expect(read([2, 3]) == "2 3, read after 103-0")
        #expect(read([4]) == "4")
        #expect(seen(10, in: other) == "", "that was before the user came")
        #expect(seen(102, in: other) == "read after 10-0")
        #expect(read([1], more: true, in: other) == "1, read after 101-0")
        #expect(read([2], in: other) == "2")
        #expect(received(2, in: other) == "")
        #expect(received(3, in: other) == "3")
    }

    @Test("are due where a read failed, until one succeeds, and nothing overtakes that")
    mutating func failure() {
        _ = (received(1), read([1]))
        _ = received(3)
        inbox.readFailed(in: room)
        #expect(given(inbox.retry()) == "read after 101-0")
        #expect(given(inbox.retry()) == "", "one is under way")
        inbox.readFailed(in: room)
        #expect(received(2) == "read after 101-0", "also one that would be the next")
        #expect(read([2, 3]) == "2 3")
        #expect(given(inbox.retry()) == "")
        #expect(received(4) == "4")
    }

    @Test("are due also where the first read of a conversation failed")
    mutating func firstFailure() {
        _ = received(2)
        inbox.readFailed(in: room)
        #expect(given(inbox.retry()) == "read after 10-0")
        #expect(read([1, 2]) == "1 2")
    }

    @Test("go on where the room's numbers began anew")
    mutating func rewound() {
        _ = (received(9), read([9]))
        #expect(received(3, id: 500) == "read after 109-0")
        #expect(given(inbox.readAnswered([frame(1, id: 498), frame(3, id: 500)], more: false, in: room)) == "1 3")
        #expect(received(4, id: 501) == "4")
    }

    @Test("are not silenced by a message that nobody posted")
    mutating func forged() {
        #expect(received(1, id: .max, now: 1000) == "read after 10-0")
        #expect(read([]) == "")
        #expect(received(1, id: 5) == "", "from before the user came")
        #expect(received(1) == "read after 10-0")
        #expect(read([1]) == "1")
        #expect(received(2, id: .max) == "read after 101-0", "the next number, with an id ahead of the clock")
        #expect(read([]) == "")
        #expect(received(2) == "2")
        inbox = DirectInboxStateMachine(since: nil)
        #expect(received(1, id: 900, now: nil) == "read after 899-18446744073709551615")
        #expect(read([]) == "")
        #expect(received(1, now: nil) == "read after 100-18446744073709551615")
        #expect(read([1]) == "1")
    }

    @Test("are found where the clock was set back, and where the time was not known at first")
    mutating func clock() {
        inbox = DirectInboxStateMachine(since: MessageID(milliseconds: 90_000, sequence: 0))
        #expect(received(1, id: 50_000, now: 89_000) == "", "not set back: too old")
        #expect(received(1, id: 50_000, now: 50_000) == "read after 48000-0")
        inbox = DirectInboxStateMachine(since: nil)
        #expect(seen(101) == "", "nobody knows whether that was before the user came")
        inbox.timeKnown(MessageID(milliseconds: 50, sequence: 0))
        inbox.timeKnown(MessageID(milliseconds: 500, sequence: 0))
        #expect(seen(101) == "read after 50-0")
    }

    @Test("are forgotten from the oldest on where they are too many, and what they brought does not come again")
    mutating func bound() throws {
        let alice = try #require(UserID("alice"))
        let rooms = try (0...Limits.directPlacesMax).map { RoomID.direct(alice, try #require(UserID("u\($0)"))) }
        for (number, room) in rooms.enumerated() {
            _ = received(UInt64(number) + 1, in: room)
            _ = read([UInt64(number) + 1], in: room)
        }
        #expect(received(1, in: rooms[0]) == "")
        #expect(received(900, in: rooms[0]) == "read after 101-0")
    }
}
