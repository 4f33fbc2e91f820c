import RelayCore
import RelayTestKit
import Testing

@testable import RelayRedis

@Suite("Putting back what a real redis-server lost")
struct RestoreTests {
    /// Ids, numbers and texts of a room's stream.
    private func entries(_ redis: LocalRedis, _ room: String = "general") async throws -> [[String]] {
        let script = """
            local list = {}
            for _, e in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
              local f = {}
              for i = 1, #e[2], 2 do f[e[2][i]] = e[2][i + 1] end
              list[#list + 1] = e[1] .. ' ' .. (f.seq or '?') .. ' ' .. (f.text or '?')
            end
            return list
            """
        return try await redis.cli("EVAL", script, "1", "chat:{\(room)}:stream").split(separator: "\n")
            .map { $0.split(separator: " ", maxSplits: 2).map(String.init) }
    }

    private func texts(_ redis: LocalRedis) async throws -> [String] { try await entries(redis).map { $0[2] } }

    private func epoch(_ redis: LocalRedis) async throws -> UInt64 {
        UInt64(try await redis.cli("HGET", "chat:{general}:meta", "epoch")) ?? 0
    }

    @Test("FLUSHALL: before the next post all is put back under its old ids and numbers, in a new epoch")
    func flushed() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            var said = try draft("first \u{1} \"ü\"", nonce: "n1")
            said.replyTo = MessageID(milliseconds: 5, sequence: 1)
            _ = try await relay.post(said).get()
            for number in 2...150 { _ = try await relay.post(draft("\(number)")).get() }
            let before = try await relay.read(.latest(limit: 500), room()).get()
            let old = try await epoch(redis)
            try await redis.cli("FLUSHALL")
            #expect(try await relay.store(draft("151", nonce: "n151")).seq == 151)
            let after = try await relay.read(.latest(limit: 500), room()).get()
            #expect(Array(after.frames.dropLast()) == before.frames)
            #expect(try #require(after.standing).epoch > old)
            // The retry of a send that was lost and put back is that message.
            let again = try await relay.post(said).get()
            #expect(again.isDuplicate && again.id == before.frames.first?.id)
            #expect(try await redis.cli("ZSCORE", "chat:rooms", "general") != "")
            #expect(try await redis.cli("EXISTS", "chat:{general}:restore") == "0")
        }
    }

    @Test("A restart without a file: two edges whose messages interleave put back every one in its place")
    func restarted() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            for number in 1...60 { _ = try await relays[number % 2].post(draft("\(number)")).get() }
            let before = try await entries(redis)
            try await redis.kill()
            try await redis.start()
            for relay in relays { try await relay.ready() }
            try await eventually("all is back") { try await entries(redis) == before }
            let last = try #require(before.last.flatMap { MessageID($0[0]) })
            try await eventually("the archiver finds the room among those that are active now") {
                UInt64(try await redis.cli("ZSCORE", "chat:rooms", "general")) ?? 0 > last.milliseconds
            }
            #expect(try await relays[0].store(draft("61")).seq == 61)
            #expect(try await relays[1].store(draft("62")).seq == 62)
        }
    }

    @Test("Lost once more after one edge has said what it has and before another does: all is back in its place")
    func lostMeanwhile() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            for number in 1...60 { _ = try await relays[number % 2].post(draft("\(number)")).get() }
            let before = try await entries(redis)
            let room = try room()
            try await redis.cli("FLUSHALL")
            try await relays[0].onLoop { $0.broker.lossSuspected(in: room) }
            try await eventually("the first has said what it has") {
                let staged = try await redis.cli("HKEYS", "chat:{general}:restore").split(separator: "\n")
                return staged.count { $0.contains("-") } == 30
            }
            try await redis.cli("FLUSHALL")
            try await relays[1].onLoop { $0.broker.lossSuspected(in: room) }
            #expect(try await relays[0].store(draft("61")).seq == 61)
            #expect(try await entries(redis).dropLast() == before[...])
            // The other one asks on its own, every tenth of a second.
            try await eventually("each edge is told when it is back") { relays.allSatisfy { !$0.restored.isEmpty } }
            for relay in relays { #expect(relay.restored == [room]) }
        }
    }

    @Test("A restart with its file costs a call a room and changes nothing")
    func nothingLost() async throws {
        try await withRelays(options: LocalRedis.Options(isAppendOnly: true)) { redis, relays in
            _ = try await relays[0].post((1...5).map { try draft("\($0)") })
            let (before, old) = (try await entries(redis), try await epoch(redis))
            try await redis.kill()
            try await redis.start()
            try await relays[0].ready()
            #expect(try await relays[0].store(draft("6")).seq == 6)
            #expect(try await entries(redis).dropLast() == before[...])
            #expect(try await epoch(redis) == old)
            let stats = try await redis.cli("INFO", "commandstats")
            #expect(stats.contains("cmdstat_xinfo|stream:calls=1,"), "\(stats)")
            #expect(relays[0].restored.isEmpty)
        }
    }

    @Test("Where the places are taken the messages come behind, and all edges are told of it once")
    func moved() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            try await relays[1].subscribe(room())
            for number in 1...3 { _ = try await relays[0].post(draft("\(number)", nonce: "n\(number)")).get() }
            let before = try await entries(redis)
            try await redis.cli("FLUSHALL")
            #expect(try await relays[1].post(draft("new", by: "bob")).get().seq == 1)
            #expect(try await relays[0].store(draft("4")).seq == 5)
            let after = try await entries(redis)
            #expect(after.map { $0[2] } == ["new", "1", "2", "3", "4"])
            #expect(after.map { $0[1] } == ["1", "2", "3", "4", "5"])
            try await eventually("the last is heard") { relays[1].heard.last?.payload.contains(#""text":"4""#) == true }
            let told = relays[1].heard.map(\.payload).filter { $0.contains("\"moved\"") }
            let list = (0..<3).map {
                #"{"id":"\#(before[$0][0])","seq":\#($0 + 1),"to_id":"\#(after[$0 + 1][0])","to_seq":\#($0 + 2)}"#
            }
            #expect(told.count == 1 && told.first?.contains("[" + list.joined(separator: ",") + "]") == true, "\(told)")
            let again = try await relays[0].post(draft("2", nonce: "n2")).get()
            #expect(again.isDuplicate && again.id.description == after[2][0])
        }
    }

    @Test("What somebody has sent again with its nonce is not put back, but named")
    func sentAgain() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            try await relays[1].subscribe(room())
            _ = try await relays[0].post(draft("one", nonce: "n")).get()
            try await redis.cli("FLUSHALL")
            let again = try await relays[1].post(draft("one", nonce: "n")).get()
            _ = try await relays[0].store(draft("two"))
            #expect(try await texts(redis) == ["one", "two"])
            try await eventually("it is told") {
                relays[1].heard.contains { $0.payload.contains(#""to_id":"\#(again.id)""#) }
            }
        }
    }

    @Test("An older state: only the lost end comes back, whoever looks first")
    func olderState() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            for number in 1...6 { _ = try await relays[number % 2].post(draft("\(number)")).get() }
            let before = try await entries(redis)
            // As a replica would have it that missed the last three.
            try await cut(redis, last: 3)
            #expect(try await entries(redis).count == 3)
            try await relays[0].onLoop { $0.broker.lossSuspected(in: try RelayRedisTests.room()) }
            try await relays[1].onLoop { $0.broker.lossSuspected(in: try RelayRedisTests.room()) }
            try await eventually("all is back") { try await entries(redis) == before }
            #expect(try await relays[0].store(draft("7")).seq == 7)
        }
    }

    /// Makes the stream anew without its last entries, and sets the counter back.
    private func cut(_ redis: LocalRedis, last count: Int) async throws {
        let script = """
            local all = redis.call('XRANGE', KEYS[1], '-', '+')
            redis.call('DEL', KEYS[1])
            for i = 1, #all - ARGV[1] do redis.call('XADD', KEYS[1], all[i][1], unpack(all[i][2])) end
            return redis.call('HSET', KEYS[2], 'seq', #all - ARGV[1])
            """
        try await redis.cli("EVAL", script, "2", "chat:{general}:stream", "chat:{general}:meta", "\(count)")
    }

    @Test("What the archive holds, what was trimmed, deleted by hand or with its room is not put back")
    func notLost() async throws {
        try await withRelays { redis, relays in
            func reconnect() async throws {
                try await redis.cli("CLIENT", "KILL", "TYPE", "NORMAL")
                try await eventually("it posts again") { (try? await relays[0].post(draft("x")).get()) != nil }
            }
            for number in 1...4 { _ = try await relays[0].post(draft("\(number)")).get() }
            let before = try await entries(redis)
            try await redis.cli("XDEL", "chat:{general}:stream", before[3][0])
            try await reconnect()
            #expect(try await texts(redis).prefix(3) == ["1", "2", "3"])
            #expect(try await !texts(redis).contains("4"))
            try await redis.cli("XTRIM", "chat:{general}:stream", "MAXLEN", "1")
            try await reconnect()
            #expect(try await !texts(redis).contains("1"))
            // As the archiver does after a loss: the files hold what was lost.
            try await redis.cli("FLUSHALL")
            try await redis.cli("XADD", "chat:{general}:stream", "MAXLEN", "0", "9999999999999-0", "seq", "0")
            try await redis.cli(
                "HSET", "chat:{general}:meta", "seq", "50", "epoch", "5", "rewound_id", "9999999999999-0")
            #expect(try await relays[0].store(draft("51")).seq == 51)
            #expect(try await texts(redis) == ["51"])
        }
    }

    /// As the archiver does: the files hold everything, and the stream keeps its end.
    private func archive(_ redis: LocalRedis, keeping count: Int) async throws {
        try await redis.cli("XTRIM", "chat:{general}:stream", "MAXLEN", "\(count)")
    }

    @Test("What was trimmed before a loss is not put back by an edge that hears of it late")
    func trimmedBefore() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            for number in 1...4 { _ = try await relays[1].post(draft("\(number)")).get() }
            for number in 5...10 { _ = try await relays[0].post(draft("\(number)")).get() }
            let before = try await entries(redis)
            try await archive(redis, keeping: 5)
            try await cut(redis, last: 2)
            try await relays[0].onLoop { $0.broker.lossSuspected(in: try RelayRedisTests.room()) }
            try await eventually("the end is back") { try await entries(redis) == before.suffix(5) }
            #expect(try await relays[1].store(draft("11")).seq == 11)
            #expect(try await texts(redis) == ["6", "7", "8", "9", "10", "11"])
        }
    }

    @Test("What outlived a loss and is trimmed later is not put back by an edge that hears of it late")
    func trimmedAfter() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            for number in 1...4 { _ = try await relays[1].post(draft("\(number)")).get() }
            for number in 5...10 { _ = try await relays[0].post(draft("\(number)")).get() }
            try await cut(redis, last: 2)
            // Twice: an epoch may be more than one rewind old.
            for _ in 1...2 {
                try await relays[0].onLoop { $0.broker.lossSuspected(in: try RelayRedisTests.room()) }
                try await eventually("the end is back") { try await texts(redis).last == "10" }
                try await cut(redis, last: 1)
            }
            _ = try await relays[0].store(draft("11"))
            try await archive(redis, keeping: 2)
            #expect(try await texts(redis) == ["10", "11"])
            _ = try await relays[1].store(draft("12"))
            #expect(try await texts(redis) == ["10", "11", "12"])
            // Rewinds that follow each other closely may be one.
            #expect(try await redis.cli("HGET", "chat:{general}:meta", "rewinds").split(separator: " ").count >= 2)
        }
    }

    @Test("What was lost is put back also by an edge that hears of it late, when the rest is trimmed")
    func lostAndTrimmed() async throws {
        try await withRelays(["edge-a", "edge-b"]) { redis, relays in
            for number in 1...4 { _ = try await relays[0].post(draft("\(number)")).get() }
            for number in 5...6 { _ = try await relays[1].post(draft("\(number)")).get() }
            for number in 7...8 { _ = try await relays[0].post(draft("\(number)")).get() }
            try await cut(redis, last: 4)
            try await relays[0].onLoop { $0.broker.lossSuspected(in: try RelayRedisTests.room()) }
            try await eventually("what edge-a had is back") {
                try await texts(redis) == ["1", "2", "3", "4", "7", "8"]
            }
            try await archive(redis, keeping: 1)
            #expect(try await relays[1].store(draft("9")).seq == 11)
            #expect(try await texts(redis) == ["8", "5", "6", "9"])
        }
    }

    @Test("Keys of a wrong type and a full Redis: unavailable as long as it lasts, then all is put back")
    func refused() async throws {
        try await withRelays { redis, relays in
            for number in 1...3 { _ = try await relays[0].post(draft("\(number)")).get() }
            let before = try await entries(redis)
            try await redis.cli("FLUSHALL")
            try await redis.cli("RPUSH", "chat:{general}:stream", "x")
            #expect(try await relays[0].post(draft("4")) == .failure(.unavailable))
            try await redis.cli("CONFIG", "SET", "maxmemory", "1")
            try await redis.cli("DEL", "chat:{general}:stream")
            #expect(try await relays[0].post(draft("4")) == .failure(.unavailable))
            try await redis.cli("CONFIG", "SET", "maxmemory", "0")
            try await eventually("all is back") { try await entries(redis) == before }
            #expect(try await relays[0].store(draft("4")).seq == 4)
        }
    }

    @Test("Without the right to put back a post goes on all the same")
    func withoutRights() async throws {
        let rights = AccessControlTests.commands.filter { $0 != "xinfo|stream" }.map { "+\($0)" }
        let options = LocalRedis.Options(accessControl: [
            "user default on nopass ~* &* +@all",
            "user edge on >secret resetchannels ~chat:* &chat:* -@all \(rights.joined(separator: " "))",
        ])
        let redis = try await LocalRedis.start(options)
        let relay = try await RelayHarness(redis, url: "redis://edge:secret@127.0.0.1:\(redis.port)")
        try await relay.ready()
        for number in 1...3 { _ = try await relay.post(draft("\(number)")).get() }
        try await redis.cli("XTRIM", "chat:{general}:stream", "MAXLEN", "0")
        #expect(try await relay.store(draft("4")).seq == 4)
        try await relay.stop()
        await redis.stop()
    }
}
