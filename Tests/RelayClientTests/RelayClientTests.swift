import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

@Suite("A client that stays connected, on real sockets")
struct RelayClientTests {
    private let general = RoomID("general")
    private let alice = UserID("alice")

    private func client(
        of relay: FakeRelay, _ change: (inout RelayClientConfiguration) -> Void = { _ in }
    ) throws -> RelayClient {
        var configuration = RelayClientConfiguration(url: try #require(RelayURL(relay.url.text)), user: alice)
        configuration.backoff = ReconnectBackoff(spanMin: .milliseconds(10), spanMax: .milliseconds(50))
        change(&configuration)
        return RelayClient(configuration)
    }

    /// The texts of the next messages, whatever else happens between them.
    private func texts(_ count: Int, of client: RelayClient) async -> [String] {
        var texts: [String] = []
        for await event in client.events {
            if case .message(let received) = event { texts.append(received.message.draft.text) }
            if texts.count == count { break }
        }
        return texts
    }

    private func utterance(_ text: String, in room: RoomID) -> Utterance {
        Utterance(room: room, type: .message, text: text, nonce: nil, replyTo: nil)
    }

    @Test("It joins, is acknowledged, and hears itself")
    func conversation() async throws {
        let (room, user) = (FakeRoom(id: try #require(general)), try #require(alice))
        let relay = try await FakeRelay.start { input, conversation in
            if case .request(let request) = input { room.answer(request, in: conversation, user: user) }
        }
        let client = try client(of: relay)
        let life = Task { await client.run() }
        let joined = try await client.join(room.id)
        #expect(joined.isRecovered)
        let receipt = try await client.send(room.id, "hi")
        #expect(receipt.seq == 1)
        #expect(await texts(1, of: client) == ["hi"])
        #expect(try await client.who(room.id).map(\.user) == [user])
        #expect(try await client.history(room.id, .latest(limit: 5)).messages.count == 1)
        #expect(try await client.ping() > .zero)
        await client.close()
        #expect(await life.value == .requested)
    }

    @Test("It can be closed while a relay that accepts and is silent keeps it waiting")
    func closedWhileOpening() async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        var configuration = RelayClientConfiguration(
            url: try #require(RelayURL("ws://127.0.0.1:\(port)")), user: alice)
        configuration.connection.openDeadline = .seconds(3600)
        let client = RelayClient(configuration)
        let end = NIOLockedValueBox<ClientEnd?>(nil)
        let life = Task {
            let why = await client.run()
            end.withLockedValue { $0 = why }
        }
        for await event in client.events { if case .status(.connecting) = event { break } }
        await client.close()
        try await eventually("it has ended") { end.withLockedValue { $0 } == .requested }
        await life.value
        try await listener.close()
    }

    @Test("A direct message goes to the conversation of both, whoever of them writes")
    func direct() async throws {
        let (user, other) = (try #require(alice), try #require(UserID("aaron")))
        let room = FakeRoom(id: try #require(RoomID("dm:aaron+alice")))
        let rooms = NIOLockedValueBox<[RoomID]>([])
        let relay = try await FakeRelay.start { input, conversation in
            guard case .request(let request) = input else { return }
            if case .send(let utterance) = request.command { rooms.withLockedValue { $0.append(utterance.room) } }
            room.answer(request, in: conversation, user: user)
        }
        let client = try client(of: relay)
        let life = Task { await client.run() }
        try await client.join(room.id)
        #expect(try await client.direct(other, "psst").seq == 1)
        #expect(await texts(1, of: client) == ["psst"])
        #expect(rooms.withLockedValue { $0 } == [room.id])
        await client.close()
        #expect(await life.value == .requested)
    }

    @Test("After a cut it comes back, and what was said meanwhile comes once and in order")
    func recovery() async throws {
        let (room, user) = (FakeRoom(id: try #require(general)), try #require(alice))
        let relay = try await FakeRelay.start { input, conversation in
            guard case .request(let request) = input else { return }
            room.answer(request, in: conversation, user: user)
        }
        let client = try client(of: relay)
        let life = Task { await client.run() }
        _ = room.post(utterance("one", in: room.id), by: user)
        _ = try await client.join(room.id)
        #expect(await texts(1, of: client) == ["one"])
        _ = room.post(utterance("two", in: room.id), by: user)
        await client.interrupt()
        #expect(await texts(1, of: client) == ["two"])
        _ = try await client.send(room.id, "three")
        #expect(await texts(1, of: client) == ["three"])
        await client.close()
        _ = await life.value
    }

    @Test("A message whose acknowledgement was lost is sent again with its nonce, and stored once")
    func lostAcknowledgement() async throws {
        let (room, user) = (FakeRoom(id: try #require(general)), try #require(alice))
        let relay = try await FakeRelay.start { input, conversation in
            guard case .request(let request) = input else { return }
            if case .send(let utterance) = request.command, conversation.number == 1 {
                _ = room.post(utterance, by: user)
                conversation.cut()
            } else {
                room.answer(request, in: conversation, user: user)
            }
        }
        let client = try client(of: relay)
        let life = Task { await client.run() }
        let receipt = try await client.send(room.id, "once")
        #expect(receipt.isDuplicate)
        #expect(room.texts == ["once"])
        await client.close()
        _ = await life.value
    }

    @Test("Refusals that time heals are tried again, and messages keep their order")
    func retry() async throws {
        let (room, user) = (FakeRoom(id: try #require(general)), try #require(alice))
        let isOpen = NIOLockedValueBox(false)
        let tries = NIOLockedValueBox(0)
        let relay = try await FakeRelay.start { input, conversation in
            guard case .request(let request) = input else { return }
            let number = tries.withLockedValue { value in
                value += 1
                return value
            }
            if case .send = request.command, !isOpen.withLockedValue({ $0 }) || number % 3 == 0 {
                let refusal = Refusal(.rateLimited, "Too fast.", retryAfter: .milliseconds(5))
                conversation.reply(.refused(refusal), to: request)
            } else {
                room.answer(request, in: conversation, user: user)
            }
        }
        let client = try client(of: relay)
        let life = Task { await client.run() }
        let numbers = 0..<20
        var sends: [Task<Acknowledgement, any Error>] = []
        for number in numbers {
            sends.append(Task { try await client.send(room.id, "\(number)") })
            try await eventually("message \(number) waits") { await client.pendingCount == number + 1 }
        }
        isOpen.withLockedValue { $0 = true }
        for send in sends { _ = try await send.value }
        #expect(room.texts == numbers.map { "\($0)" })
        await client.close()
        _ = await life.value
    }

    @Test("Who sends much keeps to the rate that the relay allows, and is never refused")
    func pace() async throws {
        let (room, user) = (FakeRoom(id: try #require(general)), try #require(alice))
        let bucket = NIOLockedValueBox(TokenBucket(ratePerSecond: 400, burst: 10))
        let refusals = NIOLockedValueBox(0)
        let began = ContinuousClock.now
        let relay = try await FakeRelay.start { input, conversation in
            guard case .request(let request) = input else { return }
            let now = Moment(nanoseconds: Int64((ContinuousClock.now - began) / .nanoseconds(1)))
            if let wait = bucket.withLockedValue({ $0.take(cost: request.command.cost, now: now) }) {
                refusals.withLockedValue { $0 += 1 }
                conversation.reply(.refused(Refusal(.rateLimited, "Too fast.", retryAfter: wait)), to: request)
            } else if case .hello = request.command {
                var limits = Limits()
                (limits.ratePerSecond, limits.burst) = (400, 10)
                let welcome = Welcome(
                    identity: Identity(user: user, name: DisplayName(user)), edge: EdgeID("edge"), session: "s",
                    pingInterval: .seconds(25), limits: limits)
                conversation.reply(.welcome(welcome), to: request)
            } else {
                room.answer(request, in: conversation, user: user)
            }
        }
        let client = try client(of: relay)
        let life = Task { await client.run() }
        for number in 0..<200 {
            _ = try await client.send(room.id, "\(number)")
            if number.isMultiple(of: 20) { _ = try await client.ping() }
        }
        #expect(room.texts.count == 200)
        #expect(refusals.withLockedValue { $0 } == 0)
        await client.close()
        _ = await life.value
    }

    @Test("A refusal for good is thrown")
    func refusal() async throws {
        let (room, user) = (FakeRoom(id: try #require(general)), try #require(alice))
        let refusal = Refusal(.tooLarge, "text: 5000 bytes.")
        let relay = try await FakeRelay.start { input, conversation in
            guard case .request(let request) = input else { return }
            if case .send = request.command {
                conversation.reply(.refused(refusal), to: request)
            } else {
                room.answer(request, in: conversation, user: user)
            }
        }
        let client = try client(of: relay)
        let life = Task { await client.run() }
        await #expect(throws: RelayClientError.refused(refusal)) { _ = try await client.send(room.id, "long") }
        await client.close()
        _ = await life.value
    }

    @Test("Codes from 4500 on end it; others bring it back", arguments: [4000, 4003, 4501, 4503] as [UInt16])
    func closeCodes(code: UInt16) async throws {
        let (room, user) = (FakeRoom(id: try #require(general)), try #require(alice))
        let relay = try await FakeRelay.start { input, conversation in
            guard case .request(let request) = input else { return }
            if conversation.number == 1 {
                conversation.close(code)
            } else {
                room.answer(request, in: conversation, user: user)
            }
        }
        let client = try client(of: relay)
        let life = Task { await client.run() }
        if code < 4500 {
            _ = try await client.join(room.id)
            await client.close()
            #expect(await life.value == .requested)
        } else {
            #expect(await life.value == .dismissed(Closing(origin: .peer, code: code, reason: "why")))
        }
    }

    @Test("An upgrade that is forbidden ends it")
    func forbidden() async throws {
        let relay = try await FakeRelay.start(refusing: .forbidden) { _, _ in }
        let client = try client(of: relay)
        #expect(await client.run() == .refused(status: 403, body: "no"))
    }

    @Test("A slow reader of events loses no message, though the queue is short")
    func slowReader() async throws {
        let (room, user) = (FakeRoom(id: try #require(general)), try #require(alice))
        let relay = try await FakeRelay.start { input, conversation in
            guard case .request(let request) = input else { return }
            room.answer(request, in: conversation, user: user)
        }
        let client = try client(of: relay) { $0.eventsMax = 8 }
        let life = Task { await client.run() }
        _ = try await client.join(room.id)
        // Nobody reads while these come back.
        for number in 0..<50 { _ = try await client.send(room.id, "\(number)") }
        #expect(await texts(50, of: client) == (0..<50).map { "\($0)" })
        await client.close()
        _ = await life.value
    }

    @Test("A request without an answer times out; one without a relay too")
    func deadlines() async throws {
        let (room, user) = (FakeRoom(id: try #require(general)), try #require(alice))
        let relay = try await FakeRelay.start { input, conversation in
            guard case .request(let request) = input else { return }
            if case .hello = request.command { room.answer(request, in: conversation, user: user) }
        }
        let client = try client(of: relay) {
            $0.requestDeadline = .milliseconds(100)
            $0.sendDeadline = .milliseconds(200)
        }
        await #expect(throws: RelayClientError.timedOut) { _ = try await client.who(room.id) }
        let life = Task { await client.run() }
        await #expect(throws: RelayClientError.timedOut) { _ = try await client.join(room.id) }
        let nonce = try #require(Nonce("n"))
        await #expect(throws: RelayClientError.unacknowledged(nonce)) {
            _ = try await client.send(room.id, "x", nonce: nonce)
        }
        await client.close()
        _ = await life.value
    }
}
