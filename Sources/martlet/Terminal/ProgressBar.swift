import Glibc

/// How far long work is, on one row that is drawn anew; nothing at all of what is done soon.
struct ProgressBar {
    static let quiet = Duration.seconds(2)
    static let interval = Duration.milliseconds(200)
    private static let cells = 20

    private var last: Duration?

    /// What to draw, if it is time to.
    ///
    /// - Parameters:
    ///   - done: parts that are done, of so many; nil where nobody knows how many there are.
    ///   - words: what is being done.
    ///   - elapsed: since the start.
    mutating func text(done: UInt64, of total: UInt64?, _ words: String, after elapsed: Duration) -> String? {
        guard elapsed >= Self.quiet, last.map({ elapsed - $0 >= Self.interval }) ?? true else { return nil }
        last = elapsed
        guard let total, total > 0 else { return "\r\u{1b}[K\(words)" }
        let part = Double(min(done, total)) / Double(total)
        let full = Int(part * Double(Self.cells))
        let bar = String(repeating: "#", count: full) + String(repeating: ".", count: Self.cells - full)
        let percent = Int(part * 100)
        return "\r\u{1b}[K[\(bar)] \(percent) %, \(words)\(Self.rest(part, elapsed))"
    }

    /// What takes the row away; nil where there is none.
    func cleared() -> String? { last.map { _ in "\r\u{1b}[K" } }

    /// As long as it took so far, so long will the rest take.
    private static func rest(_ part: Double, _ elapsed: Duration) -> String {
        guard part > 0.02, part < 1 else { return "" }
        let seconds = Int(Double(elapsed.components.seconds) * (1 - part) / part)
        return seconds < 120 ? ", \(seconds) s left" : ", \(seconds / 60) min left"
    }
}

/// The progress of one piece of work, on standard error where that is a terminal.
struct ProgressRow {
    private var bar: ProgressBar?
    private let start = ContinuousClock.now

    init() {
        bar = isatty(STDERR_FILENO) == 1 ? ProgressBar() : nil
    }

    mutating func tell(done: UInt64, of total: UInt64?, _ words: String) {
        guard bar != nil else { return }
        let elapsed = ContinuousClock.now - start
        if let text = bar?.text(done: done, of: total, words, after: elapsed) { Console.drawError(text) }
    }

    /// The row goes: before anything else is written, and at the end.
    func clear() {
        if let text = bar?.cleared() { Console.drawError(text) }
    }
}
