import NIOCore
import RelayCore
import RelayWire
import Testing

@testable import RelayClient

@Suite("The parts of a connection without a socket")
struct ConnectionPartsTests {
    @Test(
        "URLs of relays",
        arguments: [
            ("ws://a", "ws://a/v1/ws"), ("ws://a:8080", "ws://a:8080/v1/ws"), ("wss://a:443/x?y=z", "wss://a/x?y=z"),
            ("http://127.0.0.1:8080/", "ws://127.0.0.1:8080/v1/ws"), ("HTTPS://a", "wss://a/v1/ws"),
            ("ws://[::1]:9", "ws://[::1]:9/v1/ws"), ("ws://[::1]", "ws://[::1]/v1/ws"),
            ("ws://a?user=b", "ws://a/v1/ws?user=b"),
        ])
    func goodURLs(text: String, normal: String) {
        #expect(RelayURL(text)?.description == normal)
    }

    @Test(
        "What is no URL of a relay",
        arguments: [
            "", "a", "ws://", "ftp://a", "ws://a:0", "ws://a:x", "ws://a:65536", "ws://a b", "ws://a\r\nHost: b",
            "ws://u@a", "ws://a#f", "ws://::1", "ws://[]", "ws:///path",
        ])
    func badURLs(text: String) {
        #expect(RelayURL(text) == nil)
    }

    @Test("An upgrade's answer may be cut at every byte, and what follows is kept")
    func upgradeCut() throws {
        // The key and its answer are those of RFC 6455 1.3.
        let response =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        let bytes = Array((response + "rest").utf8)
        for cut in 0...bytes.count {
            var exchange = UpgradeExchange(key: "dGhlIHNhbXBsZSBub25jZQ==")
            var head = ByteBuffer(bytes: bytes[..<cut])
            var tail = ByteBuffer(bytes: bytes[cut...])
            var answer = exchange.bytesReceived(&head)
            if case .incomplete = answer {
                #expect(cut < response.utf8.count)
                answer = exchange.bytesReceived(&tail)
            }
            guard case .accepted(let rest) = answer else {
                Issue.record("cut at \(cut): \(answer)")
                continue
            }
            #expect("rest".hasPrefix(String(buffer: rest)))
        }
    }

    @Test(
        "An answer that proves nothing is malformed",
        arguments: [
            "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: abc\r\n\r\n",
            "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 101 X\r\nno colon\r\n\r\n",
        ])
    func malformed(response: String) {
        var exchange = UpgradeExchange(key: "dGhlIHNhbXBsZSBub25jZQ==")
        var bytes = ByteBuffer(string: response)
        guard case .malformed = exchange.bytesReceived(&bytes) else {
            Issue.record("taken: \(response)")
            return
        }
    }

    @Test("A head that never ends is malformed at its bound")
    func endlessHead() {
        var exchange = UpgradeExchange()
        var bytes = ByteBuffer(repeating: UInt8(ascii: "x"), count: UpgradeExchange.headBytesMax + 1)
        guard case .malformed = exchange.bytesReceived(&bytes) else {
            Issue.record("taken")
            return
        }
    }

    @Test("Waits grow to their bound, are never shorter than half, and begin anew after a welcome")
    func backoff() {
        var backoff = ReconnectBackoff(spanMin: .seconds(1), spanMax: .seconds(4))
        let longest = (0..<4).map { _ in backoff.connectionFailed(fraction: 1) }
        #expect(longest == [.seconds(1), .seconds(2), .seconds(4), .seconds(4)])
        #expect(backoff.connectionFailed(fraction: 0) == .seconds(2))
        backoff.connectionSucceeded()
        #expect(backoff.connectionFailed(fraction: 1) == .seconds(1))
        for _ in 0..<100 { _ = backoff.connectionFailed(fraction: 1) }
        #expect(backoff.connectionFailed(fraction: 1) == .seconds(4))
    }

    @Test("Rooms are joined again one after another, and a postponed one comes first")
    func rejoins() throws {
        let (a, b) = (try #require(RoomID("a")), try #require(RoomID("b")))
        let start = Moment(nanoseconds: 0)
        var queue = RejoinQueue()
        for room in [a, b, a] { queue.wanted(room) }
        var next = queue.due(now: start)
        #expect(next == a)
        next = queue.due(now: start)
        #expect(next == nil)
        queue.postponed(a, until: start + .seconds(1))
        next = queue.due(now: start)
        #expect(next == nil)
        next = queue.due(now: start + .seconds(1))
        #expect(next == a)
        queue.settled(a)
        next = queue.due(now: start)
        #expect(next == b)
        queue.settled(b)
        next = queue.due(now: start)
        #expect(next == nil)
        // What was left while it was under way, and is refused then, holds up nobody.
        for room in [a, b] { queue.wanted(room) }
        next = queue.due(now: start)
        #expect(next == a)
        queue.dropped(a)
        queue.postponed(a, until: start + .seconds(9))
        next = queue.due(now: start)
        #expect(next == b)
        queue.settled(b)
        next = queue.due(now: start)
        #expect(next == nil)
    }

    @Test("A close of each side, a violation and a cut are told once")
    func closings() {
        let reason = ByteBuffer(string: "why")
        var machine = ConnectionStateMachine(answersPings: true)
        let peer = Closing(origin: .peer, code: 4000, reason: "why")
        var action = machine.frameReceived(.close(code: 4000, reason: reason))
        #expect(action == .answerClose(code: 4000, peer))
        action = machine.frameReceived(.text(reason))
        #expect(action == .none)
        var closing = machine.socketEnded("eof")
        #expect(closing == nil)

        machine = ConnectionStateMachine(answersPings: true)
        let order = machine.closeOrdered(code: 1000, reason: "bye")
        #expect(order == .sendClose(code: 1000, reason: "bye"))
        action = machine.frameReceived(.text(reason))
        #expect(action == .deliver(.text(reason)))
        closing = machine.deadlinePassed()
        #expect(closing == Closing(origin: .own, code: 1000, reason: "bye"))

        machine = ConnectionStateMachine(answersPings: false)
        action = machine.frameReceived(.ping(reason))
        #expect(action == .none)
        closing = machine.socketEnded("eof")
        #expect(closing == Closing(origin: .cut, code: nil, reason: "eof"))
    }
}
