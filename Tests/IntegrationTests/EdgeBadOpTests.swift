import NIOCore
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Ops that are wrong: each gets its code, is counted, and changes nothing for anybody.
@Suite("Bad ops")
struct EdgeBadOpTests {
    private struct Case {
        let text: String
        let code: ErrorCode

        init(_ text: String, _ code: ErrorCode) {
            self.text = text
            self.code = code
        }

        static func send(_ fields: String, _ code: ErrorCode) -> Case { Case(#"{"op":"send",\#(fields)}"#, code) }
        static func history(_ fields: String) -> Case {
            Case(#"{"op":"history","room":"general",\#(fields)}"#, .badRequest)
        }
    }

    private static let notJSON = [
        "", " ", "{", "}", "nonsense", "[]", "\"text\"", "5", "null", "{\"op\":\"ping\"} {\"op\":\"ping\"}",
        "{\"op\":\"ping\",}", "{'op':'ping'}", "{\"op\":\"ping\" \"x\":1}", "{\"op\":\"pi\nng\"}", "{\"n\":01}",
        "\u{feff}{\"op\":\"ping\"}", "{\"op\":\"\\x\"}", "NaN", String(repeating: "{", count: 8),
    ].map { Case($0, .badJSON) }

    private static let deep = [17, 1000, 30_000].map { depth in
        Case(
            #"{"op":"ping","x":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "}",
            .badRequest)
    }

    private static let wrongForm =
        [
            Case("{}", .badRequest), Case(#"{"op":null}"#, .badRequest), Case(#"{"op":5}"#, .badRequest),
            Case(#"{"op":["ping"]}"#, .badRequest), Case(#"{"op":"ping","op":"ping"}"#, .badRequest),
            Case(#"{"op":"ping","o\u0070":"ping"}"#, .badRequest),
            Case(#"{"op":"ping","x":{"y":1,"y":2}}"#, .badRequest),
            Case(#"{"op":"ping","ref":{}}"#, .badRequest), Case(#"{"op":"ping","ref":1.5}"#, .badRequest),
            Case(#"{"op":"ping","ref":"\#(String(repeating: "r", count: 129))"}"#, .badRequest),
            Case(#"{"op":"dance"}"#, .unknownOp), Case(#"{"op":"PING"}"#, .unknownOp), Case(#"{"op":""}"#, .unknownOp),
            Case(#"{"op":"leave","room":"elsewhere"}"#, .notJoined),
            Case(#"{"op":"join","room":"general","since":"soon"}"#, .badRequest),
            Case(#"{"op":"join","room":"general","since":17}"#, .badRequest),
            Case(#"{"op":"join","room":"general","since":"99999999999999999999-0"}"#, .badRequest),
            Case(#"{"op":"join","room":"general","history":-1}"#, .badRequest),
            Case(#"{"op":"join","room":"general","history":"all"}"#, .badRequest),
            Case(#"{"op":"hello","user":"mallory"}"#, .forbidden), Case(#"{"op":"hello","user":"a b"}"#, .badRequest),
        ]

    private static let rooms =
        [
            "", "-x", ".x", "a b", "a/b", "{a}", "ä", "a\\u0000", "a\\n", String(repeating: "r", count: 65), "dm:x",
            "dm:", "dm:b+a", "dm:a+b+c", "dm:a+a+", "../etc",
        ].flatMap { room in
            [
                Case(#"{"op":"join","room":"\#(room)"}"#, .badRoom),
                Case.send(#""room":"\#(room)","text":"x""#, .badRoom),
            ]
        } + [
            Case(#"{"op":"join"}"#, .badRequest), Case(#"{"op":"join","room":5}"#, .badRequest),
            Case(#"{"op":"join","room":"dm:bob+carol"}"#, .noSuchRoom),
            Case.send(#""room":"dm:bob+carol","text":"x""#, .noSuchRoom),
        ]

    private static let texts = [
        Case.send(#""room":"general""#, .badRequest), Case.send(#""room":"general","text":5"#, .badRequest),
        Case.send(#""room":"general","text":null"#, .badRequest),
        Case.send(#""room":"general","text":"""#, .badRequest),
        Case.send(#""room":"general","text":"\#(String(repeating: "x", count: 4097))""#, .tooLarge),
        Case.send(#""room":"general","text":"\#(String(repeating: "é", count: 2049))""#, .tooLarge),
        Case.send(#""room":"general","text":"a\u0000b""#, .badRequest),
        Case.send(#""room":"general","text":"\ud800""#, .badRequest),
        Case.send(#""room":"general","text":"\udc00x""#, .badRequest),
        Case.send(#""room":"general","text":"\ud800\ud800""#, .badRequest),
        Case.send(#""room":"general","text":"x","\ud800":1"#, .badRequest),
        Case.send(#""room":"general","text":"x","type":"edit""#, .badRequest),
        Case.send(#""room":"general","text":"x","type":7"#, .badRequest),
        Case.send(#""room":"general","text":"x","reply_to":"it""#, .badRequest),
        Case.send(#""room":"general","text":"/dance""#, .badRequest),
    ]

    private static let nonces =
        ["", "a\\tb", "é", String(repeating: "n", count: 65), String(repeating: "n", count: 10_240)]
        .map { Case.send(#""room":"general","text":"x","nonce":"\#($0)""#, .badRequest) }
        + [Case.send(#""room":"general","text":"x","nonce":5"#, .badRequest)]

    private static let pages = [
        Case.history(#""limit":0"#), .history(#""limit":-1"#), .history(#""limit":"5""#), .history(#""limit":1.5"#),
        .history(#""before":"x""#), .history(#""before":"1-1","after":"1-1""#), .history(#""after":-5"#),
    ]

    @Test("Each gets its code and is counted; the session goes on, and so does everybody else")
    func errorCodes() async throws {
        let cases =
            Self.notJSON + Self.deep + Self.wrongForm + Self.rooms + Self.texts + Self.nonces + Self.pages
        try await RelayWorld.run(edges: [["--rate", "100000", "--burst", "100000"]]) { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            let bob = try await Talker.connect(edges[0], as: "bob")
            try await alice.join("general")
            try await bob.join("general")
            var counts: [ErrorCode: Int] = [:]
            for (number, bad) in cases.enumerated() {
                let refusal = try await alice.refusal(toRaw: ByteBuffer(string: bad.text))
                #expect(refusal?.code == bad.code, "\(bad.text.prefix(100))")
                #expect(refusal?.message.isEmpty == false)
                counts[bad.code, default: 0] += 1
                if number.isMultiple(of: 10) { try await bob.say("still here", in: "general") }
            }
            for (code, count) in counts {
                let metric = #"martlet_edge_refusals_total{code="\#(code.rawValue)"}"#
                #expect(try await edges[0].metric(metric) == count, "\(code)")
            }
            let chatted = (cases.count + 9) / 10
            try await bob.hear(chatted)
            #expect(bob.texts == Array(repeating: "still here", count: chatted))
            try await alice.say("me too", in: "general")
            try await alice.hear(chatted + 1)
            #expect(try await world.cli("XLEN", "chat:{general}:stream") == "\(chatted + 1)")
            #expect(alice.closing == nil && bob.closing == nil)
        }
    }

    @Test("A refusal carries the mark of its op wherever there is one to read")
    func marks() async throws {
        try await RelayWorld.run { _, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            #expect(try await alice.refusal("dance")?.code == .unknownOp)
            #expect(try await alice.refusal("join", #""room":"a b""#)?.code == .badRoom)
            #expect(try await alice.refusal("send", #""room":"general","text":"""#)?.code == .badRequest)
            try await alice.connection.send(#"{"op":"ping","ref":"a \"mark\" é"}"#)
            try await eventually("the pong carries it") { alice.look { $0.answers[.string("a \"mark\" é")] != nil } }
        }
    }

    @Test("What is at its bound is taken: 4096 bytes, a nonce of 64, a room of 64, depth 16, a page of 500")
    func bounds() async throws {
        try await RelayWorld.run(edges: [["--rate", "100000", "--burst", "100000"]]) { _, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            let room = "R" + String(repeating: "-", count: 63)
            try await alice.join(room)
            try await alice.say(String(repeating: "é", count: 2048), in: room, nonce: String(repeating: "~", count: 64))
            try await alice.hear(1)
            let depth = String(repeating: "[", count: 15) + String(repeating: "]", count: 15)
            guard case .pong = try await alice.ask("ping", #""x":\#(depth)"#) else {
                Issue.record("no pong")
                return
            }
            for limit in [500, 501, 1_000_000_000] {
                guard case .history(let page) = try await alice.ask("history", #""room":"\#(room)","limit":\#(limit)"#)
                else {
                    Issue.record("no history for \(limit)")
                    return
                }
                #expect(page.messages.count == 1)
            }
        }
    }

    @Test("The 129th room is refused as full, and one that is left makes place")
    func rooms() async throws {
        try await RelayWorld.run(edges: [["--rate", "100000", "--burst", "100000"]]) { _, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            for number in 1...128 { try await alice.join("room\(number)") }
            #expect(try await alice.refusal("join", #""room":"room129""#)?.code == .full)
            try await alice.join("room5")
            guard case .left = try await alice.ask("leave", #""room":"room1""#) else {
                Issue.record("not left")
                return
            }
            try await alice.join("room129")
            #expect(try await alice.refusal("join", #""room":"room130""#)?.code == .full)
        }
    }

    @Test("A flood is told when to come again, and closed with 4504 where it goes on")
    func flood() async throws {
        try await RelayWorld.run { _, edges in
            let bob = try await Talker.connect(edges[0], as: "bob")
            try await bob.join("general")
            let patient = try await Talker.connect(edges[0], as: "patient")
            for _ in 0..<60 { _ = try await patient.begin("ping") }
            try await eventually("all are answered") { patient.look { $0.answers.count } == 60 }
            let refusals = patient.look { heard in
                heard.answers.values.compactMap { if case .refused(let refusal) = $0 { refusal } else { nil } }
            }
            #expect(!refusals.isEmpty && refusals.count <= 20)
            for refusal in refusals {
                #expect(refusal.code == .rateLimited)
                #expect(refusal.retryAfter.map { $0 > .zero && $0 <= .seconds(1) } == true)
            }
            try await eventually("it may speak again") {
                if case .pong = try await patient.ask("ping") { true } else { false }
            }

            let flood = try await Talker.connect(edges[0], as: "flood")
            for _ in 0..<600 { try? await flood.connection.send(#"{"op":"ping"}"#) }
            #expect(try await flood.ending().code == 4504)
            #expect(try await edges[0].metric(#"martlet_edge_closes_total{code="4504"}"#) == 1)
            #expect(try await edges[0].metric(#"martlet_edge_refusals_total{code="rate_limited"}"#) >= refusals.count)
            try await bob.say("undisturbed", in: "general")
            try await bob.hear(1)
        }
    }

    @Test("Before hello an op is unauthorized and the session stays; without hello it ends with 4501 after ten seconds")
    func silentStranger() async throws {
        try await RelayWorld.run { _, edges in
            let clock = ContinuousClock()
            let start = clock.now
            let silent = try await Talker.connect(edges[0], as: nil)
            let stranger = try await Talker.connect(edges[0], as: nil)
            #expect(try await stranger.refusal("join", #""room":"general""#)?.code == .unauthorized)
            #expect(try await stranger.refusal("send", #""room":"general","text":"x""#)?.code == .unauthorized)
            #expect(try await stranger.refusal("hello")?.code == .badRequest)
            guard case .welcome(let welcome) = try await stranger.ask("hello", #""user":"Late""#) else {
                Issue.record("not welcomed")
                return
            }
            #expect(welcome.identity.user.description == "late")
            #expect(welcome.limits == Limits() && welcome.pingInterval == .seconds(25))
            try await stranger.join("general")
            let closing = try await silent.ending()
            #expect(closing.code == 4501 && closing.origin == .peer)
            #expect(clock.now - start > .seconds(9))
            #expect(stranger.closing == nil)
            #expect(try await edges[0].metric(#"martlet_edge_closes_total{code="4501"}"#) == 1)
        }
    }
}
