import ArgumentParser
import Foundation
import Glibc
import RelayClient
import RelayCore

/// `martlet chat`: rooms in a terminal.
struct ChatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat",
        abstract: "Talk in one or more rooms: a line typed is a line sent.",
        discussion: """
            /help lists the commands and keys; /join ROOM adds a room, /leave takes it away, /quit or Ctrl-D ends; // \
            says a slash. Tab completes names, commands and rooms; Up and Down bring back what was typed; PageUp and \
            PageDown scroll; Ctrl-N, Ctrl-P or Alt-1 to Alt-9 show another room, Alt-A the next one with something \
            unread. Names have colours of their own, unless NO_COLOR is set. Without a terminal it reads lines from \
            standard input and writes lines to standard output, in the first room.

            Exit codes: 0 ended by its person, 1 sent away or refused by the relay, or something said was not stored, \
            64 a wrong setting.

            Examples:
              martlet chat --user alice
              martlet chat releases general --user bob --name "Bob B." --url ws://chat.example:8080
              martlet chat --url wss://chat.example --token-file ~/.config/martlet/token
              echo "build is green" | martlet chat ci --user bot
            """)

    @Argument(help: "The rooms. Default: general.")
    var room: [RoomArgument] = []

    @OptionGroup var relay: RelayOptions

    @Option(help: "How many older messages to begin with.")
    var history = 50

    func run() async throws {
        let configuration = try relay.configuration(forPerson: true)
        let limit = try Checked.number("--history", history, in: 0...Limits.pageMessagesMax)
        let named = room.map(\.id)
        let rooms = named.enumerated().filter { named.firstIndex(of: $0.element) == $0.offset }.map(\.element)
        let isPlain = ProcessInfo.processInfo.environment["TERM"] == "dumb"
        let terminal = isPlain ? nil : RawTerminal()
        let session = ChatSession(
            client: RelayClient(configuration), rooms: rooms.isEmpty ? [.general] : rooms, historyLimit: limit,
            terminal: terminal)
        let signals = terminal == nil ? Signals.ending : Signals.ending + [SIGWINCH]
        Signals.watch(signals) { number in
            guard number != SIGWINCH else {
                Task { await session.terminalResized() }
                return
            }
            terminal?.abandon(after: 1)
            terminal?.restore()
            Ending.exit(0)
        }
        let end = await session.run()
        terminal?.restore()
        let unanswered = await session.unansweredCount + session.pendingCount
        if unanswered > 0 {
            Console.complain("\(unanswered) of your lines were not confirmed: they may be stored or not")
        }
        let unsent = await session.unsentCount
        if unsent > 0 { Console.complain("\(unsent) lines after that were not sent") }
        guard end == .requested else {
            Console.complain(Failure.text(end))
            throw ExitCode(1)
        }
        if let refusal = await session.refusal {
            Console.complain(refusal)
            throw ExitCode(1)
        }
        // At a terminal a person has read why.
        let refused = terminal == nil ? await session.refusedCount : 0
        if refused > 0 { Console.complain("not done: \(refused) of the lines; why stands behind !!!") }
        if refused > 0 || unanswered > 0 { throw ExitCode(1) }
    }
}
