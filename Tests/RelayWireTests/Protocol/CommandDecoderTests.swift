import NIOCore
import RelayCore
import RelayWire
import Testing

@Suite("An op of a client")
struct CommandDecoderTests {
    private let decoder = CommandDecoder(textBytesMax: 16)

    private func decode(_ text: String) throws -> ClientRequest { try decoder.decode(ByteBuffer(string: text)) }

    private func rejection(_ text: String) -> RequestRejection? { rejection(Array(text.utf8)) }

    private func rejection(_ bytes: [UInt8]) -> RequestRejection? {
        do {
            _ = try decoder.decode(ByteBuffer(bytes: bytes))
            return nil
        } catch {
            return error
        }
    }

    private func room() throws -> RoomID { try #require(RoomID("general")) }

    @Test("is read with all of its fields")
    func hello() throws {
        #expect(
            try decode(#"{"op":"hello","user":"Alice","name":"Älice","ref":1}"#)
                == decodeResult(1, .hello(HelloClaim(user: UserID("alice"), name: DisplayName("Älice")))))
        #expect(
            try decode(#"{"op":"hello","token":"t"}"#).command
                == .hello(HelloClaim(user: nil, name: nil, token: "t")))
        #expect(try decode(#"{"op":"ping","extra":{"a":[1]}}"#).command == .ping)
        #expect(try decode(#"{"op":"leave","room":"general"}"#).command == .leave(room()))
        #expect(try decode(#"{"op":"who","room":"general"}"#).command == .who(room()))
        let page = OccupantPage(after: UserID("bob"), limit: Limits.whoMax)
        let asked = #"{"op":"who","room":"general","after":"Bob","limit":5000}"#
        #expect(try decode(asked).command == .who(room(), page))
    }

    private func decodeResult(_ ref: Int64, _ command: ClientCommand) throws -> ClientRequest {
        var request = try decode(#"{"op":"ping"}"#)
        request.ref = .integer(ref)
        request.command = command
        return request
    }

    @Test("joins from the newest or from an id, and never asks for more than a page")
    func joins() throws {
        let room = try room()
        let since = try Sample.id("5-1")
        #expect(try decode(#"{"op":"join","room":"general"}"#).command == .join(room, from: .history(limit: 50)))
        #expect(
            try decode(#"{"op":"join","room":"general","history":0}"#).command == .join(room, from: .history(limit: 0)))
        #expect(
            try decode(#"{"op":"join","room":"general","history":9223372036854775807}"#).command
                == .join(room, from: .history(limit: 500)))
        #expect(
            try decode(#"{"op":"join","room":"general","since":"5-1"}"#).command
                == .join(room, from: .since(since, epoch: nil)))
        #expect(
            try decode(#"{"op":"join","room":"general","since":"5-1","epoch":9,"history":3}"#).command
                == .join(room, from: .since(since, epoch: 9)))
        #expect(
            try decode(#"{"op":"join","room":"dm:alice+bob"}"#).command
                == .join(.direct(#require(UserID("bob")), #require(UserID("alice"))), from: .history(limit: 50)))
    }

    @Test("asks for history from where and how much")
    func histories() throws {
        let room = try room()
        let five = try Sample.id("5-0")
        #expect(try decode(#"{"op":"history","room":"general"}"#).command == .history(room, .latest(limit: 50)))
        #expect(
            try decode(#"{"op":"history","room":"general","before":"5","limit":7}"#).command
                == .history(room, .before(five, limit: 7)))
        #expect(
            try decode(#"{"op":"history","room":"general","after":"5-0","limit":9999}"#).command
                == .history(room, .after(five, limit: 500)))
    }

    @Test("says something")
    func sends() throws {
        #expect(
            try decode(
                #"{"op":"send","room":"general","text":"é\n","nonce":"n","type":"action","reply_to":"5-0"}"#
            ).command
                == .send(
                    Utterance(
                        room: room(), type: .action, text: "é\n", nonce: Nonce("n"), replyTo: Sample.id("5-0"))))
        #expect(
            try decode(#"{"op":"send","room":"general","text":"0123456789abcdef"}"#).command
                == .send(Utterance(room: room(), type: .message, text: "0123456789abcdef", nonce: nil, replyTo: nil)))
    }

    @Test("is not JSON, or is no object: bad_json, and nothing to know the answer by")
    func badJSON() {
        let texts = [
            "", "x", "{", #"{"op":"ping""#, #"{"op":"ping"}}"#, "[]", "7", "null", #""ping""#, #"{op:"ping"}"#,
            #"{"op":"ping",}"#, "{'op':'ping'}", #"{"op":"ping","ref":1} x"#, "{\"op\":\"a\nb\"}", "\u{feff}{}",
            #"{"op":"ping","ref":01}"#,
        ]
        for text in texts {
            #expect(rejection(text)?.refusal.code == .badJSON, "\(text)")
            #expect(rejection(text)?.ref == nil, "\(text)")
        }
        #expect(rejection(Array(#"{"op":""#.utf8) + [0xc3, 0x28, 0x22, 0x7d])?.refusal.code == .badJSON)
    }

    @Test("cut anywhere is bad_json")
    func cut() {
        let whole = Array(#"{"op":"send","room":"general","text":"é\u0041","ref":"r"}"#.utf8)
        for count in 0..<whole.count {
            #expect(rejection(Array(whole[..<count]))?.refusal.code == .badJSON, "\(count)")
        }
        #expect(rejection(whole) == nil)
    }

    @Test("that is ambiguous JSON is bad_request")
    func ambiguous() {
        let deep = String(repeating: "[", count: 16) + String(repeating: "]", count: 16)
        for text in [
            #"{"op":"ping","op":"ping"}"#, #"{"op":"ping","x":{"a":1,"a":2}}"#, #"{"op":"ping","x":"\ud800"}"#,
            #"{"op":"ping","x":\#(deep)}"#,
        ] {
            #expect(rejection(text)?.refusal.code == .badRequest, "\(text)")
        }
        // Whoever waits for an answer gets one all the same, wherever the ref stands.
        for text in [
            #"{"ref":7,"op":"send","text":"\ud83d"}"#, #"{"op":"send","text":"\ud83d","ref":7}"#,
            #"{"op":"ping","op":"ping","ref":7}"#,
        ] {
            #expect(rejection(text)?.ref == .integer(7), "\(text)")
        }
    }

    @Test(
        "that is wrong in a field gets the code that fits, and its ref back",
        arguments: [
            (#""op":7"#, ErrorCode.badRequest), (#""op":null"#, .badRequest), (#""x":1"#, .badRequest),
            (#""op":"dance""#, .unknownOp), (#""op":"""#, .unknownOp), (#""op":"Ping""#, .unknownOp),
            (#""op":"join""#, .badRequest), (#""op":"join","room":7"#, .badRequest),
            (#""op":"join","room":null"#, .badRequest), (#""op":"join","room":"""#, .badRoom),
            (#""op":"join","room":"a b""#, .badRoom), (#""op":"join","room":"dm:bob+alice""#, .badRoom),
            (#""op":"join","room":"a/../b""#, .badRoom), (#""op":"join","room":"{a}""#, .badRoom),
            (#""op":"join","room":"r","history":-1"#, .badRequest),
            (#""op":"join","room":"r","history":1.5"#, .badRequest),
            (#""op":"join","room":"r","history":"5""#, .badRequest),
            (#""op":"join","room":"r","since":5"#, .badRequest),
            (#""op":"join","room":"r","since":"x""#, .badRequest), (#""op":"join","room":"r","since":"""#, .badRequest),
            (#""op":"join","room":"r","since":"5-0","epoch":-1"#, .badRequest),
            (#""op":"join","room":"r","since":"5-0","epoch":"1""#, .badRequest),
            (#""op":"leave""#, .badRequest), (#""op":"who","room":"é""#, .badRoom),
            (#""op":"send","room":"r""#, .badRequest), (#""op":"send","text":"x""#, .badRequest),
            (#""op":"send","room":"r","text":"""#, .badRequest), (#""op":"send","room":"r","text":7"#, .badRequest),
            (#""op":"send","room":"r","text":"a\u0000b""#, .badRequest),
            (#""op":"send","room":"r","text":"0123456789abcdefg""#, .tooLarge),
            (#""op":"send","room":"r","text":"ééééééééé""#, .tooLarge),
            (#""op":"send","room":"r","text":"x","nonce":"""#, .badRequest),
            (#""op":"send","room":"r","text":"x","nonce":"é""#, .badRequest),
            (#""op":"send","room":"r","text":"x","nonce":"a\n""#, .badRequest),
            (#""op":"send","room":"r","text":"x","nonce":5"#, .badRequest),
            (#""op":"send","room":"r","text":"x","type":"edit""#, .badRequest),
            (#""op":"send","room":"r","text":"x","type":"direct""#, .badRequest),
            (#""op":"send","room":"r","text":"x","reply_to":"no""#, .badRequest),
            (#""op":"history","room":"r","limit":0"#, .badRequest),
            (#""op":"history","room":"r","before":"1-0","after":"1-0""#, .badRequest),
            (#""op":"hello","user":"a b""#, .badRequest), (#""op":"hello","user":7"#, .badRequest),
            (#""op":"hello","name":"""#, .badRequest), (#""op":"hello","name":"a\u0007""#, .badRequest),
            (#""op":"hello","token":7"#, .badRequest),
        ])
    func wrongFields(fields: String, code: ErrorCode) {
        #expect(rejection("{\(fields)}")?.refusal.code == code)
        #expect(rejection("{\(fields)}")?.ref == nil)
        #expect(rejection(#"{"ref":"r-1",\#(fields)}"#)?.ref == .string("r-1"))
        #expect(rejection(#"{\#(fields),"ref":-5}"#)?.ref == .integer(-5))
        #expect(rejection(#"{\#(fields),"ref":-5}"#)?.refusal.code == code)
    }

    @Test("has a ref that is a string or an integer, and not a long one")
    func references() throws {
        let longest = String(repeating: "r", count: Limits.refBytesMax)
        #expect(try decode(#"{"op":"ping","ref":"\#(longest)"}"#).ref == .string(longest))
        #expect(try decode(#"{"op":"ping","ref":""}"#).ref == .string(""))
        #expect(try decode(#"{"op":"ping","ref":-9223372036854775808}"#).ref == .integer(.min))
        #expect(try decode(#"{"op":"ping"}"#).ref == nil)
        for ref in ["\"\(longest)r\"", "1.5", "9223372036854775808", "null", "true", "{}", "[1]"] {
            let rejection = rejection(#"{"op":"ping","ref":\#(ref)}"#)
            #expect(rejection?.refusal.code == .badRequest, "\(ref)")
            #expect(rejection?.ref == nil)
        }
    }

    @Test("keeps to the limits to the byte")
    func limits() throws {
        let nonce = String(repeating: "n", count: Limits.nonceBytesMax)
        let name = String(repeating: "é", count: Limits.nameBytesMax / 2)
        #expect(rejection(#"{"op":"send","room":"r","text":"x","nonce":"\#(nonce)"}"#) == nil)
        #expect(rejection(#"{"op":"send","room":"r","text":"x","nonce":"\#(nonce)n"}"#)?.refusal.code == .badRequest)
        let huge = String(repeating: "n", count: 10_240)
        #expect(rejection(#"{"op":"send","room":"r","text":"x","nonce":"\#(huge)"}"#)?.refusal.code == .badRequest)
        #expect(rejection(#"{"op":"hello","user":"u","name":"\#(name)"}"#) == nil)
        #expect(rejection(#"{"op":"hello","user":"u","name":"\#(name)x"}"#)?.refusal.code == .badRequest)
        let id = String(repeating: "a", count: Limits.identifierBytesMax)
        #expect(rejection(#"{"op":"who","room":"\#(id)"}"#) == nil)
        #expect(rejection(#"{"op":"who","room":"\#(id)a"}"#)?.refusal.code == .badRoom)
        // What a client wrote never comes back in the words of the refusal.
        #expect(rejection(#"{"op":"<script>"}"#)?.refusal.message.contains("script") == false)
        #expect(rejection(#"{"op":"who","room":"<script>"}"#)?.refusal.message.contains("script") == false)
    }
}
