import Foundation
import NIOCore
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// What everybody is given of a message: the same bytes, in the same order.
@Suite("Messages on their way")
struct EdgeMessageTests {
    /// Everything that JSON can do to a text.
    private static let text = """
        quote " backslash \\ controls \u{8}\t\n\u{c}\r\u{1}\u{1f} slash / delete \u{7f} astral 𝄞 family 👩‍👩‍👧‍👦 \
        right to left שלום مرحبا two \u{e9} three 漢 separators \u{2028}\u{2029} mark \u{feff}
        """

    /// The same text as it stands in an envelope.
    private static let encoded = #"""
        quote \" backslash \\ controls \b\t\n\f\r\u0001\u001f slash / delete \#u{7f} astral 𝄞 family 👩‍👩‍👧‍👦 \#
        right to left שלום مرحبا two \#u{e9} three 漢 separators \#u{2028}\#u{2029} mark \#u{feff}
        """#

    /// The text as JSON in a spelling that differs from the relay's: every unit escaped, in upper case.
    private static let spelledOut = text.utf16.map { unit in
        let digits = String(unit, radix: 16, uppercase: true)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }.joined()

    private static func envelope(of receipt: Acknowledgement, room: String) -> ByteBuffer {
        ByteBuffer(
            string: #"{"id":"\#(receipt.id)","seq":\#(receipt.seq),"ts":\#(receipt.id.milliseconds),"#
                + #""room":"\#(room)","type":"message","user":"alice","name":"Alíce ☂","text":"\#(encoded)","#
                + #""nonce":"n 1~"}"#)
    }

    @Test(
        "A message is the same bytes live on both edges, by SUBSCRIBE, in history, over HTTP and in the archive"
    )
    func byteIdentity() async throws {
        try await RelayWorld.run(edges: [[], []]) { world, edges in
            let archive = try await world.startArchiver()
            let alice = try await Talker.connect(edges[0], as: nil)
            try await alice.ask("hello", #""user":"Alice","name":"Alíce ☂""#)
            let bob = try await Talker.connect(edges[1], as: "bob")
            try await alice.join("general")
            try await bob.join("general")
            let subscriber = try await world.listen(to: "chat:{general}")

            let receipt = try await alice.say(Self.spelledOut, in: "general", nonce: "n 1~")
            let expected = Self.envelope(of: receipt, room: "general")
            let published = "$\(expected.readableBytes)\r\n\(String(buffer: expected))\r\n"
            for talker in [alice, bob] {
                try await talker.hear(1)
                #expect(talker.messages.first?.envelope == expected)
                #expect(talker.look { $0.frames.contains(expected) })
                #expect(talker.texts == [Self.text])
            }
            try await eventually("it is published in these bytes") { subscriber.holds(published.utf8) }

            guard case .history(let page) = try await bob.ask("history", #""room":"general""#) else {
                Issue.record("no history")
                return
            }
            #expect(page.messages.map(\.envelope) == [expected])
            let carol = try await Talker.connect(edges[1], as: "carol")
            #expect(try await carol.join("general").messages.map(\.envelope) == [expected])
            let overHTTP = try await edges[1].ask("GET", "/v1/rooms/general/messages")
            #expect(overHTTP.text == #"{"messages":[\#(String(buffer: expected))],"more":false,"source":"stream"}"#)
            try await Self.expectLines([expected], of: "general", in: archive, day: receipt.id)
        }
    }

    private static func expectLines(
        _ envelopes: [ByteBuffer], of room: String, in archive: String, day id: MessageID
    ) async throws {
        let formatter = DateFormatter()
        formatter.dateFormat = "yyyy-MM-dd"
        formatter.timeZone = TimeZone(identifier: "UTC")
        formatter.locale = Locale(identifier: "en_US_POSIX")
        let day = formatter.string(from: Date(timeIntervalSince1970: Double(id.milliseconds) / 1000))
        let path = "\(archive)/\(room)/\(day).jsonl"
        let expected = envelopes.map { String(buffer: $0) + "\n" }.joined()
        try await eventually("the archive holds these bytes in \(path)") {
            (FileManager.default.contents(atPath: path) ?? Data()).elementsEqual(expected.utf8)
        }
    }

    @Test("What is posted over HTTP is answered with the envelope that everybody gets, and again for the same key")
    func postedOverHTTP() async throws {
        try await RelayWorld.run(edges: [[], []]) { world, edges in
            let archive = try await world.startArchiver()
            let bob = try await Talker.connect(edges[1], as: "bob")
            try await bob.join("general")
            let path = "/v1/rooms/general/messages?user=alice&name=Al%C3%ADce+%E2%98%82"
            let posted = try await edges[0].ask(
                "POST", path, headers: ["Idempotency-Key: n 1~"], json: #"{"text":"\#(Self.spelledOut)"}"#)
            #expect(posted.status == 201)
            try await bob.hear(1)
            let message = try #require(bob.messages.first)
            let receipt = Acknowledgement(
                room: message.message.draft.room, id: message.message.id, seq: 1, nonce: nil, isDuplicate: false)
            let expected = Self.envelope(of: receipt, room: "general")
            #expect(posted.body == expected)
            #expect(message.envelope == expected)
            let repeated = try await edges[1].ask(
                "POST", path, headers: ["Idempotency-Key: n 1~"], json: #"{"text":"something else"}"#)
            #expect(repeated.status == 200)
            #expect(repeated.body == expected)
            try await Self.expectLines([expected], of: "general", in: archive, day: message.message.id)
        }
    }

    @Test("Twenty clients on two edges see one order under fifty senders, and every acknowledgement is right")
    func totalOrder() async throws {
        let fast = ["--rate", "100000", "--burst", "100000"]
        try await RelayWorld.run(edges: [fast, fast]) { _, edges in
            var listeners: [Talker] = []
            for index in 0..<20 {
                let listener = try await Talker.connect(edges[index % 2], as: "listener\(index)")
                try await listener.join("general")
                listeners.append(listener)
            }
            let acknowledged = try await withThrowingTaskGroup(of: [Reference: (String, ServerAnswer)].self) { group in
                for index in 0..<50 {
                    group.addTask { try await Self.sendForty(as: "sender\(index)", to: edges[index % 2]) }
                }
                var all: [String: ServerAnswer] = [:]
                for try await part in group { for (text, answer) in part.values { all[text] = answer } }
                return all
            }
            for listener in listeners { try await listener.hear(2000, within: .seconds(60)) }
            let order = listeners[0].messages
            #expect(order.map(\.message.seq) == Array(1...2000))
            #expect(zip(order, order.dropFirst()).allSatisfy { $0.message.id < $1.message.id })
            for listener in listeners { #expect(listener.look { $0.messages } == order) }
            #expect(acknowledged.count == 2000)
            for message in order {
                guard case .acknowledged(let receipt)? = acknowledged[message.message.draft.text] else {
                    Issue.record("no acknowledgement of \(message.message.draft.text)")
                    continue
                }
                #expect(receipt.id == message.message.id && receipt.seq == message.message.seq && !receipt.isDuplicate)
            }
            // What one sender says keeps its order.
            for sender in 0..<50 {
                let own = order.map(\.message.draft).filter { $0.user.description == "sender\(sender)" }
                #expect(own.map(\.text) == (0..<40).map { "sender\(sender) says \($0)" })
            }
        }
    }

    private static func sendForty(
        as user: String, to edge: EdgeProcess
    ) async throws -> [Reference: (String, ServerAnswer)] {
        let sender = try await Talker.connect(edge, as: user)
        var texts: [Reference: String] = [:]
        for number in 0..<40 {
            let text = "\(user) says \(number)"
            let ref = try await sender.begin("send", #""room":"general","text":"\#(text)","nonce":"\#(number)""#)
            texts[ref] = text
        }
        var answers: [Reference: (String, ServerAnswer)] = [:]
        for (ref, text) in texts {
            answers[ref] = (text, try await sender.answer(to: ref, within: .seconds(60)))
        }
        return answers
    }

    @Test("A send that is tried again with its nonce, on the other edge too, is one message")
    func nonces() async throws {
        try await RelayWorld.run(edges: [[], []]) { world, edges in
            let first = try await Talker.connect(edges[0], as: "alice")
            let second = try await Talker.connect(edges[1], as: "alice")
            let stranger = try await Talker.connect(edges[1], as: "bob")
            try await second.join("general")
            let sent = try await first.say("once", in: "general", nonce: "c-1")
            let again = try await second.say("twice", in: "general", nonce: "c-1")
            #expect(!sent.isDuplicate && again.isDuplicate)
            #expect(again.id == sent.id && again.seq == 1 && again.nonce?.description == "c-1")
            // A nonce is its user's own.
            #expect(try await stranger.say("mine", in: "general", nonce: "c-1").seq == 2)
            try await second.hear(2)
            #expect(second.texts == ["once", "mine"])
            #expect(try await world.cli("XLEN", "chat:{general}:stream") == "2")
        }
    }

    @Test("Stream, counter and list of rooms are readable with redis-cli as the contract has them")
    func keys() async throws {
        try await RelayWorld.run { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            try await alice.join("general")
            let first = try await alice.say("hello", in: "general", nonce: "c-1")
            let answer = try await alice.ask(
                "send", #""room":"general","text":"waves","type":"action","reply_to":"\#(first.id)""#)
            guard case .acknowledged(let second) = answer else {
                Issue.record("\(answer)")
                return
            }
            let entries = try await world.cli("XRANGE", "chat:{general}:stream", "-", "+")
            #expect(
                entries.split(separator: "\n").map(String.init) == [
                    "\(first.id)", "seq", "1", "type", "message", "user", "alice", "name", "alice", "text", "hello",
                    "nonce", "c-1",
                    "\(second.id)", "seq", "2", "type", "action", "user", "alice", "name", "alice", "text", "waves",
                    "reply_to", "\(first.id)",
                ])
            let meta = try await world.pairs("HGETALL", "chat:{general}:meta")
            #expect(meta["seq"] == "2" && meta["created_by"] == "alice")
            #expect(meta["created_at"].flatMap { UInt64($0) } != nil && meta["epoch"].flatMap { UInt64($0) } != nil)
            let score = UInt64(try await world.cli("ZSCORE", "chat:rooms", "general")) ?? 0
            #expect(score + 1000 >= second.id.milliseconds)
        }
    }
}
