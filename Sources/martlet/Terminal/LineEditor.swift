/// One line that is being typed: its characters and the cursor.
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

    /// The line as text.
    var text: String { String(characters) }

    /// A key was pressed.
    mutating func keyPressed(_ key: Key) -> Action {
        switch key {
        case .character(let character): return insert(character)
        case .enter:
            let line = text
            self = LineEditor()
            return .submit(line)
        case .backspace: return remove(cursor - 1..<cursor)
        case .delete: return remove(cursor..<cursor + 1)
        case .left: return move(to: cursor - 1)
        case .right: return move(to: cursor + 1)
        case .home: return move(to: 0)
        case .end: return move(to: characters.count)
        case .control(let letter): return controlPressed(letter)
        }
    }

    private mutating func controlPressed(_ letter: Character) -> Action {
        switch letter {
        case "a": return move(to: 0)
        case "b": return move(to: cursor - 1)
        case "c": return .quit
        case "d": return characters.isEmpty ? .quit : remove(cursor..<cursor + 1)
        case "e": return move(to: characters.count)
        case "f": return move(to: cursor + 1)
        case "k": return remove(cursor..<characters.count)
        case "l": return .redraw
        case "u": return remove(0..<cursor)
        case "w": return remove(startOfWord()..<cursor)
        default: return .none
        }
    }

    private mutating func insert(_ character: Character) -> Action {
        guard byteCount + character.utf8.count <= Self.lineBytesMax else { return .none }
        byteCount += character.utf8.count
        // A combining mark joins the character before it.
        let joined = cursor > 0 ? String(characters[cursor - 1]) + String(character) : ""
        if joined.count == 1, let whole = joined.first {
            characters[cursor - 1] = whole
        } else {
            characters.insert(character, at: cursor)
            cursor += 1
        }
        return .redraw
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
    private func startOfWord() -> Int {
        var start = cursor
        while start > 0, characters[start - 1].isWhitespace { start -= 1 }
        while start > 0, !characters[start - 1].isWhitespace { start -= 1 }
        return start
    }
}
