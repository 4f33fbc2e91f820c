import NIOCore
import NIOEmbedded
import RelayCore
import RelayWire
import Testing

@testable import RelayEdge

@Suite("Rooms that are not for everybody, on one edge")
struct RoomAccessTests {
    private let edge = OneLoopEdge()
    private let room: RoomID
    private let alice: UserID

    init() throws {
        room = try #require(RoomID("r"))
        alice = try #require(UserID("alice"))
    }

    private static let join = #"{"op":"join","room":"r","ref":1}"#

    private func privacy(of members: String...) throws -> RoomFacts {
        RoomFacts(
            name: "r", createdBy: alice, createdAt: 1, isPrivate: true,
            members: Set(try members.map { try #require(UserID($0)) }))
    }

    private func code(_ client: OneLoopClient, _ op: String) throws -> ErrorCode? {
        try client.send(#"{"op":"\#(op)","room":"r","ref":5}"#)
        guard case .refused(let refusal)? = try client.received().answers(to: 5).first else { return nil }
        return refusal.code
    }

    private func notice(_ change: LiveEvent.Change) {
        let event = LiveEvent.notice(change, in: room, by: alice, text: "x")
        edge.store.publish(EventCoder.encode(event, edge: EdgeID("other")), in: room)
        edge.loop.run()
    }

    @Test("A private room is entered, read and seen by its members, and is none for anybody else")
    func strangers() throws {
        try edge.store.post("1", in: room)
        edge.store.facts[room] = try privacy(of: "alice")
        let (member, stranger) = (try edge.connect(as: "alice"), try edge.connect(as: "bob"))
        for op in ["join", "history", "who"] { #expect(try code(stranger, op) == .noSuchRoom, "\(op)") }
        for op in ["join", "history", "who"] { #expect(try code(member, op) == nil, "\(op)") }
        for op in ["join", "history", "who"] { #expect(try code(stranger, op) == .noSuchRoom, "\(op) of an open one") }
        try edge.store.post("2", in: room)
        #expect(try member.receivedNumbers() == [2])
        #expect(try stranger.received().isEmpty)
    }

    @Test("Who is no member any more is put out, told so, and hears nothing more")
    func putOut() throws {
        try edge.store.post("1", in: room)
        let (stays, goes) = (try edge.connect(as: "alice"), try edge.connect(as: "bob"))
        for client in [stays, goes] { try client.send(Self.join) }
        for client in [stays, goes] { _ = try client.received() }
        edge.store.facts[room] = try privacy(of: "alice")
        notice(.members)
        let frames = try goes.received()
        #expect(frames.contains(.answer(.left(room), ref: nil)))
        try edge.store.post("2", in: room)
        #expect(try goes.receivedNumbers().isEmpty)
        #expect(try stays.receivedNumbers() == [2])
        #expect(try code(goes, "join") == .noSuchRoom)
    }

    /// What a client has heard of the room, in a few words.
    private func heard(_ client: OneLoopClient) throws -> [String] {
        try client.received().map { frame in
            switch frame {
            case .message(let received): "\(received.message.seq)"
            case .event(let received): received.event.kind.rawValue
            case .answer(.left, _): "left"
            default: "else"
            }
        }
    }

    @Test("What is said and done after the change is kept from all until it is known who may hear it")
    func silence() throws {
        try edge.store.post("1", in: room)
        let (stays, goes) = (try edge.connect(as: "alice"), try edge.connect(as: "bob"))
        for client in [stays, goes] { try client.send(Self.join) }
        for client in [stays, goes] { _ = try client.received() }
        edge.store.facts[room] = try privacy(of: "alice")
        edge.store.holding = [.read]
        notice(.members)
        for client in [stays, goes] { #expect(try heard(client) == ["notice"]) }
        try edge.store.post("2", in: room)
        let typing = LiveEvent(.typing, room: room, user: alice, name: DisplayName(alice))
        edge.store.publish(EventCoder.encode(typing, edge: EdgeID("other")), in: room)
        edge.loop.run()
        for client in [stays, goes] { #expect(try heard(client).isEmpty) }
        edge.store.holding = []
        edge.store.release(.read)
        #expect(try heard(goes) == ["left"])
        #expect(Set(try heard(stays)).isSuperset(of: ["2", "typing"]))
    }

    @Test("A read that began before the change lets nobody hear what came after it")
    func staleRead() throws {
        try edge.store.post("1", in: room)
        let (stays, goes) = (try edge.connect(as: "alice"), try edge.connect(as: "bob"))
        for client in [stays, goes] { try client.send(Self.join) }
        for client in [stays, goes] { _ = try client.received() }
        edge.store.holding = [.read]
        edge.store.publish(ByteBuffer(string: "no JSON"), in: room)
        #expect(edge.store.heldCount(.read) == 1)
        notice(.members)
        try edge.store.post("2", in: room)
        edge.store.release(.read)
        for client in [stays, goes] { #expect(try heard(client) == ["notice"]) }
        edge.store.facts[room] = try privacy(of: "alice")
        edge.store.holding = []
        edge.store.release(.read)
        #expect(try heard(goes) == ["left"])
        #expect(try heard(stays).contains("2"))
    }

    @Test("Who is put out while joining is refused, and given nothing of the room")
    func barred() throws {
        try edge.store.post("secret", in: room)
        let stays = try edge.connect(as: "alice")
        try stays.send(Self.join)
        edge.store.holding = [.announce]
        let joins = try edge.connect(as: "bob")
        try joins.send(Self.join)
        edge.store.facts[room] = try privacy(of: "alice")
        notice(.members)
        edge.store.holding = []
        edge.store.release(.announce)
        guard case .refused(let refusal)? = try joins.received().answers(to: 1).first else {
            Issue.record("let in")
            return
        }
        #expect(refusal.code == .noSuchRoom)
        #expect(try code(joins, "leave") == .notJoined)
    }

    @Test("A deleted room puts everybody out, and is one again where it was made again")
    func deletion() throws {
        try edge.store.post("1", in: room)
        let (one, two) = (try edge.connect(as: "alice"), try edge.connect(as: "bob"))
        for client in [one, two] { try client.send(Self.join) }
        for client in [one, two] { _ = try client.received() }
        edge.store.deletedRooms = [room]
        notice(.deleted)
        for client in [one, two] {
            let frames = try client.received()
            let isTold = frames.contains {
                if case .event(let event) = $0 { event.event.change == .deleted } else { false }
            }
            #expect(isTold && frames.contains(.answer(.left(room), ref: nil)))
        }
        for op in ["join", "history", "who"] { #expect(try code(one, op) == .noSuchRoom, "\(op)") }
        edge.store.deletedRooms = []
        _ = try code(one, "join")
        #expect(try code(one, "history") == nil, "it was made again")
    }

    @Test("In a room that was made again nothing is the last message, and no marker stands above what is said next")
    func madeAgain() throws {
        edge.store.forget(room)
        edge.store.formerSeqs[room] = 7
        let client = try edge.connect(as: "alice")
        try client.send(Self.join)
        guard case .joined(let joined)? = try client.received().answers(to: 1).first else {
            Issue.record("not joined")
            return
        }
        #expect(joined.seq == 7 && joined.last == nil)
        try client.send(#"{"op":"read","room":"r","id":"99999999999999-0","ref":2}"#)
        guard case .marked(_, let marker)? = try client.received().answers(to: 2).first else {
            Issue.record("not marked")
            return
        }
        #expect(marker == ReadMarker(id: MessageID(milliseconds: joined.epoch, sequence: 0), seq: 7))
    }

    @Test("Who is muted names no room, sets no topic, is not seen typing, and changes nothing by half")
    func muted() throws {
        try edge.store.post("1", in: room)
        let (muted, witness) = (try edge.connect(as: "alice"), try edge.connect(as: "bob"))
        for client in [muted, witness] { try client.send(Self.join) }
        _ = try witness.received()
        edge.hub.guards.update {
            $0.imposed(Sanction(.mute, user: alice, room: nil), untilMilliseconds: Clock.milliseconds + 60_000)
        }
        try muted.send(#"{"op":"typing","room":"r"}"#)
        #expect(try witness.received().isEmpty)
        try muted.send(#"{"op":"join","room":"words","ref":7}"#)
        guard case .refused(let refusal)? = try muted.received().answers(to: 7).first else {
            Issue.record("made a room")
            return
        }
        #expect(refusal.code == .forbidden && edge.store.createdBy.isEmpty)
        for change in [RoomChange(isPrivate: false), RoomChange(name: DisplayName("Words"))] {
            var outcome: Result<Void, Refusal>?
            edge.hub.changeRoom(
                room, change, topic: change.name == nil ? "words" : nil,
                by: Identity(user: alice, name: DisplayName(alice))
            ) { outcome = $0 }
            edge.loop.run()
            guard case .failure(let refusal) = outcome else {
                Issue.record("changed")
                continue
            }
            #expect(refusal.code == .forbidden && edge.store.changes.isEmpty)
        }
    }

    @Test("Whose rooms of the hour are spent, or who may not write, keeps nobody else from making one")
    func founders() throws {
        edge.store.spent = [alice]
        edge.store.holding = [.subscribe]
        let clients = try ["alice", "bob", "carol"].map { try edge.connect(as: $0) }
        for client in clients { try client.send(Self.join) }
        edge.store.holding = []
        edge.store.release(.subscribe)
        let answers = try clients.map { try $0.received().answers(to: 1).first }
        guard case .refused(let refusal) = answers[0], case .joined = answers[1], case .joined = answers[2] else {
            Issue.record("\(answers)")
            return
        }
        #expect(refusal.code == .rateLimited)
        #expect(edge.store.createdBy[room] == UserID("bob"))
    }

    @Test("A message that was deleted is given without its text to those who come later, also from the ring")
    func redaction() throws {
        try edge.store.post("secret", in: room)
        let first = try edge.connect(as: "alice")
        try first.send(Self.join)
        try edge.store.post("also", in: room)
        let target = try #require(edge.store.newest(in: room)?.id)
        var draft = try InMemoryStore.draft("", in: room)
        (draft.type, draft.target) = (.delete, target)
        edge.store.post(draft) { _ in }
        edge.loop.run()
        let reads = edge.hub.counters.catchUps + edge.hub.counters.backfills
        let second = try edge.connect(as: "bob")
        try second.send(Self.join)
        guard case .joined(let answer)? = try second.received().answers(to: 1).first else {
            Issue.record("not joined")
            return
        }
        #expect(answer.messages.map(\.message.draft.text) == ["secret", "", ""])
        #expect(answer.messages.map(\.isDeleted) == [false, true, false])
        #expect(edge.hub.counters.catchUps + edge.hub.counters.backfills == reads)
        try second.send(#"{"op":"history","room":"r","ref":3}"#)
        guard case .history(let page)? = try second.received().answers(to: 3).first else {
            Issue.record("no history")
            return
        }
        #expect(page.messages.map(\.isDeleted) == [false, true, false])
    }
}
