import ArgumentParser
import Foundation
import RelayClient
import RelayCore

/// `martlet chat`: a room in a terminal.
struct ChatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat",
        abstract: "Talk in a room: a line typed is a line sent.",
        discussion: """
            /help lists the commands; /quit or Ctrl-D leaves; // says a slash. Without a \
            terminal it reads lines from standard input and writes lines to standard output.

            Examples:
              martlet chat --user alice
              martlet chat releases --user bob --name "Bob B." --url ws://chat.example:8080
            """)

    @Argument(help: "The room.")
    var room: RoomArgument?

    @OptionGroup var relay: RelayOptions

    @Option(help: "How many older messages to begin with.")
    var history = 20

    func run() async throws {
        let configuration = try relay.configuration(forPerson: true)
        let limit = try Checked.number("--history", history, in: 0...Limits.pageMessagesMax)
        guard let room = room?.id ?? RoomID("general") else { throw ExitCode(64) }
        let terminal = RawTerminal()
        let session = ChatSession(
            client: RelayClient(configuration), room: room, historyLimit: limit,
            screen: terminal.map { _ in ChatScreen(prompt: "\(room)> ") }, terminal: terminal)
        Signals.watch { _ in
            terminal?.restore()
            Console.draw("\n")
            Ending.exit(0)
        }
        let end = await session.run()
        terminal?.restore()
        guard end == .requested else {
            Console.complain(Failure.text(end))
            throw ExitCode(1)
        }
    }
}
