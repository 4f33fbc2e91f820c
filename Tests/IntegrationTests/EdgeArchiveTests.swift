import Foundation
import NIOCore
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import Testing

/// Coming back to a room past what Redis holds.
@Suite("Recovery out of the archive")
struct EdgeArchiveTests {
    private static let fast = ["--rate", "100000", "--burst", "100000"]
    private static let stream = "chat:{general}:stream"

    private static func seqs(_ messages: [ReceivedMessage]) -> [UInt64] { messages.map(\.message.seq) }

    /// Puts three hundred messages of each of three days long ago into the stream, as if they had been posted then.
    private static func seedOldDays(_ world: RelayWorld) async throws {
        let script = """
            redis.call('HSET', KEYS[2], 'name', 'general', 'created_by', 'alice', 'created_at', '1767571200000',
              'private', '0', 'seq', '900', 'epoch', '1767571200000')
            for seq = 1, 900 do
              local day = math.floor((seq - 1) / 300)
              local id = string.format('%.0f', 1767571200000 + day * 86400000 + seq * 1000)
              redis.call('XADD', KEYS[1], id .. '-0', 'seq', seq, 'type', 'message', 'user', 'alice', 'name', 'Alice',
                'text', 'old ' .. seq)
            end
            redis.call('ZADD', KEYS[3], '1767571200000', 'general')
            """
        try await world.cli("EVAL", script, "3", stream, "chat:{general}:meta", "chat:rooms")
    }

    /// An archiver that keeps a hundred, and 900 old and 3000 new messages; returns the archive when all is trimmed.
    private static func fill(_ world: RelayWorld, through edge: EdgeProcess) async throws -> String {
        try await seedOldDays(world)
        let archive = try await world.startArchiver(["--keep", "100"])
        let writer = try await Talker.connect(edge, as: "writer")
        try await writer.sayAll((901...3900).map(String.init), in: "general")
        try await trimmed(world)
        return archive
    }

    private static func trimmed(_ world: RelayWorld) async throws {
        try await eventually("the stream is trimmed", within: .seconds(30)) {
            try await world.cli("XLEN", stream) == "100"
        }
    }

    private static func history(_ talker: Talker, _ fields: String) async throws -> HistoryAnswer {
        let answer = try await talker.ask("history", #""room":"general",\#(fields)"#)
        guard case .history(let page) = answer else { throw NeverHappened(description: "a page: \(answer)") }
        return page
    }

    @Test("Pages go on in the files where the stream ends, backwards and forwards, by op and by HTTP")
    func pages() async throws {
        try await RelayWorld.run(edges: [Self.fast]) { world, edges in
            let archive = try await Self.fill(world, through: edges[0])
            let edge = try await world.startEdge(Self.fast + ["--archive-dir", archive])
            try await edge.waitUntilReady()
            let reader = try await Talker.connect(edge, as: "reader")
            var page = try await Self.history(reader, #""limit":60"#)
            var (all, sources) = (page.messages, [page.source])
            while page.more, let first = all.first {
                page = try await Self.history(reader, #""limit":450,"before":"\#(first.message.id)""#)
                all = page.messages + all
                if sources.last != page.source { sources.append(page.source) }
            }
            #expect(Self.seqs(all) == Array(1...3900))
            #expect(sources == ["stream", "both", "archive"])
            var last = MessageID.zero
            var forwards: [UInt64] = []
            repeat {
                page = try await Self.history(reader, #""limit":500,"after":"\#(last)""#)
                forwards += Self.seqs(page.messages)
                last = page.messages.last?.message.id ?? last
            } while page.more
            #expect(forwards == Array(1...3900))
            // The same bytes, whoever asks and however.
            let middle = all[3790].message.id
            let answer = try await edge.ask("GET", "/v1/rooms/general/messages?before=\(middle)&limit=20")
            #expect(answer.text.hasSuffix(#""more":true,"source":"archive"}"#))
            for message in all[3770..<3790] { #expect(answer.text.contains(String(buffer: message.envelope))) }
            // An edge without the files has what Redis has.
            let other = try await Talker.connect(edges[0], as: "other")
            let short = try await Self.history(other, #""limit":500"#)
            #expect(Self.seqs(short.messages) == Array(3801...3900) && !short.more && short.source == "stream")
        }
    }

    @Test(
        "From every kind of place everything after it comes, in order and once, while people talk and Redis is trimmed")
    func everyPlace() async throws {
        try await RelayWorld.run(edges: [Self.fast]) { world, edges in
            let archive = try await Self.fill(world, through: edges[0])
            let edge = try await world.startEdge(Self.fast + ["--archive-dir", archive])
            try await edge.waitUntilReady()
            let scout = try await Talker.connect(edge, as: "scout")
            let newest = try await Self.history(scout, #""limit":400"#).messages.map(\.message)
            // The first that the stream has is 3801: right below it, at it, between it and the one before, in the
            // files, in the ring of a fresh edge and below it.
            let ids = Dictionary(uniqueKeysWithValues: newest.map { ($0.seq, $0.id) })
            func id(_ seq: UInt64) throws -> MessageID { try #require(ids[seq]) }
            let secondDay = MessageID(milliseconds: 1_767_571_200_000 + 86_400_000 + 450_000, sequence: 0)
            let afterOldDays = MessageID(milliseconds: 1_767_571_200_000 + 5 * 86_400_000, sequence: 0)
            let places: [(since: MessageID, first: UInt64)] = [
                (.zero, 1), (secondDay, 451), (secondDay.previous, 450), (afterOldDays, 901), (try id(3600), 3601),
                (try id(3799), 3800), (try id(3800), 3801), (try id(3801).previous, 3801), (try id(3801), 3802),
                (try id(3860), 3861), (try id(3900), 3901),
            ]
            // A fresh edge for each of the places around the border: nothing that others asked for helps.
            for place in places[5...8] {
                let fresh = try await world.startEdge(Self.fast + ["--archive-dir", archive])
                try await fresh.waitUntilReady()
                let reader = try await Talker.connect(fresh, as: "reader")
                let joined = try await reader.join("general", #""since":"\#(place.since)""#)
                #expect(joined.isRecovered && joined.reason == nil && !joined.more, "\(place)")
                #expect(Self.seqs(joined.messages) == Array(place.first...3900), "\(place)")
                fresh.signal(SIGTERM)
            }
            // Now with everybody talking.
            let writer = try await Talker.connect(edges[0], as: "writer")
            async let talk: Void = {
                for number in 1...400 { try await writer.say("live \(number)", in: "general") }
            }()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, place) in places.enumerated() {
                    group.addTask {
                        let reader = try await Talker.connect(edge, as: "reader\(index)")
                        let joined = try await reader.join("general", #""since":"\#(place.since)""#)
                        #expect(joined.isRecovered && joined.reason == nil, "\(place)")
                        #expect(joined.messages.count <= 500 && (joined.more || place.first > 3000), "\(place)")
                        try await eventually("all 4300 are there", within: .seconds(60)) {
                            (reader.look { $0.messages.last } ?? joined.messages.last)?.message.seq == 4300
                        }
                        #expect(Self.seqs(joined.messages + reader.messages) == Array(place.first...4300), "\(place)")
                        #expect(reader.look { $0.events.count { $0.event.kind == .lagged } } == 0)
                    }
                }
                try await group.waitForAll()
            }
            try await talk
            try await Self.trimmed(world)
            #expect(try await edge.metric("martlet_edge_archive_failures_total") == 0)
            #expect(try await edge.metric("martlet_edge_lost_total") == 0)
        }
    }

    @Test("Numbers that the files say are lost are told exactly")
    func gaps() async throws {
        try await RelayWorld.run(edges: [Self.fast]) { world, edges in
            let writer = try await Talker.connect(edges[0], as: "writer")
            var ids: [MessageID] = []
            for number in 1...20 { ids.append(try await writer.say("\(number)", in: "general").id) }
            for lost in 3...5 { try await world.cli("XDEL", Self.stream, "\(ids[lost])") }
            let archive = try await world.startArchiver(["--keep", "4"])
            try await eventually("the stream is trimmed") { try await world.cli("XLEN", Self.stream) == "4" }
            let edge = try await world.startEdge(Self.fast + ["--archive-dir", archive])
            try await edge.waitUntilReady()
            let reader = try await Talker.connect(edge, as: "reader")
            let whole = try await reader.join("general", #""since":"0-0""#)
            #expect(whole.isRecovered && whole.more && Self.seqs(whole.messages) == [1, 2, 3])
            try await reader.hear(14)
            #expect(Self.seqs(reader.messages) == Array(7...20))
            let lagged = reader.look { $0.events.filter { $0.event.kind == .lagged } }
            #expect(lagged.map { $0.figure("from_seq") } == [4] && lagged.map { $0.figure("to_seq") } == [6])
            let late = try await Talker.connect(edge, as: "late")
            let below = try await late.join("general", #""since":"\#(ids[2])""#)
            #expect(!below.isRecovered && below.reason == "trimmed" && Self.seqs(below.messages) == Array(7...20))
            let above = try await late.join("general", #""since":"\#(ids[6])""#)
            #expect(above.isRecovered && Self.seqs(above.messages) == Array(8...20))
        }
    }

    @Test("Without the files, or with those of another room, it is what Redis has, and the edge goes on")
    func unreadable() async throws {
        try await RelayWorld.run(edges: [Self.fast]) { world, edges in
            let writer = try await Talker.connect(edges[0], as: "writer")
            for number in 1...30 { try await writer.say("\(number)", in: "general") }
            let archive = try await world.startArchiver(["--keep", "10"])
            try await eventually("the stream is trimmed") { try await world.cli("XLEN", Self.stream) == "10" }
            let edge = try await world.startEdge(Self.fast + ["--archive-dir", archive])
            try await edge.waitUntilReady()
            try FileManager.default.moveItem(atPath: archive, toPath: archive + ".away")
            let reader = try await Talker.connect(edge, as: "reader")
            let without = try await reader.join("general", #""since":"0-0""#)
            #expect(
                !without.isRecovered && without.reason == "trimmed" && Self.seqs(without.messages) == Array(21...30))
            #expect(try await edge.metric("martlet_edge_archive_failures_total") > 0)
            try FileManager.default.moveItem(atPath: archive + ".away", toPath: archive)
            #expect(try await Self.history(reader, #""limit":100"#).messages.count == 30)
            let back = try await Talker.connect(edge, as: "back")
            let whole = try await back.join("general", #""since":"0-0""#)
            #expect(whole.isRecovered && Self.seqs(whole.messages) == Array(1...30))
            // The same name, another room.
            let created = try await world.cli("HGET", "chat:{general}:meta", "created_at")
            try await world.cli("HSET", "chat:{general}:meta", "created_at", "1763691000000")
            let other = try await Self.history(reader, #""limit":100"#)
            #expect(Self.seqs(other.messages) == Array(21...30) && other.source == "stream" && !other.more)
            // And one that was deleted.
            try await world.cli("HSET", "chat:{general}:meta", "created_at", created, "deleted_at", "1")
            #expect(try await reader.refusal("history", #""room":"general","limit":100"#)?.code == .noSuchRoom)
        }
    }
}
