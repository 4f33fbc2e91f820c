public import NIOCore
public import RelayCore

/// Writes what the relay answers to JSON clients.
public enum ReplyEncoder {
    /// The JSON object of a reply, with the `ref` of the op that it answers.
    public static func encode(_ reply: ServerReply, ref: Reference?) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: 256)
        buffer.writeJSONObject { object in
            write(type: type(of: reply), ref: ref, to: &object)
            switch reply {
            case .welcome(let welcome): write(welcome, to: &object)
            case .joined(let room, let recovery, let here): write(recovery, of: room, here: here, to: &object)
            case .left(let room): object.string("room", room.description)
            case .removed(let room, let reason):
                object.string("room", room.description)
                object.string("reason", reason)
            case .acknowledged(let room, let receipt, let nonce):
                write(receipt, of: room, nonce: nonce, to: &object)
            case .directed(let room, let receipt, let nonce, let isOnline):
                write(receipt, of: room, nonce: nonce, to: &object)
                object.bool("online", isOnline)
            case .marked(let room, let marker):
                object.string("room", room.description)
                object.string("id", marker.id.description)
                object.integer("seq", marker.seq)
            case .rooms(let list): RoomEncoder.write(list, to: &object)
            case .created(let room, let facts): RoomEncoder.write(facts, of: room, to: &object)
            case .history(let room, let page):
                object.string("room", room.description)
                write(page, to: &object)
            case .who(let room, let occupants, let more): write(occupants, of: room, more: more, to: &object)
            case .ordered(let command): write(command, to: &object)
            case .paged(let room, let user):
                object.string("room", room.description)
                object.string("to", user.description)
            case .typed(let answer):
                object.string("command", answer.command.rawValue)
                object.array("lines") { array in
                    for line in RoomLineEncoder.lines(of: answer) { array.string(line) }
                }
            case .pong(let milliseconds): object.integer("ts", milliseconds)
            case .refused(let refusal): write(refusal, to: &object)
            }
        }
        return buffer
    }

    /// The body of an HTTP answer with messages: `{"messages":[…],"more":…,"source":…}`.
    public static func encode(_ page: HistoryPage) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: 64)
        buffer.writeJSONObject { write(page, to: &$0) }
        return buffer
    }

    private static func type(of reply: ServerReply) -> String {
        switch reply {
        case .welcome: "welcome"
        case .joined: "joined"
        case .left, .removed: "left"
        case .acknowledged, .directed: "ack"
        case .marked: "marked"
        case .rooms: "rooms"
        case .created: "created"
        case .history: "history"
        case .who: "who"
        case .paged: "paged"
        case .typed: "output"
        case .ordered: "ordered"
        case .pong: "pong"
        case .refused: "error"
        }
    }

    private static func write(type: String, ref: Reference?, to object: inout JSONObjectWriter) {
        object.string("type", type)
        switch ref {
        case .string(let text): object.string("ref", text)
        case .integer(let number): object.integer("ref", number)
        case nil: break
        }
    }

    private static func write(_ welcome: Welcome, to object: inout JSONObjectWriter) {
        object.string("user", welcome.identity.user.description)
        object.string("name", welcome.identity.name.description)
        object.string("edge", welcome.edge.description)
        object.string("session", welcome.session)
        object.integer("ping_interval", welcome.pingInterval.wholeMilliseconds)
        object.object("limits") { limits in
            limits.integer("max_text", welcome.limits.textBytesMax)
            limits.integer("max_frame", Limits.frameBytesMax)
            limits.integer("rate", welcome.limits.ratePerSecond)
            limits.integer("burst", welcome.limits.burst)
            limits.integer("max_rooms", welcome.limits.roomsPerSessionMax)
            limits.integer("slow_budget", welcome.limits.slowBudgetBytes)
        }
    }

    private static func write(
        _ recovery: Recovery, of room: RoomID, here: Int, to object: inout JSONObjectWriter
    ) {
        object.string("room", room.description)
        object.integer("epoch", recovery.standing.epoch)
        if let last = recovery.standing.lastID { object.string("last", last.description) } else { object.null("last") }
        object.integer("seq", recovery.standing.lastSeq)
        object.integer("here", here)
        object.bool("recovered", recovery.shortfall == nil)
        if let shortfall = recovery.shortfall { object.string("reason", shortfall.rawValue) }
        if !recovery.isLive { object.bool("more", true) }
        write(recovery.frames, to: &object)
    }

    private static func write(
        _ receipt: PostReceipt, of room: RoomID, nonce: Nonce?, to object: inout JSONObjectWriter
    ) {
        // The most frequent answer of all; neither rooms nor ids have anything to escape.
        let name = room.description
        object.plainMembers(bytesMax: name.utf8.count + 120) { span in
            span.append(utf8: ",\"room\":\"")
            span.append(utf8: name)
            span.append(utf8: "\",\"id\":\"")
            span.append(decimal: receipt.id.milliseconds)
            span.append(utf8: "-")
            span.append(decimal: receipt.id.sequence)
            span.append(utf8: "\",\"seq\":")
            span.append(decimal: receipt.seq)
            span.append(utf8: ",\"ts\":")
            span.append(decimal: receipt.id.milliseconds)
        }
        if let nonce { object.string("nonce", nonce.description) }
        if receipt.isDuplicate { object.bool("duplicate", true) }
        if let replicas = receipt.replicas { object.integer("replicas", replicas) }
    }

    private static func write(_ page: HistoryPage, to object: inout JSONObjectWriter) {
        let shown = page.deleted.isEmpty ? page.frames : page.frames.map { $0.shown(without: page.deleted) }
        write(shown, to: &object)
        object.bool("more", page.more)
        object.string("source", page.source.rawValue)
    }

    private static func write(_ frames: [StoredFrame], to object: inout JSONObjectWriter) {
        object.array("messages") { array in
            for frame in frames { array.json(frame.envelope) }
        }
    }

    private static func write(_ command: ControlCommand, to object: inout JSONObjectWriter) {
        let (op, user, room): (String, UserID?, RoomID?) =
            switch command {
            case .notice(_, let room): ("notice", nil, room)
            case .kick(let user, let room, _, _): ("kick", user, room)
            case .mute(let user, let room, _): ("mute", user, room)
            case .pardon(let user, let room): ("pardon", user, room)
            case .drain: ("drain", nil, nil)
            }
        object.string("op", op)
        if let user { object.string("user", user.description) }
        if let room { object.string("room", room.description) }
    }

    private static func write(
        _ occupants: [Occupant], of room: RoomID, more: Bool, to object: inout JSONObjectWriter
    ) {
        object.string("room", room.description)
        let shown = occupants.prefix(Limits.whoMax)
        object.array("users") { array in
            for occupant in shown {
                array.object { user in
                    user.string("user", occupant.user.description)
                    user.string("name", occupant.name)
                    user.integer("since", occupant.since)
                    user.integer("sessions", occupant.sessions)
                    if let idle = occupant.idle { user.integer("idle", max(0, idle.wholeMilliseconds)) }
                }
            }
        }
        if more || occupants.count > shown.count, let last = shown.last {
            object.bool("more", true)
            object.string("next", last.user.description)
        }
    }

    private static func write(_ refusal: Refusal, to object: inout JSONObjectWriter) {
        object.string("code", refusal.code.rawValue)
        object.string("message", refusal.message)
        if let wait = refusal.retryAfter { object.integer("retry_after", max(1, wait.wholeMilliseconds)) }
    }
}
