/// Axes with curves.
struct SVGPanel {
    /// Where its axes begin; they are 400 wide and 300 high.
    var left: Double
    var title: String
    var xName: String
    var yName: String
    /// Whether a step upwards is ten times as much.
    var isLogarithmic: Bool
    var xTicks: [(value: Double, name: String)]
    var curves: [[BenchPlot.Point]]

    private static let top = 70.0
    private static let width = 400.0
    private static let height = 300.0

    func elements(colours: [String]) -> [String] {
        let bottom = Self.top + Self.height
        var lines = [
            #"<text x="\#(left)" y="\#(Self.top - 14)">\#(title)</text>"#,
            line(left, bottom, left + Self.width, bottom, "#444"), line(left, Self.top, left, bottom, "#444"),
            #"<text x="\#(left + Self.width)" y="\#(bottom + 34)" text-anchor="end">\#(xName)</text>"#,
        ]
        for tick in xTicks {
            let x = place(x: tick.value)
            lines.append(line(x, bottom, x, bottom + 4, "#444"))
            lines.append(label(x, bottom + 18, "middle", tick.name))
        }
        for tick in yTicks {
            let y = place(y: tick)
            lines.append(line(left, y, left + Self.width, y, "#ddd"))
            let digits = tick >= 10 || tick == 0 ? 0 : tick >= 1 ? 1 : 3
            lines.append(label(left - 6, y + 4, "end", "\(Decimals.text(tick, digits)) \(yName)"))
        }
        for (index, curve) in curves.enumerated() where !curve.isEmpty {
            let points = curve.map { "\(number(place(x: $0.x))),\(number(place(y: $0.y)))" }.joined(separator: " ")
            let colour = colours[index % colours.count]
            lines.append(#"<polyline points="\#(points)" fill="none" stroke="\#(colour)" stroke-width="1.5"/>"#)
        }
        return lines
    }

    private var values: [Double] { curves.flatMap { $0.map(\.y) } }

    /// The range of the upward axis: decades where it is logarithmic, else from 0 to a round number.
    private var range: (low: Double, high: Double) {
        let high = max(values.max() ?? 1, 1e-3)
        guard isLogarithmic else { return (0, roundedUp(high)) }
        let low = max(values.min() ?? high, 1e-3)
        let first = Logarithm.ten(low).rounded(.down)
        return (first, max(Logarithm.ten(high).rounded(.up), first + 1))
    }

    private var yTicks: [Double] {
        let (low, high) = range
        guard isLogarithmic else { return (0...4).map { high * Double($0) / 4 } }
        return stride(from: low, through: high, by: 1).map { power(of: $0) }
    }

    private func power(of exponent: Double) -> Double {
        var value = 1.0
        for _ in 0..<Int(abs(exponent)) { value = exponent < 0 ? value / 10 : value * 10 }
        return value
    }

    private func roundedUp(_ value: Double) -> Double {
        let unit = power(of: Logarithm.ten(value).rounded(.down))
        return (value / unit).rounded(.up) * unit
    }

    private func place(x: Double) -> Double {
        let end = max(xTicks.map(\.value).max() ?? 1, 1e-9)
        return left + min(x / end, 1) * Self.width
    }

    private func place(y: Double) -> Double {
        let (low, high) = range
        let value = isLogarithmic ? Logarithm.ten(max(y, 1e-3)) : y
        return Self.top + Self.height - (value - low) / (high - low) * Self.height
    }

    private func number(_ value: Double) -> String { Decimals.text(value, 1) }

    private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ colour: String) -> String {
        let (x1, y1, x2, y2) = (number(x1), number(y1), number(x2), number(y2))
        return #"<line x1="\#(x1)" y1="\#(y1)" x2="\#(x2)" y2="\#(y2)" stroke="\#(colour)"/>"#
    }

    private func label(_ x: Double, _ y: Double, _ anchor: String, _ text: String) -> String {
        #"<text x="\#(number(x))" y="\#(number(y))" text-anchor="\#(anchor)">\#(text)</text>"#
    }
}
