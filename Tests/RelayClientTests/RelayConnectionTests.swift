import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOWebSocket
import RelayClient
import RelayTestKit
import RelayWire
import Testing

@Suite("One connection, on a real socket")
struct RelayConnectionTests {
    private func configuration(_ relay: FakeRelay) throws -> RelayConnectionConfiguration {
        RelayConnectionConfiguration(url: try #require(RelayURL(relay.url.text)))
    }

    /// Sends every text back.
    private static let echo: FakeRelay.Script = { input, conversation in
        if case .other(.text, let text) = input { conversation.send(text) }
    }

    @Test(
        "A text goes out masked and comes back whole, whatever its length",
        arguments: [0, 1, 125, 126, 65_535, 65_536, 300_000])
    func echo(length: Int) async throws {
        let relay = try await FakeRelay.start(script: Self.echo)
        let connection = try await RelayConnection.open(configuration(relay))
        let text = ByteBuffer(repeating: UInt8(ascii: "x"), count: length)
        try await connection.send(text)
        #expect(await connection.next(within: .seconds(60)) == .text(text))
    }

    @Test("Texts come in the order in which they were sent")
    func order() async throws {
        let relay = try await FakeRelay.start(script: Self.echo)
        let connection = try await RelayConnection.open(configuration(relay))
        for number in 0..<500 { try await connection.send("text \(number)") }
        var number = 0
        for await event in connection.events {
            #expect(event == .text(ByteBuffer(string: "text \(number)")))
            number += 1
            if number == 500 { break }
        }
        #expect(number == 500)
    }

    @Test("A reader that stops reading stops the socket, and loses nothing")
    func backpressure() async throws {
        let count = 20_000
        let text = ByteBuffer(repeating: UInt8(ascii: "y"), count: 1000)
        let relay = try await FakeRelay.start { input, conversation in
            guard case .opened = input else { return }
            for _ in 0..<count { conversation.send(text) }
        }
        var configuration = try configuration(relay)
        configuration.eventsMax = 4
        let connection = try await RelayConnection.open(configuration)
        var received = 0
        while received < count, await connection.next(within: .seconds(60)) == .text(text) { received += 1 }
        #expect(received == count)
    }

    @Test("A ping of the relay is answered with its payload")
    func ping() async throws {
        let answered = NIOLockedValueBox<ByteBuffer?>(nil)
        let relay = try await FakeRelay.start { input, conversation in
            switch input {
            case .opened:
                conversation.sendFrame(WebSocketFrame(fin: true, opcode: .ping, data: ByteBuffer(string: "are you")))
            case .other(.pong, let payload): answered.withLockedValue { $0 = payload }
            default: break
            }
        }
        let connection = try await RelayConnection.open(configuration(relay))
        try await eventually("the ping was answered") {
            answered.withLockedValue { $0 } == ByteBuffer(string: "are you")
        }
        await connection.close()
    }

    @Test("A ping of ours brings a pong")
    func pong() async throws {
        let relay = try await FakeRelay.start { input, conversation in
            if case .other(.ping, let payload) = input {
                conversation.sendFrame(WebSocketFrame(fin: true, opcode: .pong, data: payload))
            }
        }
        let connection = try await RelayConnection.open(configuration(relay))
        try await connection.sendFrame(.ping, payload: ByteBuffer(string: "p"))
        #expect(await connection.next(within: .seconds(60)) == .pong(ByteBuffer(string: "p")))
    }

    @Test("A relay that answers no ping is gone")
    func silence() async throws {
        let relay = try await FakeRelay.start { _, _ in }
        var configuration = try configuration(relay)
        configuration.pingInterval = .milliseconds(50)
        let connection = try await RelayConnection.open(configuration)
        let closing = Closing(origin: .silence, code: nil, reason: "no pong")
        #expect(await connection.next(within: .seconds(60)) == .closed(closing))
    }

    @Test("The relay's close code comes with its reason, is answered, and ends the events")
    func closedByPeer() async throws {
        let answer = NIOLockedValueBox<UInt16?>(nil)
        let relay = try await FakeRelay.start { input, conversation in
            switch input {
            case .opened: conversation.close(4000)
            case .other(.connectionClose, var payload):
                answer.withLockedValue { $0 = payload.readInteger(as: UInt16.self) }
            default: break
            }
        }
        let connection = try await RelayConnection.open(configuration(relay))
        let closing = Closing(origin: .peer, code: 4000, reason: "why")
        #expect(await connection.next(within: .seconds(60)) == .closed(closing))
        #expect(await connection.next(within: .seconds(60)) == nil)
        try await eventually("the close frame was answered") { answer.withLockedValue { $0 } == 4000 }
        await #expect(throws: RelayConnectionError.closed) { try await connection.send("late") }
    }

    @Test("Our own close is a handshake")
    func closedByUs() async throws {
        let relay = try await FakeRelay.start { _, _ in }
        let connection = try await RelayConnection.open(configuration(relay))
        await connection.close(code: 3000, reason: "enough")
        let closing = Closing(origin: .own, code: 3000, reason: "enough")
        #expect(await connection.next(within: .seconds(4)) == .closed(closing))
    }

    @Test("A socket that ends without a word is a cut")
    func cut() async throws {
        let relay = try await FakeRelay.start { input, conversation in
            if case .opened = input { conversation.cut() }
        }
        let connection = try await RelayConnection.open(configuration(relay))
        guard case .closed(let closing) = await connection.next(within: .seconds(60)) else {
            Issue.record("not closed")
            return
        }
        #expect(closing.origin == .cut)
        #expect(closing.code == nil)
    }

    @Test("A relay that breaks the protocol is left")
    func violation() async throws {
        let relay = try await FakeRelay.start { input, conversation in
            guard case .opened = input else { return }
            conversation.sendFrame(WebSocketFrame(fin: true, opcode: .text, data: ByteBuffer(bytes: [0xff])))
        }
        let connection = try await RelayConnection.open(configuration(relay))
        guard case .closed(let closing) = await connection.next(within: .seconds(60)) else {
            Issue.record("not closed")
            return
        }
        #expect(closing.origin == .violation(.invalidUTF8))
        #expect(closing.code == 1007)
    }

    @Test("Raw bytes reach the relay as they are")
    func raw() async throws {
        let got = NIOLockedValueBox<ByteBuffer?>(nil)
        let relay = try await FakeRelay.start { input, _ in
            if case .other(.binary, let payload) = input { got.withLockedValue { $0 = payload } }
        }
        let connection = try await RelayConnection.open(configuration(relay))
        try await connection.sendRaw(ByteBuffer(bytes: [0x82, 0x02, 0x41, 0x42]))
        try await eventually("the unmasked frame came") { got.withLockedValue { $0 } == ByteBuffer(string: "AB") }
    }

    @Test("Events go straight to a function where one is given")
    func function() async throws {
        let relay = try await FakeRelay.start(script: Self.echo)
        let got = NIOLockedValueBox<[ConnectionEvent]>([])
        let connection = try await RelayConnection.open(configuration(relay)) { event in
            got.withLockedValue { $0.append(event) }
        }
        try await connection.send("hi")
        try await eventually("the echo came") { got.withLockedValue { $0 } == [.text(ByteBuffer(string: "hi"))] }
    }

    @Test("A refused upgrade is an error with its status")
    func refused() async throws {
        let relay = try await FakeRelay.start(refusing: .forbidden) { _, _ in }
        let configuration = try configuration(relay)
        await #expect(throws: RelayConnectionError.refused(status: 403, body: "no")) {
            _ = try await RelayConnection.open(configuration)
        }
    }

    @Test("A port on which nobody listens is unreachable")
    func unreachable() async throws {
        let relay = try await FakeRelay.start { _, _ in }
        let configuration = try configuration(relay)
        try await relay.stop()
        let error = await #expect(throws: RelayConnectionError.self) {
            _ = try await RelayConnection.open(configuration)
        }
        guard case .unreachable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("A header with a line break is not sent")
    func badHeader() async throws {
        let relay = try await FakeRelay.start { _, _ in }
        var configuration = try configuration(relay)
        configuration.headers = [("X-A", "b\r\nHost: c")]
        await #expect(throws: RelayConnectionError.badHeader("X-A")) {
            _ = try await RelayConnection.open(configuration)
        }
    }
}
