import Foundation
import Glibc
import RelayBench

/// What a person sees while a load runs, on standard error: one line that is renewed, or where that is no terminal a
/// line every few seconds.
final class BenchProgressLine {
    private static let linesInterval = 5.0
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var told = Date.distantPast
    private var isDrawn = false

    func show(_ progress: BenchProgress) {
        let now = Date()
        guard now.timeIntervalSince(told) >= (isTerminal ? 0.2 : Self.linesInterval) else { return }
        told = now
        let line = Self.text(progress)
        if isTerminal {
            // To the line's beginning, and what the longer one before it left is wiped off.
            Console.drawError("\r\(line)\u{1B}[K")
            isDrawn = true
        } else {
            Console.complain("bench: \(line)")
        }
    }

    /// Takes the line away.
    func end() {
        guard isDrawn else { return }
        isDrawn = false
        Console.drawError("\r\u{1B}[K")
    }

    static func text(_ progress: BenchProgress) -> String {
        let span = progress.secondsInAll.map { String(format: "%.0f of %.0f s", progress.seconds, $0) }
        let phase = [progress.phase.rawValue, span].compactMap { $0 }.joined(separator: " ")
        let lost = progress.missing > 0 ? ", \(progress.missing) missing" : ""
        return "\(phase): \(progress.live) of \(progress.readers) in rooms, \(progress.posts) posts, "
            + "\(progress.deliveries) deliveries, \(String(format: "%.0f", progress.deliveriesPerSecond))/s\(lost)"
    }
}
