import NIOCore
import RelayCore
import RelayWire
import Testing

/// Values for tests, from texts that are known to be good.
enum Sample {
    static func draft(_ text: String = "hi") throws -> MessageDraft {
        MessageDraft(
            room: try #require(RoomID("general")), user: try #require(UserID("alice")),
            name: try #require(DisplayName("Alice")), text: text)
    }

    static func id(_ text: String) throws -> MessageID { try #require(MessageID(text)) }
}

@Suite("An envelope")
struct EnvelopeTests {
    @Test("is the bytes of the contract")
    func exactBytes() throws {
        var draft = try Sample.draft()
        draft.nonce = Nonce("c-17")
        let message = Message(id: try Sample.id("1763691000123-0"), seq: 42, draft: draft)
        #expect(
            String(buffer: EnvelopeEncoder.envelope(of: message))
                == #"{"id":"1763691000123-0","seq":42,"ts":1763691000123,"room":"general","type":"message","#
                + #""user":"alice","name":"Alice","text":"hi","nonce":"c-17"}"#)
    }

    @Test("has all keys in one order, and leaves out what is absent")
    func keyOrder() throws {
        var draft = try Sample.draft()
        draft.type = .direct
        draft.nonce = Nonce(#"a"\ b"#)
        draft.to = UserID("Bob")
        draft.target = try Sample.id("1-2")
        draft.replyTo = try Sample.id("3-4")
        #expect(
            String(buffer: EnvelopeEncoder.tail(of: draft))
                == #""room":"general","type":"direct","user":"alice","name":"Alice","text":"hi","nonce":"a\"\\ b","#
                + #""to":"bob","target":"1-2","reply_to":"3-4"}"#)
        let keys = try JSONReader.object(
            from: EnvelopeEncoder.envelope(of: Message(id: try Sample.id("5-6"), seq: 7, draft: draft))
        ).keys
        #expect(
            keys == ["id", "seq", "ts", "room", "type", "user", "name", "text", "nonce", "to", "target", "reply_to"])
    }

    @Test("escapes control characters, quote and backslash, and nothing else")
    func escapes() throws {
        let scalars = (1..<0x20).map { Unicode.Scalar(UInt8($0)) }
        var text = String(String.UnicodeScalarView(scalars))
        text += "\"\\/\u{7f}é\u{2028}😀"
        let tail = String(buffer: EnvelopeEncoder.tail(of: try Sample.draft(text)))
        let expected =
            #""text":"\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010\u0011\u0012\u0013"#
            + #"\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f\"\\/"# + "\u{7f}é\u{2028}😀\"}"
        #expect(tail.hasSuffix(expected))
    }

    @Test("is a head and the tail that was known before")
    func headAndTail() throws {
        let draft = try Sample.draft("x")
        let message = Message(id: MessageID(milliseconds: .max, sequence: .max), seq: .max, draft: draft)
        let top = UInt64.max
        #expect(
            String(buffer: EnvelopeEncoder.envelope(of: message))
                == "{\"id\":\"\(top)-\(top)\",\"seq\":\(top),\"ts\":\(top),"
                + String(buffer: EnvelopeEncoder.tail(of: draft)))
    }
}

@Suite("The head of an envelope")
struct EnvelopeHeadTests {
    private static let good = #"{"id":"1763691000123-5","seq":42,"ts":1763691000123,"room":"general"}"#

    private func head(_ text: String) -> EnvelopeHead? { EnvelopeHead(ByteBuffer(string: text)) }

    @Test("is read without the rest")
    func good() throws {
        let parsed = try #require(head(Self.good))
        #expect(parsed.id == MessageID(milliseconds: 1_763_691_000_123, sequence: 5))
        #expect(parsed.seq == 42)
    }

    @Test("is read wherever in a buffer it stands")
    func offset() throws {
        var buffer = ByteBuffer(string: "junk" + Self.good)
        buffer.moveReaderIndex(forwardBy: 4)
        #expect(EnvelopeHead(buffer)?.seq == 42)
        #expect(EnvelopeHead(buffer.slice())?.seq == 42)
    }

    @Test("is none when cut anywhere before its end")
    func cuts() {
        let whole = Array(Self.good.utf8)
        let end = #"{"id":"1763691000123-5","seq":42,"ts":"#.utf8.count
        for count in 0..<end { #expect(EnvelopeHead(ByteBuffer(bytes: whole[..<count])) == nil, "\(count)") }
        for count in end...whole.count { #expect(EnvelopeHead(ByteBuffer(bytes: whole[..<count])) != nil, "\(count)") }
    }

    @Test(
        "is none where anything is odd",
        arguments: [
            #"{"id":"01-0","seq":1,"ts":1,"#, #"{"id":"1-00","seq":1,"ts":1,"#, #"{"id":"1-0","seq":01,"ts":1,"#,
            #"{"id":"1","seq":1,"ts":1,"#, #"{"id":"1-0-0","seq":1,"ts":1,"#, #"{"id":"-1-0","seq":1,"ts":1,"#,
            #"{"id":"1-0","seq":-1,"ts":1,"#, #"{"id":"1-0","seq":+1,"ts":1,"#, #"{"id":"1-0","seq":1.5,"ts":1,"#,
            #"{"id":"1-0","seq":1e3,"ts":1,"#, #"{"id":"1-0","seq":"1","ts":1,"#, #"{"id":"1-0","seq":,"ts":1,"#,
            #"{"id":"18446744073709551616-0","seq":1,"ts":1,"#, #"{"id":"1-0","seq":18446744073709551616,"ts":1,"#,
            #"{"id":"99999999999999999999999-0","seq":1,"ts":1,"#, #"{"id":"1-0","ts":1,"seq":1,"#,
            #"{"seq":1,"id":"1-0","ts":1,"#, #"{ "id":"1-0","seq":1,"ts":1,"#, #"{"id": "1-0","seq":1,"ts":1,"#,
            #" {"id":"1-0","seq":1,"ts":1,"#, #"{"ID":"1-0","seq":1,"ts":1,"#, #"{"id":"1-0","seq":1}"#, "", "{}", "x",
        ])
    func odd(text: String) {
        #expect(head(text) == nil)
    }

    @Test("takes the highest numbers that there are")
    func highest() {
        let top = UInt64.max
        #expect(head("{\"id\":\"\(top)-\(top)\",\"seq\":\(top),\"ts\":0,")?.seq == top)
        #expect(head(#"{"id":"0-0","seq":0,"ts":0,"#)?.id == .zero)
    }
}
