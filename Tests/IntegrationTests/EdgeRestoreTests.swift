import Foundation
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// What Redis lost, edges put back: every acknowledged message stays, in its place or in one that is named.
@Suite("Restoring", .timeLimit(.minutes(20)))
struct EdgeRestoreTests {
    private static let fast = ["--rate", "100000", "--burst", "100000"]
    private static let key = "chat:{general}:stream"

    /// Ids, numbers and texts of the room's stream.
    private func entries(_ world: RelayWorld, _ redis: LocalRedis? = nil) async throws -> [[String]] {
        let script = """
            local list = {}
            for _, e in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
              local f = {}
              for i = 1, #e[2], 2 do f[e[2][i]] = e[2][i + 1] end
              list[#list + 1] = e[1] .. ' ' .. (f.seq or '?') .. ' ' .. (f.text or '?')
            end
            return list
            """
        return try await world.ask(redis ?? world.redis, "EVAL", script, "1", Self.key).split(separator: "\n")
            .map { $0.split(separator: " ", maxSplits: 2).map(String.init) }
    }

    private func rewinds(_ talker: Talker) -> [ReceivedEvent] {
        talker.look { $0.events.filter { $0.event.kind == .rewound } }
    }

    @Test("Redis restarts without its file: all is back in its place, members are told the numbers and get no repeat")
    func restarted() async throws {
        try await RelayWorld.run(edges: [Self.fast, Self.fast]) { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            let bob = try await Talker.connect(edges[1], as: "bob")
            let old = try await alice.join("general").epoch
            try await bob.join("general")
            for number in 1...40 {
                try await [alice, bob][number % 2].say("\(number)", in: "general", nonce: "n\(number)")
            }
            for talker in [alice, bob] { try await talker.hear(40) }
            let before = try await entries(world)
            try await world.redis.kill()
            try await world.redis.start()
            try await eventually("all is back") { try await entries(world) == before }
            for talker in [alice, bob] {
                try await eventually("it is told") { !rewinds(talker).isEmpty }
            }
            for edge in edges { try await edge.waitUntilReady() }
            let again = try await bob.say("7", in: "general", nonce: "n7")
            #expect(again.isDuplicate && again.id.description == before[6][0])
            let retried = try await alice.say("8", in: "general", nonce: "n8")
            #expect(retried.isDuplicate && retried.id.description == before[7][0])
            #expect(try await bob.say("41", in: "general").seq == 41)
            for talker in [alice, bob] {
                try await talker.hear(41)
                #expect(talker.messages.map(\.message.seq) == Array(1...41))
                let told = rewinds(talker)
                #expect(told.count == 1 && told.first?.figure("from_seq") == 40)
                #expect(told.first?.figure("to_seq") == 40)
                #expect(told.first?.figure("epoch").map { $0 > old } == true)
                #expect(talker.look { $0.events.allSatisfy { $0.event.kind != .lagged } })
            }
        }
    }

    @Test("A replica that lacks the tail takes over: the tail is put back there by the edges that posted it")
    func failover() async throws {
        let address = try await SwitchedPort.open()
        defer { address.close() }
        var options = RelayWorld.Options()
        options.makeURL = { redis in
            address.lead(to: redis.port)
            return "redis://127.0.0.1:\(address.port)"
        }
        try await RelayWorld.run(edges: [Self.fast, Self.fast], options: options) { world, edges in
            let replica = try await world.startReplica()
            let alice = try await Talker.connect(edges[0], as: "alice")
            let bob = try await Talker.connect(edges[1], as: "bob")
            try await alice.join("general")
            try await bob.join("general")
            for number in 1...20 { try await [alice, bob][number % 2].say("\(number)", in: "general") }
            try await eventually("the replica has it") { try await world.ask(replica, "XLEN", Self.key) == "20" }
            try await world.ask(replica, "REPLICAOF", "NO", "ONE")
            for number in 21...35 { try await [alice, bob][number % 2].say("\(number)", in: "general") }
            for talker in [alice, bob] { try await talker.hear(35) }
            let before = try await entries(world)
            try await world.redis.pause()
            address.lead(to: replica.port)
            try await eventually("the tail is back") {
                try await entries(world, replica) == before
            }
            for talker in [alice, bob] {
                try await eventually("it is told") { !rewinds(talker).isEmpty }
            }
            #expect(try await alice.say("36", in: "general").seq == 36)
            for talker in [alice, bob] {
                try await talker.hear(36)
                #expect(talker.messages.map(\.message.seq) == Array(1...36))
                let told = rewinds(talker)
                #expect(told.map { $0.figure("from_seq") } == [35] && told.map { $0.figure("to_seq") } == [35])
            }
            try await world.redis.resume()
            await replica.stop()
        }
    }

    @Test("FLUSHALL under load: what was acknowledged is there once, or named as moved, and once in the archive")
    func flushedUnderLoad() async throws {
        try await RelayWorld.run(edges: [Self.fast, Self.fast]) { world, edges in
            let archive = try await world.startArchiver()
            let watcher = try await Talker.connect(edges[0], as: "watcher")
            try await watcher.join("general")
            async let first = Self.send(400, through: edges[0], as: "first")
            async let second = Self.send(400, through: edges[1], as: "second")
            for length in [100, 300] {
                try await eventually("it goes on", within: .seconds(30)) {
                    (Int(try await world.cli("XLEN", Self.key)) ?? 0) > length
                }
                try await world.cli("FLUSHALL")
            }
            let receipts = try await first.merging(second) { $1 }
            #expect(receipts.count == 800)
            try await eventually("it is archived", within: .seconds(30)) {
                let meta = try await world.pairs("HGETALL", "chat:{general}:meta")
                return meta["seq"] != nil && meta["archived_seq"] == meta["seq"]
            }
            var moved: [MessageID: MessageID] = [:]
            for event in rewinds(watcher) { for move in event.event.moved { moved[move.id] = move.toID } }
            let archived = try Self.lines(archive)
            #expect(Set(archived.map(\.text)).count == 800)
            #expect(archived.count == 800, "each of them once")
            for (text, receipt) in receipts {
                let places = archived.filter { $0.text == text }.map(\.id)
                #expect(places == [(moved[receipt.id] ?? receipt.id).description], "\(text)")
            }
            let verdict = try FinishedCommand.run(
                ["\(RelayProgram.programsDirectory)/martlet", "archive", "verify", archive])
            #expect(verdict.exitCode == 0, "\(verdict.output)")
            let last = try await watcher.say("last", in: "general")
            try await eventually("the watcher has the last") {
                watcher.messages.last?.message.id == last.id
            }
            let texts = Set(watcher.texts)
            for (text, receipt) in receipts where !texts.contains(text) {
                let isTold = watcher.look { heard in
                    heard.events.contains { event in
                        guard let from = event.figure("from_seq"), let to = event.figure("to_seq") else { return false }
                        return event.event.kind == .lagged && from <= receipt.seq && receipt.seq <= to
                    }
                }
                #expect(isTold, "\(text), number \(receipt.seq), never came, and nobody said so")
            }
            #expect(Set(watcher.messages.map(\.message.id)).count == watcher.messages.count, "nothing twice")
        }
    }

    @Test("FLUSHALL while nobody speaks and nobody is there: with the next heartbeat all is back")
    func flushedInSilence() async throws {
        try await RelayWorld.run(edges: [Self.fast]) { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            for number in 1...3 { try await alice.say("\(number)", in: "general") }
            try await alice.say("elsewhere", in: "other")
            let before = try await entries(world)
            try await eventually("the edge is on the list") { try await world.cli("ZCARD", "chat:edges") == "1" }
            try await world.cli("FLUSHALL")
            try await eventually("all is back") { try await entries(world) == before }
            try await eventually("in the other room too") {
                try await world.cli("XLEN", "chat:{other}:stream") == "1"
            }
            #expect(try await world.cli("ZCARD", "chat:rooms") == "2")
        }
    }

    /// Ids and texts of the archived messages of the room, in the order of the files.
    static func lines(_ archive: String) throws -> [(id: String, text: String)] {
        let folder = archive + "/general"
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            .filter { $0.hasSuffix(".jsonl") && $0 != "manifest.jsonl" }
            .flatMap { try String(contentsOfFile: folder + "/" + $0, encoding: .utf8).split(separator: "\n") }
            .compactMap { line in
                guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                    let id = object["id"] as? String, let text = object["text"] as? String
                else { return nil }
                return (id, text)
            }
    }

    /// Says so many things, a few at a time, each until it is acknowledged; which message each became.
    private static func send(
        _ count: Int, through edge: EdgeProcess, as user: String
    ) async throws -> [String: Acknowledgement] {
        let talker = try await Talker.connect(edge, as: user)
        var receipts: [String: Acknowledgement] = [:]
        var open = (1...count).map { "\(user) \($0)" }[...]
        let deadline = ContinuousClock.now + .seconds(60)
        while !open.isEmpty {
            guard ContinuousClock.now < deadline else { throw NeverHappened(description: "\(open.count) acks") }
            let texts = Array(open.prefix(4))
            var refs: [(text: String, ref: Reference)] = []
            for text in texts {
                let mark = text.replacing(" ", with: "-")
                refs.append(
                    (text, try await talker.begin("send", #""room":"general","text":"\#(text)","nonce":"\#(mark)""#)))
            }
            for (text, ref) in refs {
                if case .acknowledged(let receipt) = try await talker.answer(to: ref) { receipts[text] = receipt }
            }
            open = open.filter { receipts[$0] == nil }[...]
        }
        return receipts
    }

    @Test("--ack-replicas: the ack says how many were reached, also where one has stopped; other edges say nothing")
    func replicas() async throws {
        try await RelayWorld.run(edges: [Self.fast + ["--ack-replicas", "1"], Self.fast]) { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            let bob = try await Talker.connect(edges[1], as: "bob")
            #expect(try await alice.say("alone", in: "general").replicas == 0)
            let replica = try await world.startReplica()
            try await eventually("the replica is reached") {
                try await alice.say("with one", in: "general").replicas == 1
            }
            #expect(try await bob.say("unasked", in: "general").replicas == nil)
            try await replica.pause()
            let start = ContinuousClock.now
            let stopped = try await alice.say("stopped", in: "general", nonce: "s")
            #expect(stopped.replicas == 0 && ContinuousClock.now - start < Limits.postDeadline * patience)
            // Many at once: none waits for the wait of another.
            let many = ContinuousClock.now
            var refs: [Reference] = []
            for number in 1...20 {
                refs.append(try await alice.begin("send", #""room":"room-\#(number)","text":"x""#))
            }
            for ref in refs {
                guard case .acknowledged(let receipt) = try await alice.answer(to: ref) else {
                    Issue.record("not acknowledged")
                    continue
                }
                #expect(receipt.replicas == 0)
            }
            #expect(ContinuousClock.now - many < Limits.postDeadline * 2 * patience)
            try await replica.resume()
            try await eventually("it is reached again") {
                try await alice.say("stopped", in: "general", nonce: "s").replicas == 1
            }
            await replica.stop()
        }
    }
}

extension RelayWorld {
    /// A replica of the world's Redis, attached, with the same users.
    func startReplica() async throws -> LocalRedis {
        let tester = GuardedRedis.User.tester
        let rules = try GuardedRedis.makeACL().output.split(separator: "\n").map(String.init)
        let replica = try await LocalRedis.start(
            LocalRedis.Options(
                accessControl: rules + ["user tester on >\(tester.password) ~* &* +@all"],
                configuration: [
                    "replicaof 127.0.0.1 \(redis.port)", "masteruser \(tester.rawValue)",
                    "masterauth \(tester.password)",
                ]))
        try await eventually("the replica is attached") {
            try await cli("INFO", "replication").contains("state=online")
        }
        return replica
    }

    /// What redis-cli prints for a command to another server, of the user who may do everything.
    @discardableResult
    func ask(_ redis: LocalRedis, _ command: String...) async throws -> String {
        let tester = GuardedRedis.User.tester
        let login = ["--user", tester.rawValue, "--pass", tester.password, "--no-auth-warning", "-s", redis.socketPath]
        return try FinishedCommand.run(["/usr/bin/env", "redis-cli"] + login + command).output
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
