import NIOCore
import RelayDeflate
import RelayTestKit
import RelayWire
import Testing

/// The set of behaviours that WebSocket conformance suites try, against the echo of a real edge. With
/// `MARTLET_CAMPAIGN=1` in the environment messages are larger and more.
@Suite("WebSocket conformance", .serialized, .timeLimit(.minutes(30)))
struct ConformanceTests {
    @Test("Framing, pings, reserved bits, opcodes, fragments", arguments: FramingCases.all)
    func framing(_ behaviour: ConformanceCase) async throws { try await play(behaviour) }

    @Test("UTF-8", arguments: UTF8Cases.all)
    func utf8(_ behaviour: ConformanceCase) async throws { try await play(behaviour) }

    @Test("Closing", arguments: ClosingCases.all)
    func closing(_ behaviour: ConformanceCase) async throws { try await play(behaviour) }

    @Test("Large messages", arguments: LargeCases.all)
    func large(_ behaviour: ConformanceCase) async throws { try await play(behaviour) }

    @Test("Compression", arguments: CompressionCases.all)
    func compression(_ behaviour: ConformanceCase) async throws { try await play(behaviour) }

    private func play(_ behaviour: ConformanceCase) async throws {
        try await behaviour.run(port: try await ConformanceEdge.shared.edge().port)
    }

    private static let usualAnswer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    private static let offersAndAnswers: [(String?, String?)] = [
        (nil, nil), ("", nil), ("x-webkit-deflate-frame", nil), ("permessage-deflate", usualAnswer),
        ("permessage-deflate; server_max_window_bits=10", usualAnswer + "; server_max_window_bits=10"),
        ("permessage-deflate; server_max_window_bits=7", nil), ("permessage-deflate; x", nil),
        ("permessage-deflate; server_max_window_bits=7, permessage-deflate", usualAnswer),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits", nil),
    ]

    @Test("What is offered is answered to the letter of RFC 7692 7.1", arguments: offersAndAnswers)
    func offers(_ offer: String?, _ answer: String?) async throws {
        let port = try await ConformanceEdge.shared.edge().port
        for path in ["/v1/echo", "/v1/ws?user=alice"] {
            let peer = try await EchoPeer.connect(port: port, path: path, offer: offer)
            #expect(peer.status == 101)
            #expect(peer.header("Sec-WebSocket-Extensions") == answer)
        }
    }

    @Test(
        "A list of extensions that is none fails the handshake with 400",
        arguments: ["a b", "permessage-deflate; x=", ";"])
    func badOffers(_ offer: String) async throws {
        let port = try await ConformanceEdge.shared.edge().port
        for path in ["/v1/echo", "/v1/ws?user=alice"] {
            #expect(try await EchoPeer.connect(port: port, path: path, offer: offer).status == 400)
        }
    }

    @Test("An answer comes back compressed where that pays, as it is where it does not or was not agreed")
    func answersAreCompressed() async throws {
        let edge = try await ConformanceEdge.shared.edge()
        let text = ByteBuffer(string: String(repeating: "compress me, please. ", count: 20))
        let offers = [
            (nil, false), ("permessage-deflate", true), ("permessage-deflate; server_max_window_bits=9", true),
            ("permessage-deflate; server_max_window_bits=8", false),
        ]
        for (offer, isCompressed) in offers {
            let peer = try await EchoPeer.connect(port: edge.port, offer: offer)
            try await peer.send(.joined([ClientFrame.frame(0x81, text), ClientFrame.text("short")]))
            try await eventually("both are back") { peer.look { $0.frames.count == 2 } }
            #expect(peer.look { $0.frames.map(\.isCompressed) } == [isCompressed, false], "\(offer ?? "none")")
        }
    }

    @Test("Without --conformance there is no echo; with --deflate off nothing is agreed, and RSV1 is a violation")
    func switchedOff() async throws {
        try await RelayWorld.run(edges: [["--deflate", "off"]]) { _, edges in
            #expect(try await edges[0].ask("GET", "/v1/echo").status == 404)
            let echo = try await EchoPeer.connect(port: edges[0].port)
            #expect(echo.status == 404)
            let peer = try await EchoPeer.connect(
                port: edges[0].port, path: "/v1/ws?user=alice", offer: CompressionCases.offer)
            #expect(peer.status == 101 && peer.header("Sec-WebSocket-Extensions") == nil)
            try await peer.send(ClientFrame.frame(0xC1, [0x00]))
            try await eventually("it is closed") { peer.look { $0.isClosed } }
            #expect(peer.look { $0.frames.last?.payload.getInteger(at: 0, as: UInt16.self) } == 1002)
        }
    }

    @Test("Asked for without an upgrade the echo says what it wants; pages of other sites do not get it")
    func echoIsGuarded() async throws {
        let edge = try await ConformanceEdge.shared.edge()
        #expect(try await edge.ask("GET", "/v1/echo").status == 426)
        #expect(try await edge.ask("POST", "/v1/echo", json: "{}").status == 405)
        #expect(try await edge.ask("GET", "/v1/echo", headers: ["Origin: https://evil.example"]).status == 403)
        #expect(try await edge.ask("GET", "/v1/echo", host: "evil.example").status == 403)
    }
}
