import ArgumentParser
import Foundation
import RelayCore
import RelaySettings

/// What people type.
@main
enum Program {
    static func main() async {
        do {
            var command = try Martlet.parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let error as ExitCode {
            exit(error.rawValue)
        } catch let error as SettingError {
            SettingsParser.refuse(error, program: "martlet")
        } catch {
            end(error)
        }
    }

    /// Help and version go to standard output; a wrong command line is one line that names what is wrong.
    private static func end(_ error: any Error) -> Never {
        if Martlet.exitCode(for: error) == .success {
            Console.say(Martlet.fullMessage(for: error))
            exit(0)
        }
        Console.complain(SettingsParser.oneLine(Martlet.message(for: error)))
        exit(Martlet.exitCode(for: error) == .validationFailure ? SettingsParser.usageExitCode : 1)
    }
}

/// The root of the commands.
struct Martlet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "Run a chat relay, talk over it, watch it.",
        discussion: """
            Examples:
              martlet up                            a relay of one's own, on this machine
              martlet chat general --user alice     talk in the room general
              martlet tail general --json           follow a room, an envelope a line
              martlet say general "build is green"  one message, from a script
              martlet rooms                         which rooms there are
              martlet archive verify DIR            whether the archive is complete
              martlet token --user alice …          a token for an edge that wants one
              martlet kick mallory --for 1h         off the relay, and away for an hour
              martlet doctor                        what is wrong, and what to do about it
              martlet check --own                   whether nothing is lost, whatever breaks
              martlet bench --clients 1000          how fast it is here

            Exit codes: 0 done, 1 not done, or something is wrong, 64 a wrong setting, 69 what it needs cannot be \
            reached, 75 somebody else has it. `martlet help COMMAND` says what they mean there.

            Completion: martlet --generate-completion-script bash, zsh or fish prints a script for that shell.
            """,
        version: RelayVersion.current,
        subcommands: [
            UpCommand.self, ChatCommand.self, TailCommand.self, SayCommand.self, RoomsCommand.self, ArchiveCommand.self,
            CheckCommand.self, BenchCommand.self, BenchFloorCommand.self, TokenCommand.self, NoticeCommand.self,
            KickCommand.self, MuteCommand.self, PardonCommand.self, DrainCommand.self, DoctorCommand.self,
        ])
}
