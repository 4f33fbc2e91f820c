internal import Histogram

/// A picture of a run: latency by percentile, and deliveries over time, of the relay and of the floor.
struct BenchPlot {
    /// A curve.
    struct Series: Equatable {
        var name: String
        /// Shares of deliveries, 0 to below 1, and the milliseconds within which they came.
        var latencies: [Point]
        /// Seconds, and deliveries a second.
        var rates: [Point]
    }

    struct Point: Equatable {
        var x: Double
        var y: Double
    }

    var title: String
    var series: [Series]

    private static let colours = ["#1f6f8b", "#c8553d"]

    /// The whole file.
    func svg() -> String {
        let latency = SVGPanel(
            left: 70, title: "latency by percentile", xName: "percentile", yName: "ms", isLogarithmic: true,
            xTicks: [(0, "0"), (1, "90"), (2, "99"), (3, "99.9"), (4, "99.99")],
            curves: series.map { series in series.latencies.map { Point(x: Self.nines($0.x), y: $0.y) } })
        let end = series.flatMap(\.rates).map(\.x).max() ?? 1
        let rate = SVGPanel(
            left: 560, title: "deliveries a second", xName: "seconds", yName: "", isLogarithmic: false,
            xTicks: (0...4).map { (end * Double($0) / 4, Decimals.text(end * Double($0) / 4, end < 10 ? 1 : 0)) },
            curves: series.map(\.rates))
        var lines = [
            #"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 440" font-family="sans-serif" font-size="12">"#,
            #"<rect width="1000" height="440" fill="white"/>"#,
            #"<text x="70" y="28" font-size="15">\#(Self.escaped(title))</text>"#,
        ]
        lines += latency.elements(colours: Self.colours) + rate.elements(colours: Self.colours)
        for (index, series) in series.enumerated() {
            let x = 70 + index * 160
            let colour = Self.colours[index % Self.colours.count]
            lines.append(#"<rect x="\#(x)" y="412" width="14" height="10" fill="\#(colour)"/>"#)
            lines.append(#"<text x="\#(x + 20)" y="421">\#(Self.escaped(series.name))</text>"#)
        }
        return (lines + ["</svg>", ""]).joined(separator: "\n")
    }

    /// How many nines a share has: 0.9 has one, 0.99 two; up to four.
    static func nines(_ share: Double) -> Double {
        var rest = 1 - share
        var count = 0.0
        while rest < 0.1, count < 4 {
            rest *= 10
            count += 1
        }
        // Within a decade the logarithm, by its series: there is no need for a library of mathematics.
        return min(count + Logarithm.ten(1 / max(rest, 0.1)), 4)
    }

    static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}

/// The logarithm to base ten, which Swift leaves to C.
enum Logarithm {
    static func ten(_ value: Double) -> Double {
        guard value > 0, value.isFinite else { return 0 }
        // ln(value) = exponent · ln 2 + 2 artanh((m − 1) / (m + 1)), whose series is short for m below 2.
        let mantissa = value.significand
        let ratio = (mantissa - 1) / (mantissa + 1)
        var term = ratio
        var sum = 0.0
        for power in stride(from: 1.0, through: 25, by: 2) {
            sum += term / power
            term *= ratio * ratio
        }
        return (Double(value.exponent) * 0.693147180559945 + 2 * sum) / 2.302585092994046
    }
}

extension BenchReport {
    /// A picture of the run as an SVG file.
    public func svg() -> String {
        var series = [Self.series("relay", outcome)]
        if let floor, floor.outcome.plan.readers > 0 {
            series.append(Self.series("floor, \(floor.kind.rawValue)", floor.outcome))
        }
        let plan = outcome.plan
        return BenchPlot(
            title: "martlet bench: \(plan.readers) readers, \(plan.rooms) rooms, \(plan.textBytes) bytes",
            series: series
        ).svg()
    }

    private static func series(_ name: String, _ run: BenchOutcome) -> BenchPlot.Series {
        var shares: [Double] = []
        var rest = 1.0
        // Twelve points a decade, down to one delivery in ten thousand.
        for _ in 0...48 {
            shares.append(1 - rest)
            rest *= 0.825404185268018
        }
        let latencies =
            run.latencies.totalCount == 0
            ? []
            : shares.map { share in
                BenchPlot.Point(x: share, y: Double(run.latencies.valueAtPercentile(share * 100)) / 1e6)
            }
        return BenchPlot.Series(
            name: name, latencies: latencies,
            rates: run.timeline.points.map { BenchPlot.Point(x: $0.seconds, y: $0.rate) })
    }
}
