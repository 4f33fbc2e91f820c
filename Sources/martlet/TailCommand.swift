import ArgumentParser
import Foundation
import NIOCore
import RelayClient
import RelayCore
import RelayWire

/// `martlet tail`: what is said in a room, as it is said.
struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Follow a room, through reconnections, until Ctrl-C.",
        discussion: """
            What is missing or interrupted is said on standard error. Exit codes: 0 ended by \
            Ctrl-C, 1 sent away by the relay, 64 a wrong setting.

            Examples:
              martlet tail general
              martlet tail general --history 0 --json | jq .text
              martlet tail general --since 10m                what was said in the last ten minutes, and what comes
              martlet tail general --since 1763691000123-0    everything after that message
            """)

    @Argument(help: "The room.")
    var room: RoomArgument

    @OptionGroup var relay: RelayOptions

    @Option(help: "Everything after this message id, this time in ms, or so long ago (10m).")
    var since: String?

    @Option(help: "How many older messages to begin with.")
    var history = 10

    @Flag(help: "Print the envelopes as they are, one JSON object a line.")
    var json = false

    func run() async throws {
        let configuration = try relay.configuration(forPerson: true)
        let limit = try Checked.number("--history", history, in: 0...Limits.pageMessagesMax)
        let point = try since.map { JoinPoint.since(try Checked.point("--since", $0), epoch: nil) }
        let client = RelayClient(configuration)
        Signals.watch { _ in Ending.exit(0) }
        let life = Task { await client.run() }
        let entry = Task { [room = room.id] in
            // The client connects by itself for ever; only a refusal of the room ends the trying.
            while true {
                do {
                    return try await client.join(room, from: point ?? .history(limit: limit))
                } catch RelayClientError.refused(let refusal) where !refusal.isPassing {
                    throw RelayClientError.refused(refusal)
                } catch RelayClientError.closed(let end) {
                    throw RelayClientError.closed(end)
                } catch {
                    try await Task.sleep(for: .milliseconds(500))
                }
            }
        }
        Task {
            do { _ = try await entry.value } catch {
                Console.complain(Failure.text(error))
                Ending.exit(1)
            }
        }
        var notices = ClientNotices()
        let style = TerminalStyle()
        for await event in client.events {
            show(event, style)
            if let notice = notices.text(for: event) { Console.complain(notice) }
        }
        let end = await life.value
        Console.complain(Failure.text(end))
        throw ExitCode(1)
    }

    private func show(_ event: RelayClientEvent, _ style: TerminalStyle) {
        switch event {
        case .message(let received):
            if json {
                Console.say(String(buffer: received.envelope))
            } else if let line = ChatPainter.line(of: received, for: nil) {
                let time = ClockTime.text(milliseconds: received.message.id.milliseconds)
                Console.say("\(style.painted(time, .dim)) \(line.rendered(style))")
            }
        default: break
        }
    }
}
