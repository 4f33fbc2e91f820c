import NIOCore
import RelayCore
import RelayWire

/// All that `martlet doctor` found, and how it is shown.
struct DoctorReport {
    var findings: [HopFinding]

    /// The status that the program ends with: 69 where Redis or an edge cannot be reached, 1 where something is wrong.
    var exitCode: Int32 {
        if findings.contains(where: { $0.state == .unreachable }) { return 69 }
        return findings.contains { $0.state == .wrong } ? 1 : 0
    }

    private var verdict: String {
        switch exitCode {
        case 0: "well"
        case 1: "wrong"
        default: "unreachable"
        }
    }

    // MARK: For people

    /// A table with a row a hop, each remedy below its finding, and a line that counts.
    ///
    /// - Parameter columns: how wide a row may be; nil for any width.
    func lines(_ style: TerminalStyle, columns: Int?) -> [String] {
        let name = (findings.map(\.hop.rawValue.count).max() ?? 0) + 2
        let indent = name + Self.stateColumns
        var lines: [String] = []
        for finding in findings {
            let head = Self.padded(finding.hop.rawValue, to: name)
            let state = style.painted(Self.padded(Self.label(finding.state), to: Self.stateColumns), finding.state)
            let words = TextTable.wrapped(PlainText.cleaned(finding.words), columns: columns.map { $0 - indent })
            for (index, row) in words.enumerated() {
                lines.append(index == 0 ? head + state + row : String(repeating: " ", count: indent) + row)
            }
            guard let remedy = finding.remedy else { continue }
            let rows = TextTable.wrapped("-> " + PlainText.cleaned(remedy), columns: columns.map { $0 - indent })
            lines += rows.map { String(repeating: " ", count: indent) + $0 }
        }
        return lines + ["", count]
    }

    private static let stateColumns = 13

    private static func label(_ state: HopFinding.State) -> String {
        switch state {
        case .well: "ok"
        case .note: "note"
        case .wrong: "WRONG"
        case .unreachable: "UNREACHABLE"
        case .skipped: "-"
        }
    }

    private static func padded(_ text: String, to columns: Int) -> String {
        text + String(repeating: " ", count: max(1, columns - text.count))
    }

    private var count: String {
        func number(_ state: HopFinding.State, _ word: String) -> String? {
            let count = findings.count { $0.state == state }
            return count == 0 ? nil : "\(count) \(word)"
        }
        let parts = [
            number(.wrong, "wrong"), number(.unreachable, "unreachable"), number(.well, "well"),
            number(.note, "worth knowing"), number(.skipped, "not looked at"),
        ]
        return "\(findings.count) looked for: " + parts.compactMap { $0 }.joined(separator: ", ")
    }

    // MARK: For programs

    /// One object on one line.
    var json: ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeJSONObject { object in
            object.string("verdict", verdict)
            object.array("checks") { array in
                for finding in findings {
                    array.object { check in
                        check.string("hop", finding.hop.rawValue)
                        check.string("state", finding.state.rawValue)
                        check.string("found", finding.words)
                        if let remedy = finding.remedy { check.string("remedy", remedy) }
                    }
                }
            }
        }
        return buffer
    }
}

extension TerminalStyle {
    /// A state in its colour.
    fileprivate func painted(_ text: String, _ state: HopFinding.State) -> String {
        switch state {
        case .well: painted(text, .green)
        case .note: painted(text, .yellow)
        case .wrong, .unreachable: painted(text, .red)
        case .skipped: painted(text, .dim)
        }
    }
}
