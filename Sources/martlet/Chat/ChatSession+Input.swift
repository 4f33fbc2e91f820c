import RelayClient
import RelayCore

extension ChatSession {
    /// How long who wants to go waits for what they said.
    private static let quittingPatience = Duration.seconds(10)

    /// What `/help` shows beside the relay's commands.
    private static let keyLines = [
        "/leave [ROOM]        leave this room, or that one",
        "Tab                  complete a name, a command or a room",
        "Up, Down             what was typed before",
        "PageUp, PageDown     scroll",
        "Ctrl-N, Ctrl-P       the next room, the one before; Alt-1 to Alt-9 the first to the ninth",
        "Alt-A                the next room with something unread",
        "Ctrl-A E B F K U W Y as in a shell, and Alt-B F D; Ctrl-D ends",
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
            case .join(let room): roomAdded(room)
            case .leave(let room): Task { await perform(in: nil) { try await self.roomRemoved(room) } }
            case .show: tellReadSoon()
            case .quit: await quit()
            }
        }
        draw()
    }

    private func lineTyped(_ line: String, in room: RoomID) async {
        let text = line.trimmingBlanks()
        guard !text.isEmpty else { return }
        let command = SlashCommand(typed: text)
        // A pipe is faster than the relay, and its commands are about a room in which its user is.
        if screen == nil, command != .quit { await firstRoomsEntered() }
        switch command {
        case .quit: await quit()
        case .join(let name):
            // With a screen only what is no room's name comes here.
            await perform(in: nil) { try await self.move(to: name) }
        case .help where screen != nil:
            for line in SlashCommand.helpLines + Self.keyLines { say(line) }
        case .unknown("leave") where screen != nil:
            say(screen?.rooms.count == 1 ? "!!! This is the only room. /quit ends." : "!!! You are not in that room.")
        default: await send(text, in: room)
        }
    }

    /// A person's lines are sent in their order without waiting for one another at the prompt; a pipe waits.
    private func send(_ text: String, in room: RoomID) async {
        guard screen != nil else { return await deliver(text, in: room) }
        pendingCount += 1
        Task {
            await deliver(text, in: room)
            pendingCount -= 1
            if isQuitting, pendingCount == 0 { await client.close() }
        }
    }

    private func deliver(_ text: String, in room: RoomID) async {
        guard !isEndSaid else {
            unsentCount += 1
            return
        }
        await perform(in: room) {
            do {
                _ = try await self.client.send(room, text)
            } catch RelayClientError.closed(let end) {
                self.unansweredCount += 1
                throw RelayClientError.closed(end)
            }
        }
    }

    /// Goes when what was said is stored, or after a while; at once where that is asked for again.
    private func quit() async {
        guard pendingCount > 0, !isQuitting else { return await client.close() }
        isQuitting = true
        say("*** Waiting until what you said is stored; /quit once more does not wait.")
        Task {
            try? await Task.sleep(for: Self.quittingPatience)
            await client.close()
        }
    }

    private func perform(in room: RoomID?, _ body: () async throws -> Void) async {
        do {
            try await body()
        } catch RelayClientError.closed(.requested) {
            return
        } catch RelayClientError.closed(let end) {
            // Said once, however many lines wait.
            if !isEndSaid { say("!!! \(Failure.text(end))", in: room) }
            isEndSaid = true
        } catch RelayClientError.commandAnswered(let lines) {
            for line in lines { say(line, in: room) }
        } catch {
            refusedCount += 1
            say("!!! \(Failure.text(error))", in: room)
        }
    }
}

/// What was typed is not the name of a room.
struct BadRoomName: Error, CustomStringConvertible {
    var name: String

    var description: String {
        "\(PlainText.cleaned(String(name.prefix(Limits.identifierBytesMax)))) is not the name of a room."
    }
}
