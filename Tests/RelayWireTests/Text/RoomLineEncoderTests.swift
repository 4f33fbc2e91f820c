import NIOCore
import RelayCore
import RelayTestKit
import RelayWire
import Testing

@Suite("Lines made of what rooms say")
struct RoomLineEncoderTests {
    private let bob: UserID
    private let tea: RoomID

    init() throws {
        bob = try #require(UserID("bob"))
        tea = try #require(RoomID("tea"))
    }

    private func envelope(_ draft: MessageDraft) -> ByteBuffer {
        EnvelopeEncoder.envelope(of: Message(id: MessageID(milliseconds: 5, sequence: 0), seq: 1, draft: draft))
    }

    private func draft(_ text: String, _ type: MessageType = .message) -> MessageDraft {
        MessageDraft(room: tea, type: type, user: bob, name: DisplayName(bob), text: text)
    }

    @Test("A message, an action and what was deleted")
    func messages() {
        #expect(RoomLineEncoder.line(of: envelope(draft("hi\n\"x\"")), for: nil) == "<bob> hi \"x\"")
        #expect(RoomLineEncoder.line(of: envelope(draft("waves", .action)), for: nil) == "* bob waves")
        let frame = StoredFrame(
            id: MessageID(milliseconds: 5, sequence: 0), seq: 1, envelope: envelope(draft("secret")))
        let shown = frame.shown(without: [frame.id])
        #expect(RoomLineEncoder.line(of: shown.envelope, for: nil) == "*** A message of bob was deleted")
        let edit = StoredFrame(
            id: MessageID(milliseconds: 6, sequence: 0), seq: 2, envelope: envelope(draft("dearest secret", .edit)))
        var page = HistoryPage(standing: nil, frames: [frame, edit], more: false)
        page.deleted = [frame.id, edit.id]
        #expect(RoomLineEncoder.lines(of: page, for: bob) == ["*** A message of bob was deleted"])
        #expect(RoomLineEncoder.line(of: ByteBuffer(string: "{}"), for: nil) == nil)
    }

    @Test(
        "An event, also one that lacks or bends fields",
        arguments: [
            (#"{"type":"join","room":"tea","user":"bob"}"#, "*** bob has joined"),
            (#"{"type":"leave","room":"tea","user":"bob"}"#, "*** bob has left"),
            (#"{"type":"join","room":"tea","count":250}"#, "*** 250 are here"),
            (#"{"type":"page","room":"tea","user":"bob"}"#, "\u{7}*** bob is paging you"),
            (#"{"type":"notice","text":"back soon\u0007","foreign":true}"#, "*** Notice: back soon"),
            (#"{"type":"notice","text":5}"#, nil), (#"{"type":"typing","room":"tea","user":"bob"}"#, nil),
            (#"{"type":"join","user":"b\u001bob"}"#, "*** somebody has joined"), (#"{"type":"x"}"#, nil), ("", nil),
            (
                #"{"type":"lagged","room":"tea","from_seq":2,"to_seq":4,"count":3}"#,
                "!!! 3 messages are gone: nobody has them any more."
            ),
        ] as [(String, String?)])
    func events(json: String, line: String?) {
        #expect(RoomLineEncoder.line(ofEvent: ByteBuffer(string: json))?.line == line)
    }

    @Test("Whose coming and going it is stands beside the line")
    func about() {
        let left = RoomLineEncoder.line(ofEvent: ByteBuffer(string: #"{"type":"leave","user":"BOB"}"#))
        #expect(left?.about == bob)
        let notice = RoomLineEncoder.line(ofEvent: ByteBuffer(string: #"{"type":"notice","user":"bob","text":"x"}"#))
        #expect(notice != nil && notice?.about == nil)
    }

    @Test("No line has a control character that it was not told to have, whatever is said", arguments: 0..<10)
    func property(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let alice = try #require(UserID("alice"))
        for _ in 0..<300 {
            let scalars = (0..<Int.random(in: 1...20, using: &random)).compactMap { _ in
                // Half of them from where control characters are.
                Unicode.Scalar(UInt32.random(in: 1...(Bool.random(using: &random) ? 0xa0 : 0x2_fff), using: &random))
            }
            let text = String(String.UnicodeScalarView(scalars))
            let type = try #require(MessageType.allCases.randomElement(using: &random))
            var said = draft(text, type)
            if type == .direct { said.room = .direct(alice, bob) }
            var notice = LiveEvent(.notice, room: tea, user: bob, text: text)
            notice.name = DisplayName(text)
            let facts = RoomFacts(name: text, createdBy: bob, createdAt: 1, topic: text)
            let answers: [TypedAnswer.Content] = [
                .topic(tea, text), .topicSet(tea, text),
                .rooms([RoomSummary(room: tea, facts: facts, lastSeq: 0, last: nil, here: 1)]),
                .entered(tea, [], [StoredFrame(id: .zero, seq: 1, envelope: envelope(said))]),
            ]
            let reader = Identity(user: alice, name: DisplayName(text) ?? DisplayName(alice))
            var lines = answers.flatMap { RoomLineEncoder.lines(of: TypedAnswer(.topic, for: reader, $0)) }
            lines += [
                RoomLineEncoder.line(of: envelope(said), for: alice),
                RoomLineEncoder.line(ofEvent: EventCoder.encode(notice, edge: nil))?.line,
                ChatLine.text(of: Refusal.notInChat(text)),
            ].compactMap { $0 }
            #expect(lines.count >= 6)
            for line in lines {
                // A bell is for the receiver of a direct message, in front, and nowhere else.
                let bare = line.hasPrefix("\u{7}[bob -> you]") ? line.dropFirst() : line[...]
                #expect(
                    bare.unicodeScalars.allSatisfy {
                        ![.control, .lineSeparator, .paragraphSeparator].contains($0.properties.generalCategory)
                            && !(0x202a...0x202e).contains($0.value) && !(0x2066...0x2069).contains($0.value)
                    }, "\(line.debugDescription) of \(text.debugDescription)")
            }
        }
    }

    @Test("A typed command is answered over JSON with its name and its lines")
    func output() throws {
        let reader = Identity(user: bob, name: DisplayName(bob))
        let occupants = ["carol", "alice"].compactMap { UserID($0) }.map {
            Occupant(user: $0, name: "x", since: 1, sessions: 1)
        }
        let json = ReplyEncoder.encode(.typed(TypedAnswer(.who, for: reader, .people(occupants))), ref: .integer(3))
        #expect(
            String(buffer: json)
                == #"{"type":"output","ref":3,"command":"who","lines":["*** 2 here: alice, carol"]}"#)
        #expect(
            String(buffer: ReplyEncoder.encode(.paged(tea, bob), ref: nil))
                == #"{"type":"paged","room":"tea","to":"bob"}"#)
        let many = (100..<160).compactMap { UserID("u\($0)") }
        #expect(ChatLine.people(many).hasPrefix("*** 60 here: u100, u101"))
        #expect(ChatLine.people(many).hasSuffix("u149 and 10 more"))
    }

    @Test("The op that pages is read and written")
    func pageOp() throws {
        let json = ByteBuffer(string: #"{"op":"page","room":"tea","to":"BOB","ref":1}"#)
        let request = try CommandDecoder(textBytesMax: 10).decode(json)
        #expect(request.command == .page(tea, to: bob))
        #expect(
            String(buffer: RequestEncoder.encode(.page(tea, to: bob), ref: .integer(1)))
                == #"{"op":"page","ref":1,"room":"tea","to":"bob"}"#)
        #expect(throws: RequestRejection.self) {
            try CommandDecoder(textBytesMax: 10).decode(ByteBuffer(string: #"{"op":"page","room":"tea"}"#))
        }
    }
}
