import Foundation
import Logging
import NIOCore
import NIOPosix
import RedisClient
import RedisProtocol
import RelayCore
import RelayTestKit
import RelayWire

/// Reads what Redis and the archive hold of a room, for the oracle.
struct RoomRecords {
    private let client: RedisClient
    private let room: RoomID
    private let archive: String?

    /// - Parameter archive: the archiver's directory; nil where there is none.
    init(_ world: RelayWorld, room: RoomID, archive: String?) throws {
        let tester = GuardedRedis.User.tester
        client = try RedisClient(
            configuration: RedisConfiguration(
                address: .unix(path: world.redis.socketPath), username: tester.rawValue, password: tester.password),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(), logger: LogCapture().logger())
        self.room = room
        self.archive = archive
    }

    func close() async { await client.close() }

    /// A number of the room's meta; 0 where there is none.
    func number(_ field: String) async throws -> UInt64 {
        try await client.waitUntilReady(deadline: .seconds(20))
        return UInt64(try await client.execute(RedisCommand("HGET", "chat:{\(room)}:meta", field)).int ?? 0)
    }

    /// All entries of the stream.
    func stream() async throws -> [RoomEvidence.Copy] {
        try await client.waitUntilReady(deadline: .seconds(20))
        var copies: [RoomEvidence.Copy] = []
        var start = "-"
        while true {
            let page = try await client.execute(
                RedisCommand("XRANGE", "chat:{\(room)}:stream", start, "+", "COUNT", "500"))
            let entries = page.array ?? []
            for entry in entries {
                guard let copy = Self.copy(of: entry) else { throw NeverHappened(description: "an entry: \(entry)") }
                copies.append(copy)
            }
            guard entries.count == 500, let last = copies.last else { return copies }
            start = "(\(last.id)"
        }
    }

    private static func copy(of entry: RESPValue) -> RoomEvidence.Copy? {
        guard let parts = entry.array, parts.count == 2, let id = parts[0].string.flatMap({ MessageID($0) }),
            let fields = parts[1].array?.compactMap(\.string)
        else { return nil }
        var named: [String: String] = [:]
        for index in stride(from: 0, to: fields.count - 1, by: 2) { named[fields[index]] = fields[index + 1] }
        guard let seq = named["seq"].flatMap({ UInt64($0) }), let text = named["text"] else { return nil }
        return RoomEvidence.Copy(id: id, seq: seq, text: text)
    }

    /// All messages of the files, and how many lines are something else; nil without an archiver.
    func archived() throws -> (copies: [RoomEvidence.Copy], gapLines: Int)? {
        guard let archive else { return nil }
        let folder = "\(archive)/\(room)"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("20") }
        var copies: [RoomEvidence.Copy] = []
        var gapLines = 0
        for name in names.sorted() {
            let text = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
            for line in text.split(separator: "\n") {
                if case .message(let message)? = try? ServerFrameDecoder.decode(ByteBuffer(substring: line)) {
                    copies.append(RoomEvidence.Copy(message))
                } else {
                    gapLines += 1
                }
            }
        }
        return (copies, gapLines)
    }
}
