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
            case .read(_, let id): "read after \(id.milliseconds)"
            }
        }.joined(separator: ", ")
    }

    @Test("are handed on as they come, each message once")
    mutating func inOrder() {
        #expect(given(inbox.frameReceived(frame(4), in: room)) == "4")
        #expect(given(inbox.frameReceived(frame(5), in: room)) == "5")
        #expect(given(inbox.frameReceived(frame(5), in: room)) == "")
        #expect(given(inbox.frameReceived(frame(4), in: room)) == "")
    }

    @Test("are read on where a message is missing, and nothing overtakes what is read")
    mutating func gap() {
        _ = inbox.frameReceived(frame(1), in: room)
        #expect(given(inbox.frameReceived(frame(4), in: room)) == "read after 101")
        #expect(given(inbox.frameReceived(frame(5), in: room)) == "")
        // The read began before 5 was stored.
        let actions = inbox.readAnswered([frame(2), frame(3), frame(4)], more: false, in: room)
        #expect(given(actions) == "2 3 4, read after 104")
        #expect(given(inbox.readAnswered([frame(5)], more: false, in: room)) == "5")
        #expect(given(inbox.frameReceived(frame(6), in: room)) == "6")
    }

    @Test("are read to the end after an interruption, those that were known and those that are new")
    mutating func interruption() throws {
        let other = RoomID.direct(try #require(UserID("alice")), try #require(UserID("carol")))
        _ = inbox.frameReceived(frame(1), in: room)
        #expect(given(inbox.interrupted()) == "read after 101")
        #expect(given(inbox.activitySeen(in: room, last: frame(3).id)) == "")
        #expect(given(inbox.activitySeen(in: other, last: MessageID(milliseconds: 10, sequence: 0))) == "")
        #expect(given(inbox.activitySeen(in: other, last: frame(2).id)) == "read after 10")
        #expect(given(inbox.readAnswered([frame(2)], more: true, in: room)) == "2, read after 102")
        #expect(given(inbox.readAnswered([frame(3)], more: false, in: room)) == "3")
        #expect(given(inbox.readAnswered([frame(1), frame(2)], more: false, in: other)) == "1 2")
        #expect(given(inbox.frameReceived(frame(2), in: other)) == "")
    }

    @Test("are read again by the next message where a read failed")
    mutating func failure() {
        _ = inbox.frameReceived(frame(1), in: room)
        _ = inbox.frameReceived(frame(3), in: room)
        inbox.readFailed(in: room)
        #expect(given(inbox.frameReceived(frame(4), in: room)) == "read after 101")
    }

    @Test("go on where the room's numbers began anew")
    mutating func rewound() {
        _ = inbox.frameReceived(frame(9), in: room)
        #expect(given(inbox.frameReceived(frame(3, id: 500), in: room)) == "3")
        #expect(given(inbox.frameReceived(frame(4, id: 501), in: room)) == "4")
    }

    @Test("are forgotten from the oldest on where they are too many")
    mutating func bound() throws {
        let alice = try #require(UserID("alice"))
        for number in 0...Limits.directPlacesMax {
            let room = RoomID.direct(alice, try #require(UserID("u\(number)")))
            _ = inbox.frameReceived(frame(UInt64(number) + 1), in: room)
        }
        let first = RoomID.direct(alice, try #require(UserID("u0")))
        // Not known any more: taken as its first.
        #expect(given(inbox.frameReceived(frame(1), in: first)) == "1")
    }
}
