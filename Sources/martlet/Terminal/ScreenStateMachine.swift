import RelayCore

/// The terminal of `martlet chat`: history above, a status line, the prompt below.
///
/// It is told what is typed, what comes and how large the terminal is, and says what the person wants and what to
/// write so that the terminal shows how things stand. Only rows that changed are written.
struct ScreenStateMachine {
    /// What the person wants.
    enum Wish: Equatable {
        /// A line was typed, in that room.
        case say(String, in: RoomID)
        /// Another room is shown.
        case show(RoomID)
        /// That room is on the screen now, and wants to be entered where it was not.
        case join(RoomID)
        /// That room is on the screen no more.
        case leave(RoomID)
        case quit
    }

    /// What comes before anything is drawn: the other screen, and pastes that can be told from typing.
    static let opening = "\u{1b}[?1049h\u{1b}[?2004h\u{1b}[2J"
    /// What gives the terminal back.
    static let closing = "\u{1b}[?2004l\u{1b}[?25h\u{1b}[0m\u{1b}[?1049l"

    /// The command that this program knows beside the relay's.
    private static let leaveCommand = "leave"
    /// How many columns a time takes: rows that go on are indented by it.
    private static let timeColumns = 6

    private let style: TerminalStyle
    private var size: TerminalSize
    private var editor = LineEditor()
    private var decoder = KeyDecoder()
    private var history = InputHistory()
    private var completion: Completion?
    private var buffers: [RoomBuffer]
    private var current = 0
    private var bells = 0
    /// What the terminal shows; nil where that is not known.
    private var painted: [String]?
    private var paintedCursor: (row: Int, column: Int)?

    /// How the connection stands, for the status line.
    var connection = "connecting"
    /// Messages that are not acknowledged yet.
    var pendingCount = 0
    /// Who this is, once that is known.
    var user: UserID?
    /// Rooms beside those on the screen that Tab knows.
    var knownRooms: [RoomID] = []

    /// A screen that shows the first of these rooms.
    ///
    /// - Precondition: there is one.
    init(rooms: [RoomID], size: TerminalSize, style: TerminalStyle) {
        precondition(!rooms.isEmpty, "a screen shows a room")
        buffers = rooms.map { RoomBuffer(room: $0) }
        self.size = size
        self.style = style
    }

    /// The room that is shown.
    var shownRoom: RoomID { buffers[current].room }

    /// All rooms, in their order.
    var rooms: [RoomID] { buffers.map(\.room) }

    // MARK: What happens

    /// Bytes were typed.
    mutating func bytesTyped(_ bytes: some Sequence<UInt8>) -> [Wish] {
        var wishes: [Wish] = []
        for byte in bytes {
            if let key = decoder.byteReceived(byte), let wish = keyPressed(key) { wishes.append(wish) }
        }
        return wishes
    }

    /// The terminal has another size.
    mutating func resized(to size: TerminalSize) {
        self.size = size
        for index in buffers.indices { buffers[index].scrollRows = 0 }
        painted = nil
    }

    /// A line for a room, or for the one that is shown; one for a room that is not on the screen is dropped. Messages
    /// count where nobody sees them.
    mutating func lineCame(
        _ line: StyledLine, in room: RoomID?, counts: Bool = false, isCall: Bool = false, rings: Bool = false
    ) {
        guard let index = room.map({ room in buffers.firstIndex { $0.room == room } }) ?? current else { return }
        if rings { bells += 1 }
        let isShown = index == current
        // Who has scrolled back keeps what they read.
        if isShown, buffers[index].scrollRows > 0 { buffers[index].scrollRows += rows(of: line).count }
        buffers[index].added(line, isSeen: isShown, counts: counts, isCall: isCall)
    }

    /// Somebody spoke or came.
    mutating func heard(_ user: UserID, in room: RoomID) { change(room) { $0.heard(user) } }
    /// Somebody is there.
    mutating func present(_ user: UserID, in room: RoomID) { change(room) { $0.present(user) } }
    /// Somebody left.
    mutating func left(_ user: UserID, in room: RoomID) { change(room) { $0.left(user) } }

    /// A room was entered: it is on the screen from here on, and shown where that is wanted.
    mutating func roomEntered(_ room: RoomID, isShown: Bool) {
        if !buffers.contains(where: { $0.room == room }) { buffers.append(RoomBuffer(room: room)) }
        if isShown, let index = buffers.firstIndex(where: { $0.room == room }) { show(index) }
    }

    /// A room was left; the last one stays, for a screen shows a room.
    mutating func roomLeft(_ room: RoomID) {
        guard buffers.count > 1, let index = buffers.firstIndex(where: { $0.room == room }) else { return }
        let shown = shownRoom
        buffers.remove(at: index)
        if let place = buffers.firstIndex(where: { $0.room == shown }) {
            current = place
        } else {
            turn(to: min(index, buffers.count - 1))
        }
    }

    private mutating func change(_ room: RoomID, _ body: (inout RoomBuffer) -> Void) {
        if let index = buffers.firstIndex(where: { $0.room == room }) { body(&buffers[index]) }
    }

    // MARK: Keys

    private mutating func keyPressed(_ key: Key) -> Wish? {
        if key == .tab || key == .backTab, completePressed(backwards: key == .backTab) { return nil }
        completion = nil
        switch key {
        case .up:
            if let line = history.older(than: editor.text) { editor.set(line) }
        case .down:
            if let line = history.newer() { editor.set(line) }
        case .pageUp: scroll(by: max(1, historyRows - 1))
        case .pageDown: scroll(by: -max(1, historyRows - 1))
        case .control("n"), .alt("n"): return turn(by: 1)
        case .control("p"), .alt("p"): return turn(by: -1)
        case .alt("a"): return turnToUnread()
        case .alt(let digit) where ("1"..."9").contains(digit):
            guard let number = digit.wholeNumberValue, number <= buffers.count else { return nil }
            return turn(by: number - 1 - current)
        case .control("l"): painted = nil
        default: return edited(editor.keyPressed(key))
        }
        return nil
    }

    private mutating func edited(_ action: LineEditor.Action) -> Wish? {
        switch action {
        case .none, .redraw: return nil
        case .quit: return .quit
        case .submit(let line):
            history.added(line)
            // Who speaks wants to see it.
            buffers[current].scrollRows = 0
            return wish(of: line)
        }
    }

    /// Rooms are turned here and now: what is typed next, also in one piece with this line, is for the room that is
    /// shown then.
    private mutating func wish(of line: String) -> Wish? {
        let text = line.trimmingBlanks()
        guard !text.isEmpty else { return nil }
        switch SlashCommand(typed: text) {
        case .join(let name):
            guard let room = RoomID(name) else { break }
            roomEntered(room, isShown: true)
            return .join(room)
        case .unknown(Self.leaveCommand):
            let name = text.split(separator: " ").dropFirst().first
            guard let room = name.map({ RoomID(String($0)) }) ?? shownRoom, buffers.count > 1, rooms.contains(room)
            else { break }
            roomLeft(room)
            return .leave(room)
        default: break
        }
        return .say(line, in: shownRoom)
    }

    /// Whether the key was for a completion. In a paste it is a blank.
    private mutating func completePressed(backwards: Bool) -> Bool {
        guard !editor.isPasting else { return false }
        let isFirst = completion == nil
        if isFirst { completion = Completion(editor, vocabulary) }
        guard let (range, text) = completion?.next(backwards: backwards, isFirst: isFirst) else { return true }
        editor.replace(range, with: text)
        return true
    }

    private var vocabulary: Completion.Vocabulary {
        let commands = SlashCommand.Name.allCases.map { "/\($0.rawValue)" } + ["/\(Self.leaveCommand)"]
        let others = knownRooms.filter { !rooms.contains($0) }
        return Completion.Vocabulary(
            commands: commands.sorted(), rooms: (rooms + others).map(\.description),
            names: buffers[current].people.filter { $0 != user }.map(\.description))
    }

    private mutating func turn(by steps: Int) -> Wish? {
        guard buffers.count > 1, steps != 0 else { return nil }
        show((current + steps % buffers.count + buffers.count) % buffers.count)
        return .show(shownRoom)
    }

    /// To the next room with something unread; one that calls this person first.
    private mutating func turnToUnread() -> Wish? {
        let order = (1..<max(1, buffers.count)).map { (current + $0) % buffers.count }
        guard
            let next = order.first(where: { buffers[$0].hasCall })
                ?? order.first(where: { buffers[$0].unreadCount > 0 })
        else { return nil }
        show(next)
        return .show(shownRoom)
    }

    private mutating func show(_ index: Int) {
        guard index != current else { return }
        buffers[current].hidden()
        // What was begun in one room is not said in another.
        buffers[current].draft = editor
        turn(to: index)
    }

    private mutating func turn(to index: Int) {
        current = index
        history.lineExchanged()
        editor = buffers[index].draft
        buffers[index].draft = LineEditor()
        buffers[index].shown()
    }

    private mutating func scroll(by rows: Int) {
        let all = allRows(of: buffers[current]).count
        let most = max(0, all - historyRows)
        buffers[current].scrollRows = min(most, max(0, buffers[current].scrollRows + rows))
    }

    // MARK: What is shown

    /// Rows for the history: all but those of the status line and the prompt.
    private var historyRows: Int { max(0, size.rows - 2) }

    private func rows(of line: StyledLine) -> [StyledLine] {
        line.wrapped(columns: size.columns, indent: Self.timeColumns)
    }

    private func allRows(of buffer: RoomBuffer) -> [StyledLine] { rows(of: buffer, atLeast: .max) }

    /// The newest rows of a room, as many as are asked for or a few more, where there are so many.
    private func rows(of buffer: RoomBuffer, atLeast count: Int) -> [StyledLine] {
        var rows: [StyledLine] = []
        for index in buffer.lines.indices.reversed() {
            rows += self.rows(of: buffer.lines[index]).reversed()
            if index == buffer.unreadLine { rows.append(rule) }
            if rows.count >= count { break }
        }
        return rows.reversed()
    }

    private var rule: StyledLine {
        let word = " new "
        let dashes = max(0, size.columns - word.count)
        let left = String(repeating: "-", count: min(dashes, 6))
        return StyledLine(left + word + String(repeating: "-", count: dashes - left.count), .dim)
    }

    /// The rows of the whole screen as they are written, and where in the last one the cursor stands.
    private func frame() -> (rows: [String], cursorColumn: Int) {
        let buffer = buffers[current]
        let wanted = historyRows + buffer.scrollRows
        let newest = rows(of: buffer, atLeast: wanted)
        // Old lines may have gone since somebody scrolled up to them.
        let scrolled = min(buffer.scrollRows, max(0, newest.count - historyRows))
        let shown = newest.dropLast(scrolled).suffix(historyRows)
        var rows = Array(repeating: "", count: historyRows - shown.count) + shown.map { $0.rendered(style) }
        if size.rows >= 2 { rows.append(statusLine) }
        let prompt = PromptRow(editor: editor, prompt: "\(shownRoom)> ", columns: size.columns)
        return (rows + [prompt.text], prompt.cursorColumn)
    }

    private var statusLine: String {
        let left = buffers.enumerated().map { index, buffer in
            if index == current { return "[\(buffer.room)]" }
            guard buffer.unreadCount > 0 else { return "\(buffer.room)" }
            return "\(buffer.room)(\(buffer.unreadCount)\(buffer.hasCall ? "!" : ""))"
        }.joined(separator: " ")
        let more = buffers[current].scrollRows > 0 ? "more below | " : ""
        let pending = pendingCount > 0 ? "\(pendingCount) not confirmed | " : ""
        let right = " \(more)\(pending)\(user.map { "\($0) | " } ?? "")\(connection) "
        // Where there is no room for all, the rooms give way.
        let columns = max(0, size.columns - TerminalText.width(of: right))
        var text = TerminalText.cut(" " + left, columns: columns)
        text += String(repeating: " ", count: columns - TerminalText.width(of: text))
        return StyledLine(TerminalText.cut(text + right, columns: size.columns), .inverse).rendered(style)
    }

    /// What to write so that the terminal shows how things stand; empty where it does.
    mutating func drawn() -> String {
        let (rows, cursorColumn) = frame()
        let bell = bells > 0 ? ChatLine.bell : ""
        bells = 0
        var text = ""
        if painted == nil { text += "\u{1b}[2J" }
        for (index, row) in rows.enumerated() where painted?[index] != row {
            // Emptied first: after a row that fills its last column nothing may be taken away.
            text += "\u{1b}[\(index + 1);1H\u{1b}[2K\(row)"
        }
        let cursor = (row: rows.count, column: cursorColumn + 1)
        let isMoved = paintedCursor.map { $0 != cursor } ?? true
        painted = rows
        paintedCursor = cursor
        guard !text.isEmpty || isMoved else { return bell }
        return bell + "\u{1b}[?25l\(text)\u{1b}[\(cursor.row);\(cursor.column)H\u{1b}[?25h"
    }
}
