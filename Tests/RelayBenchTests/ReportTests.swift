import Foundation
import FoundationXML
import Histogram
import NIOCore
import Testing

@testable import RelayBench

@Suite("What a bench reports")
struct ReportTests {
    private func parsed(_ report: BenchReport) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(report.json().readableBytesView))
        return try #require(object as? [String: Any])
    }

    @Test("The costs of the relay, of Redis and of the generator are told apart, and held against the floor's")
    func costs() throws {
        let floor = BenchReport.Floor(kind: .coalesced, outcome: BenchOutcome.sample(relayNanoseconds: 6_250_000))
        let object = try parsed(BenchReport(urls: ["ws://h:1/v1/ws"], outcome: BenchOutcome.sample(), floor: floor))
        #expect(object["cpu_us_per_delivery"] as? Double == 5)
        #expect(object["redis_cpu_us_per_delivery"] as? Double == 1)
        #expect(object["cpu_over_floor"] as? Double == 0.8)
        #expect(object["rate_over_floor"] as? Double == 1)
        #expect((object["generator"] as? [String: Any])?["cpu_us_per_delivery"] as? Double == 3)
        #expect((object["floor"] as? [String: Any])?["cpu_us_per_delivery"] as? Double == 6.25)
        #expect((object["floor"] as? [String: Any])?["mode"] as? String == "coalesced")
        let processes = try #require(object["processes"] as? [[String: Any]])
        #expect(processes.map { $0["name"] as? String } == ["edge", "redis"])
        #expect(processes[0]["rss_bytes_per_connection"] as? Double == 7000)
        let latency = try #require(object["latency_us"] as? [String: Double])
        #expect(Set(latency.keys) == ["p50", "p99", "p99.9", "max"])
        #expect(abs((latency["p50"] ?? 0) - 500_000) < 1000)
        #expect(abs((latency["p99"] ?? 0) - 990_000) < 1000)
        #expect(latency["max"] == 1_000_000)
        #expect((object["warnings"] as? [String])?.isEmpty == true)
    }

    @Test("Bytes on the wire, posts a second and Redis's time a post are told, and held against the floor's")
    func postsAndBytes() throws {
        var relay = BenchOutcome.sample()
        relay.plan.offersDeflate = true
        relay.receivedBytes = 171_500
        relay.posts = 40
        relay.postSeconds = 8
        var least = BenchOutcome.sample()
        least.receivedBytes = 260_000
        least.posts = 20
        least.postSeconds = 2
        for number in 1...1001 { least.latencies.record(UInt64(number) * 10) }
        let report = BenchReport(urls: [], outcome: relay, floor: .init(kind: .redis, outcome: least))
        let object = try parsed(report)
        let floor = try #require(object["floor"] as? [String: Any])
        #expect(object["deflate"] as? Bool == true)
        #expect(object["wire_bytes_per_delivery"] as? Double == 171.5)
        #expect(floor["wire_bytes_per_delivery"] as? Double == 260)
        #expect(object["posts_per_s"] as? Double == 5)
        #expect(floor["posts_per_s"] as? Double == 10)
        #expect(object["redis_cpu_us_per_post"] as? Double == 25)
        #expect(floor["redis_cpu_us_per_post"] as? Double == 50)
        #expect(object["posts_over_floor"] as? Double == 0.5)
        #expect(object["redis_cpu_per_post_over_floor"] as? Double == 0.5)
        let ratio = try #require(object["p50_over_floor"] as? Double)
        #expect(abs(ratio / 50_000 - 1) < 0.01, "\(ratio)")
        let text = report.lines().joined(separator: "\n")
        for part in [
            "171.5 bytes a delivery, compressed", "260.0 bytes a delivery\n", "40 stored, 5/s", "25.0 µs a post",
            "of its p50 latency", "0.50 of Redis's processor time a post", "1000 readers of 1 room, compressed",
        ] { #expect(text.contains(part), "\(part) in\n\(text)") }
    }

    @Test("Where processes may run is told where they may not all run at the same places")
    func placement() {
        var run = BenchOutcome.sample()
        run.ownProcessors = "0-1"
        for index in run.costs.indices { run.costs[index].begun.processors = "0-1" }
        let together = BenchReport(urls: [], outcome: run, floor: nil).lines()
        #expect(!together.contains { $0.contains(", on processor") })
        run.ownProcessors = "1-3"
        for index in run.costs.indices { run.costs[index].begun.processors = "0" }
        let apart = BenchReport(urls: [], outcome: run, floor: nil).lines().compactMap {
            $0.split(separator: ", on ").dropFirst().first
        }
        #expect(apart == ["processor 0", "processor 0", "processors 1-3"], "\(apart)")
    }

    @Test("A floor for nobody is about posts alone: nothing that needs a reader is told of it, or drawn")
    func script() throws {
        var least = BenchOutcome.sample()
        least.plan.readers = 0
        least.plan.route = .redis
        least.latencies.reset()
        least.deliveries = 0
        least.expected = 0
        least.posts = 10
        least.postSeconds = 1
        least.costs.removeFirst()
        var relay = BenchOutcome.sample()
        relay.posts = 5
        relay.postSeconds = 1
        let report = BenchReport(urls: [], outcome: relay, floor: .init(kind: .script, outcome: least))
        let object = try parsed(report)
        #expect(object["posts_over_floor"] as? Double == 0.5)
        #expect(object["redis_cpu_per_post_over_floor"] as? Double == 2)
        for name in ["cpu_over_floor", "rate_over_floor", "p50_over_floor"] {
            #expect(object[name] is NSNull, "\(name)")
        }
        #expect((object["floor"] as? [String: Any])?["wire_bytes_per_delivery"] is NSNull)
        let lines = report.lines()
        #expect(lines.contains("ratio       0.50 of the floor's posts/s, 2.00 of Redis's processor time a post"))
        #expect(lines.count { $0.hasPrefix("deliveries") } == 1)
        #expect(report.svg().split(separator: "<polyline").count == 3)
        #expect(!report.warnings.contains { $0.contains("--pid redis") })
        relay.costs.removeLast()
        let warnings = BenchReport(urls: [], outcome: relay, floor: .init(kind: .script, outcome: least)).warnings
        #expect(warnings.contains { $0.contains("--pid redis") })
    }

    @Test(
        "It warns where the generator costs more than the relay, where posts were refused, and where nothing is named")
    func warnings() {
        var costly = BenchOutcome.sample(relayNanoseconds: 2_000_000)
        #expect(BenchReport(urls: [], outcome: costly, floor: nil).warnings.contains { $0.contains("costs more") })
        costly.refusals = ["rate_limited": 12, "full": 6, "FULL": 7]
        costly.costs = []
        let warnings = BenchReport(urls: [], outcome: costly, floor: nil).warnings
        #expect(warnings.contains { $0.contains("12 posts") && $0.contains("--burst") })
        #expect(warnings.contains { $0.contains("13 posts") && $0.contains("--archive off") })
        #expect(warnings.contains { $0.contains("--pid") })
        #expect(!warnings.contains { $0.contains("costs more") })
    }

    @Test("A connection weighs on the edge that it is on: what an edge has grown by is not shared out to all")
    func connectionsOfAnEdge() throws {
        var run = BenchOutcome.sample()
        run.edges = 2
        var object = try parsed(BenchReport(urls: [], outcome: run, floor: nil))
        func weights() -> [Double?] {
            (object["processes"] as? [[String: Any]])?.map { $0["rss_bytes_per_connection"] as? Double } ?? []
        }
        // Redis is one for all edges.
        #expect(weights() == [14_000, 7000])
        // These posters are on no edge.
        run.plan.route = .redis
        object = try parsed(BenchReport(urls: [], outcome: run, floor: nil))
        #expect(weights() == [14_112, 7000])
        let text = BenchReport(urls: [], outcome: run, floor: nil).lines().joined(separator: "\n")
        #expect(text.contains("13.8 KB a connection"), "\(text)")
        // Nobody at all is: nothing was measured.
        run.plan.readers = 0
        run.connections = 8
        object = try parsed(BenchReport(urls: [], outcome: run, floor: nil))
        #expect(weights() == [nil, 882_000])
    }

    @Test("What a process has cost that ended is not known, and that is said")
    func ended() throws {
        for name in ["edge", "redis"] {
            var run = BenchOutcome.sample()
            let index = try #require(run.costs.firstIndex { $0.process.name == name })
            run.costs[index].process.id = 4711
            run.costs[index].ended = ProcessSample(WatchedProcess(name: "", id: BenchOutcome.nobody, isRedis: false))
            let report = BenchReport(urls: [], outcome: run, floor: .init(kind: .plain, outcome: BenchOutcome.sample()))
            let object = try parsed(report)
            let process = try #require(object["processes"] as? [[String: Any]])[index]
            for key in ["cpu_s", "cpu_us_per_delivery", "rss_bytes"] { #expect(process[key] is NSNull, "\(key)") }
            let (known, unknown) = name == "edge" ? ("redis_cpu", "cpu") : ("cpu", "redis_cpu")
            #expect(object["\(unknown)_us_per_delivery"] is NSNull)
            #expect(object["\(known)_us_per_delivery"] is Double)
            #expect(object["redis_cpu_us_per_post"] is NSNull == (name == "redis"))
            #expect(object["cpu_over_floor"] is NSNull == (name == "edge"))
            #expect(report.warnings.contains { $0.contains("process \(name) (4711) ended") }, "\(report.warnings)")
            // What was measured beside the floor as well is the same process, and ended once.
            let again = BenchReport(urls: [], outcome: run, floor: .init(kind: .plain, outcome: run)).warnings
            #expect(again.count { $0.contains("(4711) ended") } == 1, "\(again)")
            let text = report.lines().joined(separator: "\n")
            #expect(!text.contains("0.00 µs"), "\(text)")
        }
        // Another has its id.
        var run = BenchOutcome.sample()
        run.costs[0].ended = ProcessSample(processor: 499, residentBytes: 1)
        #expect(try parsed(BenchReport(urls: [], outcome: run, floor: nil))["cpu_us_per_delivery"] is NSNull)
    }

    @Test("Posts that were due and never made are told, and warned of")
    func notMade() throws {
        var run = BenchOutcome.sample()
        #expect(try parsed(BenchReport(urls: [], outcome: run, floor: nil))["not_made"] as? Int == 0)
        run.notMade = 36_000
        let report = BenchReport(urls: [], outcome: BenchOutcome.sample(), floor: .init(kind: .plain, outcome: run))
        #expect((try parsed(report)["floor"] as? [String: Any])?["not_made"] as? Int == 36_000)
        #expect(report.lines().count { $0.hasPrefix("posts") && $0.contains("36000 not made") } == 1)
        #expect(report.warnings.contains { $0.contains("36000 posts of the floor were") && $0.contains("--posters") })
        #expect(BenchReport(urls: [], outcome: run, floor: nil).warnings.contains { $0.contains("36000 posts were") })
    }

    @Test("A floor on which nothing was stored is nothing to be held against")
    func vainFloor() {
        var run = BenchOutcome.sample()
        let floor = BenchReport.Floor(kind: .script, outcome: run)
        #expect(BenchReport(urls: [], outcome: run, floor: floor).isSound)
        (run.posts, run.refused) = (0, 3)
        let vain = BenchReport.Floor(kind: .script, outcome: run)
        let report = BenchReport(urls: [], outcome: BenchOutcome.sample(), floor: vain)
        #expect(!report.isSound)
        #expect(report.warnings.contains { $0.contains("nothing was stored under the floor") })
    }

    @Test("The lines hold the figures")
    func lines() {
        let report = BenchReport(urls: ["ws://h:1/v1/ws"], outcome: BenchOutcome.sample(), floor: nil)
        let text = report.lines().joined(separator: "\n")
        for part in [
            "1000 of 1000, 100/s; lost 0, repeated 0, out of order 0", "p50 500 ms", "5.00 µs a delivery",
            "6.8 KB a connection", "generator   3.00 µs a delivery",
        ] { #expect(text.contains(part), "\(part) in\n\(text)") }
    }

    @Test("The picture is well-formed, with a curve of each kind for each of relay and floor, all within its frame")
    func picture() throws {
        for floor in [nil, BenchReport.Floor(kind: .plain, outcome: BenchOutcome.sample())] {
            let svg = BenchReport(urls: [], outcome: BenchOutcome.sample(), floor: floor).svg()
            let reader = SVGReader()
            let parser = XMLParser(data: Data(svg.utf8))
            parser.delegate = reader
            #expect(parser.parse(), "\(String(describing: parser.parserError))")
            #expect(reader.elements.first == "svg")
            #expect(reader.curves.count == (floor == nil ? 2 : 4))
            for point in reader.curves.joined() {
                #expect((70...960).contains(point.0) && (69.9...370.1).contains(point.1), "\(point)")
            }
        }
    }

    @Test("A run without a delivery makes a picture and a report too")
    func empty() throws {
        var nothing = BenchOutcome.sample()
        nothing.latencies.reset()
        nothing.timeline = Timeline(span: 1_000_000_000, points: 200)
        nothing.deliveries = 0
        let report = BenchReport(urls: [], outcome: nothing, floor: nil)
        #expect(XMLParser(data: Data(report.svg().utf8)).parse())
        #expect(try parsed(report)["cpu_us_per_delivery"] is NSNull)
        #expect(!report.lines().isEmpty)
    }

    @Test("What people name is no markup")
    func escaping() {
        let plot = BenchPlot(title: "a<b>&c", series: [])
        #expect(plot.svg().contains("a&lt;b&gt;&amp;c"))
        #expect(XMLParser(data: Data(plot.svg().utf8)).parse())
    }

    @Test("Numbers are written with a point and so many digits")
    func decimals() {
        #expect(Decimals.text(3.14159, 2) == "3.14")
        #expect(Decimals.text(0.005, 2) == "0.01")
        #expect(Decimals.text(-1.5, 0) == "-2")
        #expect(Decimals.text(12, 3) == "12.000")
        #expect(Decimals.text(.nan, 1) == "0.0")
        #expect(Decimals.text(.infinity, 0) == "0")
    }

    @Test("Nines are counted as people count them", arguments: [(0, 0), (0.9, 1), (0.99, 2), (0.999, 3), (0.9999, 4)])
    func nines(share: Double, count: Double) {
        #expect(abs(BenchPlot.nines(share) - count) < 1e-6)
        #expect(abs(Logarithm.ten(2) - 0.30103) < 1e-5)
        #expect(abs(Logarithm.ten(0.001) + 3) < 1e-9)
    }
}

/// The elements of a picture, and the points of its curves.
private final class SVGReader: NSObject, XMLParserDelegate {
    var elements: [String] = []
    var curves: [[(Double, Double)]] = []

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        elements.append(name)
        guard let points = attributes["points"] else { return }
        curves.append(
            points.split(separator: " ").map { pair in
                let numbers = pair.split(separator: ",").compactMap { Double($0) }
                return (numbers.first ?? .nan, numbers.last ?? .nan)
            })
    }
}
