/// One line that is being typed: its characters, the cursor, and what was cut last. What is pasted keeps its line
/// breaks, which are characters like any other here.
struct LineEditor: Equatable {
    /// What to do after a key.
    enum Action: Equatable {
        case none
        case redraw
        /// The line is finished; the editor is empty again.
        case submit(String)
        case quit
    }

    /// Bytes of a line; what is typed beyond is not taken. More than the relay takes of one text by default, so that it
    /// is the relay that says how much is too much.
    private static let lineBytesMax = 16 * 1024

    private(set) var characters: [Character] = []
    /// How many characters stand before the cursor.
    private(set) var cursor = 0

    private var byteCount = 0
    /// Whether what comes was pasted, and not typed key by key.
    private(set) var isPasting = false
    /// What Ctrl-Y brings back.
    private var cut: [Character] = []

    /// The line as text.
    var text: String { String(characters) }

    /// A key was pressed. What is not about the line alone is none of its business.
    mutating func keyPressed(_ key: Key) -> Action {
        switch key {
        case .character(let character): return insert(character)
        case .enter where isPasting: return insert("\n")
        case .tab where isPasting: return insert(" ")
        case .enter:
            let line = text
            set("")
            return .submit(line)
        case .backspace: return remove(cursor - 1..<cursor)
        case .delete: return remove(cursor..<cursor + 1)
        case .left: return move(to: cursor - 1)
        case .right: return move(to: cursor + 1)
        case .wordLeft: return move(to: wordStart)
        case .wordRight: return move(to: wordEnd)
        case .home: return move(to: 0)
        case .end: return move(to: characters.count)
        case .control(let letter): return controlPressed(letter)
        case .alt(let letter): return altPressed(letter)
        case .pasteBegin, .pasteEnd:
            isPasting = key == .pasteBegin
            return .none
        case .tab, .backTab, .up, .down, .pageUp, .pageDown: return .none
        }
    }

    /// Another line takes the place of this one, with the cursor at its end.
    mutating func set(_ text: String) {
        characters = Array(text)
        byteCount = text.utf8.count
        cursor = characters.count
    }

    /// Characters before the cursor are replaced.
    mutating func replace(_ range: Range<Int>, with text: String) {
        guard range.lowerBound >= 0, range.upperBound <= characters.count else { return }
        characters.replaceSubrange(range, with: Array(text))
        byteCount = characters.reduce(0) { $0 + $1.utf8.count }
        cursor = range.lowerBound + text.count
    }

    private mutating func controlPressed(_ letter: Character) -> Action {
        switch letter {
        case "a": return move(to: 0)
        case "b": return move(to: cursor - 1)
        case "c": return .quit
        case "d": return characters.isEmpty ? .quit : remove(cursor..<cursor + 1)
        case "e": return move(to: characters.count)
        case "f": return move(to: cursor + 1)
        case "k": return cutOut(cursor..<characters.count)
        case "l": return .redraw
        case "t": return swap()
        case "u": return cutOut(0..<cursor)
        case "w": return cutOut(blankStart..<cursor)
        case "y":
            for character in cut { _ = insert(character) }
            return cut.isEmpty ? .none : .redraw
        default: return .none
        }
    }

    private mutating func altPressed(_ letter: Character) -> Action {
        switch letter {
        case "b": move(to: wordStart)
        case "f": move(to: wordEnd)
        case "d": cutOut(cursor..<wordEnd)
        case "\u{7f}": cutOut(wordStart..<cursor)
        default: .none
        }
    }

    private mutating func insert(_ character: Character) -> Action {
        guard byteCount + character.utf8.count <= Self.lineBytesMax else { return .none }
        byteCount += character.utf8.count
        // A combining mark, or what follows a joiner, joins the character before it.
        let joined = cursor > 0 ? String(characters[cursor - 1]) + String(character) : ""
        if joined.count == 1, let whole = joined.first {
            characters[cursor - 1] = whole
        } else {
            characters.insert(character, at: cursor)
            cursor += 1
        }
        return .redraw
    }

    /// The two characters before the cursor, or around it, change places.
    private mutating func swap() -> Action {
        guard characters.count > 1, cursor > 0 else { return .none }
        let right = min(cursor, characters.count - 1)
        characters.swapAt(right - 1, right)
        cursor = right + 1
        return .redraw
    }

    private mutating func cutOut(_ range: Range<Int>) -> Action {
        if !range.isEmpty { cut = Array(characters[range]) }
        return remove(range)
    }

    private mutating func remove(_ range: Range<Int>) -> Action {
        guard !range.isEmpty, range.lowerBound >= 0, range.upperBound <= characters.count else { return .none }
        byteCount -= characters[range].reduce(0) { $0 + $1.utf8.count }
        characters.removeSubrange(range)
        cursor = range.lowerBound
        return .redraw
    }

    private mutating func move(to position: Int) -> Action {
        guard position >= 0, position <= characters.count, position != cursor else { return .none }
        cursor = position
        return .redraw
    }

    /// Blanks before the cursor, then what is not blank.
    private var blankStart: Int {
        var start = cursor
        while start > 0, characters[start - 1].isWhitespace { start -= 1 }
        while start > 0, !characters[start - 1].isWhitespace { start -= 1 }
        return start
    }

    private var wordStart: Int {
        var start = cursor
        while start > 0, !Self.isOfWord(characters[start - 1]) { start -= 1 }
        while start > 0, Self.isOfWord(characters[start - 1]) { start -= 1 }
        return start
    }

    private var wordEnd: Int {
        var end = cursor
        while end < characters.count, !Self.isOfWord(characters[end]) { end += 1 }
        while end < characters.count, Self.isOfWord(characters[end]) { end += 1 }
        return end
    }

    private static func isOfWord(_ character: Character) -> Bool { character.isLetter || character.isNumber }
}
