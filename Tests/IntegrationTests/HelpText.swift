import RelayTestKit

/// What `--help` says of a program's flags.
struct HelpText {
    /// Without `--config`, `--version` and `--help`, which every program has.
    private(set) var flags: [String] = []
    /// By flag, where it has one.
    private(set) var defaults: [String: String] = [:]
    private(set) var subcommands: [String] = []

    /// Runs the program to read it.
    init(of program: String, _ command: [String] = []) throws {
        let ended = try FinishedCommand.run(["\(RelayProgram.programsDirectory)/\(program)"] + command + ["--help"])
        var flag: String?
        var text: [String: String] = [:]
        var section = ""
        for line in ended.output.split(separator: "\n") {
            if line.hasSuffix(":"), line.allSatisfy({ $0.isUppercase || $0 == ":" }) { section = String(line) }
            let words = line.split(separator: " ").map(String.init)
            if section == "OPTIONS:", line.hasPrefix("  --") {
                flag = words[0]
                flags.append(words[0])
            } else if section == "SUBCOMMANDS:", line.hasPrefix("  "), !line.hasPrefix("   "), words[0] != "See" {
                subcommands.append(words[0])
            }
            if let flag { text[flag, default: ""] += " " + words.joined(separator: " ") }
        }
        flags.removeAll { ["--config", "--version"].contains($0) }
        for flag in flags {
            if let match = text[flag]?.firstMatch(of: /default: ([^)]+)\)/) { defaults[flag] = String(match.1) }
        }
    }
}
