import NIOCore
import RedisClient
import RedisProtocol
import RelayCore
import RelayTestKit
import Testing

@testable import RelayRedis

@Suite("The archiver's view of Redis, held against a model", .timeLimit(.minutes(20)))
struct ArchiveSourceModelTests {
    /// A stream of posted messages, with holes or with foreign entries behind them, and where it is archived up to.
    private struct Sparse {
        let posted: Int
        var deleted: [String] = []
        var foreign: [String] = []
        private(set) var archived: UInt64
        let keep: Int
        /// What is left after the acknowledgement.
        private(set) var left: [UInt64]

        /// Never with both: a stream with as many foreign entries as holes looks as if it had neither.
        init(_ round: Int, _ random: inout SeededRandom) {
            posted = Int.random(in: 1...25, using: &random)
            keep = Int.random(in: 0...30, using: &random)
            let last = UInt64(posted)
            var messages = Array(1...last)
            if round % 3 == 1 {
                for id in 1..<max(last, 2) where id < last && random.chance(30) {
                    deleted.append("1000-\(id)")
                    messages.removeAll { $0 == id }
                }
            }
            var all = messages
            if round % 3 == 2 {
                all += [last + 1, last + 2, last + 3]
                foreign = all.suffix(3).map { "1000-\($0)" }
            }
            let archived = messages.randomElement(using: &random) ?? last
            let below = all.filter { $0 < archived }.count
            left = Array(all.dropFirst(min(max(0, all.count - keep), below)))
            self.archived = archived
        }
    }

    @Test("An acknowledgement of a stream with holes, or with foreign entries, cuts where one without them is cut")
    func acknowledgingSparse() async throws {
        try await ArchiveSourceBench.run { bench in
            var random = SeededRandom(seed: 7)
            for round in 0..<60 {
                let stream = Sparse(round, &random)
                // The claim may have lapsed on a slow machine.
                _ = try await bench.source.claim(.whole, as: bench.claim.holder, lapse: .seconds(600))
                try await bench.redis.cli("DEL", bench.streamKey, bench.metaKey)
                try await bench.post(stream.posted)
                if !stream.deleted.isEmpty { try await bench.redis.cli(["XDEL", bench.streamKey] + stream.deleted) }
                for id in stream.foreign { try await bench.redis.cli("XADD", bench.streamKey, id, "hello", "world") }
                let outcome = try await bench.source.acknowledge(
                    bench.room, bench.position(stream.archived), trimmed: nil, keep: stream.keep, under: bench.claim)
                #expect(outcome == .done)
                let look = try await bench.source.look(at: bench.room, from: .zero, limit: 100)
                let ids = look.entries.map(\.id.sequence)
                #expect(ids == stream.left, "\(round): \(stream)")
            }
        }
    }

    @Test("A look by plain commands is the look of the script, whatever stands in the stream", arguments: [1, 2, 3])
    func looksAlike(_ seed: UInt64) async throws {
        try await ArchiveSourceBench.run { bench in
            var random = SeededRandom(seed: seed)
            let values: [(String, [String])] = [
                ("seq", ["1", "17", "0", "007", "x"]), ("type", ["message", "edit", "shout"]),
                ("user", ["alice", "Bob", "a b"]), ("name", ["Alice", "Älice", ""]),
                ("text", ["hi", "\"q\"\\\n\u{1}", "😀"]), ("nonce", ["n-1", "é"]), ("to", ["bob"]),
                ("target", ["1-1", "1", "z"]), ("reply_to", ["2-2"]), ("colour", ["red"]),
            ]
            for round in 0..<40 {
                var command = RedisCommand("XADD", bench.streamKey, "1000-\(round + 1)")
                for (index, (name, all)) in values.enumerated() where index < 5 || random.chance(20) {
                    command.append(name)
                    command.append(random.chance(80) ? all[0] : all.randomElement(using: &random) ?? "")
                }
                if random.chance(10) {
                    command.append("text")
                    command.append([0x61, 0xff] as [UInt8])
                }
                _ = try await bench.client.execute(command)
            }
            for limit in [1, 7, 40, 100] {
                for start: UInt64 in [0, 1, 20, 40, 41] {
                    for meta in [
                        ["DEL", bench.metaKey], ["HSET", bench.metaKey, "seq", "9", "epoch", "4", "topic", ""],
                    ] {
                        try await bench.redis.cli(meta)
                        let id = MessageID(milliseconds: 1000, sequence: start)
                        var look = try await bench.source.look(at: bench.room, from: id, limit: limit)
                        let reply = try await bench.client.evaluate(
                            ArchiveScripts.look, keys: [bench.streamKey, bench.metaKey],
                            arguments: [id.description, String(limit)])
                        let scripted = try #require(StreamLookDecoder(room: bench.room).decode(reply))
                        #expect(look.now <= scripted.now)
                        look.now = scripted.now
                        #expect(look == scripted, "seed \(seed), \(limit) from \(start)")
                    }
                }
            }
        }
    }
}
