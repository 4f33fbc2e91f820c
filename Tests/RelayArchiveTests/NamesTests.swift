import RelayArchive
import RelayCore
import Testing

@Suite("Names of folders, files and shards")
struct NamesTests {
    @Test(
        "A room's folder is its id with all but plain characters percent-encoded, and leads back to it",
        arguments: [
            ("general", "general"), ("a:b", "a%3Ab"), ("dm:alice+bob", "dm%3Aalice%2Bbob"), ("A.b_c-9", "A.b_c-9"),
            ("dm:a@x.org+b", "dm%3Aa@x.org%2Bb"),
        ])
    func folders(_ pair: (id: String, name: String)) throws {
        let room = try #require(RoomID(pair.id))
        #expect(RoomFolder.name(of: room) == pair.name)
        #expect(RoomFolder.room(named: pair.name) == room)
    }

    @Test(
        "Nothing else in the directory is taken for a room",
        arguments: [".archiver", "..", "a%3ab", "%67eneral", "a b", "a%", "a%3", "a%ZZ", "", "dm%3Abob%2Balice"])
    func strangers(_ name: String) {
        #expect(RoomFolder.room(named: name) == nil)
    }

    @Test("A segment is the UTC day of its ids")
    func days() {
        #expect(Segment(milliseconds: 0).fileName == "1970-01-01.jsonl")
        #expect(Segment(milliseconds: 951_782_399_999).fileName == "2000-02-28.jsonl")
        #expect(Segment(milliseconds: 951_782_400_000).fileName == "2000-02-29.jsonl")
        #expect(Segment(milliseconds: Frames.midnight - 1).fileName == "2026-11-20.jsonl")
        #expect(Segment(milliseconds: Frames.midnight).fileName == "2026-11-21.jsonl")
        #expect(Segment(milliseconds: Frames.midnight).endMilliseconds == Frames.midnight + 86_400_000)
    }

    @Test("Every day's name leads back to the day, over eight centuries and at the end of time")
    func names() {
        for day in stride(from: UInt64(0), through: 300_000, by: 17) {
            let segment = Segment(milliseconds: day * 86_400_000)
            #expect(Segment(fileName: segment.fileName) == segment)
        }
        let last = Segment(milliseconds: .max)
        #expect(Segment(fileName: last.fileName) == last)
        #expect(last.endMilliseconds == .max)
        for name in [
            "2026-02-30.jsonl", "2026-1-01.jsonl", "manifest.jsonl", "2026-11-21.jsonl.new", "1969-12-31.jsonl",
        ] {
            #expect(Segment(fileName: name) == nil, "\(name)")
        }
    }

    @Test("A room's shard is FNV-1a of its id, so that builds agree on it")
    func shards() throws {
        #expect(ShardID.hash("") == 0xcbf2_9ce4_8422_2325)
        #expect(ShardID.hash("a") == 0xaf63_dc4c_8601_ec8c)
        #expect(ShardID.hash("foobar") == 0x8594_4171_f739_67e8)
        let shards = try (0..<3).map { try #require(ShardID("\($0)/3")) }
        for number in 0..<300 {
            let room = try #require(RoomID("room-\(number)"))
            #expect(shards.count { $0.owns(room) } == 1)
        }
    }

    @Test(
        "A shard that is none is refused",
        arguments: ["1/1", "0/0", "-1/2", "0", "0/1/2", "a/b", "0/1025", "/", "+0/1"])
    func badShards(_ text: String) {
        #expect(ShardID(text) == nil)
    }
}
