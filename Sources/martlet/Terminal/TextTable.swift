/// Text in columns and in rows of a width.
enum TextTable {
    /// Rows of cells, each column as wide as its widest cell and two blanks apart.
    ///
    /// - Parameter rightAligned: the columns whose cells stand at its right end: numbers.
    static func lines(_ rows: [[String]], rightAligned: Set<Int> = []) -> [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { $0.indices.contains(column) ? TerminalText.width(of: $0[column]) : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - TerminalText.width(of: cell))
                return rightAligned.contains(column) ? padding + cell : cell + padding
            }
            var line = cells.joined(separator: "  ")
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
    }

    /// The text in rows of at most so many columns, broken at blanks; a word that is longer is broken where it must be.
    /// Nil, or fewer than 20: one row.
    static func wrapped(_ text: String, columns: Int?) -> [String] {
        guard let columns, columns >= 20 else { return [text] }
        var rows: [String] = []
        var row = ""
        var width = 0
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            let needed = TerminalText.width(of: word)
            if width > 0, width + 1 + needed > columns {
                rows.append(row)
                (row, width) = ("", 0)
            }
            if width > 0 {
                row += " "
                width += 1
            }
            for character in word {
                let one = TerminalText.width(of: character)
                if width + one > columns {
                    rows.append(row)
                    (row, width) = ("", 0)
                }
                row.append(character)
                width += one
            }
        }
        return rows + [row]
    }
}
