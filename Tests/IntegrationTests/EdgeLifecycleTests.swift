import Foundation
import Glibc
import NIOCore
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Starts, ends and crashes, of edges and of Redis under them.
@Suite("Life and death")
struct EdgeLifecycleTests {
    private static let fast = ["--rate", "100000", "--burst", "100000"]

    @Test("Without Redis an edge listens, is not ready, says so once, and comes up by itself")
    func redisDownAtStart() async throws {
        try await RelayWorld.run(edges: [], options: RelayWorld.Options(isAppendOnly: true)) { world, _ in
            try await world.redis.kill()
            let edge = try await world.startEdge()
            #expect(try await edge.ask("GET", "/health/live").status == 200)
            let ready = try await edge.ask("GET", "/health/ready")
            #expect(ready.status == 503 && ready.text.contains(#""hop":""#))
            let alice = try await Talker.connect(edge, as: "alice")
            #expect(try await alice.refusal("send", #""room":"general","text":"x""#)?.code == .unavailable)
            #expect(try await alice.refusal("join", #""room":"general""#)?.code == .unavailable)
            // Several tries to connect have failed by now.
            try await eventually("it has tried again and again") {
                try await edge.ask("GET", "/health/ready").status == 503
            }
            let sayings = await edge.program.errorOutput.split(separator: "\n").filter { $0.contains("Redis is away") }
            #expect(sayings.count == 1, "\(sayings)")
            try await world.redis.start()
            try await edge.waitUntilReady()
            try await alice.join("general")
            try await alice.say("hello", in: "general")
            try await alice.hear(1)
            let after = await edge.program.errorOutput.split(separator: "\n")
                .filter { $0.contains("Redis is away") || $0.contains("Redis is here") }
            #expect(after.count == 2 && after.last?.contains("Redis is here") == true, "\(after)")
        }
    }

    @Test("Redis is killed and comes back: sessions stay, sends are unavailable meanwhile, nothing is lost or twice")
    func redisKilled() async throws {
        let options = RelayWorld.Options(isAppendOnly: true)
        try await RelayWorld.run(edges: [Self.fast, Self.fast], options: options) { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            let bob = try await Talker.connect(edges[1], as: "bob")
            try await alice.join("general")
            try await bob.join("general")
            async let acknowledged = Self.sendPersistently(400, through: edges[0])
            try await bob.hear(100)
            try await world.redis.kill()
            let clock = ContinuousClock()
            let start = clock.now
            #expect(try await bob.refusal("send", #""room":"general","text":"lost""#)?.code == .unavailable)
            #expect(clock.now - start < .seconds(3) * patience)
            try await world.redis.start()
            let receipts = try await acknowledged
            try await bob.say("last", in: "general")
            let total = receipts.count + 1
            for talker in [alice, bob] {
                try await talker.hear(total)
                #expect(talker.messages.map(\.message.seq) == (1...UInt64(total)).map { $0 })
                #expect(talker.closing == nil)
                let heard = talker.messages
                for (text, receipt) in receipts {
                    #expect(heard.filter { $0.message.draft.text == text }.map(\.message.id) == [receipt.id])
                }
            }
            #expect(alice.look { $0.messages } == bob.look { $0.messages })
            let length = try await world.cli("XLEN", "chat:{general}:stream")
            #expect(length == "\(total)")
            let told = alice.look { $0.events.map(\.event).filter { $0.kind == .rewound || $0.kind == .lagged } }
            #expect(told.isEmpty)
        }
    }

    /// Says so many things, each until it is acknowledged, and tells which message each became.
    private static func sendPersistently(
        _ count: Int, through edge: EdgeProcess
    ) async throws -> [String: Acknowledgement] {
        let url = try #require(RelayURL("ws://\(edge.authority)"))
        let client = RelayClient(RelayClientConfiguration(url: url, user: UserID("sender")))
        let room = try #require(RoomID("general"))
        return try await withThrowingTaskGroup(of: [String: Acknowledgement].self) { group in
            group.addTask {
                await client.run()
                return [:]
            }
            group.addTask {
                for await _ in client.events {}
                return [:]
            }
            for lane in 0..<8 {
                group.addTask {
                    var receipts: [String: Acknowledgement] = [:]
                    for number in 0..<count / 8 {
                        let text = "lane \(lane) number \(number)"
                        receipts[text] = try await client.send(room, text)
                    }
                    return receipts
                }
            }
            var all: [String: Acknowledgement] = [:]
            while all.count < count / 8 * 8, let part = try await group.next() { all.merge(part) { $1 } }
            await client.close()
            try await group.waitForAll()
            return all
        }
    }

    @Test("An edge is killed: its clients go on at the other without a hole or a repeat, and who stays away has left")
    func edgeKilled() async throws {
        try await RelayWorld.run(edges: [Self.fast, Self.fast]) { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            let carol = try await Talker.connect(edges[0], as: "carol")
            let bob = try await Talker.connect(edges[1], as: "bob")
            let epoch = try await alice.join("general").epoch
            try await carol.join("general")
            try await carol.join("attic")
            try await carol.say("alone", in: "attic")
            try await bob.join("general")
            for number in 1...20 { try await bob.say("\(number)", in: "general") }
            try await alice.hear(20)
            try await eventually("both edges are known to live") { try await world.cli("ZCARD", "chat:edges") == "2" }
            let clock = ContinuousClock()
            try await edges[0].program.kill()
            let killed = clock.now
            #expect(try await alice.ending().origin == .cut)
            for number in 21...40 { try await bob.say("\(number)", in: "general") }
            let last = try #require(alice.messages.last?.message.id)
            let back = try await Talker.connect(edges[1], as: "alice")
            let joined = try await back.join("general", #""since":"\#(last)","epoch":\#(epoch)"#)
            try await bob.say("41", in: "general")
            try await back.hear(41 - 20 - joined.messages.count)
            let all = alice.messages + joined.messages + back.messages
            #expect(joined.isRecovered && all.map(\.message.seq) == Array(1...41))
            #expect(all.map(\.message.draft.text) == (1...41).map(String.init))
            try await eventually("carol is said to have left", within: .seconds(40)) {
                bob.hasHeard(.leave, of: "carol")
            }
            #expect(clock.now - killed < .seconds(30) * patience)
            guard case .who(_, let people, _) = try await bob.ask("who", #""room":"general""#) else {
                Issue.record("no who")
                return
            }
            #expect(people.map(\.user.description).sorted() == ["alice", "bob"])
            #expect(bob.count(.leave, of: "carol") == 1 && bob.count(.leave, of: "alice") == 0)
            #expect(bob.count(.join, of: "alice") <= 1)
            let here = try await world.cli("HKEYS", "chat:{general}:here")
            #expect(!here.contains("/carol"))
            // Nobody else ever had this room open.
            try await eventually("carol is in no room that only her edge had open") {
                try await world.cli("EXISTS", "chat:{attic}:here") == "0"
            }
            let attic = try await edges[1].ask("GET", "/v1/rooms/attic?user=bob")
            #expect(attic.text.contains(#""here":0"#), "\(attic.text)")
        }
    }

    @Test("SIGTERM: not ready at once, everybody is told to come back over the drain, exit 0")
    func drain() async throws {
        try await RelayWorld.run(edges: [["--drain", "6s"], []]) { world, edges in
            let bob = try await Talker.connect(edges[1], as: "bob")
            try await bob.join("general")
            var sessions: [Talker] = []
            for number in 0..<20 {
                let session = try await Talker.connect(edges[0], as: "user\(number)")
                try await session.join("general")
                sessions.append(session)
            }
            let clock = ContinuousClock()
            let start = clock.now
            edges[0].signal(SIGTERM)
            try await eventually("it takes no new connection, or says that it is draining", within: .seconds(2)) {
                guard let probe = try? await RawSocket.connect(port: edges[0].port) else { return true }
                try? await probe.send("GET /health/ready HTTP/1.1\r\nHost: \(edges[0].authority)\r\n\r\n")
                try await eventually("it is answered or cut", within: .seconds(2)) {
                    probe.isClosed || probe.holds("draining".utf8)
                }
                return true
            }
            for session in sessions { #expect(try await session.ending().code == 4000) }
            let moments = sessions.compactMap { $0.look { $0.closedAt } }.sorted()
            let (first, last) = (try #require(moments.first), try #require(moments.last))
            // The first at once, the others over the six seconds, as far as a busy machine sees them in time.
            #expect(first - start < .seconds(3) && last - first > .milliseconds(700) && last - start < .seconds(20))
            #expect(try await edges[0].exitStatus(within: .seconds(60)) == 0)
            #expect(clock.now - start < .seconds(60))
            for number in 0..<20 {
                try await eventually("user\(number) has left") { bob.hasHeard(.leave, of: "user\(number)") }
            }
            let names = try await world.cli("ZRANGE", "chat:edges", "0", "-1")
            #expect(names.split(separator: "\n").count == 1, "\(names)")
        }
    }

    @Test("Posts in flight when SIGTERM comes are answered, and SIGINT ends an idle edge with 0")
    func postsInFlight() async throws {
        try await RelayWorld.run(edges: [["--drain", "1s"], []]) { world, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            try await alice.join("general")
            var stored = 0
            var hasEnded = false
            // A post waits two seconds for Redis. On a machine that stands still for so long it is refused: again then.
            for round in 1...10 where !hasEnded {
                try await world.redis.pause()
                let start = ContinuousClock.now
                let refs = [
                    try await alice.begin("send", #""room":"general","text":"one \#(round)""#),
                    try await alice.begin("send", #""room":"general","text":"two \#(round)""#),
                ]
                async let posted = edges[0].ask(
                    "POST", "/v1/rooms/general/messages?user=carol", json: #"{"text":"three \#(round)"}"#)
                let isUnderWay = try await condition(within: .seconds(1) / patience) {
                    try await edges[0].metric("martlet_edge_posts_in_flight") == 3
                }
                if isUnderWay {
                    edges[0].signal(SIGTERM)
                    hasEnded = true
                }
                try await world.redis.resume()
                let isInTime = ContinuousClock.now - start < .milliseconds(1_800)
                for ref in refs {
                    let answer = try await alice.answer(to: ref)
                    if case .acknowledged = answer { stored += 1 } else { #expect(!isInTime, "\(answer)") }
                }
                let status = try await posted.status
                if status == 201 { stored += 1 } else { #expect(!isInTime && status == 503) }
                if !hasEnded { try await edges[0].waitUntilReady() }
            }
            #expect(hasEnded && stored > 0)
            #expect(try await edges[0].exitStatus(within: .seconds(60)) == 0)
            // What was refused may be stored all the same: nobody knew.
            #expect(try await Int(world.cli("XLEN", "chat:{general}:stream")).map { $0 >= stored } == true)
            edges[1].signal(SIGINT)
            #expect(try await edges[1].exitStatus(within: .seconds(25)) == 0)
        }
    }

    @Test("Redis over TLS, with a password from the environment and an authority of one's own")
    func redisOverTLS() async throws {
        let certificate = try await TestCertificate.make()
        let options = RelayWorld.Options(
            certificate: certificate, makeURL: { "rediss://127.0.0.1:\($0.tlsPort ?? 0)" },
            environment: ["MARTLET_REDIS_CA": certificate.authorityPath])
        try await Self.talkOnTwoEdges(options)
    }

    @Test("Redis over a unix socket")
    func redisOverSocket() async throws {
        try await Self.talkOnTwoEdges(RelayWorld.Options(makeURL: { "unix://\($0.socketPath)" }))
    }

    private static func talkOnTwoEdges(_ options: RelayWorld.Options) async throws {
        try await RelayWorld.run(edges: [[], []], options: options) { _, edges in
            let alice = try await Talker.connect(edges[0], as: "alice")
            let bob = try await Talker.connect(edges[1], as: "bob")
            try await alice.join("general")
            try await bob.join("general")
            try await alice.say("hello", in: "general")
            try await bob.hear(1)
            #expect(bob.texts == ["hello"])
        }
    }
}
