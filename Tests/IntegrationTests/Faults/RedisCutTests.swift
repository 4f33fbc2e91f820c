import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Redis lives, but forgets scripts and cuts connections.
@Suite("Fault: Redis cuts connections", .timeLimit(.minutes(20)))
struct RedisCutTests {
    @Test("SCRIPT FLUSH again and again under load: nobody notices")
    func scriptFlush() async throws {
        try await FaultScene.run { scene in
            try await scene.underLoad {
                for _ in 0..<6 {
                    try await scene.world.cli("SCRIPT", "FLUSH", "SYNC")
                    try await scene.progress(15)
                }
            }
        }
    }

    @Test(
        "CLIENT KILL of posts and reads, and of subscriptions, again and again under load: nothing is lost or twice",
        arguments: ["normal", "pubsub"])
    func killed(_ kind: String) async throws {
        try await FaultScene.run { scene in
            let reader = try await scene.visitor("reader")
            try await scene.underLoad {
                for _ in 0..<6 {
                    let ref = try await reader.begin("history", #""room":"general","limit":200"#)
                    try await eventually("both edges are connected again") {
                        let list = try await scene.world.cli("CLIENT", "LIST", "TYPE", kind)
                        return list.split(whereSeparator: \.isNewline).count >= 2
                    }
                    let count = try await scene.world.cli("CLIENT", "KILL", "TYPE", kind)
                    #expect(Int(count).map { $0 >= 2 } == true, "\(count)")
                    switch try await reader.answer(to: ref, within: .seconds(4)) {
                    case .history(let page):
                        let seqs = page.messages.map(\.message.seq)
                        #expect(zip(seqs, seqs.dropFirst()).allSatisfy { $0 + 1 == $1 })
                    case .refused(let refusal): #expect(refusal.code == .unavailable)
                    case let answer: Issue.record("\(answer)")
                    }
                    try await scene.progress(15)
                }
            }
            #expect(reader.closing == nil)
            for resident in scene.people { #expect(resident.look { $0.welcomes } == 1) }
        }
    }

    @Test("Redis cuts subscriptions whose output is over its limit: what they missed is read from the stream")
    func outputBuffer() async throws {
        var options = FaultScene.Options()
        options.rate = 1000
        options.talkers = 1
        try await FaultScene.run(options) { scene in
            let writer = try await scene.visitor("writer")
            let padding = String(repeating: "x", count: 4000)
            var number = 0
            try await scene.underLoad {
                try await scene.world.cli("CONFIG", "SET", "client-output-buffer-limit", "pubsub 40000 20000 1")
                try await eventually("both subscriptions are cut", within: .seconds(30)) {
                    var refs: [Reference] = []
                    for _ in 0..<100 {
                        number += 1
                        refs.append(
                            try await writer.begin("send", #""room":"general","text":"\#(number) \#(padding)""#))
                    }
                    for ref in refs { _ = try await writer.answer(to: ref) }
                    for edge in scene.edges where try await edge.metric("martlet_edge_interruptions_total") == 0 {
                        return false
                    }
                    return true
                }
                try await scene.world.cli("CONFIG", "SET", "client-output-buffer-limit", "pubsub 33554432 8388608 60")
            }
        }
    }

    @Test("Many sends of one session in flight while connections are killed: each once, those of a try in their order")
    func keepsOrder() async throws {
        var options = FaultScene.Options()
        options.rate = 10000
        options.talkers = 0
        try await FaultScene.run(options) { scene in
            let writer = try await scene.visitor("writer")
            var refusals = 0
            for round in 0..<8 {
                var waiting = Array(1...40)
                for attempt in 0..<50 where !waiting.isEmpty {
                    var refs: [(Int, Reference)] = []
                    for number in waiting {
                        let fields = #""room":"general","text":"\#(round) \#(number)","nonce":"\#(round).\#(number)""#
                        refs.append((number, try await writer.begin("send", fields)))
                    }
                    if attempt == 0 { try await scene.world.cli("CLIENT", "KILL", "TYPE", "normal") }
                    var seqs: [UInt64] = []
                    waiting = []
                    for (number, ref) in refs {
                        switch try await writer.answer(to: ref) {
                        case .acknowledged(let receipt):
                            if !receipt.isDuplicate { seqs.append(receipt.seq) }
                        case .refused(let refusal):
                            #expect(refusal.code == .unavailable)
                            refusals += 1
                            waiting.append(number)
                        case let answer: Issue.record("\(answer)")
                        }
                    }
                    #expect(seqs == seqs.sorted(), "the order of one session")
                }
                #expect(waiting.isEmpty)
            }
            // The oracle finds a send that became two messages.
            #expect(try await scene.world.cli("XLEN", "chat:{general}:stream") == "320", "\(refusals) refusals")
        }
    }
}
