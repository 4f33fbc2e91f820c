import RelayClient
import RelayCore
import RelayWire

extension ChatSession {
    /// Something happened.
    func show(_ event: RelayClientEvent) {
        switch event {
        case .message(let received): show(received, isDirect: false)
        case .direct(let received): show(received, isDirect: true)
        case .event(let received): show(received)
        case .status(let status): show(status)
        case .dropped(let room, _): roomDropped(room)
        case .notice, .gap, .rewound: break
        }
        if let notice = notices.text(for: event) { say("!!! \(notice)", in: Self.room(of: event)) }
    }

    private static func room(of event: RelayClientEvent) -> RoomID? {
        switch event {
        case .gap(let gap): gap.room
        case .rewound(let room, _), .dropped(let room, _): room
        default: nil
        }
    }

    private func show(_ received: ReceivedMessage, isDirect: Bool) {
        let draft = received.message.draft
        let time = ClockTime.text(milliseconds: received.message.id.milliseconds).prefix(5)
        let text = ChatLine.text(of: draft, for: identity?.user)
        guard screen != nil else {
            if let shown = received.isDeleted ? ChatLine.deleted(draft) : text { Console.say("\(time) \(shown)") }
            return
        }
        defer { if !isDirect { noted(received.message) } }
        guard var line = ChatPainter.line(of: received, for: identity?.user) else { return }
        line.pieces.insert(.init(text: "\(time) ", look: .dim), at: 0)
        let isNews = isDirect || !isHistory(received.message)
        let isOwn = draft.user == identity?.user
        let isCall =
            ChatPainter.rings(text) || identity.map { ChatPainter.mentions($0.user, in: draft.text) } ?? false
        // A direct message whose room is not on the screen is shown where its reader is.
        screen?.lineCame(
            line, in: isDirect ? nil : draft.room, counts: isNews && !isOwn, isCall: isCall && isNews && !isOwn,
            rings: isNews && ChatPainter.rings(text))
        if let room = isDirect ? screen?.shownRoom : draft.room {
            // Who has left is still known to have spoken: to complete a name that was just read.
            screen?.heard(draft.user, in: room)
        }
        drawSoon()
    }

    private func show(_ received: ReceivedEvent) {
        let event = received.event
        if let user = event.user {
            switch event.kind {
            case .join: screen?.present(user, in: event.room)
            case .leave: screen?.left(user, in: event.room)
            default: break
            }
            // One's own coming is told by the line that says who is there.
            if event.kind == .join, user == identity?.user { return }
        }
        if let line = ChatLine.text(of: event) {
            say(line, in: event.kind == .page ? nil : event.room, rings: event.kind == .page)
        }
    }

    private func show(_ status: ClientStatus) {
        switch status {
        case .connecting: screen?.connection = "connecting"
        case .connected(let welcome):
            identity = welcome.identity
            screen?.user = welcome.identity.user
            screen?.connection = "connected"
            learnRooms()
        case .reconnecting(let span, _):
            let seconds = max(1, (span.wholeMilliseconds + 999) / 1000)
            screen?.connection = "no connection, next try in \(seconds) s"
        case .closed: screen?.connection = "closed"
        }
        drawSoon()
    }

    /// The rooms of one's conversation list, for Tab.
    private func learnRooms() {
        guard screen != nil else { return }
        Task {
            // Without them Tab knows the rooms on the screen.
            guard let list = try? await client.conversations() else { return }
            screen?.knownRooms = list.rooms.map(\.room)
        }
    }

    /// A line that is no message.
    func say(_ line: String, in room: RoomID? = nil, rings: Bool = false) {
        guard screen != nil else {
            return Console.say((ChatPainter.rings(line) ? ChatLine.bell : "") + PlainText.cleaned(line))
        }
        screen?.lineCame(ChatPainter.line(line), in: room, rings: rings)
        drawSoon()
    }
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
