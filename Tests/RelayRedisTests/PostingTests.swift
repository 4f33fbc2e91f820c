import Logging
import NIOCore
import RelayCore
import RelayTestKit
import RelayWire
import NIOConcurrencyHelpers
import Testing

@testable import RelayRedis

@Suite("Posting through a real redis-server")
struct PostingTests {
    @Test("A message is the same bytes live, by SUBSCRIBE, and in history, and its stream fields are readable")
    func sameBytes() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            let room = try room()
            try await relay.subscribe(room)
            var said = try draft("hi \"there\"\n\u{1} — ünï \\ ", nonce: "c-17")
            said.replyTo = MessageID(milliseconds: 5, sequence: 1)
            let receipt = try await relay.post(said).get()
            #expect(receipt.seq == 1)
            #expect(!receipt.isDuplicate)
            try await eventually("the envelope is heard") { !relay.heard.isEmpty }
            let page = try await relay.read(.latest(limit: 10), room).get()
            let frame = try #require(page.frames.first)
            #expect(relay.heard.map(\.payload) == [String(buffer: frame.envelope)])
            let expected = EnvelopeEncoder.envelope(of: Message(id: receipt.id, seq: 1, draft: said))
            #expect(frame.envelope == expected)
            #expect(EnvelopeHead(frame.envelope)?.id == receipt.id)
            let fields = try await redis.cli("XRANGE", "chat:{general}:stream", "-", "+").split(separator: "\n")
            #expect(fields.prefix(7) == ["\(receipt.id)", "seq", "1", "type", "message", "user", "alice"])
            #expect(fields.suffix(4) == ["nonce", "c-17", "reply_to", "5-1"])
            #expect(try await redis.cli("HGET", "chat:{general}:meta", "created_by") == "alice")
            #expect(try await redis.cli("ZSCORE", "chat:rooms", "general") == "\(receipt.id.milliseconds)")
        }
    }

    @Test("Posts of one tick are one call a room; numbers are dense under posts from two edges at once")
    func dense() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            let one = try (0..<150).map { try draft("a\($0)", by: "alice") }
            let two = try (0..<150).map { try draft("b\($0)", by: "bob") }
            async let first = relays[0].post(one)
            async let second = relays[1].post(two)
            let receipts = try await (first + second).map { try $0.get() }
            #expect(receipts.map(\.seq).sorted() == Array(1...300))
            #expect(receipts.sorted { $0.seq < $1.seq }.map(\.id) == receipts.map(\.id).sorted())
            // In the order in which each edge was asked.
            #expect(receipts.prefix(150).map(\.seq) == receipts.prefix(150).map(\.seq).sorted())
            let calls = try await redis.cli("INFO", "commandstats").split(separator: "\n")
                .first { $0.contains("cmdstat_evalsha:") }
            #expect(calls?.contains("calls=6,") == true, "150 posts are 64 + 64 + 22 on each edge: \(calls ?? "")")
        }
    }

    @Test("A nonce is one message: within a batch, on another edge, and over the border of its window")
    func duplicates() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            let batch = try await relays[0].post([
                draft("one", nonce: "n1"), draft("one again", nonce: "n1"), draft("two", nonce: "n2"),
                draft("of another user", by: "bob", nonce: "n1"),
            ]).map { try $0.get() }
            #expect(batch.map(\.seq) == [1, 1, 2, 3])
            #expect(batch.map(\.isDuplicate) == [false, true, false, false])
            let elsewhere = try await relays[1].post(draft("one", nonce: "n1")).get()
            #expect(elsewhere == PostReceipt(id: batch[0].id, seq: 1, isDuplicate: true))

            let window = try await redis.cli("KEYS", "chat:{general}:sent:*")
            let number = try #require(window.split(separator: ":").last.flatMap { Int($0) })
            #expect(number == Int(batch[0].id.milliseconds / 600_000))
            let life = try await redis.cli("PTTL", window)
            #expect((1_100_000...1_200_000).contains(try #require(Int(life))))
            try await redis.cli("RENAME", window, "chat:{general}:sent:\(number - 1)")
            let later = try await relays[1].post(draft("one", nonce: "n1")).get()
            #expect(later == PostReceipt(id: batch[0].id, seq: 1, isDuplicate: true))
            #expect(try await redis.cli("XLEN", "chat:{general}:stream") == "3")
        }
    }

    @Test("SCRIPT FLUSH in the middle loses nothing and reorders nothing")
    func scriptFlush() async throws {
        try await withRelays { redis, relays in
            var seqs: [UInt64] = []
            for turn in 0..<5 {
                let drafts = try (0..<100).map { try draft("\(turn) \($0)") }
                async let outcomes = relays[0].post(drafts)
                try await redis.cli("SCRIPT", "FLUSH")
                seqs += try await outcomes.map { try $0.get().seq }
            }
            #expect(seqs == Array(1...500))
        }
    }

    @Test("Keys of a wrong type give unavailable, are logged as an error, and leave no hole")
    func wrongTypes() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            for (key, command) in [("meta", "SET"), ("stream", "RPUSH")] {
                let room = try room(key)
                let name = "chat:{\(key)}:\(key)"
                #expect(try await relay.post(draft("first", in: room)).get().seq == 1)
                try await redis.cli("RENAME", name, "kept")
                try await redis.cli(command, name, "x")
                #expect(try await relay.post(draft("second", nonce: "n", in: room)) == .failure(.unavailable))
                try await redis.cli("RENAME", "kept", name)
                #expect(try await relay.post(draft("second", nonce: "n", in: room)).get().seq == 2)
            }
            let lines = relay.log.lines.filter { $0.message == "Redis refuses" }
            #expect(lines.map(\.level) == [.error], "once a minute by kind")
            #expect(lines.first?.metadata["code"] == "WRONGTYPE")
        }
    }

    @Test("Out of memory is unavailable, and the heartbeat goes on")
    func outOfMemory() async throws {
        try await withRelays { redis, relays in
            _ = try await relays[0].post(draft("before")).get()
            try await redis.cli("CONFIG", "SET", "maxmemory", "1")
            #expect(try await relays[0].post(draft("full")) == .failure(.unavailable))
            #expect(try await relays[0].announce([change("alice", sessions: 1)], room()) == .failure(.unavailable))
            #expect(try await relays[0].beat().get().living == [EdgeID("edge-a")])
            #expect(try await relays[0].onLoop { $0.broker.faults["OOM", default: 0] } >= 2)
            try await redis.cli("CONFIG", "SET", "maxmemory", "0")
            #expect(try await relays[0].post(draft("after")).get().seq == 2)
        }
    }

    @Test("A room at its ceiling is full, but still answers for a nonce that it has")
    func ceiling() async throws {
        try await withRelays(configured: { $0.ceiling = 3 }) { _, relays in
            for number in 1...3 { _ = try await relays[0].post(draft("\(number)", nonce: "n\(number)")).get() }
            let refused = try await relays[0].post(draft("4", nonce: "n4"))
            #expect(throws: Refusal.self) { try refused.get() }
            if case .failure(let refusal) = refused { #expect(refusal.code == .full) }
            #expect(try await relays[0].post(draft("2", nonce: "n2")).get().seq == 2)
        }
    }

    @Test("Without auto-create a room that is not there is no such room, and comes into being by create")
    func autoCreate() async throws {
        try await withRelays(configured: { $0.isAutoCreating = false }) { redis, relays in
            let room = try room("other")
            let refused = try await relays[0].post(draft("x", in: room))
            if case .failure(let refusal) = refused { #expect(refusal.code == .noSuchRoom) } else { Issue.record() }
            #expect(try await redis.cli("EXISTS", "chat:{other}:meta", "chat:{other}:stream") == "0")
            try await relays[0].create(room)
            try await relays[0].create(room)
            #expect(try await relays[0].post(draft("x", in: room)).get().seq == 1)
            #expect(try await relays[0].post(draft("x")).get().seq == 1, "general is always there")
            let direct = try draft("x", in: .direct(#require(UserID("alice")), #require(UserID("bob"))))
            #expect(try await relays[0].post(direct).get().seq == 1)
        }
    }

    @Test("What is said while its room is being made for what was said before comes after that")
    func orderOfFounding() async throws {
        try await withRelays(configured: { $0.isAutoCreating = false }) { redis, relays in
            let later = NIOLockedValueBox<PostOutcome?>(nil)
            let (second, elsewhere) = (try draft("2", nonce: "n2", in: room("new")), try draft("x"))
            try await relays[0].whenRoomMissed { relay, draft, completion in
                // Another edge is quicker.
                relay.directory.create(draft.room, by: draft.user) { _ in
                    relay.broker.post(second) { outcome in later.withLockedValue { $0 = outcome } }
                    // Once this is answered the second one had its turn.
                    relay.broker.post(elsewhere) { _ in completion(nil) }
                }
            }
            #expect(try await relays[0].post(draft("1", nonce: "n1", in: room("new"))).get().seq == 1)
            try await eventually("the second one is stored") { try later.withLockedValue { try $0?.get().seq } == 2 }
        }
    }

    @Test("With archive off streams are trimmed, but not those that an archiver has touched")
    func trimming() async throws {
        try await withRelays(configured: { $0.keep = 100 }) { redis, relays in
            let touched = try room("touched")
            try await redis.cli("HSET", "chat:{touched}:meta", "seq", "0", "epoch", "1", "archived_id", "0-1")
            for _ in 0..<10 {
                _ = try await relays[0].post((0..<64).map { try draft("\($0)") })
                _ = try await relays[0].post((0..<64).map { try draft("\($0)", in: touched) })
            }
            let length = try #require(Int(try await redis.cli("XLEN", "chat:{general}:stream")))
            #expect((100...300).contains(length))
            #expect(try await redis.cli("XLEN", "chat:{touched}:stream") == "640")
        }
    }
}
