import NIOCore
import RelayCore
import RelayWire
import Testing

@Suite("A live event")
struct EventCoderTests {
    private func judge(_ text: String) -> EventCoder.Verdict { EventCoder.judge(ByteBuffer(string: text)) }

    @Test("is written in one order, with the edge that says it")
    func encode() throws {
        let room = try #require(RoomID("general"))
        let join = LiveEvent(.join, room: room, user: UserID("bob"), name: DisplayName("B\"b"), text: "a\nb")
        #expect(
            String(buffer: EventCoder.encode(join, edge: EdgeID("e-1")))
                == #"{"type":"join","room":"general","user":"bob","name":"B\"b","text":"a\nb","edge":"e-1"}"#)
        #expect(
            String(buffer: EventCoder.encode(.lagged(room: room, from: 3, to: 5), edge: nil))
                == #"{"type":"lagged","room":"general","from_seq":3,"to_seq":5,"count":3}"#)
        #expect(
            String(buffer: EventCoder.encode(.rewound(room: room, from: 9, to: 0, epoch: 77), edge: nil))
                == #"{"type":"rewound","room":"general","from_seq":9,"to_seq":0,"epoch":77}"#)
    }

    @Test("that names moved messages is passed on; without any it says that the stream is to be read")
    func moved() throws {
        let room = try #require(RoomID("general"))
        var event = LiveEvent.rewound(room: room, from: 2, to: 9, epoch: 7)
        #expect(EventCoder.judge(EventCoder.encode(event, edge: EdgeID("e"))) == .restored)
        event.moved = [
            MovedMessage(
                id: MessageID(milliseconds: 5, sequence: 1), seq: 2, toID: MessageID(milliseconds: 8, sequence: 0),
                toSeq: 9)
        ]
        let bytes = EventCoder.encode(event, edge: EdgeID("e"))
        #expect(
            String(buffer: bytes) == #"{"type":"rewound","room":"general","from_seq":2,"to_seq":9,"epoch":7,"#
                + #""moved":[{"id":"5-1","seq":2,"to_id":"8-0","to_seq":9}],"edge":"e"}"#)
        #expect(EventCoder.judge(bytes) == .event(.rewound, edge: EdgeID("e")))
        guard case .event(let received) = try ServerFrameDecoder.decode(bytes) else {
            Issue.record("not an event")
            return
        }
        #expect(received.event == event)
        // Edges' own word is `edge`; without it somebody typed it.
        guard case .foreign = judge(#"{"type":"rewound","room":"general"}"#) else {
            Issue.record("passes for an edge's")
            return
        }
    }

    @Test("of an edge passes as it is", arguments: LiveEvent.Kind.allCases.filter { $0 != .rewound })
    func own(kind: LiveEvent.Kind) throws {
        let event = LiveEvent(kind, room: try #require(RoomID("general")))
        #expect(EventCoder.judge(EventCoder.encode(event, edge: EdgeID("e-1"))) == .event(kind, edge: EdgeID("e-1")))
    }

    @Test("published by hand is marked, whatever it says of itself")
    func foreign() {
        let marked = #"{"type":"notice","text":"h\u00e9","n":[1, {"a":null}],"foreign":true}"#
        #expect(
            judge(#" {"type":"notice" , "foreign":false,"text":"h\u00e9","n":[1, {"a":null}]}"#)
                == .foreign(ByteBuffer(string: marked)))
        #expect(judge(#"{"type":"typing"}"#) == .foreign(ByteBuffer(string: #"{"type":"typing","foreign":true}"#)))
        let edges = [#""""#, "7", "null", "{}"]
        for edge in edges {
            guard case .foreign = judge(#"{"type":"typing","edge":\#(edge)}"#) else {
                Issue.record("edge \(edge) passes for an edge")
                continue
            }
        }
    }

    @Test(
        "is rejected where it could be taken for a message, is of no known type or no object",
        arguments: [
            #"{"type":"notice","id":"1-0"}"#, #"{"type":"notice","seq":1}"#, #"{"type":"notice","id":null}"#,
            #"{"type":"notice","seq":null,"edge":"e"}"#, #"{"type":"notice","\u0069d":"1-0"}"#,
            #"{"type":"message","text":"x"}"#, #"{"type":"edit"}"#, #"{"type":"welcome"}"#, #"{"type":"Notice"}"#,
            #"{"type":7}"#, #"{"type":null}"#, #"{}"#, "[]", "null", #""notice""#, "", "notice", "{",
            #"{"type":"notice","type":"join"}"#, #"{"type":"notice","text":"\ud800"}"#,
            #"{"id":"1-0","seq":1,"ts":1,"room":"general","type":"message"}"#,
        ])
    func rejected(text: String) {
        #expect(judge(text) == .rejected)
    }

    @Test("is rejected where it is nested too deep or not UTF-8")
    func bytes() {
        let deep = String(repeating: "[", count: 20) + String(repeating: "]", count: 20)
        #expect(judge(#"{"type":"notice","x":\#(deep)}"#) == .rejected)
        #expect(
            EventCoder.judge(ByteBuffer(bytes: Array(#"{"type":"notice","text":""#.utf8) + [0xff, 0x22, 0x7d]))
                == .rejected)
    }
}
