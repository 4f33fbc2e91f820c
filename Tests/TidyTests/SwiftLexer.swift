/// One word or sign of Swift code. A string literal is one token, `"`, whatever it says.
struct Token: Equatable {
    var text: String
    /// Whether anything but code stands before it: `a != b` and `a !b` and `a!` differ by this alone.
    var isApart: Bool

    var isWord: Bool {
        guard let first = text.utf8.first else { return false }
        return SwiftLexer.isWordByte(first)
    }
}

/// What one line of a Swift file holds, taken apart.
struct LexedLine {
    var tokens: [Token] = []
    /// The text of the comments on this line.
    var comment = ""
    var hasComment = false
}

/// Tells code from comments and string literals, line by line, so that a rule about code is not broken by a sentence.
///
/// It knows nested comments, raw and multi-line strings and interpolation. It does not know regular expression
/// literals: a quotation mark in one would lead it astray.
struct SwiftLexer {
    private enum Mode {
        case code
        /// Inside `\( … )`: how many parentheses are open.
        case interpolation(depth: Int)
        case string(pounds: Int, isMultiline: Bool)
        case blockComment(depth: Int)
    }

    private let bytes: [UInt8]
    private var position = 0
    private var modes: [Mode] = [.code]
    private var lines: [LexedLine] = [LexedLine()]
    private var isApart = true

    private init(_ text: String) {
        bytes = Array(text.utf8)
    }

    static func lex(_ text: String) -> [LexedLine] {
        var lexer = SwiftLexer(text)
        lexer.run()
        return lexer.lines
    }

    static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...: true
        default: false
        }
    }

    private mutating func run() {
        while position < bytes.count {
            if bytes[position] == UInt8(ascii: "\n") {
                endLine()
                continue
            }
            switch modes[modes.count - 1] {
            case .code, .interpolation: stepInCode()
            case .string(let pounds, let isMultiline): stepInString(pounds: pounds, isMultiline: isMultiline)
            case .blockComment(let depth): stepInComment(depth: depth)
            }
        }
    }

    private mutating func endLine() {
        position += 1
        isApart = true
        lines.append(LexedLine())
        switch modes[modes.count - 1] {
        case .blockComment: lines[lines.count - 1].hasComment = true
        case .string(_, isMultiline: false): modes.removeLast()
        default: break
        }
    }

    private mutating func stepInCode() {
        let byte = bytes[position]
        if byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") {
            isApart = true
            position += 1
        } else if sees("//") {
            noteComment(upTo: bytes[position...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count)
        } else if sees("/*") {
            modes.append(.blockComment(depth: 1))
            noteComment(upTo: position + 2)
        } else if Self.isWordByte(byte) {
            let end = bytes[position...].firstIndex { !Self.isWordByte($0) } ?? bytes.count
            emit(String(decoding: bytes[position..<end], as: UTF8.self))
            position = end
        } else if !startString() {
            emit(String(UnicodeScalar(byte)))
            position += 1
            trackParenthesis(byte)
        }
    }

    /// An interpolation ends with the parenthesis that closes it.
    private mutating func trackParenthesis(_ byte: UInt8) {
        guard case .interpolation(let depth) = modes[modes.count - 1] else { return }
        if byte == UInt8(ascii: "(") {
            modes[modes.count - 1] = .interpolation(depth: depth + 1)
        } else if byte == UInt8(ascii: ")") {
            if depth == 1 {
                modes.removeLast()
            } else {
                modes[modes.count - 1] = .interpolation(depth: depth - 1)
            }
        }
    }

    private mutating func startString() -> Bool {
        var cursor = position
        while cursor < bytes.count, bytes[cursor] == UInt8(ascii: "#") { cursor += 1 }
        guard cursor < bytes.count, bytes[cursor] == UInt8(ascii: "\"") else { return false }
        let pounds = cursor - position
        emit("\"")
        position = cursor
        let isMultiline = sees("\"\"\"")
        position += isMultiline ? 3 : 1
        modes.append(.string(pounds: pounds, isMultiline: isMultiline))
        return true
    }

    private mutating func stepInString(pounds: Int, isMultiline: Bool) {
        guard bytes[position] == UInt8(ascii: "\\") || bytes[position] == UInt8(ascii: "\"") else {
            position += 1
            return
        }
        let marks = String(repeating: "#", count: pounds)
        if sees("\\" + marks + "(") {
            position += pounds + 2
            modes.append(.interpolation(depth: 1))
            isApart = true
        } else if sees("\\" + marks) {
            // The escaped character is skipped as well, unless it is the end of the line.
            position += pounds + 1
            if position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
        } else if sees((isMultiline ? "\"\"\"" : "\"") + marks) {
            position += (isMultiline ? 3 : 1) + pounds
            modes.removeLast()
            isApart = false
        } else {
            position += 1
        }
    }

    private mutating func stepInComment(depth: Int) {
        if sees("*/") {
            noteComment(upTo: position + 2)
            if depth == 1 {
                modes.removeLast()
            } else {
                modes[modes.count - 1] = .blockComment(depth: depth - 1)
            }
        } else if sees("/*") {
            noteComment(upTo: position + 2)
            modes[modes.count - 1] = .blockComment(depth: depth + 1)
        } else {
            let stop = bytes[(position + 1)...].firstIndex { [0x0a, 0x2a, 0x2f].contains($0) } ?? bytes.count
            noteComment(upTo: stop)
        }
    }

    private mutating func noteComment(upTo end: Int) {
        lines[lines.count - 1].hasComment = true
        lines[lines.count - 1].comment += String(decoding: bytes[position..<end], as: UTF8.self)
        position = end
        isApart = true
    }

    private mutating func emit(_ text: String) {
        lines[lines.count - 1].tokens.append(Token(text: text, isApart: isApart))
        isApart = false
    }

    private func sees(_ text: String) -> Bool {
        bytes[position...].starts(with: text.utf8)
    }
}
