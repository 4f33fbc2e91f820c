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
              martlet tail general --since 1763691000000      everything since that time in ms
            """)

    @Argument(help: "The room.")
    var room: RoomArgument

    @OptionGroup var relay: RelayOptions

    @Option(help: "Everything after this message id.")
    var since: String?

    @Option(help: "How many older messages to begin with.")
    var history = 10

    @Flag(help: "Print the envelopes as they are, one JSON object a line.")
    var json = false

    func run() async throws {
        let configuration = try relay.configuration()
        let limit = try Checked.number("--history", history, in: 0...Limits.pageMessagesMax)
        let point = try since.map { JoinPoint.since(try Checked.messageID("--since", $0), epoch: nil) }
        let client = RelayClient(configuration)
        Signals.watch { _ in Ending.exit(0) }
        let life = Task { await client.run() }
        let entry = Task { [room = room.id] in
            // The client connects by itself for ever; only a refusal of the room ends the trying.
            while true {
                do {
                    return try await client.join(room, from: point ?? .history(limit: limit))
                } catch RelayClientError.refused(let refusal) where refusal.code != .unavailable {
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
        for await event in client.events { show(event) }
        let end = await life.value
        Console.complain(Failure.text(end))
        throw ExitCode(1)
    }

    private func show(_ event: RelayClientEvent) {
        switch event {
        case .message(let received):
            if json {
                Console.say(String(buffer: received.envelope))
            } else {
                let time = ClockTime.text(milliseconds: received.message.id.milliseconds)
                Console.say("\(time) \(TerminalText.line(for: received.message.draft))")
            }
        case .event: break
        default:
            if let notice = ClientNotice.text(for: event) { Console.complain(notice) }
        }
    }
}

/// What a person reads of a client's own state.
enum ClientNotice {
    static func text(for event: RelayClientEvent) -> String? {
        switch event {
        case .status(.reconnecting(let wait, let loss)):
            let seconds = max(1, (wait.wholeMilliseconds + 500) / 1000)
            return "not connected (\(Failure.text(loss))); trying again in \(seconds) s"
        case .gap(let gap):
            let count = gap.missing.map { "\($0.count)" } ?? "some"
            return "missed \(count) messages (\(gap.reason.rawValue))"
        case .rewound: return "the relay lost its newest messages; the room goes on from what it still has"
        case .dropped(_, let refusal): return "the room does not take us back: \(TerminalText.plain(refusal.message))"
        case .status, .message, .event: return nil
        }
    }
}

/// The time of a message for people.
enum ClockTime {
    private static let style = Date.VerbatimFormatStyle(
        format:
            "\(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits):\(second: .twoDigits)",
        timeZone: .current, calendar: Calendar(identifier: .gregorian))

    /// Hours, minutes and seconds of a time in ms, in the zone of this machine.
    static func text(milliseconds: UInt64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(style)
    }
}
