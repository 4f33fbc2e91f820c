import Logging
import NIOCore
import NIOPosix
import RedisClient
import RedisProtocol
import RelayCore
import RelayRedis
import RelayTestKit

/// A redis-server of its own with the archiver's adapter on it.
struct ArchiveSourceBench: Sendable {
    let redis: LocalRedis
    let client: RedisClient
    let source: RedisStreamSource
    let claim: HeldShard
    let room: RoomID

    /// Runs the body with a server and a claimed shard.
    static func run(
        _ options: LocalRedis.Options = .init(), user: String = "", _ body: (ArchiveSourceBench) async throws -> Void
    ) async throws {
        guard let keys = KeySpace(prefix: "chat"), let room = RoomID("dm:alice+bob") else { return }
        let redis = try await LocalRedis.start(options)
        let client = try RedisClient(
            configuration: try RedisConfiguration(url: "redis://\(user)127.0.0.1:\(redis.port)"),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(), logger: LogCapture().logger())
        do {
            try await client.waitUntilReady(deadline: .seconds(10))
            let bench = ArchiveSourceBench(
                redis: redis, client: client, source: RedisStreamSource(client: client, keys: keys),
                claim: HeldShard(shard: .whole, holder: ShardHolder(place: "here /archive", run: "1")), room: room)
            _ = try await bench.source.claim(.whole, as: bench.claim.holder, lapse: .seconds(60))
            try await body(bench)
        } catch {
            await client.close()
            await redis.stop()
            throw error
        }
        await client.close()
        await redis.stop()
    }

    private static let posting = RedisScript(
        name: "post",
        source: """
            for index = 1, tonumber(ARGV[1]) do
              local seq = redis.call('HINCRBY', KEYS[2], 'seq', 1)
              if seq == 1 then redis.call('HSET', KEYS[2], 'epoch', '7', 'created_at', '5') end
              redis.call('XADD', KEYS[1], ARGV[2] .. '-' .. seq, 'seq', seq, 'type', 'message', 'user', 'alice',
                'name', 'Älice', 'text', 'message ' .. seq)
            end
            return 1
            """)

    var streamKey: String { "chat:{\(room)}:stream" }
    var metaKey: String { "chat:{\(room)}:meta" }

    /// Posts messages in one millisecond; ids are `milliseconds-seq`.
    func post(_ count: Int, at milliseconds: UInt64 = 1000) async throws {
        _ = try await client.evaluate(
            Self.posting, keys: [streamKey, metaKey], arguments: [String(count), String(milliseconds)])
    }

    func position(_ seq: UInt64, at milliseconds: UInt64 = 1000) -> ArchivePosition {
        ArchivePosition(id: MessageID(milliseconds: milliseconds, sequence: seq), seq: seq)
    }
}
