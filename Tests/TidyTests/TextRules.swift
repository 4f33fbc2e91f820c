/// The tree holds what is done. What is not done is an issue, not a note in the code.
struct UnfinishedRule: Rule {
    let name = "unfinished"
    private static let marks: Set<String> = ["TODO", "FIXME", "XXX", "HACK"]

    func findings(in file: SourceFile) -> [Finding] {
        file.lines.indices.compactMap { index in
            // In Swift a string may hold anything, so only the comments and the code count.
            let words =
                if file.language == .swift {
                    Self.words(file.lexed[index].comment) + file.lexed[index].tokens.map(\.text)
                } else {
                    Self.words(file.lines[index])
                }
            return words.first(where: Self.marks.contains).map { file.finding(index + 1, name, $0) }
        }
    }

    private static func words(_ text: String) -> [String] {
        text.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
    }
}

/// A path of the machine that something was written on exists nowhere else.
struct MachinePathRule: Rule {
    let name = "machine path"
    // Put together here, so that this file does not hold what it looks for.
    static let folders = ["work", "farm"].map { "/" + $0 + "/" }

    func findings(in file: SourceFile) -> [Finding] {
        file.lines.enumerated().compactMap { index, line in
            Self.folders.first { Self.line(line, startsPathWith: $0) }.map { file.finding(index + 1, name, $0) }
        }
    }

    /// Whether `folder` stands where a path begins: `/data/` + the same name is another folder.
    private static func line(_ line: String, startsPathWith folder: String) -> Bool {
        var previous: UInt8 = UInt8(ascii: " ")
        var rest = Substring(line).utf8[...]
        while let byte = rest.first {
            let isInsidePath = SwiftLexer.isWordByte(previous) || [0x2d, 0x2e, 0x2f].contains(previous)
            if byte == UInt8(ascii: "/"), !isInsidePath, rest.starts(with: folder.utf8) { return true }
            previous = byte
            rest = rest.dropFirst()
        }
        return false
    }
}

/// In a sanitizer's suppression a `$` is the end of a name. The names that Swift mangles begin with one, and a pattern
/// that does so too matches nothing.
struct SuppressionRule: Rule {
    let name = "suppression"

    func findings(in file: SourceFile) -> [Finding] {
        guard file.path.hasSuffix(".supp") else { return [] }
        return file.lines.enumerated().compactMap { index, line in
            guard !line.hasPrefix("#"), line.dropLast().contains("$") else { return nil }
            return file.finding(index + 1, name, "it matches nothing: leave the $ out")
        }
    }
}

/// The top level is the table of contents.
enum TopLevelRule {
    static let name = "top level"
    static let allowed: Set<String> = ["Package.swift", "Sources", "Tests", "deploy", "README.md"]

    /// The first components of the paths in what `git ls-files -z` says.
    static func topLevelNames(ofListing listing: String) -> Set<String> {
        Set(listing.split(separator: "\0").compactMap { $0.split(separator: "/").first.map(String.init) })
    }

    static func findings(names: Set<String>) -> [Finding] {
        names.subtracting(allowed).filter { !$0.hasPrefix(".") }.sorted().map {
            Finding(path: $0, line: 0, rule: name, detail: "only \(allowed.sorted()) and dotfiles stand here")
        }
    }
}
