import NIOCore
import RelayCore
import RelayWire
import Testing

@testable import RelayClient

@Suite("How far a client has come in a room")
struct RoomProgressTests {
    private func room() throws -> RoomID { try #require(RoomID("general")) }

    private func message(_ seq: UInt64, id: UInt64? = nil) throws -> ReceivedMessage {
        let user = try #require(UserID("alice"))
        let draft = MessageDraft(room: try room(), user: user, name: DisplayName(user), text: "t")
        let message = Message(id: MessageID(milliseconds: id ?? seq, sequence: 0), seq: seq, draft: draft)
        return ReceivedMessage(message: message, isDeleted: false, envelope: ByteBuffer())
    }

    private func answer(
        epoch: UInt64 = 1, last: UInt64? = nil, reason: String? = nil, messages: [ReceivedMessage] = []
    ) throws -> JoinAnswer {
        JoinAnswer(
            room: try room(), epoch: epoch, last: last.map { MessageID(milliseconds: $0, sequence: 0) }, seq: last ?? 0,
            here: 1, isRecovered: reason == nil, reason: reason, more: false, messages: messages)
    }

    private func event(_ event: LiveEvent, isForeign: Bool = false) -> ReceivedEvent {
        ReceivedEvent(event: event, edge: "e", isForeign: isForeign, json: ByteBuffer())
    }

    @Test("Each message is given once")
    func once() throws {
        var progress = RoomProgress(room: try room())
        #expect(progress.joinPoint == nil)
        #expect(progress.joined(try answer(last: 2)) == nil)
        #expect(progress.messageReceived(try message(1)) == .new)
        #expect(progress.messageReceived(try message(2)) == .new)
        #expect(progress.messageReceived(try message(2)) == .known)
        #expect(progress.messageReceived(try message(1)) == .known)
        #expect(progress.joinPoint == .since(MessageID(milliseconds: 2, sequence: 0), epoch: 1))
    }

    @Test("An empty room is recovered from its beginning")
    func emptyRoom() throws {
        var progress = RoomProgress(room: try room())
        _ = progress.joined(try answer(epoch: 7))
        #expect(progress.joinPoint == .since(.zero, epoch: 7))
    }

    @Test("Numbers that were passed over are a gap")
    func unexplainedGap() throws {
        var progress = RoomProgress(room: try room())
        _ = progress.joined(try answer(last: 1))
        #expect(progress.messageReceived(try message(1)) == .new)
        let gap = ClientGap(room: try room(), missing: 2...4, reason: .unexplained)
        #expect(progress.messageReceived(try message(5)) == .newAfterGap(gap))
        #expect(progress.messageReceived(try message(6)) == .new)
    }

    @Test("What the relay no longer holds is a gap with its numbers, told once")
    func trimmed() throws {
        var progress = RoomProgress(room: try room())
        _ = progress.joined(try answer(last: 1))
        _ = progress.messageReceived(try message(1))
        let first = try message(10)
        let gap = ClientGap(room: try room(), missing: 2...9, reason: .trimmed)
        #expect(progress.joined(try answer(last: 10, reason: "trimmed", messages: [first])) == .gap(gap))
        #expect(progress.messageReceived(first) == .new)
    }

    @Test("A lagged event explains its gap")
    func lagged() throws {
        var progress = RoomProgress(room: try room())
        _ = progress.joined(try answer(last: 1))
        _ = progress.messageReceived(try message(1))
        let gap = ClientGap(room: try room(), missing: 2...9, reason: .lagged)
        #expect(progress.eventReceived(event(.lagged(room: try room(), from: 2, to: 9))) == .gap(gap))
        #expect(progress.messageReceived(try message(10)) == .new)
    }

    @Test("After a rewind lower ids are new, and known messages still are known")
    func rewound() throws {
        var progress = RoomProgress(room: try room())
        _ = progress.joined(try answer(last: 9))
        _ = progress.messageReceived(try message(8, id: 80))
        _ = progress.messageReceived(try message(9, id: 90))
        let rewound = RelayClientEvent.rewound(try room(), epoch: 2)
        #expect(progress.joined(try answer(epoch: 2, last: 9, reason: "rewound")) == rewound)
        #expect(progress.messageReceived(try message(8, id: 80)) == .known)
        #expect(progress.messageReceived(try message(9, id: 85)) == .new)
        #expect(progress.joinPoint == .since(MessageID(milliseconds: 85, sequence: 0), epoch: 2))
    }

    @Test("A live rewind changes the epoch; one that somebody typed does not")
    func liveRewind() throws {
        var progress = RoomProgress(room: try room())
        _ = progress.joined(try answer(epoch: 1, last: 5))
        _ = progress.messageReceived(try message(5))
        let rewind = LiveEvent.rewound(room: try room(), from: 6, to: 6, epoch: 3)
        let foreign = event(rewind, isForeign: true)
        #expect(progress.eventReceived(foreign) == .event(foreign))
        #expect(progress.joinPoint == .since(MessageID(milliseconds: 5, sequence: 0), epoch: 1))
        #expect(progress.eventReceived(event(rewind)) == .rewound(try room(), epoch: 3))
        #expect(progress.joinPoint == .since(.zero, epoch: 3))
    }

    @Test("Messages that were moved are told, and the room goes on as it stands")
    func moved() throws {
        var progress = RoomProgress(room: try room())
        _ = progress.joined(try answer(epoch: 1, last: 5))
        _ = progress.messageReceived(try message(5))
        var rewind = LiveEvent.rewound(room: try room(), from: 5, to: 6, epoch: 3)
        rewind.moved = [
            MovedMessage(id: .zero, seq: 4, toID: MessageID(milliseconds: 6, sequence: 0), toSeq: 6)
        ]
        let told = event(rewind)
        #expect(progress.eventReceived(told) == .event(told))
        #expect(progress.joinPoint == .since(MessageID(milliseconds: 5, sequence: 0), epoch: 1))
        #expect(progress.messageReceived(try message(6)) == .new)
        guard case .newAfterGap = progress.messageReceived(try message(8)) else {
            Issue.record("a gap goes untold")
            return
        }
    }

    @Test("What is remembered is bounded, and the newest is kept")
    func bounded() throws {
        var progress = RoomProgress(room: try room())
        _ = progress.joined(try answer())
        for seq in 1...5000 as ClosedRange<UInt64> { #expect(progress.messageReceived(try message(seq)) == .new) }
        _ = progress.joined(try answer(epoch: 2, reason: "rewound"))
        #expect(progress.messageReceived(try message(4500)) == .known)
        #expect(progress.messageReceived(try message(1)) == .new)
    }
}
