/// Numbers as people and programs read them: a point, a fixed number of digits, no exponent.
enum Decimals {
    /// A number with so many digits behind the point; one that is none is 0.
    static func text(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (value * scale).rounded()
        guard scaled.isFinite, abs(scaled) < 9e15 else { return text(0, digits) }
        let whole = Int64(abs(scaled))
        let unit = Int64(scale)
        let sign = scaled < 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(whole)" }
        let fraction = String(whole % unit)
        return "\(sign)\(whole / unit).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }

    /// Nanoseconds as milliseconds, with as many digits as say something.
    static func milliseconds(_ nanoseconds: UInt64) -> String {
        let value = Double(nanoseconds) / 1e6
        return text(value, value < 10 ? 2 : value < 100 ? 1 : 0) + " ms"
    }

    /// Bytes as KB of 1024, with one digit.
    static func kilobytes(_ bytes: Double) -> String { text(bytes / 1024, 1) + " KB" }
}
