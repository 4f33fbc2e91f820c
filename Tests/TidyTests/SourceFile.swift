import Foundation
import RelayTestKit

/// One breach of one rule.
struct Finding: Equatable, CustomStringConvertible {
    var path: String
    /// Counted from 1; 0 where it is about the whole file.
    var line: Int
    var rule: String
    var detail: String

    var description: String { "\(path):\(line): \(rule): \(detail)" }
}

/// One file of the tree, read once for all rules.
struct SourceFile {
    enum Language {
        case swift, lua, shell
        /// Settings, unit files, pages: text that we wrote, but no code with rules of its own.
        case other
    }

    /// From the root of the package, with slashes: `Sources/RelayCore/RoomID.swift`.
    let path: String
    let language: Language
    let lines: [String]
    /// Empty where it is not Swift.
    let lexed: [LexedLine]

    init(path: String, text: String) {
        self.path = path
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        self.lines = lines
        language = Self.language(path: path, firstLine: lines.first ?? "")
        lexed = language == .swift ? SwiftLexer.lex(text) : []
    }

    var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// The folder under Sources or Tests that it belongs to.
    var target: String? {
        let parts = path.split(separator: "/")
        guard parts.count > 2, parts[0] == "Sources" || parts[0] == "Tests" else { return nil }
        return String(parts[1])
    }

    var isTest: Bool { path.hasPrefix("Tests/") }

    func finding(_ line: Int, _ rule: String, _ detail: String) -> Finding {
        Finding(path: path, line: line, rule: rule, detail: detail)
    }

    private static func language(path: String, firstLine: String) -> Language {
        if path.hasSuffix(".swift") { return .swift }
        if path.hasSuffix(".lua") { return .lua }
        let isShell = path.hasSuffix(".sh") || firstLine.hasPrefix("# shellcheck shell=")
        return isShell || (firstLine.hasPrefix("#!") && firstLine.hasSuffix("sh")) ? .shell : .other
    }
}

/// The tree that this test was compiled from.
enum SourceTree {
    /// Found from where this file is, so that it does not matter where the tests are run.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Every text file of ours.
    static func files() throws -> [SourceFile] {
        var files: [SourceFile] = []
        for folder in ["Sources", "Tests", "deploy", ".ci"] {
            let paths = try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: folder).path)
            for path in paths.sorted() {
                if let file = read("\(folder)/\(path)") { files.append(file) }
            }
        }
        if let manifest = read("Package.swift") { files.append(manifest) }
        return files
    }

    /// What stands at the top level: what git tracks, or without git everything but what a build leaves behind.
    static func topLevelNames() async throws -> Set<String> {
        let listing = try? await Executable.run(
            "git", ["-c", "safe.directory=*", "-C", root.path, "ls-files", "-z"])
        if let listing, !listing.isEmpty { return TopLevelRule.topLevelNames(ofListing: listing) }
        let names = try FileManager.default.contentsOfDirectory(atPath: root.path)
        return Set(names).subtracting(["Package.resolved"])
    }

    /// Nil for a folder and for what is not text.
    private static func read(_ path: String) -> SourceFile? {
        guard let data = FileManager.default.contents(atPath: root.appending(path: path).path) else { return nil }
        return String(data: data, encoding: .utf8).map { SourceFile(path: path, text: $0) }
    }
}
