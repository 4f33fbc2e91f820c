import NIOCore
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Bytes that RFC 6455 forbids, and connections that do not go on.
@Suite("Bad frames")
struct EdgeBadFrameTests {
    /// One frame, masked with the key 0, which leaves the payload as it is.
    private static func frame(
        _ first: UInt8, _ payload: [UInt8] = [], isMasked: Bool = true, claiming length: Int? = nil
    ) -> [UInt8] {
        let length = length ?? payload.count
        let mask: UInt8 = isMasked ? 0x80 : 0
        var bytes = [first]
        switch length {
        case ..<126: bytes.append(mask | UInt8(length))
        case ...0xFFFF: bytes += [mask | 126, UInt8(length >> 8), UInt8(length & 0xFF)]
        default:
            bytes.append(mask | 127)
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: length >> (56 - 8 * $0)) }
        }
        return bytes + (isMasked ? [0, 0, 0, 0] : []) + payload
    }

    private static let ping = Array(#"{"op":"ping"}"#.utf8)
    private static let big = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)

    private static let violations: [(what: String, bytes: [UInt8], code: UInt16)] = [
        ("unmasked", frame(0x81, ping, isMasked: false), 1002),
        ("unmasked ping", frame(0x89, isMasked: false), 1002),
        ("RSV1", frame(0xC1, ping), 1002), ("RSV2", frame(0xA1, ping), 1002), ("RSV3", frame(0x91, ping), 1002),
        ("RSV1 on a ping", frame(0xC9), 1002),
        ("reserved opcode 3", frame(0x83, ping), 1002), ("reserved opcode 11", frame(0x8B), 1002),
        ("fragmented ping", frame(0x09), 1002), ("fragmented close", frame(0x08, [3, 232]), 1002),
        ("ping of 126 bytes", frame(0x89, [UInt8](repeating: 0, count: 126)), 1002),
        ("stray continuation", frame(0x80, ping), 1002), ("stray first continuation", frame(0x00, ping), 1002),
        ("text within a text", frame(0x01, [0x7B]) + frame(0x81, ping), 1002),
        ("length not minimal", [0x81, 0xFE, 0, 5, 0, 0, 0, 0] + Array("hello".utf8), 1002),
        ("length with its top bit", [0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], 1002),
        ("close of one byte", frame(0x88, [3]), 1002), ("close code 999", frame(0x88, [3, 231]), 1002),
        ("close code 1005", frame(0x88, [3, 237]), 1002), ("close code 1006", frame(0x88, [3, 238]), 1002),
        ("close code 1015", frame(0x88, [3, 247]), 1002), ("close code 5000", frame(0x88, [19, 136]), 1002),
        ("close reason not UTF-8", frame(0x88, [3, 232, 0xFF]), 1007),
        ("text not UTF-8", frame(0x81, [0x22, 0xC0, 0xAF, 0x22]), 1007),
        ("surrogate in UTF-8", frame(0x81, [0xED, 0xA0, 0x80]), 1007),
        ("text that ends within a character", frame(0x81, [0xE2, 0x82]), 1007),
        ("bad UTF-8 over fragments", frame(0x01, [0xE2, 0x82]) + frame(0x80, [0x28]), 1007),
        ("bad UTF-8 in a first fragment", frame(0x01, [0xF8]), 1007),
        ("binary", frame(0x82, ping), 1003), ("fragmented binary", frame(0x02, [1]) + frame(0x80, [2]), 1003),
        ("1 MiB", frame(0x81, big), 1009), ("1 MiB announced", frame(0x81, claiming: 1 << 20), 1009),
        ("65537 bytes announced", frame(0x81, claiming: 65_537), 1009),
        ("1 TiB announced", frame(0x81, claiming: 1 << 40), 1009),
        ("65537 bytes in fragments", frame(0x01, Array(big[..<65_000])) + frame(0x80, claiming: 537), 1009),
    ]

    @Test("Each closes its connection with the code of the contract, and nobody else notices")
    func violations() async throws {
        try await RelayWorld.run { _, edges in
            let bob = try await Talker.connect(edges[0], as: "bob") { _ in }
            try await bob.join("general")
            let before = edges[0].residentBytes
            for (number, violation) in Self.violations.enumerated() {
                let offender = try await Talker.connect(edges[0], as: "offender")
                try await offender.join("general", #""history":0"#)
                try? await offender.connection.sendRaw(ByteBuffer(bytes: violation.bytes))
                let closing = try await offender.ending()
                #expect(closing.code == violation.code && closing.origin == .peer, "\(violation.what): \(closing)")
                if number.isMultiple(of: 6) { try await bob.say("still here", in: "general") }
            }
            for code in [UInt16(1002), 1003, 1007, 1009] {
                let metric = #"martlet_edge_closes_total{code="\#(code)"}"#
                #expect(try await edges[0].metric(metric) == Self.violations.count { $0.code == code }, "\(code)")
            }
            try await bob.hear((Self.violations.count + 5) / 6)
            #expect(bob.closing == nil)
            // What was only announced was not reserved.
            #expect(FinishedCommand.isSanitized || edges[0].residentBytes - before < 64 << 20)
        }
    }

    @Test("Fragments, pings between them, empty frames and 64 KiB are taken as the RFC has them")
    func wellFormed() async throws {
        try await RelayWorld.run { _, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            let op = Array(#"{"op":"ping","ref":"é"}"#.utf8)
            let middle = op.count - 3
            var bytes = Self.frame(0x01, Array(op[..<middle])) + Self.frame(0x89, [1, 2, 3])
            bytes += Self.frame(0x00) + Self.frame(0x8A, [9]) + Self.frame(0x80, Array(op[middle...]))
            for byte in bytes { try await alice.connection.sendRaw(ByteBuffer(bytes: [byte])) }
            try await eventually("the ping is answered") { alice.look { $0.answers[.string("é")] != nil } }
            let padding = String(repeating: " ", count: 65_536 - 21)
            try await alice.connection.send(#"{"op":"ping","ref":5\#(padding)}"#)
            try await eventually("so is the long one") { alice.look { $0.answers[.integer(5)] != nil } }
            await alice.connection.close(code: 1000, reason: "enough")
            let closing = try await alice.ending()
            #expect(closing.code == 1000 && closing.origin == .own)
            #expect(try await edges[0].metric(#"martlet_edge_closes_total{code="1002"}"#) == 0)
        }
    }

    @Test("Half a frame and silence ends with 4002, while one that answers pings stays")
    func halfAFrame() async throws {
        try await RelayWorld.run(edges: [["--ping-interval", "1s"]]) { _, edges in
            let bob = try await Talker.connect(edges[0], as: "bob")
            try await bob.join("general")
            let half = try await Talker.connect(edges[0], as: "half") { $0.answersPings = false }
            try await half.join("general")
            try await half.connection.sendRaw(ByteBuffer(bytes: Self.frame(0x81, Array("{\"op".utf8), claiming: 500)))
            let silent = try await Talker.connect(edges[0], as: "silent") { $0.answersPings = false }
            #expect(try await half.ending().code == 4002)
            #expect(try await silent.ending().code == 4002)
            #expect(try await edges[0].metric(#"martlet_edge_closes_total{code="4002"}"#) == 2)
            try await bob.say("still here", in: "general")
            try await bob.hear(1)
            #expect(bob.closing == nil)
        }
    }

    @Test("A handshake that never ends is cut after ten seconds, however much of it there is")
    func endlessHandshake() async throws {
        try await RelayWorld.run { _, edges in
            let clock = ContinuousClock()
            let start = clock.now
            let silent = try await RawSocket.connect(port: edges[0].port)
            let slow = try await RawSocket.connect(port: edges[0].port)
            try await slow.send("GET /v1/ws?user=slow HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: webso")
            let trickle = try await RawSocket.connect(port: edges[0].port)
            try await trickle.send("GET /v1/ws?user=slow HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            let bob = try await Talker.connect(edges[0], as: "bob")
            try await eventually("they are cut") {
                try? await trickle.send("X: y\r\n")
                return silent.isClosed && slow.isClosed && trickle.isClosed
            }
            #expect(clock.now - start > .seconds(9) && clock.now - start < .seconds(15) * patience)
            try await eventually("their connections are not counted any more") {
                try await edges[0].metric("martlet_edge_connections") == 2
            }
            try await bob.join("general")
        }
    }
}
