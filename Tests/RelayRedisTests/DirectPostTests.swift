import RelayCore
import RelayTestKit
import Testing

@testable import RelayRedis

@Suite("Posting without an edge")
struct DirectPostTests {
    /// The lines of the reply to a call of the script that says where the room stands.
    private func post(
        _ redis: LocalRedis, digest: String, at position: [String] = ["0", "", "0"],
        ceiling: Int = Limits.ceilingDefault
    ) async throws -> [String] {
        let keys = try #require(KeySpace(prefix: "chat"))
        let words = DirectPost.words(digest: digest, draft: try draft("hi"), ceiling: ceiling, keys: keys)
        return try await redis.cli(words.head + position + words.tail)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    private func digest(_ redis: LocalRedis) async throws -> String {
        let lines = try await redis.cli("SCRIPT", "LOAD", DirectPost.script).split(whereSeparator: \.isNewline)
        return String(try #require(lines.first))
    }

    private func calls(_ redis: LocalRedis, of command: String) async throws -> Int {
        let statistics = try await redis.cli("INFO", "commandstats").split(whereSeparator: \.isNewline)
        let line = statistics.first { $0.hasPrefix("cmdstat_\(command):calls=") }
        return line?.split(separator: "=").dropFirst().first.flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
    }

    @Test("A position that is too high, since a post before it was not stored, harms no room: nothing is done")
    func tooHigh() async throws {
        try await withRelays([]) { redis, _ in
            let digest = try await digest(redis)
            let first = try await post(redis, digest: digest, at: ["0", "", "0"])
            #expect(first.count >= 5 && first[3] == "1", "\(first)")
            let (epoch, id) = (first[0], first[2])
            let tooHigh = try await post(redis, digest: digest, at: ["2", id, epoch])
            #expect(tooHigh.first == "REWOUND", "\(tooHigh)")
            let meta = try await redis.cli("HMGET", "chat:{general}:meta", "seq", "epoch", "rewinds")
            #expect(meta.split(whereSeparator: \.isNewline) == ["1", Substring(epoch)], "\(meta)")
            // What is right, or nothing, is stored under the next number.
            let unknown = try await post(redis, digest: digest, at: ["0", "", "0"])
            #expect(unknown.count >= 5 && unknown[0] == epoch && unknown[3] == "2", "\(unknown)")
        }
    }

    @Test("What no archiver has taken is never trimmed; beyond the ceiling posts are refused as full")
    func full() async throws {
        try await withRelays([]) { redis, _ in
            let digest = try await digest(redis)
            let first = try await post(redis, digest: digest)
            let count = 2500
            let fill =
                "for i = 2, \(count) do redis.call('XADD', KEYS[1], '*', 'seq', i) end "
                + "return redis.call('HSET', KEYS[2], 'seq', \(count))"
            _ = try await redis.cli("EVAL", fill, "2", "chat:{general}:stream", "chat:{general}:meta")
            let next = try await post(redis, digest: digest, at: ["\(count)", first[2], first[0]])
            #expect(next.count >= 5 && next[3] == "\(count + 1)", "\(next)")
            #expect(try await redis.cli("XLEN", "chat:{general}:stream").hasPrefix("\(count + 1)"))
            let refused = try await post(redis, digest: digest, ceiling: count + 1)
            #expect(refused.count >= 5 && refused[3] == "FULL", "\(refused)")
        }
    }

    @Test("A position that is right spares the script every look beyond the counter")
    func reads() async throws {
        try await withRelays([]) { redis, _ in
            let digest = try await digest(redis)
            var last = try await post(redis, digest: digest, at: ["0", "", "0"])
            let looks = ["xrevrange", "xrange", "exists", "hget"]
            var before: [Int] = []
            for look in looks { before.append(try await calls(redis, of: look)) }
            for seq in 2...20 {
                last = try await post(redis, digest: digest, at: ["\(seq - 1)", last[2], last[0]])
                #expect(last[3] == "\(seq)")
            }
            for (look, count) in zip(looks, before) { #expect(try await calls(redis, of: look) == count, "\(look)") }
        }
    }
}
