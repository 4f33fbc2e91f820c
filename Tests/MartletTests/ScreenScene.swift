import RelayCore
import RelayTestKit

@testable import martlet

/// A screen, and a terminal that shows it.
struct ScreenScene {
    var screen: ScreenStateMachine
    var terminal: TerminalModel

    init(_ rooms: [RoomID], columns: Int = 40, rows: Int = 7, hasColors: Bool = false) {
        screen = ScreenStateMachine(
            rooms: rooms, size: TerminalSize(columns: columns, rows: rows),
            style: TerminalStyle(hasColors: hasColors))
        screen.connection = "connected"
        terminal = TerminalModel(columns: columns, rows: rows)
        terminal.written(ScreenStateMachine.opening.utf8)
        draw()
    }

    /// Draws, and returns what was written.
    @discardableResult
    mutating func draw() -> String {
        let text = screen.drawn()
        terminal.written(text.utf8)
        return text
    }

    @discardableResult
    mutating func types(_ text: String) -> [ScreenStateMachine.Wish] {
        let wishes = screen.bytesTyped(Array(text.utf8))
        draw()
        return wishes
    }

    mutating func comes(_ text: String, in room: RoomID?, counts: Bool = true, isCall: Bool = false) {
        screen.lineCame(StyledLine(text), in: room, counts: counts, isCall: isCall)
        draw()
    }

    var lines: [String] { terminal.lines }
}
