import ArgumentParser
import NIOCore
import RelayClient
import RelayCore
import RelayWire

/// `martlet say`: one message, acknowledged or not.
struct SayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "say",
        abstract: "Say one thing in a room and wait until the relay has stored it.",
        discussion: """
            Prints the message's id. Exit codes: 0 stored, 1 refused or not confirmed, 64 a wrong setting, 69 the \
            relay cannot be reached.

            Examples:
              martlet say general "build is green" --user ci
              martlet say general "/me is back"
              martlet say general "once" --nonce build-77    saying it again within ten minutes changes nothing
              martlet say general "hello" --json | jq .seq
            """)

    @Argument(help: "The room.")
    var room: RoomArgument

    @Argument(help: "What to say.")
    var text: String

    @OptionGroup var relay: RelayOptions

    @Option(help: "The message's own mark: a second one with it is not stored again.")
    var nonce: String?

    @Option(help: "How many seconds to try.")
    var timeout = 10

    @Flag(help: "Print what the relay answered, one JSON object: room, id, seq, nonce, duplicate.")
    var json = false

    func run() async throws {
        var configuration = try relay.configuration()
        let mark = try Checked.nonce(nonce)
        configuration.sendDeadline = .seconds(try Checked.number("--timeout", timeout, in: 1...540))
        Signals.watch { _ in Ending.exit(1) }
        let client = RelayClient(configuration)
        let life = Task { await client.run() }
        // What keeps the client from connecting is the better reason where nothing was sent at all.
        let trouble = Task {
            var last: ConnectionLoss?
            for await event in client.events {
                if case .status(.reconnecting(_, let loss)) = event { last = loss }
                if case .status(.connected) = event { last = nil }
            }
            return last
        }
        do {
            let receipt = try await client.send(room.id, text, nonce: mark)
            await client.close()
            _ = await life.value
            Console.say(json ? Self.json(receipt) : "\(receipt.id)")
        } catch {
            await client.close()
            let loss = await trouble.value.map { "\(configuration.connection.url): \(Failure.text($0))" }
            Console.complain("not sent: \(loss ?? Failure.text(error))")
            throw ExitCode(loss == nil ? 1 : 69)
        }
    }

    private static func json(_ receipt: Acknowledgement) -> String {
        var buffer = ByteBuffer()
        buffer.writeJSONObject { object in
            object.string("room", receipt.room.description)
            object.string("id", receipt.id.description)
            object.integer("seq", receipt.seq)
            if let nonce = receipt.nonce { object.string("nonce", nonce.description) }
            object.bool("duplicate", receipt.isDuplicate)
        }
        return String(buffer: buffer)
    }
}
