import Foundation
import RelayTestKit
import Testing

@Suite("Many rooms", .timeLimit(.minutes(20)))
struct ArchiverManyRoomsTests {
    /// As many as `MARTLET_TEST_ROOMS` says: 100000 for the whole of it.
    private static let count = ProcessInfo.processInfo.environment["MARTLET_TEST_ROOMS"].flatMap { Int($0) } ?? 2000

    private static let filling = """
        local now = tonumber(redis.call('TIME')[1]) * 1000
        for i = 1, tonumber(ARGV[1]) do
          local room = 'room-' .. i
          redis.call('HSET', 'chat:{' .. room .. '}:meta', 'seq', '1', 'epoch', '7', 'created_at', '5')
          redis.call('XADD', 'chat:{' .. room .. '}:stream', '*', 'seq', '1', 'type', 'message', 'user', 'alice',
            'name', 'Alice', 'text', 'hello')
          redis.call('ZADD', 'chat:rooms', now, room)
        end
        return 1
        """

    @Test("All are archived, the status tells how far it is, and a word in one of them is not held up by the others")
    func manyRooms() async throws {
        try await ArchiverScene.run { scene in
            try await scene.redis.cli("EVAL", Self.filling, "0", "\(Self.count)")
            let first = try scene.start("first", ["--fsync", "off"])
            var seen: Set<Int> = []
            try await eventually("all are archived", within: .seconds(900)) {
                let rooms = Int(try await scene.redis.cli("HGET", "chat:archiver:0/1", "rooms")) ?? 0
                seen.insert(rooms)
                return rooms == Self.count
            }
            #expect(seen.count > 2, "the status is not only told at the end")
            #expect(try await first.end(SIGTERM) == 0)
            // The next run finds its place in each of them, and serves one that is spoken in before all are looked at.
            let second = try scene.start("second", ["--fsync", "off"])
            try await second.waitUntilReady()
            try await scene.post(1, in: "room-7")
            try await scene.drained("room-7")
            try await eventually("all are known again", within: .seconds(300)) {
                Int(try await scene.redis.cli("HGET", "chat:archiver:0/1", "rooms")) == Self.count
            }
            let memory = try String(contentsOfFile: "/proc/\(second.identifier)/status", encoding: .utf8)
                .split(separator: "\n").first { $0.hasPrefix("VmRSS:") }?.split(separator: " ")[1]
            let kilobytes = try #require(memory.flatMap { Int($0) })
            #expect(FinishedCommand.isSanitized || kilobytes < 100_000 + 4 * Self.count)
            #expect(try await second.end(SIGTERM) == 0)
            #expect(try scene.lines(of: "room-7").count == 2 && scene.lines(of: "room-1").count == 1)
            let proof = try scene.martlet(["archive", "verify", scene.archive])
            #expect(proof.exitCode == 0)
            #expect(proof.output.contains("\(Self.count) rooms, \(Self.count) days"), "\(proof.output)")
        }
    }
}
