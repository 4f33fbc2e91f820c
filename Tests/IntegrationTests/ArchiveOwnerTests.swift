import Foundation
import RelayTestKit
import Testing

/// Whose the files are, where rooms had the same id one after the other, or changed.
@Suite("Whose the files of a room are", .timeLimit(.minutes(10)))
struct ArchiveOwnerTests {
    private static let edge = ["--rate", "100000", "--burst", "100000"]

    private static func made(_ edge: EdgeProcess, _ json: String, by user: String) async throws {
        // Without a word from the edge it would take the archiver up to a minute to look.
        try await eventually("the name is free", within: .seconds(5)) {
            try await edge.ask("POST", "/v1/rooms?user=\(user)", json: json).status == 201
        }
    }

    private static func say(_ texts: [String], by user: String, through edge: EdgeProcess) async throws {
        for text in texts {
            let answer = try await edge.ask("POST", "/v1/rooms/d/messages?user=\(user)", json: #"{"text":"\#(text)"}"#)
            #expect(answer.status == 201)
        }
    }

    private static func texts(for user: String, _ edge: EdgeProcess) async throws -> [String]? {
        let answer = try await edge.ask("GET", "/v1/rooms/d/messages?limit=500&user=\(user)")
        guard answer.status == 200 else { return nil }
        return answer.text.matches(of: /"text":"([^"]*)"/).map { String($0.1) }
    }

    /// Makes what was said in the room so old that the archiver has nothing to look for in it until something happens.
    private static func beLongAgo(_ world: RelayWorld) async throws {
        let last = try await world.cli("HGET", "chat:{d}:meta", "archived_id").split(separator: "-").first ?? ""
        try await eventually("the edge has told when it was") {
            try await Int(world.cli("ZSCORE", "chat:rooms", "d")) ?? 0 >= Int(last) ?? .max
        }
        try await world.cli("ZADD", "chat:rooms", "XX", "1", "d")
    }

    @Test("A room that was deleted and made again reads its own past out of the files, and nothing of the other's")
    func madeAgain() async throws {
        try await RelayWorld.run(edges: []) { world, _ in
            let archive = try await world.startArchiver(["--keep", "2"])
            let edge = try await world.startEdge(Self.edge + ["--archive-dir", archive])
            try await edge.waitUntilReady()
            try await Self.made(edge, #"{"room":"d"}"#, by: "ann")
            try await Self.say(["old 1", "old 2", "old 3"], by: "ann", through: edge)
            try await eventually("they are archived") {
                try await world.cli("HGET", "chat:{d}:meta", "archived_seq") == "3"
            }
            #expect(try await edge.ask("DELETE", "/v1/rooms/d?user=ann").status == 204)
            try await Self.made(edge, #"{"room":"d","private":true}"#, by: "boss")
            let secrets = (1...9).map { "secret \($0)" }
            try await Self.say(secrets, by: "boss", through: edge)
            try await eventually("the stream is trimmed") { try await world.cli("XLEN", "chat:{d}:stream") == "2" }
            #expect(try await Self.texts(for: "boss", edge) == secrets)
            #expect(try await Self.texts(for: "ann", edge) == nil)
        }
    }

    @Test("A room that becomes private is private in its files at once, though nobody says anything")
    func becomesPrivate() async throws {
        try await RelayWorld.run(edges: [Self.edge]) { world, edges in
            let archive = try await world.startArchiver()
            try await Self.made(edges[0], #"{"room":"d"}"#, by: "ann")
            try await Self.say(["one"], by: "ann", through: edges[0])
            func record() -> String { (try? String(contentsOfFile: "\(archive)/d/room.json", encoding: .utf8)) ?? "" }
            try await eventually("it is written down") {
                let archived = try await world.cli("HGET", "chat:{d}:meta", "archived_seq")
                return archived == "1" && record().contains(#""private":false"#)
            }
            try await Self.beLongAgo(world)
            let change = #"{"private":true,"add":["bob"]}"#
            #expect(try await edges[0].ask("PATCH", "/v1/rooms/d?user=ann", json: change).status == 200)
            try await eventually("it is private in the files", within: .seconds(5)) {
                record().contains(#""members":["ann","bob"]"#) && record().contains(#""private":true"#)
            }
        }
    }

    @Test(
        "Of two rooms that had the id the last one is put back, with its people and its messages; or the one asked for")
    func restored() async throws {
        try await ArchiverScene.run { scene in
            let archiver = try scene.start("writing", ["--keep", "1000"])
            try await scene.post(3, text: "open ")
            try await scene.drained()
            // Deleted, drained, and made again by somebody for themselves.
            try await scene.redis.cli("DEL", "chat:{general}:stream")
            let time = try await scene.redis.cli("TIME").split(separator: "\n").compactMap { UInt64($0) }
            let made = time[0] * 1000 + time[1] / 1000 + 1
            try await eventually("that is over") {
                try await scene.redis.cli("TIME").split(separator: "\n").compactMap { UInt64($0) }
                    .reduce(0) { $0 * 1_000_000 + $1 } > made * 1000
            }
            try await scene.redis.cli(
                "HSET", "chat:{general}:meta", "created_at", "\(made)", "created_by", "boss", "private", "1")
            try await scene.redis.cli("SADD", "chat:{general}:members", "boss")
            try await scene.post(10, text: "secret ")
            try await scene.drained()
            #expect(try await archiver.end(SIGTERM) == 0)
            try await scene.redis.cli("FLUSHALL")
            func restore(_ arguments: String...) throws -> FinishedCommand {
                try scene.martlet(
                    ["archive", "restore", scene.archive, "general", "--redis-url", scene.redis.url] + arguments)
            }
            let wrong = try restore("--created-at", "7")
            #expect(wrong.exitCode == 1)
            let answer = "none was created at 7, but at 5, \(made); nothing was changed"
            #expect(wrong.errorOutput == "martlet: general: \(answer)\n")
            let first = try restore("--created-at", "5")
            #expect(first.exitCode == 0, "\(first.errorOutput)")
            #expect(first.output.contains("restored general (public): 3 messages, from "))
            let apart = "; what was said in another room of that id, created at \(made), stays in the"
            #expect(first.output.contains(apart))
            #expect(first.output.contains("it goes on with number 14"))
            func stream() async throws -> String {
                try await scene.redis.cli("XRANGE", "chat:{general}:stream", "-", "+")
            }
            let open = try await stream()
            #expect(open.contains("open 3") && !open.contains("secret"))
            try await scene.redis.cli("FLUSHALL")
            let last = try restore()
            #expect(last.exitCode == 0, "\(last.errorOutput)")
            #expect(last.output.contains("restored general (private, 1 member): 10 messages, from "))
            #expect(last.output.contains("; what was said in another room of that id, created at 5, stays in the"))
            let secret = try await stream()
            #expect(secret.contains("secret 13") && !secret.contains("open"))
            for (field, value) in [("created_by", "boss"), ("created_at", "\(made)"), ("private", "1"), ("seq", "13")] {
                #expect(try await scene.redis.cli("HGET", "chat:{general}:meta", field) == value, "\(field)")
            }
            #expect(try await scene.redis.cli("SMEMBERS", "chat:{general}:members") == "boss")
        }
    }

    @Test("A room that is deleted long after it was archived gives its name free at once")
    func deletedLater() async throws {
        try await RelayWorld.run(edges: [Self.edge]) { world, edges in
            _ = try await world.startArchiver()
            try await Self.made(edges[0], #"{"room":"d"}"#, by: "ann")
            try await Self.say(["one"], by: "ann", through: edges[0])
            try await eventually("it is archived") {
                try await world.cli("HGET", "chat:{d}:meta", "archived_seq") == "1"
            }
            try await Self.beLongAgo(world)
            #expect(try await edges[0].ask("DELETE", "/v1/rooms/d?user=ann").status == 204)
            try await Self.made(edges[0], #"{"room":"d"}"#, by: "bob")
        }
    }
}
