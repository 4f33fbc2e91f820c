/// A library says nothing on standard output: that belongs to the program, and logging is there for the rest.
struct PrintRule: Rule {
    let name = "print"
    private static let programs: Set<String> = ["martlet", "martlet-edge", "martlet-archiver"]
    private static let printers: Set<String> = ["print", "debugPrint", "dump"]

    func findings(in file: SourceFile) -> [Finding] {
        guard let target = file.target, !file.isTest, !Self.programs.contains(target) else { return [] }
        return file.tokenFindings(name) { tokens, at in
            guard Self.printers.contains(tokens[at].text), tokens.dropFirst(at + 1).first?.text == "(" else {
                return nil
            }
            let before = at > 0 ? tokens[at - 1].text : ""
            return before == "." || before == "func" ? nil : "\(tokens[at].text)(…) in a library"
        }
    }
}

/// What cannot fail says so in its types; what can is handled.
struct ForceRule: Rule {
    let name = "force"
    /// Words that can stand before a `!` that means "not".
    private static let beforeNot: Set<String> = [
        "return", "if", "guard", "while", "in", "where", "case", "else", "and",
    ]

    func findings(in file: SourceFile) -> [Finding] {
        file.tokenFindings(name) { tokens, at in
            guard tokens[at].text == "!", !tokens[at].isApart, at > 0 else { return nil }
            let next = tokens.dropFirst(at + 1).first
            if let next, next.text == "=", !next.isApart { return nil }
            let before = tokens[at - 1]
            switch before.text {
            case "try": return "try!"
            case "as": return "as!"
            case ")", "]", "?", "\"": return "force unwrap"
            default: return before.isWord && !Self.beforeNot.contains(before.text) ? "force unwrap" : nil
            }
        }
    }
}

/// Where the compiler is told to look away, the reader is told why: on the same line or just above.
struct UnexplainedRule: Rule {
    let name = "unexplained"
    static let linesAboveMax = 4

    func findings(in file: SourceFile) -> [Finding] {
        var explainedLine = -Self.linesAboveMax - 1
        var findings: [Finding] = []
        for (index, line) in file.lexed.enumerated() {
            if line.hasComment { explainedLine = index }
            guard let word = Self.dangerousWord(line.tokens) else { continue }
            if index - explainedLine <= Self.linesAboveMax {
                // One reason holds for a block of such lines that stand close together.
                explainedLine = index
            } else {
                findings.append(file.finding(index + 1, name, "\(word) without a comment that says why"))
            }
        }
        return findings
    }

    private static func dangerousWord(_ tokens: [Token]) -> String? {
        for (at, token) in tokens.enumerated() {
            let next = tokens.dropFirst(at + 1).first?.text
            switch token.text {
            case "unchecked" where at > 0 && tokens[at - 1].text == "@": return "@unchecked"
            case "nonisolated" where next == "(" && tokens.dropFirst(at + 2).first?.text == "unsafe":
                return "nonisolated(unsafe)"
            case "fatalError" where next == "(": return "fatalError"
            case "unsafe": return "unsafe"
            default: break
            }
        }
        return nil
    }
}

/// The standard library's lock waits where Thread Sanitizer does not see it, which then reports what it guards as a
/// race: `NIOLockedValueBox` is a lock that it knows.
struct LockRule: Rule {
    let name = "lock"

    func findings(in file: SourceFile) -> [Finding] {
        file.tokenFindings(name) { tokens, at in
            tokens[at].text == "Mutex" ? "Mutex, where NIOLockedValueBox is ours" : nil
        }
    }
}

/// Names that say nothing about what a type is for.
struct TypeNameRule: Rule {
    let name = "type name"
    private static let declarators: Set<String> = ["struct", "class", "enum", "actor", "protocol", "typealias"]
    private static let emptyWords: Set<String> = [
        "Manager", "Managers", "Helper", "Helpers", "Util", "Utils", "Utility", "Utilities", "Base", "Impl",
    ]

    func findings(in file: SourceFile) -> [Finding] {
        guard file.language == .swift else { return [] }
        var findings = file.tokenFindings(name) { tokens, at in
            guard at > 0, Self.declarators.contains(tokens[at - 1].text), tokens[at].isWord else { return nil }
            return Self.emptyWord(in: tokens[at].text).map { "\(tokens[at].text) says \($0)" }
        }
        if let word = Self.emptyWord(in: String(file.name.dropLast(".swift".count))) {
            findings.append(file.finding(0, name, "the file's name says \(word)"))
        }
        return findings
    }

    private static func emptyWord(in name: String) -> String? {
        var word = ""
        for character in name + "_" {
            if character.isUppercase || !character.isLetter {
                if emptyWords.contains(word) { return word }
                word = ""
            }
            word.append(character)
        }
        return nil
    }
}

/// A test that waits for a time is slow on a fast machine and broken on a slow one. There is one place that polls.
struct SleepRule: Rule {
    let name = "sleep"
    private static let sleepers: Set<String> = ["sleep", "usleep", "nanosleep"]

    func findings(in file: SourceFile) -> [Finding] {
        guard file.isTest, !Self.isTheOnePlace(file) else { return [] }
        return file.tokenFindings(name) { tokens, at in
            guard Self.sleepers.contains(tokens[at].text), tokens.dropFirst(at + 1).first?.text == "(" else {
                return nil
            }
            // A clock of our own has to declare the method; that is no call.
            if at > 0, tokens[at - 1].text == "func" { return nil }
            return "\(tokens[at].text)(…) in a test; wait for a condition with `eventually`"
        }
    }

    private static func isTheOnePlace(_ file: SourceFile) -> Bool {
        file.target == "RelayTestKit"
            && file.lexed.contains { line in
                zip(line.tokens, line.tokens.dropFirst()).contains { $0.text == "func" && $1.text == "eventually" }
            }
    }
}

extension SourceFile {
    /// Asks `objection` about every token, with the line that it stands in.
    func tokenFindings(_ rule: String, _ objection: ([Token], Int) -> String?) -> [Finding] {
        lexed.enumerated().flatMap { index, line in
            line.tokens.indices.compactMap { at in
                objection(line.tokens, at).map { finding(index + 1, rule, $0) }
            }
        }
    }
}
