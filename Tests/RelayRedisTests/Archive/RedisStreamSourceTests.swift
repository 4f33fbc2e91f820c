import NIOCore
import RedisProtocol
import RelayCore
import RelayRedis
import RelayTestKit
import Testing

@Suite("The archiver's view of Redis", .timeLimit(.minutes(20)))
struct RedisStreamSourceTests {
    @Test("A look shows where the room stands and its entries as envelopes; foreign entries are marked")
    func looking() async throws {
        try await ArchiveSourceBench.run { bench in
            let nothing = try await bench.source.look(at: bench.room, from: .zero, limit: 10)
            #expect(nothing.standing == nil && nothing.entries.isEmpty && nothing.lastID == nil)
            try await bench.post(2)
            try await bench.redis.cli("XADD", bench.streamKey, "1000-9", "hello", "world")
            let look = try await bench.source.look(at: bench.room, from: .zero, limit: 10)
            #expect(look.standing == ArchiveStanding(epoch: 7, seq: 2, archived: nil, createdAt: 5))
            #expect(look.entries.map(\.id.description) == ["1000-1", "1000-2", "1000-9"])
            #expect(look.entries.last == .unreadable(MessageID(milliseconds: 1000, sequence: 9)))
            #expect(look.oldestID == MessageID(milliseconds: 1000, sequence: 1))
            #expect(look.lastID == MessageID(milliseconds: 1000, sequence: 9))
            #expect(look.now > 1_700_000_000_000)
            guard case .frame(let frame) = try #require(look.entries.first) else {
                Issue.record("the first entry is a message")
                return
            }
            #expect(
                String(buffer: frame.envelope)
                    == "{\"id\":\"1000-1\",\"seq\":1,\"ts\":1000,\"room\":\"dm:alice+bob\",\"type\":\"message\","
                    + "\"user\":\"alice\",\"name\":\"Älice\",\"text\":\"message 1\"}")
            let page = try await bench.source.look(at: bench.room, from: look.entries[1].id, limit: 1)
            #expect(page.entries.map(\.id) == [look.entries[1].id])
        }
    }

    @Test("An acknowledgement keeps the newest, what is not archived, and the last archived message")
    func acknowledging() async throws {
        try await ArchiveSourceBench.run { bench in
            try await bench.post(20)
            func acknowledge(_ seq: UInt64, keep: Int) async throws -> [UInt64] {
                let outcome = try await bench.source.acknowledge(
                    bench.room, bench.position(seq), trimmed: nil, keep: keep, under: bench.claim)
                #expect(outcome == .done)
                let look = try await bench.source.look(at: bench.room, from: .zero, limit: 100)
                #expect(look.standing?.archived == bench.position(seq))
                return look.entries.map(\.id.sequence)
            }
            #expect(try await acknowledge(3, keep: 100) == Array(1...20))
            #expect(try await acknowledge(5, keep: 4) == Array(5...20))
            #expect(try await acknowledge(18, keep: 4) == Array(17...20))
            #expect(try await acknowledge(20, keep: 4) == Array(17...20))
            #expect(try await acknowledge(20, keep: 0) == [20])
        }
    }

    @Test("With an acknowledgement it is said up to where a lost room had been trimmed, and that is never taken back")
    func trimmedBeforeLoss() async throws {
        try await ArchiveSourceBench.run { bench in
            try await bench.post(5)
            let steps: [(UInt64?, String)] = [(nil, ""), (3, "1000-3"), (2, "1000-3"), (4, "1000-4"), (nil, "1000-4")]
            for (trimmed, expected) in steps {
                let outcome = try await bench.source.acknowledge(
                    bench.room, bench.position(5), trimmed: trimmed.map { bench.position($0).id }, keep: 100,
                    under: bench.claim)
                #expect(outcome == .done)
                #expect(try await bench.redis.cli("HGET", bench.metaKey, "rewound_id") == expected)
            }
        }
    }

    @Test("Who lost the shard changes nothing")
    func lockLost() async throws {
        try await ArchiveSourceBench.run { bench in
            try await bench.post(5)
            let other = ShardHolder(place: "there /archive", run: "2")
            #expect(
                try await bench.source.claim(.whole, as: other, lapse: .seconds(60)) == .held(by: "here /archive"))
            // A later run of the same place takes over at once, and the earlier one notices.
            let later = ShardHolder(place: bench.claim.holder.place, run: "3")
            #expect(try await bench.source.claim(.whole, as: later, lapse: .seconds(60)) == .claimed)
            #expect(try await bench.source.renew(.whole, as: bench.claim.holder, lapse: .seconds(60)) == false)
            let before = try await bench.source.look(at: bench.room, from: .zero, limit: 100)
            let place = bench.position(5)
            #expect(
                try await bench.source.acknowledge(bench.room, place, trimmed: nil, keep: 1, under: bench.claim)
                    == .lockLost)
            #expect(
                try await bench.source.raise(bench.room, toSeq: 9, id: place.id.next, knownEpoch: 7, under: bench.claim)
                    == .lockLost)
            #expect(
                try await bench.source.passMidnight(bench.room, milliseconds: 5000, under: bench.claim) == .lockLost)
            var after = try await bench.source.look(at: bench.room, from: .zero, limit: 100)
            after.now = before.now
            #expect(after == before)
            try await bench.source.release(.whole, as: bench.claim.holder)
            #expect(try await bench.source.renew(.whole, as: later, lapse: .seconds(60)))
            try await bench.source.release(.whole, as: later)
            #expect(try await bench.source.claim(.whole, as: other, lapse: .milliseconds(50)) == .claimed)
            try await eventually("the lock lapses") {
                try await bench.source.claim(.whole, as: later, lapse: .seconds(1)) == .claimed
            }
        }
    }

    @Test("Archivers that divide the rooms otherwise are refused as long as one is at work")
    func otherDivision() async throws {
        try await ArchiveSourceBench.run { bench in
            let (source, holder) = (bench.source, ShardHolder(place: "there /archive", run: "2"))
            let halves = try ["0/2", "1/2"].map { try #require(ShardID($0)) }
            #expect(try await source.claim(halves[0], as: holder, lapse: .seconds(60)) == .divided("1 shard"))
            #expect(try await bench.redis.cli("GET", "chat:archiver:division") == "1 shard")
            #expect(try await bench.redis.cli("EXISTS", "chat:archiver:0/2:lock") == "0")
            try await source.release(.whole, as: holder)
            #expect(try await bench.redis.cli("EXISTS", "chat:archiver:division") == "1", "its lock is another's")
            try await source.release(.whole, as: bench.claim.holder)
            for half in halves { #expect(try await source.claim(half, as: holder, lapse: .seconds(60)) == .claimed) }
            #expect(
                try await source.claim(.whole, as: bench.claim.holder, lapse: .seconds(60)) == .divided("2 shards"))
            try await source.release(halves[1], as: holder)
            #expect(try await source.renew(halves[0], as: holder, lapse: .milliseconds(50)))
            try await eventually("the division lapses with the last one") {
                try await source.claim(.whole, as: bench.claim.holder, lapse: .seconds(60)) == .claimed
            }
            // Redis lost it, and the other ones were first: there are not two divisions.
            try await bench.redis.cli("SET", "chat:archiver:division", "2 shards")
            #expect(try await source.renew(.whole, as: bench.claim.holder, lapse: .seconds(60)) == false)
        }
    }

    @Test("A rewound room is raised to what the files hold, with a new epoch, and goes on above it")
    func raising() async throws {
        try await ArchiveSourceBench.run { bench in
            try await bench.post(3)
            let id = MessageID(milliseconds: 2000, sequence: 4)
            guard
                case .raised(let epoch, let seq) = try await bench.source.raise(
                    bench.room, toSeq: 50, id: id, knownEpoch: nil, under: bench.claim)
            else {
                Issue.record("the room is there")
                return
            }
            #expect(epoch > 1_700_000_000_000 && seq == 50)
            let look = try await bench.source.look(at: bench.room, from: .zero, limit: 10)
            #expect(look.lastID == id && look.standing?.seq == 50 && look.standing?.epoch == epoch)
            #expect(look.entries.count == 3)
            // Nothing to raise and an epoch that is news already: it stays.
            let again = try await bench.source.raise(bench.room, toSeq: 50, id: id, knownEpoch: 7, under: bench.claim)
            #expect(again == .raised(epoch: epoch, seq: 50))
            // The same epoch as before means that nobody was told yet.
            let told = try await bench.source.raise(
                bench.room, toSeq: 9, id: .zero.next, knownEpoch: epoch, under: bench.claim)
            guard case .raised(let newer, 50) = told else {
                Issue.record("\(told)")
                return
            }
            #expect(newer > epoch)
        }
    }

    @Test("A room whose stream is gone gets one with the right last id; one that is gone itself stays gone")
    func raisingAfterLoss() async throws {
        try await ArchiveSourceBench.run { bench in
            let place = bench.position(9)
            #expect(
                try await bench.source.raise(bench.room, toSeq: 9, id: place.id, knownEpoch: 7, under: bench.claim)
                    == .gone)
            #expect(
                try await bench.source.acknowledge(bench.room, place, trimmed: nil, keep: 1, under: bench.claim)
                    == .gone)
            try await bench.redis.cli("HSET", bench.metaKey, "name", "x")
            guard
                case .raised = try await bench.source.raise(
                    bench.room, toSeq: 9, id: place.id, knownEpoch: 7, under: bench.claim)
            else {
                Issue.record("the room is there")
                return
            }
            let look = try await bench.source.look(at: bench.room, from: .zero, limit: 10)
            #expect(look.entries.isEmpty && look.lastID == place.id && look.standing?.seq == 9)
        }
    }

    @Test("Counters beyond what Lua counts exactly are compared right")
    func largeNumbers() async throws {
        try await ArchiveSourceBench.run { bench in
            try await bench.post(1)
            let high: UInt64 = 9_007_199_254_740_995
            try await bench.redis.cli("HSET", bench.metaKey, "seq", String(high))
            for (known, expected) in [(high - 1, high), (high + 2, high + 2), (999, high + 2)] {
                let outcome = try await bench.source.raise(
                    bench.room, toSeq: known, id: .zero.next, knownEpoch: nil, under: bench.claim)
                guard case .raised(_, let seq) = outcome else {
                    Issue.record("\(outcome)")
                    return
                }
                #expect(seq == expected)
            }
        }
    }

    @Test("After a day is closed no id of it can follow, whatever the clock says")
    func midnight() async throws {
        try await ArchiveSourceBench.run { bench in
            try await bench.post(2)
            #expect(
                try await bench.source.passMidnight(bench.room, milliseconds: 86_400_000, under: bench.claim) == .done)
            let look = try await bench.source.look(at: bench.room, from: .zero, limit: 10)
            #expect(look.lastID == MessageID(milliseconds: 86_400_000, sequence: 0) && look.entries.count == 2)
            #expect(try await bench.source.passMidnight(bench.room, milliseconds: 5, under: bench.claim) == .done)
            let later = try await bench.source.look(at: bench.room, from: .zero, limit: 10)
            #expect(later.lastID == look.lastID)
            await #expect(throws: LocalRedisError.self) {
                try await bench.redis.cli("-e", "XADD", bench.streamKey, "1000-50", "seq", "3")
            }
        }
    }

    @Test("A deleted room's stream goes when it is drained, and not before")
    func dropping() async throws {
        try await ArchiveSourceBench.run { bench in
            try await bench.post(2)
            try await bench.redis.cli("ZADD", "chat:rooms", "1", bench.room.description)
            #expect(
                try await bench.source.drop(bench.room, through: bench.position(2).id, under: bench.claim) == .gone)
            try await bench.redis.cli("HSET", bench.metaKey, "deleted_at", "9")
            #expect(
                try await bench.source.drop(bench.room, through: bench.position(1).id, under: bench.claim) == .gone)
            #expect(
                try await bench.source.drop(bench.room, through: bench.position(2).id, under: bench.claim) == .done)
            #expect(try await bench.redis.cli("EXISTS", bench.streamKey, "chat:rooms") == "0")
            let look = try await bench.source.look(at: bench.room, from: .zero, limit: 10)
            #expect(look.standing?.isDeleted == true && look.lastID == nil)
        }
    }

    @Test("A full Redis takes claims, acknowledgements, raises and the status")
    func outOfMemory() async throws {
        try await ArchiveSourceBench.run { bench in
            try await bench.post(50)
            try await bench.redis.cli("CONFIG", "SET", "maxmemory", "1")
            await #expect(throws: (any Error).self) { try await bench.redis.cli("-e", "SET", "x", "y") }
            let source = bench.source
            #expect(try await source.renew(.whole, as: bench.claim.holder, lapse: .seconds(60)))
            try await source.release(.whole, as: bench.claim.holder)
            #expect(try await source.claim(.whole, as: bench.claim.holder, lapse: .seconds(60)) == .claimed)
            #expect(
                try await source.acknowledge(bench.room, bench.position(50), trimmed: nil, keep: 5, under: bench.claim)
                    == .done)
            #expect(try await bench.redis.cli("XLEN", bench.streamKey) == "5")
            #expect(try await source.passMidnight(bench.room, milliseconds: 9999, under: bench.claim) == .done)
            let high = bench.position(60, at: 20_000)
            let outcome = try await source.raise(
                bench.room, toSeq: 60, id: high.id, knownEpoch: nil, under: bench.claim)
            guard case .raised(_, 60) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            try await source.report(
                ArchiverFigures(host: "here", started: 1, behind: 3, lastError: "disk full"), for: .whole,
                lifetime: .seconds(30))
            #expect(try await bench.redis.cli("HGET", "chat:archiver:0/1", "last_error") == "disk full")
            #expect(try await bench.redis.cli("TTL", "chat:archiver:0/1") != "-1")
        }
    }

    @Test("Active rooms come by score, all of them with 0, and what is no room id is left out")
    func activeRooms() async throws {
        try await ArchiveSourceBench.run { bench in
            try await bench.redis.cli("ZADD", "chat:rooms", "1000", "a", "2000.5", "b", "3000", "no room", "1e15", "c")
            let all = try await bench.source.roomsActive(since: 0)
            #expect(all.rooms.map(\.room.description) == ["a", "b", "c"])
            #expect(all.rooms.map(\.milliseconds) == [1000, 2000, 1_000_000_000_000_000])
            #expect(try await bench.source.roomsActive(since: 2000).rooms.map(\.room.description) == ["b", "c"])
            // More rooms of one score than one reply holds.
            try await bench.redis.cli(
                "EVAL", "for i = 1, 25000 do redis.call('ZADD', KEYS[1], 50, 'room-' .. i) end", "1", "chat:rooms")
            let many = try await bench.source.roomsActive(since: 0)
            #expect(Set(many.rooms.map(\.room)).count == 25_003)
        }
    }

    @Test("A key of the wrong type concerns the room alone; a Redis that is gone concerns all")
    func errors() async throws {
        try await ArchiveSourceBench.run { bench in
            try await bench.redis.cli("SET", bench.streamKey, "no stream")
            await #expect {
                try await bench.source.look(at: bench.room, from: .zero, limit: 5)
            } throws: { error in
                if case .refused = error as? StreamSourceError { true } else { false }
            }
            try await bench.redis.shutDown()
            await #expect {
                try await bench.source.look(at: bench.room, from: .zero, limit: 5)
            } throws: { error in
                if case .unavailable = error as? StreamSourceError { true } else { false }
            }
        }
    }
}
