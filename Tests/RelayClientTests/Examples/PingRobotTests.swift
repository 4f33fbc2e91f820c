import Foundation
import NIOConcurrencyHelpers
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

@Suite("The example of RelayClient's documentation")
struct PingRobotTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()

    @Test("stands there as it is compiled here, and the other pieces of code are of calls that there are")
    func text() throws {
        let program = try String(contentsOf: Self.folder.appending(path: "PingRobot.swift"), encoding: .utf8)
        let page = Self.folder.appending(path: "../../../Sources/RelayClient/RelayClient.docc/RelayClient.md")
        let text = try String(contentsOf: page.standardizedFileURL, encoding: .utf8)
        #expect(text.contains("```swift\n\(program)```\n"))
        // Pieces of one line: each stands in this file, where it is compiled.
        let tests = try String(contentsOf: URL(filePath: #filePath), encoding: .utf8)
        let pieces = text.components(separatedBy: "```swift\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
        for line in pieces.filter({ $0 + "" != program }).joined().split(separator: "\n") {
            let words = line.trimmingCharacters(in: .whitespaces)
            guard !words.hasPrefix("//"), !words.hasPrefix(".") else { continue }
            #expect(tests.contains(words), "\(words)")
        }
    }

    private func client(of relay: FakeRelay) throws -> RelayClient {
        let url = try #require(RelayURL(relay.url.text))
        var configuration = RelayClientConfiguration(url: url, user: UserID("robot"))
        configuration.backoff = ReconnectBackoff(spanMin: .milliseconds(10), spanMax: .milliseconds(50))
        return RelayClient(configuration)
    }

    @Test("answers once what was asked while it was away, through a cut, and not again when it begins where it began")
    func robot() async throws {
        let room = FakeRoom(id: try #require(RoomID("general")))
        let (robot, bob) = (try #require(UserID("robot")), try #require(UserID("bob")))
        let relay = try await FakeRelay.start { input, conversation in
            guard case .request(let request) = input else { return }
            // The first connection is lost with the first answer under way.
            if case .send = request.command, conversation.number == 1 { return conversation.cut() }
            room.answer(request, in: conversation, user: robot)
        }
        func say(_ text: String) -> MessageID {
            room.post(Utterance(room: room.id, type: .message, text: text, nonce: nil, replyTo: nil), by: bob).receipt
                .id
        }
        let before = say("before")
        _ = say("ping")
        let places = NIOLockedValueBox<[MessageID]>([])
        for _ in 0..<2 {
            let client = try client(of: relay)
            async let end = PingRobot(client: client, room: room.id).run(from: before) { place in
                places.withLockedValue { $0.append(place) }
            }
            try await eventually("it has seen its own answer") { places.withLockedValue { $0.count } >= 2 }
            await client.close()
            #expect(try await end == .requested)
            places.withLockedValue { $0 = [] }
        }
        #expect(room.texts == ["before", "ping", "pong, bob"])
        try await relay.stop()
    }

    @Test("Its other pieces do what they say")
    func pieces() async throws {
        let (room, alice) = (FakeRoom(id: try #require(RoomID("general"))), try #require(UserID("alice")))
        let relay = try await FakeRelay.start { input, conversation in
            if case .request(let request) = input { room.answer(request, in: conversation, user: alice) }
        }
        let url = try #require(RelayURL(relay.url.text))
        let general = room.id
        var configuration = RelayClientConfiguration(url: url, user: UserID("alice"), name: DisplayName("Alice"))
        configuration.sendDeadline = .seconds(30)
        let client = RelayClient(configuration)
        async let life = client.run()
        try await client.join(general, from: .history(limit: 10))
        let receipt = try await client.send(general, "hello")
        print("stored as number \(receipt.seq), under the id \(receipt.id)")
        let page = try await client.history(general, .before(receipt.id, limit: 50))
        #expect(receipt.seq == 1 && page.messages.count == 1)
        await client.close()
        #expect(await life == .requested)
        try await relay.stop()
    }
}
