import RelayCore
import RelayTestKit
import Testing

@testable import RelayRedis

@Suite("Editing, deleting and topics in Redis")
struct AmendingTests {
    @Test("What was said is its author's to edit and delete, and an admin's")
    func authors() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            let said = try await relay.post(draft("x", by: "alice")).get().id
            #expect(try await relay.post(amendment(.edit, of: said, by: "bob", text: "y")).refusal?.code == .forbidden)
            #expect(try await relay.post(amendment(.delete, of: said, by: "bob")).refusal?.code == .forbidden)
            let edit = try await relay.post(amendment(.edit, of: said, by: "alice", text: "y")).get()
            #expect(edit.seq == 2)
            // An edit is no message of its own.
            #expect(
                try await relay.post(amendment(.edit, of: edit.id, by: "alice", text: "z")).refusal?.code
                    == .noSuchMessage)
            #expect(try await relay.post(amendment(.delete, of: said, by: "root", isAdmin: true)).get().seq == 3)
            #expect(try await redis.cli("SMEMBERS", "chat:{general}:deleted") == "\(said)")
            for type in [MessageType.edit, .delete] {
                let refusal = try await relay.post(amendment(type, of: said, by: "alice", text: "z")).refusal
                #expect(refusal?.code == .noSuchMessage)
            }
            let deleted: Result<Set<MessageID>, Refusal> = try await relay.call { relay, done in
                guard let room = RoomID("general") else { return }
                relay.history.deleted(among: [edit.id, said], of: room) { done($0) }
            }
            #expect(try deleted.get() == [said])
            #expect(try await relay.read(.latest(limit: 1), room()).get().hasDeletions)
        }
    }

    @Test("Two deletions of one message in one call are one")
    func twice() async throws {
        try await withRelays { _, relays in
            let said = try await relays[0].post(draft("x", by: "alice")).get().id
            let outcomes = try await relays[0].post([
                amendment(.delete, of: said, by: "alice"), amendment(.delete, of: said, by: "alice"),
                amendment(.edit, of: said, by: "alice", text: "y"), draft("z", by: "alice"),
            ])
            #expect(outcomes.map { $0.refusal?.code } == [nil, .noSuchMessage, .noSuchMessage, nil])
            #expect(try outcomes[3].get().seq == 3)
        }
    }

    @Test("What was deleted stays deleted, and the topic what it was, where Redis lost them and is told again")
    func putBack() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            let relay = relays[0]
            let said = try await relay.post(draft("secret", by: "alice")).get().id
            _ = try await relay.post(amendment(.delete, of: said, by: "alice")).get()
            var topic = try draft("green", by: "alice")
            topic.type = .topic
            _ = try await relay.post(topic).get()
            try await redis.cli("FLUSHALL")
            #expect(try await relay.store(draft("4")).seq == 4)
            #expect(try await redis.cli("SMEMBERS", "chat:{general}:deleted") == "\(said)")
            #expect(try await redis.cli("HGET", "chat:{general}:meta", "topic") == "green")

            // Where another's message has taken the places, the deletion is of the message where it is now.
            try await relays[1].subscribe(room())
            try await redis.cli("FLUSHALL")
            #expect(try await relays[1].post(draft("new", by: "bob")).get().seq == 1)
            #expect(try await relay.store(draft("5")).seq == 6)
            let moved = try await redis.cli("XRANGE", "chat:{general}:stream", "-", "+", "COUNT", "2")
                .split(separator: "\n").filter { $0.wholeMatch(of: /\d+-\d+/) != nil }.last.map(String.init)
            let target = try #require(moved)
            #expect(target != "\(said)")
            #expect(try await redis.cli("SMEMBERS", "chat:{general}:deleted") == target)
            try await eventually("the deletion is heard") {
                relays[1].heard.contains {
                    $0.payload.contains(#""type":"delete""#) && $0.payload.contains("\"target\":\"\(target)\"")
                }
            }
        }
    }

    @Test("What Redis no longer holds only an admin deletes, and what never was nobody does")
    func trimmed() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            let first = try await relay.post(draft("1", by: "alice")).get().id
            let missing = MessageID(milliseconds: 5, sequence: 0)
            #expect(try await relay.post(amendment(.delete, of: missing, by: "alice")).refusal?.code == .noSuchMessage)
            let last = try await relay.post(draft("2", by: "alice")).get().id
            try await redis.cli("XTRIM", "chat:{general}:stream", "MAXLEN", "1")
            #expect(try await relay.post(amendment(.delete, of: first, by: "alice")).refusal?.code == .forbidden)
            #expect(
                try await relay.post(amendment(.delete, of: last.next, by: "root", isAdmin: true)).refusal?.code
                    == .noSuchMessage)
            #expect(try await relay.post(amendment(.delete, of: first, by: "root", isAdmin: true)).refusal == nil)
            #expect(
                try await relay.post(amendment(.edit, of: last, by: "alice", text: "x")).refusal == nil)
        }
    }

    @Test("The topic is its creator's and an admin's, and stands in the room's history")
    func topic() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            _ = try await relay.post(draft("1", by: "alice")).get()
            var topic = try draft("tea", by: "bob")
            topic.type = .topic
            #expect(try await relay.post(topic).refusal?.code == .forbidden)
            topic.user = try #require(UserID("alice"))
            #expect(try await relay.post(topic).get().seq == 2)
            #expect(try await redis.cli("HGET", "chat:{general}:meta", "topic") == "tea")
            #expect(try await relay.read(.latest(limit: 1), room()).get().facts?.topic == "tea")
        }
    }

    @Test("A direct message goes to both users' channels too, and its room is private to them")
    func direct() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            let (alice, bob) = (try #require(UserID("alice")), try #require(UserID("bob")))
            try await relays[1].onLoop { $0.broker.subscribe(user: bob) }
            try await eventually("bob is heard") { relays[1].personal == ["subscribed bob"] }
            let room = RoomID.direct(alice, bob)
            try await relays[0].onLoop { $0.directs.conversationOpened(in: room, from: alice, to: bob) }
            let receipt = try await relays[0].post(
                MessageDraft(
                    room: room, type: .direct, user: alice, name: DisplayName(alice), text: "psst", to: bob)
            ).get()
            try await eventually("bob hears it") { relays[1].personal.count == 2 }
            #expect(relays[1].personal[1].hasPrefix("bob: {\"id\":\"\(receipt.id)\",\"seq\":1,"))
            #expect(try await redis.cli("HGET", "chat:{dm:alice+bob}:meta", "private") == "1")
            #expect(try await redis.cli("SORT", "chat:{dm:alice+bob}:members", "ALPHA") == "alice\nbob")
            #expect(try await redis.cli("GET", "chat:user:{bob}:reply") == "alice")
            for user in [alice, bob] {
                #expect(try await relays[0].conversations(of: user.description).conversations.count == 1)
            }
            for (user, isThere) in [(bob, true), (alice, false)] {
                let online: Result<Bool, Refusal> = try await relays[0].call { relay, done in
                    relay.directs.isOnline(user) { done($0) }
                }
                #expect(try online.get() == isThere)
            }
        }
    }
}
