/// How many deliveries came when, in steps of one length.
struct Timeline: Equatable {
    /// Nanoseconds of a step.
    let step: UInt64
    private(set) var counts: [UInt64]

    /// For so many nanoseconds, in at most so many steps, none shorter than 100 ms; what comes later is in the last.
    init(span: UInt64, points: Int) {
        step = max(100_000_000, span / UInt64(points))
        counts = Array(repeating: 0, count: Int(span / step) + 1)
    }

    /// Counts a delivery, so many nanoseconds after the beginning.
    mutating func add(at elapsed: UInt64) {
        counts[min(Int(elapsed / step), counts.count - 1)] += 1
    }

    /// Seconds since the beginning, and deliveries a second, at each step up to the last in which there were any.
    var points: [(seconds: Double, rate: Double)] {
        let end = counts.lastIndex { $0 > 0 }.map { $0 + 1 } ?? 0
        let seconds = Double(step) / 1e9
        return counts[..<end].enumerated().map { (Double($0.offset) * seconds, Double($0.element) / seconds) }
    }
}
