internal import Histogram

/// What a run has shown, in lines for people and in JSON for programs.
public struct BenchReport: Sendable {
    /// The floor under the same load.
    public struct Floor: Sendable {
        let kind: FloorKind
        let outcome: BenchOutcome

        /// What came of the load on a floor of this kind.
        public init(kind: FloorKind, outcome: BenchOutcome) {
            self.kind = kind
            self.outcome = outcome
        }
    }

    /// Where the relay is.
    let urls: [String]
    let outcome: BenchOutcome
    let floor: Floor?

    /// A report of a run against edges at these URLs, and of the floor where it was measured too.
    public init(urls: [String], outcome: BenchOutcome, floor: Floor?) {
        self.urls = urls
        self.outcome = outcome
        self.floor = floor
    }

    /// Whether something was measured, under the floor too, and every message that the relay stored came to every
    /// reader once, in order.
    public var isSound: Bool { outcome.isClean && !outcome.isVain && floor?.outcome.isVain != true }

    /// What makes the figures less than they seem, a line each.
    public var warnings: [String] {
        var warnings: [String] = []
        for (name, run) in [("relay", outcome), ("floor", floor?.outcome)] {
            guard let run, let own = run.ownMicrosecondsPerDelivery,
                let theirs = run.microsecondsPerDelivery(ofRedis: false), own > theirs
            else { continue }
            warnings.append(
                "the generator costs more a delivery (\(Decimals.text(own, 2)) µs) than the \(name) "
                    + "(\(Decimals.text(theirs, 2)) µs): where they share processors, this measures the generator")
        }
        for (name, run) in [("", outcome), (" under the floor", floor?.outcome)] where run?.ownShare ?? 0 > 0.95 {
            warnings.append("the generator was busy all the time\(name): rate and latency are its own limits")
        }
        if outcome.lateness.totalCount > 0, outcome.lateness.valueAtPercentile(99) > 10_000_000 {
            warnings.append(
                "one post in a hundred was handed over \(Decimals.milliseconds(outcome.lateness.valueAtPercentile(99)))"
                    + " late or more; latencies count from the moment that each was meant for")
        }
        for (name, run) in [("", outcome), (" of the floor", floor?.outcome)] {
            guard let run else { continue }
            if run.notMade > 0 {
                warnings.append(
                    "\(run.notMade) posts\(name) were due and not made, since no poster could take them: they are in "
                        + "no latency; give more --posters, or a lower --rate")
            }
        }
        for (name, run) in [("", outcome), (" under the floor", floor?.outcome)] where run?.isVain == true {
            warnings.append("nothing was stored\(name), so nothing was measured")
        }
        for (code, advice) in Self.adviceByRefusal {
            // The script says in capitals what edges make a code of.
            let refused = outcome.refusals.reduce(0) { $0 + ($1.key.lowercased() == code ? $1.value : 0) }
            guard refused > 0 else { continue }
            warnings.append("\(refused) posts were refused as \(code): \(advice)")
        }
        for cost in endedCosts {
            warnings.append("process \(cost.process.name) (\(cost.process.id)) ended: its cost is not known")
        }
        if outcome.plan.needsEdges, !outcome.costs.contains(where: { !$0.process.isRedis }) {
            warnings.append("no process of the relay was measured: name it, --pid edge:PID")
        }
        if floor?.kind == .script, !outcome.costs.contains(where: \.process.isRedis) {
            warnings.append("Redis was not measured: name it, --pid redis:PID")
        }
        return warnings
    }

    /// What to do about refusals that a bench meets where the relay is not set up for one.
    private static let adviceByRefusal = [
        (
            "rate_limited",
            "start the edge with --rate 1000000 --burst 1000000 --user-rate 1000000, or give more --posters"
        ),
        (
            "full",
            "no archiver keeps up with these rooms: start one, or post over an edge with --archive off"
        ),
    ]

    /// The processes that ended, each once although it is measured beside the floor as well.
    private var endedCosts: [BenchOutcome.Cost] {
        var seen: Set<Int32> = []
        return (outcome.costs + (floor?.outcome.costs ?? [])).filter {
            $0.processor == nil && seen.insert($0.process.id).inserted
        }
    }

    /// The report in lines.
    public func lines() -> [String] {
        let plan = outcome.plan
        var lines = [
            row("relay", urls.joined(separator: " ")),
            row(
                "load",
                "\(plan.readers) readers of \(plan.rooms) \(plan.rooms == 1 ? "room" : "rooms")"
                    + "\(plan.offersDeflate ? ", compressed" : ""), \(paceText), "
                    + "\(plan.textBytes) bytes by \(plan.route.rawValue) from \(plan.posters) posters, "
                    + "\(Decimals.text(Double(plan.span) / 1e9, 1)) s"),
        ]
        lines += figures(of: outcome)
        if let floor {
            lines.append("")
            lines.append(row("floor", "\(floor.kind.rawValue): \(floor.kind.explanation)"))
            lines += figures(of: floor.outcome)
            lines.append("")
            lines.append(row("ratio", ratioText))
        }
        return lines + warnings.map { "! \($0)" }
    }

    private var paceText: String {
        switch outcome.plan.pace {
        case .rate(let rate): "\(Decimals.text(rate, rate < 10 ? 1 : 0)) posts/s"
        case .window(let count): "unpaced, \(count) on their way"
        case .none: "no posts"
        }
    }

    private func row(_ name: String, _ text: String) -> String {
        name + String(repeating: " ", count: max(12 - name.count, 1)) + text
    }

    private func figures(of run: BenchOutcome) -> [String] {
        var lines = [row("connected", "\(run.connections) in \(Decimals.text(run.connectSeconds, 2)) s")]
        if run.plan.pace != .none {
            let why = run.refusals.sorted { $0.key < $1.key }.map { ", \($0.key) \($0.value)" }.joined()
            lines.append(
                row(
                    "posts",
                    "\(run.posts) stored, \(Decimals.text(run.postsPerSecond, 0))/s; "
                        + "\(run.refused) refused, \(run.unanswered) unanswered"
                        + (run.notMade > 0 ? ", \(run.notMade) not made" : "") + why))
        }
        if run.plan.pace != .none, run.plan.readers > 0 {
            lines.append(
                row(
                    "deliveries",
                    "\(run.deliveries) of \(run.expected), \(Decimals.text(run.deliveriesPerSecond, 0))/s; "
                        + "lost \(run.lost), repeated \(run.repeated), out of order \(run.outOfOrder)"))
        }
        if run.latencies.totalCount > 0 {
            let parts = Self.percentiles.map { name, value in
                "\(name) \(Decimals.milliseconds(run.latencies.valueAtPercentile(value)))"
            }
            lines.append(
                row(
                    "latency",
                    (parts + ["max \(Decimals.milliseconds(run.latencies.maxRecorded))"]).joined(separator: ", ")))
        }
        if let bytes = run.wireBytesPerDelivery {
            let how = run.plan.offersDeflate ? ", compressed" : ""
            lines.append(row("wire", "\(Decimals.text(bytes, 1)) bytes a delivery\(how)"))
        }
        if run.drops + run.returns > 0 {
            let storms = run.storms.map { "\(Decimals.text($0.seconds, 2)) s" }.joined(separator: ", ")
            lines.append(
                row(
                    "returns",
                    "\(run.returns), \(run.unrecovered) without all that was missed; \(run.drops) cut off by others"
                        + (storms.isEmpty ? "" : "; \(run.storms.count) storms over after \(storms)")))
        }
        for cost in run.costs { lines.append(row(cost.process.name, text(of: cost, in: run))) }
        let own = run.ownMicrosecondsPerDelivery.map { "\(Decimals.text($0, 2)) µs a delivery, " } ?? ""
        let place = placeText(run.ownProcessors, in: run)
        lines.append(row("generator", "\(own)\(Decimals.text(run.ownShare * 100, 1)) % of a processor\(place)"))
        return lines
    }

    /// Where something may run, unless all may run at the same places.
    private func placeText(_ processors: String?, in run: BenchOutcome) -> String {
        let isSame = run.costs.allSatisfy { $0.begun.processors == run.ownProcessors }
        guard !isSame, let processors else { return "" }
        return ", on \(processors.allSatisfy(\.isNumber) ? "processor" : "processors") \(processors)"
    }

    private func text(of cost: BenchOutcome.Cost, in run: BenchOutcome) -> String {
        guard let processor = cost.processor.map({ Double($0) }) else { return "ended" }
        var parts: [String] = []
        if run.deliveries > 0 {
            parts.append("\(Decimals.text(processor / 1000 / Double(run.deliveries), 2)) µs a delivery")
        }
        if cost.process.isRedis, run.posts > 0 {
            parts.append("\(Decimals.text(processor / 1000 / Double(run.posts), 1)) µs a post")
        }
        parts.append("\(Decimals.text(processor / Double(max(run.ownSpan, 1)) * 100, 1)) % of a processor")
        if !cost.process.isRedis, let bytes = run.bytesPerConnection(cost) {
            parts.append("\(Decimals.kilobytes(bytes)) a connection")
        }
        if let bytes = cost.ended.residentBytes { parts.append("\(Decimals.text(Double(bytes) / 1_048_576, 1)) MB") }
        return parts.joined(separator: ", ") + placeText(cost.begun.processors, in: run)
    }

    static let percentiles: [(name: String, value: Double)] = [("p50", 50), ("p99", 99), ("p99.9", 99.9)]
}
