import NIOCore
import RelayCore
import RelayWire
import Testing

@Suite("What the server writes, the client reads")
struct ServerFrameDecoderTests {
    private let general = RoomID("general")
    private let id = MessageID(milliseconds: 1_763_691_000_123, sequence: 4)

    private func stored() throws -> (Message, StoredFrame) {
        let draft = MessageDraft(
            room: try #require(general), type: .action, user: try #require(UserID("alice")),
            name: try #require(DisplayName("Älice")), text: "waves \"\n\\", nonce: Nonce("c-17"),
            to: UserID("bob"), target: MessageID("5-1"), replyTo: MessageID("6-2"))
        let message = Message(id: id, seq: 42, draft: draft)
        return (message, StoredFrame(id: id, seq: 42, envelope: EnvelopeEncoder.envelope(of: message)))
    }

    private func answer(_ reply: ServerReply, ref: Reference? = .integer(7)) throws -> ServerAnswer? {
        guard
            case .answer(let answer, let answered) = try ServerFrameDecoder.decode(ReplyEncoder.encode(reply, ref: ref))
        else { return nil }
        #expect(answered == ref)
        return answer
    }

    @Test("What operators say to everybody is of no room")
    func notice() throws {
        let text = ByteBuffer(string: #"{"type":"notice","text":"soon","edge":"e-1"}"#)
        #expect(try ServerFrameDecoder.decode(text) == .notice("soon", edge: "e-1"))
    }

    @Test("An envelope comes back as the message it was made from, with its own bytes")
    func envelope() throws {
        let (message, frame) = try stored()
        let expected = ReceivedMessage(message: message, isDeleted: false, envelope: frame.envelope)
        #expect(try ServerFrameDecoder.decode(frame.envelope) == .message(expected))
    }

    @Test("A deleted message of history says so")
    func deletedMessage() throws {
        let text = """
            {"id":"5-0","seq":1,"ts":5,"room":"general","type":"message","user":"alice","name":"A",\
            "text":"","deleted":true}
            """
        let message = try ServerFrameDecoder.message(from: ByteBuffer(string: text))
        #expect(message.isDeleted)
        #expect(message.message.draft.text.isEmpty)
    }

    @Test("A live event keeps its figures, its edge and its people")
    func liveEvent() throws {
        let room = try #require(general)
        let lagged = LiveEvent.lagged(room: room, from: 3, to: 9)
        let json = EventCoder.encode(lagged, edge: EdgeID("e-1"))
        let expected = ReceivedEvent(event: lagged, edge: "e-1", isForeign: false, json: json)
        #expect(try ServerFrameDecoder.decode(json) == .event(expected))
        #expect(expected.figure("count") == 7)
        #expect(expected.figure("epoch") == nil)
    }

    @Test("A topic without an id is no message")
    func topicWithoutID() {
        let text = ByteBuffer(string: #"{"type":"topic","room":"general"}"#)
        #expect(throws: ServerFrameError.unknownType("topic")) { try ServerFrameDecoder.decode(text) }
    }

    @Test("An event of somebody by hand is read as far as it goes")
    func foreignEvent() throws {
        let text = ByteBuffer(string: #"{"type":"notice","room":"general","user":7,"text":"hi","foreign":true}"#)
        guard case .event(let event) = try ServerFrameDecoder.decode(text) else {
            Issue.record("not an event")
            return
        }
        #expect(event.isForeign)
        #expect(event.event.user == nil)
        #expect(event.event.text == "hi")
    }

    @Test("A welcome brings identity, edge and limits")
    func welcome() throws {
        var limits = Limits()
        limits.textBytesMax = 100
        limits.burst = 3
        let identity = Identity(user: try #require(UserID("alice")), name: try #require(DisplayName("Alice")))
        let welcome = Welcome(
            identity: identity, edge: EdgeID("e-1"), session: "s", pingInterval: .seconds(25), limits: limits)
        #expect(try answer(.welcome(welcome)) == .welcome(welcome))
    }

    @Test("Figures that no relay has are read as the highest that a client can reckon with")
    func absurdFigures() throws {
        let welcome = ByteBuffer(
            string: #"{"type":"welcome","user":"a","name":"A","edge":"e","session":"s","#
                + #""ping_interval":9223372036854775807,"#
                + #""limits":{"rate":4611686018427387904,"burst":-5,"max_text":4096}}"#)
        guard case .answer(.welcome(let read), _) = try ServerFrameDecoder.decode(welcome) else {
            Issue.record("no welcome")
            return
        }
        #expect(read.limits.ratePerSecond == Int(Int32.max) && read.limits.burst == 0)
        #expect(read.limits.textBytesMax == 4096)
        #expect(read.pingInterval == .seconds(365 * 86_400))
        for (figure, span) in [("9223372036854775807", Duration.seconds(365 * 86_400)), ("-1", .zero)] {
            let error = ByteBuffer(
                string: #"{"type":"error","code":"rate_limited","message":"x","retry_after":\#(figure)}"#)
            guard case .answer(.refused(let refusal), _) = try ServerFrameDecoder.decode(error) else {
                Issue.record("no error")
                return
            }
            #expect(refusal.retryAfter == span)
        }
    }

    @Test("A join brings where the room stands, what is missing and the messages", arguments: [true, false])
    func joined(isLive: Bool) throws {
        let (message, frame) = try stored()
        let room = try #require(general)
        let recovery = Recovery(
            standing: RoomStanding(epoch: 99, lastSeq: 42, lastID: id, oldestSeq: 1), frames: [frame], isLive: isLive,
            shortfall: isLive ? nil : .trimmed, cursor: ReadCursor(id: id, seq: 42))
        let expected = JoinAnswer(
            room: room, epoch: 99, last: id, seq: 42, here: 3, isRecovered: isLive, reason: isLive ? nil : "trimmed",
            more: !isLive,
            messages: [ReceivedMessage(message: message, isDeleted: false, envelope: frame.envelope)])
        #expect(try answer(.joined(room, recovery, here: 3)) == .joined(expected))
    }

    @Test("A room in which nothing was said has no last message")
    func joinedEmptyRoom() throws {
        let room = try #require(general)
        let recovery = Recovery(
            standing: RoomStanding(epoch: 9, lastSeq: 0, lastID: nil, oldestSeq: nil), frames: [], isLive: true,
            cursor: ReadCursor(id: .zero, seq: nil))
        guard case .joined(let joined) = try answer(.joined(room, recovery, here: 1)) else {
            Issue.record("not joined")
            return
        }
        #expect(joined.last == nil)
        #expect(joined.isRecovered)
    }

    @Test("An acknowledgement, a leave, a pong and a refusal come back whole")
    func smallAnswers() throws {
        let room = try #require(general)
        let receipt = PostReceipt(id: id, seq: 42, isDuplicate: true)
        #expect(
            try answer(.acknowledged(room, receipt, nonce: Nonce("n")))
                == .acknowledged(Acknowledgement(room: room, id: id, seq: 42, nonce: Nonce("n"), isDuplicate: true)))
        guard case .acknowledged(let reached) = try answer(.acknowledged(room, receipt.reaching(2), nonce: nil)) else {
            Issue.record("no acknowledgement")
            return
        }
        #expect(reached.replicas == 2)
        #expect(try answer(.left(room), ref: .string("x")) == .left(room))
        #expect(try answer(.pong(milliseconds: 5), ref: nil) == .pong(milliseconds: 5))
        let refusal = Refusal(.rateLimited, "Too fast.", retryAfter: .milliseconds(50))
        #expect(try answer(.refused(refusal)) == .refused(refusal))
    }

    @Test("History and the list of who is there come back whole")
    func lists() throws {
        let (message, frame) = try stored()
        let room = try #require(general)
        let page = HistoryPage(standing: nil, frames: [frame], more: true)
        let received = ReceivedMessage(message: message, isDeleted: false, envelope: frame.envelope)
        #expect(
            try answer(.history(room, page))
                == .history(HistoryAnswer(room: room, messages: [received], more: true, source: "stream")))
        let bob = Occupant(user: try #require(UserID("bob")), name: "Bob", since: 5, sessions: 2)
        #expect(try answer(.who(room, [bob])) == .who(room, [bob], more: false))
        #expect(try answer(.who(room, [bob], more: true)) == .who(room, [bob], more: true))
        let order = ControlCommand.mute(bob.user, room: room, span: .seconds(1))
        #expect(try answer(.ordered(order)) == .ordered("mute", bob.user, room: room))
    }

    @Test("An error code of a newer server is a refusal all the same")
    func unknownErrorCode() throws {
        let text = ByteBuffer(string: #"{"type":"error","code":"teapot","message":"short and stout"}"#)
        let refusal = Refusal(.badRequest, "short and stout")
        #expect(try ServerFrameDecoder.decode(text) == .answer(.refused(refusal), ref: nil))
    }

    @Test(
        "What is no frame is refused with the field at fault",
        arguments: [
            (#"{"type":"ack","room":"general","seq":1}"#, "id"), (#"{"type":"left"}"#, "room"),
            (#"{"id":"5-0"}"#, "type"),
            (#"{"type":"left","room":"dm:x"}"#, "room"), (#"{"type":"pong","ts":-1}"#, "ts"),
            (#"{"type":"joined","room":"a","epoch":1,"last":null,"seq":0,"here":1}"#, "messages"),
            (#"{"id":"5-0","seq":0.5,"room":"a","type":"message","user":"a","name":"a","text":"a"}"#, "seq"),
        ])
    func badFields(text: String, field: String) {
        #expect(throws: ServerFrameError.badField(field)) {
            try ServerFrameDecoder.decode(ByteBuffer(string: text))
        }
    }

    @Test("What is not JSON is refused wherever a good frame is cut")
    func cutEverywhere() throws {
        let (_, frame) = try stored()
        for length in 0..<frame.envelope.readableBytes {
            let cut = try #require(frame.envelope.getSlice(at: 0, length: length))
            #expect(throws: ServerFrameError.self) { try ServerFrameDecoder.decode(cut) }
        }
    }
}
