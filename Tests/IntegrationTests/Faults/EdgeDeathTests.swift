import Glibc
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// An edge is gone, or seems to be.
@Suite("Fault: an edge dies or hangs", .timeLimit(.minutes(20)))
struct EdgeDeathTests {
    private static let fast = ["--rate", "100000", "--burst", "100000"]

    /// A scene of some talk that goes on for as long as it takes an edge to be dead to the others.
    private static var longScene: FaultScene.Options {
        var options = FaultScene.Options()
        options.rate = 40
        options.world.isMostlyWaiting = true
        return options
    }

    @Test("Killed under load: its people go on at the other, nothing is lost or twice, who stays away has left in 20 s")
    func killed() async throws {
        try await FaultScene.run(Self.longScene) { scene in
            let watcher = try await scene.visitor("watcher", at: 1)
            try await watcher.join("general")
            let lonely = try await scene.visitor("lonely", at: 0)
            try await lonely.join("general")
            var moment = ContinuousClock.now
            try await scene.underLoad {
                try await scene.edges[0].program.kill()
                moment = .now
                try await scene.progress(50)
            }
            #expect(scene.people.filter { $0.look { $0.welcomes } == 2 }.count == scene.people.count / 2)
            try await eventually("lonely has left", within: .seconds(30)) { watcher.hasHeard(.leave, of: "lonely") }
            // The rest is for a busy machine.
            #expect(ContinuousClock.now - moment < .seconds(22) * patience)
            #expect(watcher.count(.leave, of: "lonely") == 1)
            for resident in scene.people { #expect(watcher.count(.leave, of: resident.name) == 0) }
        }
    }

    @Test("Stopped for longer than 15 s under load: taken for dead, and back with all that was said meanwhile")
    func frozen() async throws {
        try await FaultScene.run(Self.longScene) { scene in
            let watcher = try await scene.visitor("watcher", at: 1)
            try await watcher.join("general")
            let lonely = try await scene.visitor("lonely", at: 0)
            try await lonely.join("general")
            try await scene.underLoad {
                scene.edges[0].signal(SIGSTOP)
                try await eventually("it is dead to the other", within: .seconds(40)) {
                    watcher.hasHeard(.leave, of: "lonely")
                }
                scene.edges[0].signal(SIGCONT)
                try await Self.expectBack("lonely", heardBy: watcher)
            }
            #expect(lonely.closing == nil)
        }
    }

    @Test("Stopped for longer than 15 s while nobody says anything: its people are said to be there again")
    func frozenInSilence() async throws {
        let options = RelayWorld.Options(isMostlyWaiting: true)
        try await RelayWorld.run(edges: [Self.fast, Self.fast], options: options) { _, edges in
            let watcher = try await Talker.connect(edges[1], as: "watcher")
            try await watcher.join("general")
            let lonely = try await Talker.connect(edges[0], as: "lonely")
            try await lonely.join("general")
            // Nothing is on its way when it stops, so that nothing is missed but its heartbeats.
            try await eventually("it is quiet") {
                try await edges[0].metric("martlet_edge_connections") >= 1
            }
            edges[0].signal(SIGSTOP)
            try await eventually("it is dead to the other", within: .seconds(40)) {
                watcher.hasHeard(.leave, of: "lonely")
            }
            edges[0].signal(SIGCONT)
            try await Self.expectBack("lonely", heardBy: watcher)
            try await watcher.say("welcome back", in: "general")
            try await lonely.hear(1)
        }
    }

    @Test("Stopped for longer than 15 s with many readers and one who stalls: a few reads bring all of them to now")
    func frozenReaders() async throws {
        let options = RelayWorld.Options(isMostlyWaiting: true)
        let flags = Self.fast + ["--slow-budget", "64KiB"]
        try await RelayWorld.run(edges: [flags, flags], options: options) { _, edges in
            let watcher = try await Talker.connect(edges[1], as: "watcher")
            try await watcher.join("calm")
            var readers: [Talker] = []
            for _ in 0..<40 { readers.append(try await Talker.connect(edges[0], as: "reader")) }
            for reader in readers { try await reader.join("calm") }
            var slow = try await SlowReader.join(edges[0], seenBy: readers[0])
            try await watcher.fill(3000)
            try await eventually("it stalls") { try await edges[0].metric("martlet_edge_fell_behind_total") == 1 }
            let before = try await FewReadsTests.reads(edges[0])
            edges[0].signal(SIGSTOP)
            try await watcher.fill(50)
            for number in 1...50 { try await watcher.say("\(number)", in: "calm") }
            try await eventually("it is dead to the other", within: .seconds(40)) {
                watcher.hasHeard(.leave, of: "reader")
            }
            edges[0].signal(SIGCONT)
            for reader in readers { try await reader.hear(50, within: .seconds(40)) }
            let cost = try await FewReadsTests.reads(edges[0]) - before
            #expect(cost <= 10, "\(cost) reads for two rooms")
            for reader in readers { #expect(reader.numbers == Array(1...50)) }
            try await slow.read(upTo: 3050)
            #expect(slow.numbers == Array(1...3050) && slow.lost.isEmpty && slow.rewinds.isEmpty)
        }
    }

    @Test("Told to end while it is stopped, for longer than 15 s: once it runs it ends in order")
    func frozenAndEnded() async throws {
        let options = RelayWorld.Options(isMostlyWaiting: true)
        try await RelayWorld.run(edges: [["--drain", "1s"], Self.fast], options: options) { _, edges in
            let watcher = try await Talker.connect(edges[1], as: "watcher")
            let lonely = try await Talker.connect(edges[0], as: "lonely")
            for talker in [watcher, lonely] { try await talker.join("general") }
            edges[0].signal(SIGSTOP)
            try await eventually("it is dead to the other", within: .seconds(40)) {
                watcher.hasHeard(.leave, of: "lonely")
            }
            edges[0].signal(SIGTERM)
            edges[0].signal(SIGCONT)
            let start = ContinuousClock.now
            #expect(try await lonely.ending().code == 4000)
            #expect(try await edges[0].exitStatus(within: .seconds(60)) == 0)
            #expect(ContinuousClock.now - start < .seconds(7) * patience)
        }
    }

    private static func expectBack(_ user: String, heardBy watcher: Talker) async throws {
        // The first join was that of its arrival.
        try await eventually("\(user) is back") { watcher.count(.join, of: user) == 2 }
        try await eventually("\(user) is listed") {
            guard case .who(_, let people, _) = try await watcher.ask("who", #""room":"general""#) else { return false }
            return people.contains { $0.user.description == user }
        }
    }

    @Test("A send whose edge dies before the answer is tried again at another edge with its nonce: it is one message")
    func nonceOverEdges() async throws {
        try await FaultScene.run { scene in
            let alice = try await scene.visitor("alice", at: 0)
            try await alice.say("before", in: "general", nonce: "n-0")
            try await scene.world.redis.pause()
            let before = try await scene.edges[0].metric("martlet_edge_requests_total")
            _ = try await alice.begin("send", #""room":"general","text":"once","nonce":"n-1""#)
            try await eventually("the edge has it", within: .seconds(1)) {
                try await scene.edges[0].metric("martlet_edge_requests_total") > before
            }
            try await scene.edges[0].program.kill()
            // What the dead edge wrote is in the socket of Redis, which goes on.
            try await scene.world.redis.resume()
            let back = try await scene.visitor("alice", at: 1)
            var receipts: [Acknowledgement] = []
            try await eventually("it is acknowledged") {
                let fields = #""room":"general","text":"once","nonce":"n-1""#
                guard case .acknowledged(let receipt) = try await back.ask("send", fields) else { return false }
                receipts.append(receipt)
                return receipts.count == 3
            }
            #expect(Set(receipts.map(\.id)).count == 1)
            #expect(receipts.allSatisfy { $0.isDuplicate }, "the dead edge's own post counts")
            // Under another nonce it is another message; of another user the same nonce is another one.
            let carol = try await scene.visitor("carol", at: 1)
            #expect(try await carol.say("hers", in: "general", nonce: "n-1").seq == 3)
            #expect(try await back.say("before", in: "general", nonce: "n-0").seq == 1)
        }
    }
}
