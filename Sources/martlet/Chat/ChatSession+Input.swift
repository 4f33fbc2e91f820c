import RelayClient
import RelayCore

extension ChatSession {
    /// What `/help` shows beside the relay's commands.
    private static let keyLines = [
        "/leave [ROOM]        leave this room, or that one",
        "Tab                  complete a name, a command or a room",
        "Up, Down             what was typed before",
        "PageUp, PageDown     scroll",
        "Ctrl-N, Ctrl-P       the next room, the one before; Alt-1 to Alt-9 the first to the ninth",
        "Alt-A                the next room with something unread",
        "Ctrl-A E B F K U W Y, Alt-B F D   as in a shell; Ctrl-D ends",
    ]

    func readInput() async {
        let input = StandardInput()
        var lines = LineSplitter()
        for await bytes in input.pieces {
            if screen == nil {
                for line in lines.bytesReceived(bytes) { await lineTyped(line, in: plainRoom) }
            } else {
                await keysTyped(bytes)
            }
            input.taken()
        }
        if let rest = lines.rest() { await lineTyped(rest, in: plainRoom) }
        await client.close()
    }

    private func keysTyped(_ bytes: [UInt8]) async {
        for wish in screen?.bytesTyped(bytes) ?? [] {
            switch wish {
            case .say(let line, let room): await lineTyped(line, in: room)
            case .show: tellReadSoon()
            case .quit: await client.close()
            }
        }
        draw()
    }

    private func lineTyped(_ line: String, in room: RoomID) async {
        let text = line.trimmingBlanks()
        guard !text.isEmpty else { return }
        switch SlashCommand(typed: text) {
        case .quit: await client.close()
        case .join(let name):
            // At the prompt nobody waits for an answer.
            if screen == nil {
                await perform(in: nil) { try await self.move(to: name) }
            } else {
                Task { await perform(in: nil) { try await self.move(to: name) } }
            }
        case .help where screen != nil:
            for line in SlashCommand.helpLines + Self.keyLines { say(line) }
        case .unknown("leave") where screen != nil:
            let name = text.split(separator: " ").dropFirst().first.map(String.init)
            Task { await perform(in: nil) { try await self.leave(name) } }
        default: await send(text, in: room)
        }
    }

    /// A person's lines are sent in their order without waiting for one another at the prompt; a pipe waits.
    private func send(_ text: String, in room: RoomID) async {
        guard screen != nil else {
            return await perform(in: room) { _ = try await self.client.send(room, text) }
        }
        screen?.pendingCount += 1
        Task {
            await perform(in: room) { _ = try await self.client.send(room, text) }
            screen?.pendingCount -= 1
            drawSoon()
        }
    }

    private func perform(in room: RoomID?, _ body: () async throws -> Void) async {
        do {
            try await body()
        } catch RelayClientError.closed(.requested) {
            return
        } catch RelayClientError.commandAnswered(let lines) {
            for line in lines { say(line, in: room) }
        } catch {
            say("!!! \(Failure.text(error))", in: room)
        }
    }
}
