/// A line with looks: pieces of text, each in one.
struct StyledLine: Equatable {
    /// How a piece looks.
    enum Look: Equatable {
        case plain
        case dim
        case bold
        case alert
        case inverse
        /// A colour of the 256.
        case color(UInt8)
    }

    /// A piece.
    struct Piece: Equatable {
        var text: String
        var look: Look
    }

    var pieces: [Piece]

    init(_ pieces: [Piece]) {
        self.pieces = pieces
    }

    init(_ text: String, _ look: Look = .plain) {
        pieces = [Piece(text: text, look: look)]
    }

    /// Without looks.
    var text: String { pieces.map(\.text).joined() }

    /// As it is written to a terminal.
    func rendered(_ style: TerminalStyle) -> String {
        pieces.map { piece in
            switch piece.look {
            case .plain: piece.text
            case .dim: style.painted(piece.text, .dim)
            case .bold: style.painted(piece.text, .bold)
            case .alert: style.painted(piece.text, .red)
            case .inverse: style.painted(piece.text, .inverse)
            case .color(let color): style.painted(piece.text, color: color)
            }
        }.joined()
    }

    /// The line in rows of at most so many columns, broken at blanks where there are any.
    ///
    /// - Parameter indent: blanks before each row but the first; none where the rows are too narrow for them.
    func wrapped(columns: Int, indent: Int) -> [StyledLine] {
        let cells = pieces.flatMap { piece in piece.text.map { (character: $0, look: piece.look) } }
        let columns = max(1, columns)
        let indent = indent * 3 <= columns ? indent : 0
        var rows: [StyledLine] = []
        var start = 0
        while true {
            let room = columns - (rows.isEmpty ? 0 : indent)
            let (end, next) = Self.rowEnd(cells.map(\.character), from: start, columns: room)
            var row = StyledLine(rows.isEmpty ? [] : [Piece(text: String(repeating: " ", count: indent), look: .plain)])
            for cell in cells[start..<end] { row.append(cell.character, cell.look) }
            rows.append(row)
            guard next < cells.count else { return rows }
            start = next
        }
    }

    private mutating func append(_ character: Character, _ look: Look) {
        if let last = pieces.indices.last, pieces[last].look == look {
            pieces[last].text.append(character)
        } else {
            pieces.append(Piece(text: String(character), look: look))
        }
    }

    /// Where a row that begins there ends, and where the next one begins: after the blank at which it is broken. Before
    /// a wide character it may be broken too, as Chinese and Japanese are.
    private static func rowEnd(_ characters: [Character], from start: Int, columns: Int) -> (end: Int, next: Int) {
        var width = 0
        var place: (end: Int, next: Int)?
        var index = start
        while index < characters.count {
            let needed = TerminalText.width(of: characters[index])
            if index > start {
                if characters[index] == " " { place = (index, index + 1) } else if needed > 1 { place = (index, index) }
            }
            if width + needed > columns {
                // At least one character a row, or it would never end.
                let end = max(index, start + 1)
                return place ?? (end, end)
            }
            width += needed
            index += 1
        }
        return (characters.count, characters.count)
    }
}

/// The colour of a name: always the same one.
enum NameColor {
    /// Readable on black and on white, and apart from each other.
    private static let palette: [UInt8] = [
        31, 32, 37, 64, 66, 71, 74, 95, 97, 98, 103, 130, 132, 133, 136, 140, 166, 167, 168, 172,
    ]

    static func of(_ name: String) -> UInt8 {
        // FNV-1a, 32 bits: the same in every run, unlike Swift's own hash.
        let hash = name.utf8.reduce(0x811c_9dc5 as UInt32) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
        return palette[Int((hash ^ hash >> 16) % UInt32(palette.count))]
    }
}
