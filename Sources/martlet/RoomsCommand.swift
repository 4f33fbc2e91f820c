import ArgumentParser
import Foundation
import Logging
import NIOCore
import NIOPosix
import RedisClient
import RedisProtocol
import RelayCore
import RelayRedis
import RelaySettings
import RelayWire

/// `martlet rooms`: which rooms there are, straight from Redis.
struct RoomsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rooms",
        abstract: "List the rooms, those with the latest activity first, as Redis has them.",
        discussion: """
            MESSAGES is how many were ever said in the room, HERE how many users are present. \
            User and password of Redis: in the URL, or MARTLET_REDIS_USERNAME and \
            MARTLET_REDIS_PASSWORD.

            Exit codes: 0 listed, 64 a wrong setting, 69 Redis cannot be reached or refuses.

            Examples:
              martlet rooms --redis-url redis://127.0.0.1:6379
              martlet rooms --json | jq -r 'select(.here > 0) | .room'
            """)

    @OptionGroup var redis: DirectRedisOptions

    @Option(help: "How many rooms at most.")
    var limit = 50

    @Flag(help: "Print a JSON object a line: room, last (ms), messages, here.")
    var json = false

    func run() async throws {
        let keys = try redis.keys()
        let limit = try Checked.number("--limit", limit, in: 1...10_000)
        Signals.watch { _ in Ending.exit(0) }
        let direct = try DirectRedis(self.redis, clientName: "martlet-rooms")
        do {
            try await direct.client.waitUntilReady(deadline: .seconds(5))
            let rows = try await rows(direct.client, keys, limit: limit)
            var output = BulkOutput()
            if json {
                for row in rows { output.addLine(row.json) }
            } else {
                for line in RoomTable.lines(rows, TerminalStyle()) { output.addLine(line) }
            }
            try output.flushOrExit()
        } catch let error as RedisError {
            Console.complain("\(direct.configuration): \(error)")
            throw ExitCode(69)
        }
        await direct.close()
    }

    private func rows(
        _ redis: RedisClient, _ keys: KeySpace, limit: Int
    ) async throws(RedisError) -> [RoomTable.Row] {
        let reply = try await redis.execute(
            RedisCommand("ZREVRANGE", keys.rooms, "0", "\(limit - 1)", "WITHSCORES"))
        let living = try await livingEdges(redis, keys)
        let cells = reply.array ?? []
        var rows: [RoomTable.Row] = []
        for index in stride(from: 0, to: cells.count - 1, by: 2) {
            guard let name = cells[index].string, let room = RoomID(name) else { continue }
            let seq = try await redis.execute(RedisCommand("HGET", keys.meta(of: room), "seq"))
            let here = try await redis.execute(RedisCommand("HKEYS", keys.here(in: room)))
            let users = Set((here.array ?? []).compactMap { Self.user(ofField: $0.string ?? "", living: living) })
            rows.append(
                RoomTable.Row(
                    room: room,
                    lastActive: cells[index + 1].string.flatMap(Double.init).flatMap { UInt64(exactly: $0.rounded()) }
                        ?? 0,
                    messages: seq.string ?? "0", here: users.count))
        }
        return rows
    }

    /// Entries of dead edges stay in a room's hash for a while and do not count.
    private func livingEdges(_ redis: RedisClient, _ keys: KeySpace) async throws(RedisError) -> Set<String> {
        let time = try await redis.execute(RedisCommand("TIME"))
        let seconds = time.array?.first?.string.flatMap { Int($0) } ?? 0
        let oldest = (seconds - Int(Limits.heartbeatLifetime.wholeMilliseconds / 1000)) * 1000
        let edges = try await redis.execute(RedisCommand("ZRANGEBYSCORE", keys.edges, "\(oldest)", "+inf"))
        return Set((edges.array ?? []).compactMap(\.string))
    }

    private static func user(ofField field: String, living: Set<String>) -> String? {
        guard let slash = field.firstIndex(of: "/"), living.contains(String(field[..<slash])) else { return nil }
        return String(field[field.index(after: slash)...])
    }
}

/// The table of `martlet rooms`.
enum RoomTable {
    /// A room's line.
    struct Row: Equatable {
        var room: RoomID
        var lastActive: UInt64
        var messages: String
        var here: Int

        /// For programs.
        var json: ByteBuffer {
            var buffer = ByteBuffer()
            buffer.writeJSONObject { object in
                object.string("room", room.description)
                object.integer("last", lastActive)
                object.integer("messages", UInt64(messages) ?? 0)
                object.integer("here", here)
            }
            return buffer
        }
    }

    static func lines(_ rows: [Row], _ style: TerminalStyle = TerminalStyle(hasColors: false)) -> [String] {
        guard !rows.isEmpty else { return ["no rooms yet"] }
        let cells =
            [["ROOM", "LAST ACTIVITY", "MESSAGES", "HERE"]]
            + rows.map { row in
                [row.room.description, date(row.lastActive), PlainText.cleaned(row.messages), "\(row.here)"]
            }
        var lines = TextTable.lines(cells, rightAligned: [2, 3])
        lines[0] = style.painted(lines[0], .bold)
        return lines
    }

    private static func date(_ milliseconds: UInt64) -> String {
        let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
        return date.formatted(
            .iso8601.year().month().day().dateTimeSeparator(.space).time(includingFractionalSeconds: false))
    }
}
