import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

@Suite("What a client asks of a real relay", .timeLimit(.minutes(20)))
struct ClientRequestTests {
    @Test("Its conversation list, its read marker, a page")
    func requests() async throws {
        try await RelayWorld.run(options: .init(isMostlyWaiting: true)) { _, edges in
            let url = try #require(RelayURL("ws://\(edges[0].authority)"))
            let (tea, bob) = (try #require(RoomID("tea")), try #require(UserID("bob")))
            let alice = RelayClient(RelayClientConfiguration(url: url, user: UserID("alice")))
            let other = RelayClient(RelayClientConfiguration(url: url, user: bob))
            let lives = [alice, other].map { client in Task { await client.run() } }
            try await alice.join(tea)
            try await other.join(tea)
            _ = try await other.send(tea, "one")
            let last = try await other.send(tea, "two")
            try await eventually("the list has what is unread") {
                try await alice.conversations().rooms.first?.unread == 2
            }
            let marker = try await alice.markRead(tea, upTo: last.id)
            #expect(marker.seq == 2)
            let list = try await alice.conversations(limit: 1)
            #expect(list.rooms.map(\.room) == [tea] && list.rooms.first?.unread == 0 && !list.more)
            try await alice.page(bob, in: tea)
            for await event in other.events {
                guard case .event(let received) = event, received.event.kind == .page else { continue }
                #expect(received.event.user?.description == "alice")
                break
            }
            await #expect(throws: RelayClientError.self) { try await alice.page(#require(UserID("nobody")), in: tea) }
            await alice.close()
            await other.close()
            for life in lives { _ = await life.value }
        }
    }
}
