import Foundation
import NIOCore
import RelayClient
import RelayCore
import RelayTestKit
import RelayWire
import NIOConcurrencyHelpers
import Testing

/// What it costs that many come back at once.
@Suite("Many who come back to a room at once")
struct EdgeSharedReadTests {
    private static let fast = ["--rate", "100000", "--burst", "100000"]

    /// A connection that keeps what it is sent, and leaves reading it for later.
    private final class Comer: Sendable {
        let connection: RelayConnection
        private let inbox: Inbox

        private final class Inbox: Sendable {
            let frames = NIOLockedValueBox<[ByteBuffer]>([])
        }

        private init(_ connection: RelayConnection, _ inbox: Inbox) {
            self.connection = connection
            self.inbox = inbox
        }

        static func connect(_ edge: EdgeProcess, as user: String) async throws -> Comer {
            guard let url = RelayURL("ws://\(edge.authority)/v1/ws?user=\(user)") else {
                throw NeverHappened(description: "a URL of \(edge.authority)")
            }
            let inbox = Inbox()
            let connection = try await RelayConnection.open(RelayConnectionConfiguration(url: url)) { event in
                if case .text(let text) = event { inbox.frames.withLockedValue { $0.append(text) } }
            }
            return Comer(connection, inbox)
        }

        /// Whether the message with that text has come, which is the newest.
        func hasCome(to text: String) -> Bool {
            let end = Array("\"text\":\"\(text)\"".utf8)
            return inbox.frames.withLockedValue { frames in
                frames.reversed().contains { $0.readableBytesView.suffix(600).firstRange(of: end) != nil }
            }
        }

        /// The numbers of all messages, in the answer to the join and after it, and whether nothing is missing.
        func read() throws -> (seqs: [UInt64], isRecovered: Bool) {
            var seqs: [UInt64] = []
            var isRecovered = false
            for frame in inbox.frames.withLockedValue({ $0 }) {
                switch try ServerFrameDecoder.decode(frame) {
                case .message(let message): seqs.append(message.message.seq)
                case .answer(.joined(let joined), _):
                    seqs += joined.messages.map(\.message.seq)
                    isRecovered = joined.isRecovered
                case .answer, .event, .notice: break
                }
            }
            return (seqs, isRecovered)
        }
    }

    /// What reads of history Redis has done.
    private static func transactions(_ world: RelayWorld) async throws -> Int {
        let line = try await world.cli("INFO", "commandstats").split(whereSeparator: \.isNewline)
            .first { $0.hasPrefix("cmdstat_exec:calls=") }
        return line.flatMap { Int($0.dropFirst("cmdstat_exec:calls=".count).prefix { $0.isNumber }) } ?? 0
    }

    /// What so many who come back at once cost; each is given everything after its place.
    private static func comeBack(
        _ count: Int, to edge: EdgeProcess, in world: RelayWorld, ids: [MessageID], places: Range<Int>
    ) async throws -> (reads: Int, fileReads: Int) {
        var comers: [(comer: Comer, place: Int)] = []
        for number in 0..<count {
            let place = places.lowerBound + number % places.count
            comers.append((try await Comer.connect(edge, as: "u\(number)"), place))
        }
        let readsBefore = try await transactions(world)
        let fileReadsBefore = try await edge.metric("martlet_edge_archive_reads_total")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (comer, place) in comers {
                let since = ids[place - 1]
                group.addTask {
                    try await comer.connection.send(#"{"op":"join","room":"general","since":"\#(since)"}"#)
                }
            }
            try await group.waitForAll()
        }
        try await eventually("all have come to now", within: .seconds(240)) {
            comers.allSatisfy { $0.comer.hasCome(to: "\(ids.count)") }
        }
        let reads = try await transactions(world) - readsBefore
        let fileReads = try await edge.metric("martlet_edge_archive_reads_total") - fileReadsBefore
        for (index, (comer, place)) in comers.enumerated() where index % 25 == 0 {
            let (seqs, isRecovered) = try comer.read()
            #expect(isRecovered && seqs == Array(UInt64(place) + 1...UInt64(ids.count)), "from \(place)")
        }
        for (comer, _) in comers { await comer.connection.cut() }
        return (reads, fileReads)
    }

    /// 1200 messages, of which the stream keeps 400, and an edge that has only looked at the newest fifty.
    @Test("A thousand at once cost a handful of reads of Redis and of files, wherever they were")
    func handful() async throws {
        try await RelayWorld.run(edges: [Self.fast]) { world, edges in
            let archive = try await world.startArchiver(["--keep", "400"])
            let writer = try await Talker.connect(edges[0], as: "writer")
            let ids = try await writer.sayAll((1...1200).map(String.init), in: "general").map(\.id)
            try await eventually("the stream is trimmed", within: .seconds(30)) {
                try await world.cli("XLEN", "chat:{general}:stream") == "400"
            }
            let edge = try await world.startEdge(Self.fast + ["--archive-dir", archive])
            try await edge.waitUntilReady()
            let many = 1000 / FinishedCommand.slowness
            // Somebody is there all the time, and with them the room on this edge.
            let host = try await Talker.connect(edge, as: "host")
            try await host.join("general")
            let inRing = try await Self.comeBack(many, to: edge, in: world, ids: ids, places: 1160..<1190)
            #expect(inRing.reads <= 3 && inRing.fileReads == 0, "\(inRing)")
            let belowRing = try await Self.comeBack(many, to: edge, in: world, ids: ids, places: 950..<1100)
            #expect(belowRing.reads <= 5 && belowRing.fileReads <= 1, "\(belowRing)")
            // In the files, two pages and a half from now: what two would read apart, all read together.
            let belowStream = try await Self.comeBack(many * 3 / 10, to: edge, in: world, ids: ids, places: 40..<140)
            #expect(belowStream.reads <= 12 && belowStream.fileReads <= 12, "\(belowStream)")
            print(
                "Reads of Redis and of files: \(inRing) in the ring, \(belowRing) below it, \(belowStream) in the files"
            )
        }
    }
}
