import RelayCore

/// What a word that is being typed may become, one candidate after the other.
struct Completion {
    /// What there is to choose from.
    struct Vocabulary {
        /// Commands with their slash.
        var commands: [String]
        /// Rooms, for the commands that take one.
        var rooms: [String]
        /// People, those who spoke last first.
        var names: [String]
    }

    /// The commands whose argument is a room.
    static let roomCommands: Set<String> = ["/join", "/leave"]

    private let candidates: [String]
    private let start: Int
    private var index = 0
    /// The characters that the last candidate took.
    private var length: Int

    /// What the word before the cursor may become; nil where it may become nothing.
    init?(_ editor: LineEditor, _ vocabulary: Vocabulary) {
        let before = editor.characters[..<editor.cursor]
        let start = (before.lastIndex { $0.isWhitespace }).map { $0 + 1 } ?? 0
        let word = String(before[start...])
        let first = String(before.prefix { !$0.isWhitespace })
        let found: [String]
        if start == 0, word.hasPrefix("/") {
            found = Self.matching(word, vocabulary.commands).map { $0 + " " }
        } else if Self.roomCommands.contains(first), start == first.count + 1 {
            found = Self.matching(word, vocabulary.rooms).map { $0 + " " }
        } else {
            let isCalled = word.hasPrefix("@")
            let bare = isCalled ? String(word.dropFirst()) : word
            guard !bare.isEmpty || start == 0 else { return nil }
            // At the start of a line a name is whom one speaks to.
            let suffix = start == 0 && !isCalled ? ": " : " "
            found = Self.matching(bare, vocabulary.names).map { (isCalled ? "@" : "") + $0 + suffix }
        }
        guard !found.isEmpty else { return nil }
        candidates = found
        self.start = start
        length = word.count
    }

    /// The next candidate, or the one before it: which characters to replace with what.
    mutating func next(backwards: Bool, isFirst: Bool) -> (Range<Int>, String) {
        if !isFirst { index = (index + (backwards ? candidates.count - 1 : 1)) % candidates.count }
        let range = start..<start + length
        length = candidates[index].count
        return (range, candidates[index])
    }

    private static func matching(_ word: String, _ all: [String]) -> [String] {
        let lower = word.lowercased()
        return all.filter { $0.lowercased().hasPrefix(lower) }
    }
}
