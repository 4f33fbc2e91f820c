/// One concept a file: what is longer is two. A state machine may be longer, since its states belong side by side.
struct FileLengthRule: Rule {
    let name = "file length"
    static let linesMax = 300
    static let stateMachineLinesMax = 500

    func findings(in file: SourceFile) -> [Finding] {
        guard file.language != .other, file.path != "Package.swift" else { return [] }
        let linesMax = file.name.contains("StateMachine") ? Self.stateMachineLinesMax : Self.linesMax
        guard file.lines.count > linesMax else { return [] }
        return [file.finding(0, name, "\(file.lines.count) lines, at most \(linesMax)")]
    }
}

/// What fits on a screen can be checked by eye.
struct FunctionLengthRule: Rule {
    let name = "function length"
    static let linesMax = 60

    func findings(in file: SourceFile) -> [Finding] {
        var findings: [Finding] = []
        for (index, line) in file.lexed.enumerated() {
            guard let at = line.tokens.firstIndex(where: { $0.text == "func" || $0.text == "init" }),
                at == 0 || line.tokens[at - 1].text != "."
            else { continue }
            let length = Self.bodyLength(lines: file.lexed, from: index, token: at)
            if length > Self.linesMax {
                findings.append(file.finding(index + 1, name, "\(length) lines, at most \(Self.linesMax)"))
            }
        }
        return findings
    }

    /// From the line of `func` to that of the brace that closes its body; 0 where it has no body, as in a protocol.
    static func bodyLength(lines: [LexedLine], from first: Int, token: Int) -> Int {
        var parentheses = 0
        var braces = 0
        for index in first..<lines.count {
            for token in index == first ? lines[index].tokens[token...] : lines[index].tokens[...] {
                switch token.text {
                case "(", "[": parentheses += 1
                case ")", "]": parentheses -= 1
                case "{": braces += 1
                case "}":
                    braces -= 1
                    // Below zero: the protocol around a declaration without a body has ended.
                    if braces < 0 { return 0 }
                    if braces == 0, parentheses == 0 { return index - first + 1 }
                // The next declaration has begun, so this one had no body.
                case "func", "init", "var", "let", "struct", "case":
                    if index > first, braces == 0, parentheses == 0 { return 0 }
                default: break
                }
            }
        }
        return 0
    }
}

/// Two files side by side on one screen.
struct LineLengthRule: Rule {
    let name = "line length"
    static let columnsMax = 120

    func findings(in file: SourceFile) -> [Finding] {
        guard file.language != .other || file.path.hasPrefix("deploy/"), !Self.isMachineMade(file) else { return [] }
        return file.lines.enumerated().compactMap { index, line in
            guard line.utf8.count > Self.columnsMax, line.count > Self.columnsMax else { return nil }
            return file.finding(index + 1, name, "\(line.count) columns, at most \(Self.columnsMax)")
        }
    }

    /// Formats that know no line break within an entry.
    private static func isMachineMade(_ file: SourceFile) -> Bool {
        file.path.hasSuffix(".acl") || file.path.hasSuffix(".json")
    }
}
