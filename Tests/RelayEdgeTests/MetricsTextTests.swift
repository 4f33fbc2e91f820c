import NIOCore
import NIOEmbedded
import RelayCore
import Testing

@testable import RelayEdge

@Suite("The figures of an edge")
struct MetricsTextTests {
    @Test("Every family has help, a type and a sample, in Prometheus's text format")
    func format() {
        var shards = ShardFigures()
        shards.sessions = 3
        shards.refusals = ["bad_json": 2, "rate_limited": 5]
        shards.closes = [1002: 1]
        var hub = HubCounters()
        hub.posts = 7
        hub.storeFaults = ["OOM": 2]
        let text = MetricsText(shards: shards, hub: hub, rooms: 4, connections: ConnectionCount(limit: 1)).text
        var families: [String: String] = [:]
        var samples: Set<String> = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if line.hasPrefix("# TYPE ") {
                families[String(words[2])] = String(words[3])
            } else if !line.hasPrefix("#") {
                #expect(words.count == 2 && UInt64(words[1]) != nil, "\(line)")
                samples.insert(String(words[0].prefix { $0 != "{" }))
            }
        }
        #expect(Set(families.keys) == samples)
        #expect(families.values.allSatisfy { $0 == "counter" || $0 == "gauge" })
        #expect(text.contains("\nmartlet_edge_sessions 3\n"))
        #expect(text.contains("\nmartlet_edge_posts_total 7\n"))
        #expect(text.contains("martlet_edge_refusals_total{code=\"rate_limited\"} 5\n"))
        #expect(text.contains("martlet_edge_store_faults_total{code=\"OOM\"} 2\n"))
        #expect(text.contains("martlet_edge_closes_total{code=\"1002\"} 1\n"))
    }

    @Test("A connection over the limit is counted and not let in")
    func connectionLimit() throws {
        let count = ConnectionCount(limit: 2)
        let channels = (0..<4).map { _ in EmbeddedChannel() }
        #expect(count.opened(channels[0]) && count.opened(channels[1]) && !count.opened(channels[2]))
        try channels[1].close().wait()
        channels[1].embeddedEventLoop.run()
        #expect(count.opened(channels[3]))
        #expect(count.snapshot.open == 2 && count.snapshot.accepted == 3 && count.snapshot.refused == 1)
    }

    @Test("What still speaks HTTP can be cut, and WebSockets stay")
    func cut() throws {
        let count = ConnectionCount(limit: 2)
        let (request, webSocket) = (EmbeddedChannel(), EmbeddedChannel())
        for channel in [request, webSocket] {
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            #expect(count.opened(channel))
        }
        count.upgraded(webSocket)
        count.cutRequests()
        request.embeddedEventLoop.run()
        #expect(!request.isActive && webSocket.isActive)
        #expect(count.snapshot.open == 1)
    }

    @Test("What shards counted adds up")
    func sums() {
        var sum = ShardFigures()
        var one = ShardFigures()
        one.sessions = 1
        one.closes = [4000: 2]
        one.refusals = ["full": 1]
        sum.add(one)
        sum.add(one)
        #expect(sum.sessions == 2 && sum.closes == [4000: 4] && sum.refusals == ["full": 2])
    }
}
