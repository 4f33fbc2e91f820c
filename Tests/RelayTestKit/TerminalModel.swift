/// What a terminal shows of the bytes that were written to it: rows of cells, a cursor, and how often it rang.
///
/// It understands what `martlet` writes: text in UTF-8, cursor addressing, erasing, looks, the other screen and pastes.
/// Characters that take two columns take two cells. What it does not understand is written down in `unknown`.
public struct TerminalModel: Sendable {
    private struct Cell: Equatable, Sendable {
        var text = " "
        /// Whether the cell to the left shows a character over both.
        var isCovered = false
        var look = ""
    }

    private enum State: Sendable {
        case ground
        case escape
        case sequence(String)
    }

    /// Where the cursor is, from 0.
    public private(set) var cursor = (row: 0, column: 0)
    /// How often it rang.
    public private(set) var bellCount = 0
    /// Whether the other screen is shown.
    public private(set) var isOtherScreen = false
    /// Whether pastes are told apart from typing.
    public private(set) var marksPastes = false
    /// Whether the cursor is shown.
    public private(set) var isCursorShown = true
    /// Whether any look was ever asked for.
    public private(set) var hasLooks = false
    /// Sequences that it does not understand.
    public private(set) var unknown: [String] = []

    private var cells: [[Cell]]
    private var state = State.ground
    private var look = ""
    private var pending: [UInt8] = []
    private var isWrapPending = false
    /// The first screen, while the other one is shown.
    private var kept: (cells: [[Cell]], cursor: (row: Int, column: Int))?

    /// An empty terminal.
    public init(columns: Int, rows: Int) {
        cells = Array(repeating: Array(repeating: Cell(), count: columns), count: rows)
    }

    /// The rows, without the blanks at their ends.
    public var lines: [String] {
        cells.map { row in
            var text = row.filter { !$0.isCovered }.map(\.text).joined()
            while text.hasSuffix(" ") { text.removeLast() }
            return text
        }
    }

    /// The look, as it was asked for, of the first cell where that text stands in a row; nil where it does not.
    public func look(of text: String, inRow row: Int) -> String? {
        let characters = cells[row].filter { !$0.isCovered }
        let line = characters.map(\.text).joined()
        guard let place = line.firstRange(of: text) else { return nil }
        let index = line[..<place.lowerBound].count
        return characters[index].look
    }

    /// Another size: what does not fit is cut off, as the simplest terminals do.
    public mutating func resize(columns: Int, rows: Int) {
        cells = (0..<rows).map { row in
            (0..<columns).map { column in
                cells.indices.contains(row) && cells[row].indices.contains(column) ? cells[row][column] : Cell()
            }
        }
        cursor = (min(cursor.row, rows - 1), min(cursor.column, columns - 1))
    }

    /// Bytes were written to it, cut anywhere.
    public mutating func written(_ bytes: some Sequence<UInt8>) {
        pending += bytes
        while let length = Self.scalarLength(pending), length <= pending.count {
            let scalars = String(decoding: pending.prefix(length), as: UTF8.self).unicodeScalars
            pending.removeFirst(length)
            for scalar in scalars { take(scalar) }
        }
    }

    private static func scalarLength(_ bytes: [UInt8]) -> Int? {
        guard let first = bytes.first else { return nil }
        switch first {
        case 0xc2...0xdf: return 2
        case 0xe0...0xef: return 3
        case 0xf0...0xf4: return 4
        default: return 1
        }
    }

    private mutating func take(_ scalar: Unicode.Scalar) {
        switch state {
        case .escape:
            state = scalar == "[" ? .sequence("") : .ground
            if scalar != "[" { unknown.append("ESC \(scalar)") }
        case .sequence(let parameters):
            if (0x40...0x7e).contains(scalar.value) {
                state = .ground
                run(scalar, parameters)
            } else {
                state = .sequence(parameters + String(scalar))
            }
        case .ground: print(scalar)
        }
    }

    private mutating func print(_ scalar: Unicode.Scalar) {
        switch scalar {
        case "\u{1b}": state = .escape
        case "\u{7}": bellCount += 1
        case "\r": cursor.column = 0
        case "\n": feedLine()
        case "\u{8}": cursor.column = max(0, cursor.column - 1)
        default:
            if joins(scalar) {
                changePrevious { $0.text.unicodeScalars.append(scalar) }
                if scalar == "\u{fe0f}" { widenPrevious() }
            } else {
                put(scalar, width: Self.isWide(scalar) ? 2 : 1)
            }
        }
    }

    private mutating func feedLine() {
        isWrapPending = false
        guard cursor.row == cells.count - 1 else {
            cursor.row += 1
            return
        }
        let columns = cells[0].count
        cells.removeFirst()
        cells.append(Array(repeating: Cell(), count: columns))
    }

    private mutating func put(_ scalar: Unicode.Scalar, width: Int) {
        if isWrapPending || cursor.column + width > cells[0].count {
            cursor.column = 0
            feedLine()
        }
        cells[cursor.row][cursor.column] = Cell(text: String(scalar), look: look)
        if width == 2 { cells[cursor.row][cursor.column + 1] = Cell(text: "", isCovered: true, look: look) }
        cursor.column += width
        isWrapPending = cursor.column == cells[0].count
        if isWrapPending { cursor.column -= 1 }
    }

    // MARK: Characters of several scalars

    private var previousColumn: Int? {
        var column = isWrapPending ? cursor.column : cursor.column - 1
        while column >= 0, cells[cursor.row][column].isCovered { column -= 1 }
        return column >= 0 ? column : nil
    }

    private mutating func changePrevious(_ body: (inout Cell) -> Void) {
        if let column = previousColumn { body(&cells[cursor.row][column]) }
    }

    private func joins(_ scalar: Unicode.Scalar) -> Bool {
        guard let column = previousColumn, let last = cells[cursor.row][column].text.unicodeScalars.last else {
            return false
        }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return true
        default: break
        }
        let flags: ClosedRange<UInt32> = 0x1f1e6...0x1f1ff
        let isSecondOfFlag =
            flags.contains(scalar.value) && flags.contains(last.value)
            && cells[cursor.row][column].text.unicodeScalars.count == 1
        return last == "\u{200d}" || (0x1f3fb...0x1f3ff).contains(scalar.value) || isSecondOfFlag
    }

    private mutating func widenPrevious() {
        guard let column = previousColumn, column + 1 < cells[0].count, !cells[cursor.row][column + 1].isCovered,
            column + 1 == cursor.column
        else { return }
        cells[cursor.row][column + 1] = Cell(text: "", isCovered: true, look: look)
        cursor.column += 1
    }

    /// East Asian wide and full-width characters, and emoji.
    private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.properties.isEmojiPresentation { return true }
        switch scalar.value {
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0x33ff, 0x3400...0x4dbf, 0x4e00...0x9fff, 0xa000...0xa4cf,
            0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe4f, 0xff00...0xff60, 0xffe0...0xffe6, 0x20000...0x3fffd:
            return true
        default: return false
        }
    }

    // MARK: Sequences

    private mutating func run(_ final: Unicode.Scalar, _ parameters: String) {
        let numbers = parameters.split(separator: ";", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        switch (final, parameters) {
        case ("H", _):
            let row = max(1, numbers.first ?? 1)
            let column = max(1, numbers.count > 1 ? numbers[1] : 1)
            cursor = (min(row, cells.count) - 1, min(column, cells[0].count) - 1)
            isWrapPending = false
        case ("J", "2"): cells = cells.map { $0.map { _ in Cell() } }
        case ("K", "2"): cells[cursor.row] = cells[cursor.row].map { _ in Cell() }
        case ("K", ""), ("K", "0"):
            for column in cursor.column..<cells[0].count { cells[cursor.row][column] = Cell() }
        case ("m", _):
            hasLooks = true
            look = parameters == "0" ? "" : parameters
        case ("h", "?1049"):
            isOtherScreen = true
            kept = (cells, cursor)
        case ("l", "?1049"):
            isOtherScreen = false
            if let kept { (cells, cursor) = kept }
            kept = nil
        case ("h", "?2004"), ("l", "?2004"): marksPastes = final == "h"
        case ("h", "?25"), ("l", "?25"): isCursorShown = final == "h"
        default: unknown.append("CSI \(parameters)\(final)")
        }
    }
}
