import RelayClient
import RelayCore
import RelayWire

/// One person in some rooms: what is typed goes to the client, what the client says goes to the screen, or, without
/// one, to standard output.
actor ChatSession {
    /// How long it waits for more before it draws: a burst of messages is one drawing.
    static let drawingPause = Duration.milliseconds(10)
    /// How often the relay is told what was read.
    static let readingPause = Duration.seconds(1)

    let client: RelayClient
    let historyLimit: Int
    /// Nil where there is no terminal.
    var screen: ScreenStateMachine?
    /// The room of what is typed without a screen.
    var plainRoom: RoomID
    var identity: Identity?
    var notices = ClientNotices()
    /// Why it ended, where the relay let this person into none of the rooms.
    private(set) var refusal: String?

    private let terminal: RawTerminal?
    private let firstRooms: [RoomID]
    private var joined: Set<RoomID> = []
    /// Rooms whose history comes: what comes of them is nothing new.
    private var entering: Set<RoomID> = []
    /// The newest message of each room as it was entered.
    private var historyEnds: [RoomID: MessageID] = [:]
    private var newest: [RoomID: MessageID] = [:]
    private var read: [RoomID: MessageID] = [:]
    private var willDraw = false
    private var willTellRead = false

    init(client: RelayClient, rooms: [RoomID], historyLimit: Int, terminal: RawTerminal?) {
        self.client = client
        self.terminal = terminal
        self.historyLimit = historyLimit
        firstRooms = rooms
        plainRoom = rooms[0]
        screen =
            terminal.map { _ in ScreenStateMachine(rooms: rooms, size: .ofOutput(), style: TerminalStyle()) }
    }

    /// Talks until the person or the relay has enough.
    func run() async -> ClientEnd {
        draw()
        let life = Task { [client] in await client.run() }
        let rooms = screen == nil ? [plainRoom] : firstRooms
        entering = Set(rooms)
        let entry = Task { for room in rooms { await enterFirst(room) } }
        let input = Task { await readInput() }
        for await event in client.events { show(event) }
        input.cancel()
        entry.cancel()
        return await life.value
    }

    // MARK: Rooms

    /// Enters a room of the command line, however long it takes to get there; one that refuses this person is left
    /// out, and without any it is over.
    private func enterFirst(_ room: RoomID) async {
        while !Task.isCancelled {
            do {
                return try await enter(room)
            } catch RelayClientError.refused(let refusal) where refusal.code != .unavailable {
                if joined.contains(room) { return }
                entering.remove(room)
                let words = "\(room): \(PlainText.cleaned(refusal.message))"
                guard joined.isEmpty, entering.isEmpty else {
                    screen?.roomLeft(room)
                    return say("!!! \(words)")
                }
                self.refusal = words
                return await client.close()
            } catch RelayClientError.closed {
                return
            } catch {
                try? await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    private func enter(_ room: RoomID) async throws {
        entering.insert(room)
        defer { entering.remove(room) }
        let answer = try await client.join(room, from: .history(limit: historyLimit))
        joined.insert(room)
        if let last = answer.last { historyEnds[room] = last }
        let people = try await client.who(room).map(\.user)
        for user in people { screen?.present(user, in: room) }
        if let identity { say(ChatLine.welcome(identity, to: room, people), in: room) }
    }

    /// Goes to another room. With a screen the others stay; without, where it does not take this person, the old one.
    func move(to name: String) async throws {
        guard let next = RoomID(name) else {
            return say(
                "!!! \(PlainText.cleaned(String(name.prefix(Limits.identifierBytesMax)))) is not the name of a room.")
        }
        if joined.contains(next) {
            guard screen != nil else { return say("!!! You are in \(next) already.") }
            screen?.roomEntered(next, isShown: true)
            tellReadSoon()
            return drawSoon()
        }
        if screen == nil {
            let left = plainRoom
            try await enter(next)
            plainRoom = next
            joined.remove(left)
            try await client.leave(left)
        } else {
            screen?.roomEntered(next, isShown: true)
            do { try await enter(next) } catch {
                screen?.roomLeft(next)
                throw error
            }
        }
    }

    /// Leaves a room of several.
    func leave(_ name: String?) async throws {
        guard let screen, screen.rooms.count > 1 else { return say("!!! This is the only room. /quit ends.") }
        let room = name.map { RoomID($0) } ?? screen.shownRoom
        guard let room, screen.rooms.contains(room) else { return say("!!! You are not in that room.") }
        self.screen?.roomLeft(room)
        joined.remove(room)
        drawSoon()
        try await client.leave(room)
    }

    /// The relay does not take this person back into a room.
    func roomDropped(_ room: RoomID) {
        joined.remove(room)
    }

    /// Whether a message is of the history with which its room was entered.
    func isHistory(_ message: Message) -> Bool {
        let room = message.draft.room
        return entering.contains(room) || historyEnds[room].map { message.id <= $0 } ?? false
    }

    // MARK: What was read

    /// A message came.
    func noted(_ message: Message) {
        newest[message.draft.room] = message.id
        if screen?.shownRoom == message.draft.room { tellReadSoon() }
    }

    /// The relay is told how far the room that is shown was read, so that it is so on every device.
    func tellReadSoon() {
        guard screen != nil, !willTellRead else { return }
        willTellRead = true
        Task {
            try? await Task.sleep(for: Self.readingPause)
            await tellRead()
        }
    }

    private func tellRead() async {
        willTellRead = false
        guard let room = screen?.shownRoom, let id = newest[room], read[room].map({ $0 < id }) ?? true else { return }
        read[room] = id
        // What could not be told is told with the next message.
        do { try await client.markRead(room, upTo: id) } catch { read[room] = nil }
    }

    // MARK: Drawing

    /// The terminal has another size.
    func terminalResized() {
        screen?.resized(to: .ofOutput())
        draw()
    }

    /// Draws at once: after a key.
    func draw() {
        guard let text = screen?.drawn(), !text.isEmpty else { return }
        terminal?.draw(text)
    }

    /// Draws in a moment: more may come.
    func drawSoon() {
        guard screen != nil, !willDraw else { return }
        willDraw = true
        Task {
            try? await Task.sleep(for: Self.drawingPause)
            willDraw = false
            draw()
        }
    }
}
