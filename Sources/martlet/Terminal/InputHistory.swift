/// The lines that were typed before, and the one that is being typed meanwhile.
struct InputHistory {
    /// Lines that it keeps; the oldest are forgotten.
    private static let linesMax = 500

    private var lines: [String] = []
    /// The line that is shown; nil for the one that is being typed.
    private var place: Int?
    private var draft = ""

    /// A line was sent.
    mutating func added(_ line: String) {
        place = nil
        draft = ""
        guard !line.isEmpty, lines.last != line else { return }
        lines.append(line)
        if lines.count > Self.linesMax { lines.removeFirst() }
    }

    /// The line before the one that is shown; nil where there is none.
    ///
    /// - Parameter current: what stands at the prompt.
    mutating func older(than current: String) -> String? {
        let next = (place ?? lines.count) - 1
        guard next >= 0 else { return nil }
        if place == nil { draft = current }
        place = next
        return lines[next]
    }

    /// Another line is at the prompt, which has nothing to do with the one that was shown.
    mutating func lineExchanged() {
        place = nil
        draft = ""
    }

    /// The line after it; at the end what was being typed.
    mutating func newer() -> String? {
        guard let shown = place else { return nil }
        guard shown + 1 < lines.count else {
            place = nil
            return draft
        }
        place = shown + 1
        return lines[shown + 1]
    }
}
