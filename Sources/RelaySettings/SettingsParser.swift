public import ArgumentParser
import Foundation

/// Reads a program's settings at its start, or ends the program with one line that says which setting is wrong.
public enum SettingsParser {
    /// The exit status for a wrong setting: `EX_USAGE` of sysexits.h.
    public static let usageExitCode: Int32 = 64

    /// The settings from command line, environment and file.
    ///
    /// `--help` and `--version` print to standard output and end the program with 0. A wrong setting prints one line to
    /// standard error and ends it with 64.
    public static func parseOrExit<Settings: ParsableCommand>(
        _ type: Settings.Type, program: String, flags: [SettingSources.Flag]
    ) -> Settings {
        let sources = SettingSources(flags: flags, environment: ProcessInfo.processInfo.environment)
        do {
            let merged = try sources.merged(
                commandLine: Array(CommandLine.arguments.dropFirst()), readFile: readFile)
            let parsed = try Settings.parseAsRoot(merged)
            guard let settings = parsed as? Settings else {
                var help = parsed
                try help.run()
                exit(0)
            }
            return settings
        } catch {
            exitNaming(error, of: type, program: program, sources: sources)
        }
    }

    /// Ends the program with 64 and one line.
    public static func refuse(_ error: SettingError, program: String) -> Never {
        write("\(program): \(error)\n", to: .standardError)
        exit(usageExitCode)
    }

    private static func exitNaming<Settings: ParsableCommand>(
        _ error: any Error, of type: Settings.Type, program: String, sources: SettingSources
    ) -> Never {
        if let error = error as? SettingError { refuse(error, program: program) }
        if Settings.exitCode(for: error) == .success {
            write(Settings.fullMessage(for: error) + "\n", to: .standardOutput)
            exit(0)
        }
        let line = oneLine(Settings.message(for: error))
        let arguments = Array(CommandLine.arguments.dropFirst())
        let named = sources.flags.first { line.contains("--\($0.name)") }
        let merged = (try? sources.merged(commandLine: arguments, readFile: readFile)) ?? arguments
        var origin = ""
        if let named, sources.isGiven(named.name, in: merged), !sources.isGiven(named.name, in: arguments) {
            let isInEnvironment = !(sources.environment[named.environmentName] ?? "").isEmpty
            origin = isInEnvironment ? " (\(named.environmentName))" : " (in the file that --config names)"
        }
        write("\(program): \(line)\(origin)\n", to: .standardError)
        exit(usageExitCode)
    }

    /// What is wrong in one line: the first of a message, and behind it the choices where that announces them.
    public static func oneLine(_ message: String) -> String {
        let lines = message.split(separator: "\n")
        guard let first = lines.first else { return "wrong settings" }
        let choices = lines.dropFirst().prefix { $0.hasPrefix("  - ") }.map { $0.dropFirst(4) }
        return first.hasSuffix(":") ? first + " " + choices.joined(separator: ", ") : String(first)
    }

    private static func readFile(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).flatMap { String(validating: $0, as: UTF8.self) }
    }

    private static func write(_ text: String, to file: FileHandle) {
        try? file.write(contentsOf: Data(text.utf8))
    }
}
