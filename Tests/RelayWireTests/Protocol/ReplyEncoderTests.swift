import NIOCore
import RelayCore
import RelayWire
import Testing

@Suite("A reply")
struct ReplyEncoderTests {
    private func encode(_ reply: ServerReply, ref: Reference? = nil) -> String {
        String(buffer: ReplyEncoder.encode(reply, ref: ref))
    }

    private func room() throws -> RoomID { try #require(RoomID("general")) }

    private func frame(_ seq: UInt64) throws -> StoredFrame {
        let id = MessageID(milliseconds: seq, sequence: 0)
        let message = Message(id: id, seq: seq, draft: try Sample.draft("t"))
        return StoredFrame(id: id, seq: seq, envelope: EnvelopeEncoder.envelope(of: message))
    }

    private func envelope(_ seq: UInt64) -> String {
        #"{"id":"\#(seq)-0","seq":\#(seq),"ts":\#(seq),"room":"general","type":"message","#
            + #""user":"alice","name":"Alice","text":"t"}"#
    }

    @Test("welcomes with who one is and what one may")
    func welcome() throws {
        let identity = Identity(user: try #require(UserID("alice")), name: try #require(DisplayName("A\"")))
        let welcome = Welcome(
            identity: identity, edge: EdgeID("e-1"), session: "s", pingInterval: .milliseconds(2500), limits: Limits())
        #expect(
            encode(.welcome(welcome), ref: .string("r\n"))
                == #"{"type":"welcome","ref":"r\n","user":"alice","name":"A\"","edge":"e-1","session":"s","#
                + #""ping_interval":2500,"limits":{"max_text":4096,"max_frame":65536,"rate":20,"burst":40,"#
                + #""max_rooms":128,"slow_budget":262144}}"#)
    }

    @Test("says that one has joined, with the envelopes as they are")
    func joined() throws {
        let last = MessageID(milliseconds: 2, sequence: 0)
        let standing = RoomStanding(epoch: 7, lastSeq: 2, lastID: last, oldestSeq: nil)
        let whole = Recovery(
            standing: standing, frames: [try frame(1), try frame(2)], isLive: true,
            cursor: ReadCursor(id: last, seq: 2))
        #expect(
            encode(.joined(try room(), whole, here: 3), ref: .integer(-1))
                == #"{"type":"joined","ref":-1,"room":"general","epoch":7,"last":"2-0","seq":2,"here":3,"#
                + #""recovered":true,"messages":[\#(envelope(1)),\#(envelope(2))]}"#)
        let empty = Recovery(
            standing: RoomStanding(epoch: 7, lastSeq: 0, lastID: nil, oldestSeq: nil), frames: [], isLive: true,
            cursor: ReadCursor(id: .zero, seq: 0))
        #expect(
            encode(.joined(try room(), empty, here: 1))
                == #"{"type":"joined","room":"general","epoch":7,"last":null,"seq":0,"here":1,"recovered":true,"#
                + #""messages":[]}"#)
        let trimmed = Recovery(
            standing: standing, frames: [], isLive: false, shortfall: .trimmed, cursor: ReadCursor(id: .zero, seq: nil))
        #expect(
            encode(.joined(try room(), trimmed, here: 1))
                == #"{"type":"joined","room":"general","epoch":7,"last":"2-0","seq":2,"here":1,"recovered":false,"#
                + #""reason":"trimmed","more":true,"messages":[]}"#)
        var rewound = trimmed
        rewound.shortfall = .rewound
        #expect(encode(.joined(try room(), rewound, here: 1)).contains(#""recovered":false,"reason":"rewound""#))
    }

    @Test("acknowledges, and says where it was a repeat")
    func acknowledged() throws {
        let receipt = PostReceipt(id: MessageID(milliseconds: 12, sequence: 3), seq: 4, isDuplicate: false)
        #expect(
            encode(.acknowledged(try room(), receipt, nonce: nil))
                == #"{"type":"ack","room":"general","id":"12-3","seq":4,"ts":12}"#)
        let again = PostReceipt(id: receipt.id, seq: 4, isDuplicate: true)
        #expect(
            encode(.acknowledged(try room(), again, nonce: Nonce(#"n""#)), ref: .integer(1))
                == #"{"type":"ack","ref":1,"room":"general","id":"12-3","seq":4,"ts":12,"nonce":"n\"","#
                + #""duplicate":true}"#
        )
        #expect(
            encode(.acknowledged(try room(), receipt.reaching(2), nonce: nil))
                == #"{"type":"ack","room":"general","id":"12-3","seq":4,"ts":12,"replicas":2}"#)
    }

    @Test("brings history, over the socket and over HTTP")
    func history() throws {
        let page = HistoryPage(standing: nil, frames: [try frame(5)], more: true)
        #expect(
            encode(.history(try room(), page))
                == #"{"type":"history","room":"general","messages":[\#(envelope(5))],"more":true,"source":"stream"}"#)
        #expect(
            String(buffer: ReplyEncoder.encode(page))
                == #"{"messages":[\#(envelope(5))],"more":true,"source":"stream"}"#)
        #expect(
            String(buffer: ReplyEncoder.encode(HistoryPage(standing: nil, frames: [], more: false)))
                == #"{"messages":[],"more":false,"source":"stream"}"#)
    }

    @Test("lists who is there, not beyond the limit, and says where there are more")
    func who() throws {
        let alice = Occupant(user: try #require(UserID("alice")), name: "A\u{1}", since: 5, sessions: 2)
        #expect(
            encode(.who(try room(), [alice]))
                == #"{"type":"who","room":"general","users":[{"user":"alice","name":"A\u0001","#
                + #""since":5,"sessions":2}]}"#
        )
        #expect(encode(.who(try room(), [alice], more: true)).hasSuffix(#"],"more":true,"next":"alice"}"#))
        let many = encode(.who(try room(), Array(repeating: alice, count: Limits.whoMax + 1)))
        #expect(many.hasSuffix(#"],"more":true,"next":"alice"}"#))
        let object = try JSONReader.object(from: ByteBuffer(string: many))
        #expect(try object.elements("users")?.count == Limits.whoMax)
    }

    @Test("leaves, pongs and refuses")
    func small() throws {
        #expect(encode(.left(try room()), ref: .string("")) == #"{"type":"left","ref":"","room":"general"}"#)
        #expect(encode(.pong(milliseconds: 17)) == #"{"type":"pong","ts":17}"#)
        #expect(
            encode(.refused(Refusal(.badRoom, "no \"room\"")), ref: .integer(.min))
                == #"{"type":"error","ref":-9223372036854775808,"code":"bad_room","message":"no \"room\""}"#)
        #expect(
            encode(.refused(Refusal(.rateLimited, "x", retryAfter: .milliseconds(1500))))
                == #"{"type":"error","code":"rate_limited","message":"x","retry_after":1500}"#)
        #expect(encode(.refused(Refusal(.rateLimited, "x", retryAfter: .zero))).hasSuffix(#""retry_after":1}"#))
    }

    @Test("knows every code of the contract")
    func codes() {
        #expect(
            ErrorCode.allCases.map(\.rawValue).joined(separator: " ")
                == "bad_json bad_request unknown_op bad_room unauthorized token_expired forbidden exists no_such_room "
                + "no_such_message not_joined no_such_user too_large rate_limited unavailable full draining")
    }
}
