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
    /// Lines that were not done; why is said of each.
    var refusedCount = 0
    /// Lines that the relay has not answered yet.
    var pendingCount = 0 {
        didSet {
            screen?.pendingCount = pendingCount
            drawSoon()
        }
    }
    /// Lines that nobody knows to be stored, because the connection was given up before they were answered.
    var unansweredCount = 0
    /// Whether it was said why the relay has ended it.
    var isEndSaid = false
    /// Lines that came after that.
    var unsentCount = 0
    /// Whether the person wants to go, as soon as what they said is stored.
    var isQuitting = false

    private let terminal: RawTerminal?
    private let firstRooms: [RoomID]
    /// Goes into the first rooms; over when they are entered, or it is known that they will not be.
    private var entry: Task<Void, Never>?
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
        entry = Task { for room in rooms { await arrive(in: room) } }
        let input = Task { await readInput() }
        for await event in client.events { show(event) }
        input.cancel()
        entry?.cancel()
        return await life.value
    }

    /// Waits until the first rooms are entered, or will not be.
    func firstRoomsEntered() async {
        await entry?.value
    }

    // MARK: Rooms

    /// Enters a room, however long it takes to get there. One that refuses this person stays on the screen and says so:
    /// what is being typed there is for nobody else. Where no room is left, it is over.
    private func arrive(in room: RoomID) async {
        entering.insert(room)
        defer { entering.remove(room) }
        while !Task.isCancelled, screen?.rooms.contains(room) ?? true {
            do {
                return try await enter(room)
            } catch RelayClientError.refused(let refusal) {
                if joined.contains(room) { return }
                entering.remove(room)
                let words = "\(room): \(PlainText.cleaned(refusal.message))"
                guard joined.isEmpty, entering.isEmpty else {
                    return say("!!! \(words) /leave takes it off the screen.", in: room)
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
        if !joined.contains(room) {
            let answer = try await persistently {
                try await self.client.join(room, from: .history(limit: historyLimit))
            }
            joined.insert(room)
            if let last = answer.last { historyEnds[room] = last }
        }
        let people = try await persistently { try await self.client.who(room).map(\.user) }
        for user in people { screen?.present(user, in: room) }
        if let identity { say(ChatLine.welcome(identity, to: room, people), in: room) }
    }

    /// Asks again as long as time may heal what the relay refuses.
    private func persistently<Answer: Sendable>(_ ask: () async throws -> Answer) async throws -> Answer {
        while true {
            do {
                return try await ask()
            } catch RelayClientError.refused(let refusal) where refusal.isPassing {
                try await Task.sleep(for: max(refusal.retryAfter ?? .milliseconds(500), .milliseconds(50)))
            }
        }
    }

    /// A room is on the screen now.
    func roomAdded(_ room: RoomID) {
        guard !joined.contains(room), !entering.contains(room) else { return tellReadSoon() }
        Task { await arrive(in: room) }
    }

    /// Goes to another room, without a screen; where that does not take this person, they stay in the old one.
    func move(to name: String) async throws {
        guard let next = RoomID(name) else { throw BadRoomName(name: name) }
        guard !joined.contains(next) else { return say("!!! You are in \(next) already.") }
        let left = plainRoom
        entering.insert(next)
        defer { entering.remove(next) }
        try await enter(next)
        plainRoom = next
        joined.remove(left)
        try await client.leave(left)
    }

    /// A room is on the screen no more.
    func roomRemoved(_ room: RoomID) async throws {
        guard joined.remove(room) != nil else { return }
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
