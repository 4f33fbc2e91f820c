import Foundation
import NIOCore
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

@Suite("`martlet up` as a process", .timeLimit(.minutes(20)), .serialized)
struct UpTests {
    /// A running relay with its data in a directory of its own.
    private struct Scene {
        let directory: String
        let up: RelayProgram
        let edges: [String]

        static var martlet: String { "\(RelayProgram.programsDirectory)/martlet" }

        static func run(_ body: (Scene) async throws -> Void) async throws {
            let directory = try TemporaryDirectory.make("martlet-up")
            defer { TemporaryDirectory.remove(directory) }
            let up = try await RelayProgram("martlet", ["up", "--data", directory, "--listen", "127.0.0.1:0"])
            _ = try await up.line(beginning: "Martlet is up", within: .seconds(60))
            try await eventually("the record names the edges") { try Self.edges(directory).count == 2 }
            try await body(Scene(directory: directory, up: up, edges: try Self.edges(directory)))
        }

        private static func edges(_ directory: String) throws -> [String] {
            let data = FileManager.default.contents(atPath: "\(directory)/up.json") ?? Data("{}".utf8)
            let record = try JSONSerialization.jsonObject(with: data) as? [String: Any]
            return record?["edges"] as? [String] ?? []
        }

        /// Runs another command of the program.
        func martlet(_ arguments: [String]) throws -> FinishedCommand {
            try FinishedCommand.run([Self.martlet] + arguments, environment: ["MARTLET_DATA": directory])
        }

        /// The processes that name this directory or were started by `up`.
        func children() async -> [Int32] {
            let parent = await up.pid
            return Self.processes().filter { $0.parent == parent }.map(\.pid)
        }

        private static func processes() -> [(pid: Int32, parent: Int32)] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return names.compactMap { name in
                guard let pid = Int32(name),
                    let stat = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8),
                    // The command's name, in parentheses, may hold blanks.
                    let end = stat.lastIndex(of: ")")
                else { return nil }
                let fields = stat[stat.index(after: end)...].split(separator: " ")
                guard fields.count > 1, fields[0] != "Z", let parent = Int32(fields[1]) else { return nil }
                return (pid, parent)
            }
        }

        static func isAlive(_ pid: Int32) -> Bool { processes().contains { $0.pid == pid } }
    }

    @Test("What is said on one edge is heard on the other and stands in the archive")
    func conversation() async throws {
        try await Scene.run { scene in
            let room = try #require(RoomID("general"))
            let url = try #require(RelayURL(scene.edges[1]))
            let listener = RelayClient(RelayClientConfiguration(url: url, user: UserID("bob")))
            let life = Task { await listener.run() }
            _ = try await listener.join(room)

            let said = try scene.martlet(["say", "general", "hello", "--user", "alice", "--url", scene.edges[0]])
            #expect(said.exitCode == 0, "\(said.errorOutput)")
            var heard: ReceivedMessage?
            for await event in listener.events {
                if case .message(let received) = event {
                    heard = received
                    break
                }
            }
            let envelope = try #require(heard).envelope
            #expect(heard?.message.id.description == said.output.trimmingCharacters(in: .newlines))

            let folder = "\(scene.directory)/archive/general"
            try await eventually("the archive holds the line") {
                let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
                return files.contains { file in
                    let text = (try? String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)) ?? ""
                    return text == String(buffer: envelope) + "\n"
                }
            }
            // Without a URL the commands find the relay that runs on the directory.
            let rooms = try scene.martlet(["rooms"])
            #expect(rooms.output.contains("general"), "\(rooms.errorOutput)")
            await listener.close()
            _ = await life.value
        }
    }

    @Test("Ctrl-C ends everything with 0, leaves no process, and what was said is there the next time")
    func interrupt() async throws {
        try await Scene.run { scene in
            let said = try scene.martlet(["say", "general", "kept", "--user", "alice"])
            #expect(said.exitCode == 0, "\(said.errorOutput)")
            let children = await scene.children()
            #expect(children.count == 4)
            #expect(try await scene.up.interrupt() == 0)
            #expect(children.filter(Scene.isAlive).isEmpty)
            #expect(!FileManager.default.fileExists(atPath: "\(scene.directory)/up.json"))

            let again = try await RelayProgram(
                "martlet", ["up", "--data", scene.directory, "--listen", "127.0.0.1:0", "--edges", "1"])
            _ = try await again.line(beginning: "Martlet is up", within: .seconds(60))
            let rooms = try scene.martlet(["rooms"])
            #expect(rooms.output.contains("general"), "\(rooms.errorOutput)")
            #expect(try await again.stop() == 0)
        }
    }

    @Test("A second one on the same directory is refused, and says who has it")
    func second() async throws {
        try await Scene.run { scene in
            let second = try scene.martlet(["up"])
            #expect(second.exitCode == 75)
            #expect(second.errorOutput.contains("(process \(await scene.up.pid))"))
        }
    }

    @Test("What one that was killed said of itself is gone as soon as another begins")
    func staleRecord() async throws {
        let redis = try await LocalRedis.start()
        let directory = try TemporaryDirectory.make("martlet-up")
        defer { TemporaryDirectory.remove(directory) }
        let record = "\(directory)/up.json"
        try Data("{}".utf8).write(to: URL(fileURLWithPath: record))
        let up = try FinishedCommand.run([
            Scene.martlet, "up", "--data", directory, "--redis-port", "\(redis.port)",
        ])
        await redis.stop()
        #expect(up.exitCode == 64)
        #expect(!FileManager.default.fileExists(atPath: record))
    }

    @Test("Killed, it leaves no process either")
    func kill() async throws {
        try await Scene.run { scene in
            let children = await scene.children()
            #expect(children.count == 4)
            try await scene.up.kill()
            try await eventually("all children are gone") {
                children.filter(Scene.isAlive).isEmpty
            }
        }
    }

    @Test("A child that ends takes the rest along, with 1 and its name")
    func childEnds() async throws {
        try await Scene.run { scene in
            let redis = try #require(
                await scene.children().first { pid in
                    (try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8))?.hasPrefix("redis") == true
                })
            let children = await scene.children()
            Foundation.kill(redis, SIGKILL)
            #expect(try await scene.up.wait() == 1)
            #expect(await scene.up.errorOutput.contains("redis ended by itself"))
            #expect(children.filter(Scene.isAlive).isEmpty)
        }
    }

    @Test(
        "A wrong setting is exit 64 and one line that names it",
        arguments: [
            (["up", "--edges", "0"], "--edges"), (["up", "--listen", "0.0.0.0:0"], "--listen"),
            (["say", "general", "x", "--url", "foo"], "--url"), (["say", "general", "x", "--nonce", "ä"], "--nonce"),
            (["tail", "general", "--since", "x"], "--since"), (["chat", "a/b"], "<room>"),
            (["rooms", "--limit", "x"], "--limit"),
            (["rooms", "--redis-url", "foo"], "--redis-url"), (["chat", "--user", "-"], "--user"),
        ])
    func wrongSettings(arguments: [String], name: String) throws {
        let command = try FinishedCommand.run([Scene.martlet] + arguments, environment: ["HOME": "/nonexistent"])
        #expect(command.exitCode == 64)
        #expect(command.output.isEmpty)
        #expect(command.errorOutput.contains(name))
        #expect(command.errorOutput.split(separator: "\n").count == 1)
    }
}
