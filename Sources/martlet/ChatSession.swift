import RelayClient
import RelayCore
import RelayWire

/// One person in one room: what is typed goes to the client, what the client says goes to the screen.
actor ChatSession {
    private let client: RelayClient
    private var room: RoomID
    private let historyLimit: Int
    private var screen: ChatScreen?
    private let terminal: RawTerminal?
    private var isJoined = false
    private var identity: Identity?
    private var notices = ClientNotices()

    init(client: RelayClient, room: RoomID, historyLimit: Int, screen: ChatScreen?, terminal: RawTerminal?) {
        self.client = client
        self.room = room
        self.historyLimit = historyLimit
        self.screen = screen
        self.terminal = terminal
    }

    /// Talks until the person or the relay has enough.
    func run() async -> ClientEnd {
        let life = Task { [client] in await client.run() }
        let entry = Task { await enter() }
        let input = Task { await readInput() }
        for await event in client.events { show(event) }
        input.cancel()
        entry.cancel()
        if let screen { Console.draw(screen.cleared()) }
        return await life.value
    }

    private func enter() async {
        while !Task.isCancelled {
            do {
                let answer = try await client.join(room, from: .history(limit: historyLimit))
                isJoined = true
                try await welcome(to: answer.room)
                return
            } catch RelayClientError.refused(let refusal) where refusal.code != .unavailable {
                if isJoined { return }
                say(ChatLine.text(of: refusal))
                await client.close()
                return
            } catch RelayClientError.closed {
                return
            } catch {
                try? await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    private func welcome(to room: RoomID) async throws {
        let people = try await client.who(room).map(\.user)
        if let identity { say(ChatLine.welcome(identity, to: room, people)) }
    }

    /// Goes to another room; where that does not take this person, the old one stays.
    private func move(to name: String) async throws {
        guard let next = RoomID(name) else {
            return say(
                "!!! \(PlainText.cleaned(String(name.prefix(Limits.identifierBytesMax)))) is not the name of a room.")
        }
        let left = room
        guard next != left else { return say("!!! You are in \(left) already.") }
        try await client.join(next, from: .history(limit: historyLimit))
        room = next
        screen?.prompt = "\(next)> "
        try await client.leave(left)
        try await welcome(to: next)
    }

    // MARK: Input

    private func readInput() async {
        let input = StandardInput()
        var lines = LineSplitter()
        if let screen { Console.draw(screen.row(columns: columns)) }
        for await bytes in input.pieces {
            if screen == nil {
                for line in lines.bytesReceived(bytes) { await lineTyped(line) }
            } else {
                await keysTyped(bytes)
            }
            input.taken()
        }
        if let rest = lines.rest() { await lineTyped(rest) }
        await client.close()
    }

    private func keysTyped(_ bytes: [UInt8]) async {
        guard let actions = screen?.bytesTyped(bytes) else { return }
        for action in actions {
            switch action {
            case .none, .redraw: break
            case .submit(let line): await lineTyped(line)
            case .quit: await client.close()
            }
        }
        if let screen { Console.draw(screen.row(columns: columns)) }
    }

    private func lineTyped(_ line: String) async {
        let text = line.hasSuffix("\r") ? String(line.dropLast()) : line
        guard !text.trimmingBlanks().isEmpty else { return }
        switch SlashCommand(typed: text.trimmingBlanks()) {
        case .quit: await client.close()
        case .join(let name): await perform { try await self.move(to: name) }
        default:
            // A person's lines are sent in their order without waiting for one another at the prompt; a pipe waits.
            let room = room
            if screen == nil {
                await perform { _ = try await self.client.send(room, text) }
            } else {
                Task { await perform { _ = try await self.client.send(room, text) } }
            }
        }
    }

    private func perform(_ body: () async throws -> Void) async {
        do {
            try await body()
        } catch RelayClientError.closed(.requested) {
            return
        } catch RelayClientError.commandAnswered(let lines) {
            for line in lines { say(line) }
        } catch {
            say("!!! \(Failure.text(error))")
        }
    }

    // MARK: Output

    private func show(_ event: RelayClientEvent) {
        switch event {
        case .message(let received), .direct(let received):
            let time = ClockTime.text(milliseconds: received.message.id.milliseconds).prefix(5)
            say("\(time) \(ChatLine.text(of: received.message.draft, for: identity?.user))")
        case .event(let received):
            // One's own coming is told by the line that says who is there.
            if received.event.kind == .join, received.event.user == identity?.user { return }
            if let line = ChatLine.text(of: received.event) { say(line) }
        default: break
        }
        if case .status(.connected(let welcome)) = event { identity = welcome.identity }
        if let notice = notices.text(for: event) { say("!!! \(notice)") }
    }

    private func say(_ line: String) {
        guard let screen else { return Console.say(line) }
        Console.draw(screen.line(line, columns: columns))
    }

    private var columns: Int { TerminalSize.ofOutput().columns }
}

extension String {
    /// The text without white space at its ends.
    func trimmingBlanks() -> String {
        var text = self[...]
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
