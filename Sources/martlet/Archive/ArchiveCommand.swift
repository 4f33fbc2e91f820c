import ArgumentParser
import Foundation
import RelayCore
import RelaySettings

/// `martlet archive`: what can be asked of the files.
struct ArchiveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive",
        abstract: "Prove an archive complete, read a room out of it, put one back into Redis, remove old days.",
        discussion: """
            Exit codes: 0 done, 1 not, with a line that says why, 64 a wrong setting. Work that takes long shows how \
            far it is, on standard error where that is a terminal.

            Examples:
              martlet archive verify DIR
              martlet archive cat DIR general | jq -r .text
              martlet archive restore DIR general --dry-run
              martlet archive prune DIR --before 2026-01-01 --dry-run
            """,
        subcommands: [
            ArchiveVerifyCommand.self, ArchiveCatCommand.self, ArchiveRestoreCommand.self, ArchivePruneCommand.self,
        ])
}

/// The directory of an archive, as it is typed.
enum ArchiveDirectory {
    /// - Throws: `SettingError` where it cannot be an archive.
    static func checked(_ path: String) throws(SettingError) -> String {
        var isFolder: ObjCBool = false
        // The flag is a variable of ours.
        guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw refusal(path, "there is no such directory")
        }
        guard isFolder.boolValue else { throw refusal(path, "it is no directory") }
        guard !FileManager.default.fileExists(atPath: "\(path)/room.json") else {
            throw refusal(path, "it is the folder of one room; the archive is the folder that it is in")
        }
        return path
    }

    /// Says that the archive has no such room, and ends with 1.
    static func lacks(_ room: RoomID, _ path: String) -> ExitCode {
        Console.complain("no room \(room) in \(PlainText.cleaned(path))")
        return ExitCode(1)
    }

    static func refusal(_ path: String, _ problem: String) -> SettingError {
        SettingError(setting: "DIR", problem: "\(PlainText.cleaned(path)): \(problem)")
    }
}
