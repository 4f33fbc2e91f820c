import RelayCore
import RelayTestKit
import Testing

@testable import RelayRedis

@Suite("Reading history from a real redis-server")
struct HistoryTests {
    @Test("Every span is ascending, exclusive of its id, and says whether there is more")
    func spans() async throws {
        try await withRelays { _, relays in
            let relay = relays[0]
            let room = try room()
            let empty = try await relay.read(.latest(limit: 5), room).get()
            #expect(empty == HistoryPage(standing: nil, frames: [], more: false))
            var ids: [MessageID] = []
            for number in 1...10 { ids.append(try await relay.post(draft("\(number)")).get().id) }
            func seqs(_ span: HistorySpan) async throws -> ([UInt64], Bool) {
                let page = try await relay.read(span, room).get()
                #expect(page.standing?.lastSeq == 10)
                #expect(page.standing?.lastID == ids[9])
                #expect(page.standing?.oldestSeq == 1)
                return (page.frames.map(\.seq), page.more)
            }
            #expect(try await seqs(.latest(limit: 3)) == ([8, 9, 10], true))
            #expect(try await seqs(.latest(limit: 10)) == (Array(1...10), false))
            #expect(try await seqs(.latest(limit: 0)) == ([], true))
            #expect(try await seqs(.after(ids[3], limit: 2)) == ([5, 6], true))
            #expect(try await seqs(.after(ids[7], limit: 2)) == ([9, 10], false))
            #expect(try await seqs(.after(.zero, limit: 1)) == ([1], true))
            let last = MessageID(milliseconds: .max, sequence: .max)
            #expect(try await seqs(.after(last, limit: 5)) == ([], false))
            #expect(try await seqs(.before(last, limit: 2)) == ([9, 10], true))
            #expect(try await seqs(.before(ids[3], limit: 2)) == ([2, 3], true))
            #expect(try await seqs(.before(ids[1], limit: 2)) == ([1], false))
            #expect(try await seqs(.before(.zero, limit: 5)) == ([], false))
        }
    }

    @Test("Entries put in by hand are counted and skipped, wherever they lie")
    func foreign() async throws {
        try await withRelays { redis, relays in
            let relay = relays[0]
            let room = try room()
            func foreign(_ count: Int) async throws {
                for _ in 0..<count { try await redis.cli("XADD", "chat:{general}:stream", "*", "hello", "world") }
            }
            try await foreign(4)
            var ids: [MessageID] = []
            for number in 1...2 { ids.append(try await relay.post(draft("\(number)")).get().id) }
            try await foreign(4)
            #expect(try await relay.post(draft("3")).get().seq == 3)
            try await foreign(4)
            let page = try await relay.read(.latest(limit: 2), room).get()
            #expect(page.frames.map(\.seq) == [2, 3])
            #expect(page.more)
            #expect(page.standing?.oldestSeq == 1)
            #expect(page.standing?.lastSeq == 3)
            let next = try await relay.read(.after(ids[1], limit: 1), room).get()
            #expect(next.frames.map(\.seq) == [3])
            #expect(try await relay.onLoop { $0.broker.faults["foreign_entry", default: 0] } > 0)
        }
    }

    @Test("A room that is archived and trimmed to nothing still says where it stands")
    func trimmed() async throws {
        try await withRelays { redis, relays in
            let id = try await relays[0].post(draft("1")).get().id
            try await redis.cli("HSET", "chat:{general}:meta", "archived_id", "\(id)", "archived_seq", "1")
            try await redis.cli("XTRIM", "chat:{general}:stream", "MAXLEN", "0")
            let standing = try #require(try await relays[0].read(.latest(limit: 5), room()).get().standing)
            #expect(standing.lastID == id)
            #expect(standing.lastSeq == 1)
            #expect(standing.oldestSeq == nil)
        }
    }

    @Test("A stream of a wrong type is unavailable, and the connection serves the next read")
    func wrongType() async throws {
        try await withRelays { redis, relays in
            try await redis.cli("SET", "chat:{general}:stream", "x")
            #expect(try await relays[0].read(.latest(limit: 5), room()) == .failure(.unavailable))
            try await redis.cli("DEL", "chat:{general}:stream")
            #expect(try await relays[0].read(.latest(limit: 5), room()).get().frames == [])
        }
    }

    @Test("A Redis that is out of memory is read as ever")
    func outOfMemory() async throws {
        try await withRelays { redis, relays in
            for number in 1...5 { _ = try await relays[0].post(draft("\(number)")).get() }
            let before = try await relays[0].read(.latest(limit: 3), room()).get()
            try await redis.cli("CONFIG", "SET", "maxmemory", "1")
            #expect(try await relays[0].post(draft("6")) == .failure(.unavailable))
            #expect(try await relays[0].read(.latest(limit: 3), room()).get() == before)
            #expect(try await relays[0].read(.after(.zero, limit: 2), room()).get().frames.map(\.seq) == [1, 2])
        }
    }

    @Test("A room that changes while it is read is read again: page and standing are of one moment")
    func oneMoment() async throws {
        try await withRelays(["edge-a", "edge-b"]) { _, relays in
            let text = String(repeating: "x", count: 500)
            for _ in 1...8 { _ = try await relays[0].post((1...64).map { _ in try draft(text) }) }
            async let writing: Void = {
                for _ in 1...60 { _ = try await relays[0].post((1...16).map { _ in try draft(text) }) }
            }()
            for _ in 1...100 {
                let page = try await relays[1].read(.latest(limit: 200), room()).get()
                let standing = try #require(page.standing)
                #expect(page.frames.last?.seq == standing.lastSeq && page.frames.last?.id == standing.lastID)
                #expect(page.frames.count == 200)
            }
            try await writing
        }
    }
}
