import NIOCore
import RelayCore

/// Reads the answers to ops.
struct AnswerReader {
    let fields: AnswerFields

    func answer(ofType type: String) throws(ServerFrameError) -> ServerAnswer {
        switch type {
        case "welcome": .welcome(try welcome())
        case "joined": .joined(try joined())
        case "left": .left(try fields.room())
        case "ack": .acknowledged(try acknowledgement())
        case "history":
            .history(
                HistoryAnswer(
                    room: try fields.room(), messages: try messages(), more: fields.flag("more"),
                    source: try fields.validIfPresent("source") { $0 } ?? "stream"))
        case "who": .who(try fields.room(), try occupants(), more: fields.flag("more"))
        case "marked":
            .marked(try fields.room(), ReadMarker(id: try fields.id("id"), seq: try fields.count("seq")))
        case "rooms": .rooms(try rooms(), more: fields.flag("more"))
        case "created": .created(try Self.room(fields))
        case "paged": .paged(try fields.room(), try fields.user("to"))
        case "ordered":
            .ordered(
                try fields.string("op"), try fields.validIfPresent("user") { UserID($0) },
                room: try fields.validIfPresent("room") { RoomID($0) })
        case "pong": .pong(milliseconds: try fields.count("ts"))
        case "output": .output(command: try fields.string("command"), lines: try lines())
        case "error": .refused(try refusal())
        default: throw .unknownType(type)
        }
    }

    private func welcome() throws(ServerFrameError) -> Welcome {
        let identity = Identity(user: try fields.user("user"), name: try fields.valid("name", DisplayName.init))
        var limits = Limits()
        if let given = fields.object["limits"]?.object {
            // No relay has such limits, and what is reckoned with them is to fit in a number.
            let read = { (key: String, fallback: Int) in
                given[key]?.integer.map { Int(min(max($0, 0), Int64(Int32.max))) } ?? fallback
            }
            limits.textBytesMax = read("max_text", limits.textBytesMax)
            limits.ratePerSecond = read("rate", limits.ratePerSecond)
            limits.burst = read("burst", limits.burst)
            limits.roomsPerSessionMax = read("max_rooms", limits.roomsPerSessionMax)
            limits.slowBudgetBytes = read("slow_budget", limits.slowBudgetBytes)
        }
        return Welcome(
            identity: identity, edge: EdgeID(try fields.string("edge")), session: try fields.string("session"),
            pingInterval: Self.span(milliseconds: Int64(clamping: try fields.count("ping_interval"))), limits: limits)
    }

    private func joined() throws(ServerFrameError) -> JoinAnswer {
        let last = fields.object["last"]?.isNull == true ? nil : try fields.id("last")
        return JoinAnswer(
            room: try fields.room(), epoch: try fields.count("epoch"), last: last, seq: try fields.count("seq"),
            here: Int(clamping: try fields.count("here")), isRecovered: fields.flag("recovered"),
            reason: try fields.validIfPresent("reason") { $0 }, more: fields.flag("more"), messages: try messages())
    }

    private func acknowledgement() throws(ServerFrameError) -> Acknowledgement {
        var acknowledgement = Acknowledgement(
            room: try fields.room(), id: try fields.id("id"), seq: try fields.count("seq"),
            nonce: try fields.validIfPresent("nonce") { Nonce($0) }, isDuplicate: fields.flag("duplicate"),
            replicas: fields.object["replicas"]?.integer.map { Int($0) })
        acknowledgement.isOnline = fields.object["online"]?.bool
        return acknowledgement
    }

    private func rooms() throws(ServerFrameError) -> [ListedRoom] {
        guard let elements = fields.object["rooms"]?.elements else { throw .badField("rooms") }
        var rooms: [ListedRoom] = []
        for element in elements {
            guard let object = element.object else { throw .badField("rooms") }
            rooms.append(try Self.room(AnswerFields(object: object)))
        }
        return rooms
    }

    private static func room(_ fields: AnswerFields) throws(ServerFrameError) -> ListedRoom {
        var last: ReceivedMessage?
        if let value = fields.object["last"], !value.isNull { last = try ServerFrameDecoder.message(from: value.json) }
        return ListedRoom(
            room: try fields.room(), name: try fields.string("name"),
            topic: fields.object["topic"]?.string ?? "", isPrivate: fields.flag("private"), last: last,
            unread: fields.object["unread"]?.integer.flatMap { UInt64(exactly: $0) })
    }

    private func messages() throws(ServerFrameError) -> [ReceivedMessage] {
        guard let elements = fields.object["messages"]?.elements else { throw .badField("messages") }
        var messages: [ReceivedMessage] = []
        messages.reserveCapacity(elements.count)
        for element in elements { messages.append(try ServerFrameDecoder.message(from: element.json)) }
        return messages
    }

    private func occupants() throws(ServerFrameError) -> [Occupant] {
        guard let elements = fields.object["users"]?.elements else { throw .badField("users") }
        var occupants: [Occupant] = []
        for element in elements {
            guard let object = element.object else { throw .badField("users") }
            let user = AnswerFields(object: object)
            occupants.append(
                Occupant(
                    user: try user.user("user"), name: try user.string("name"), since: try user.count("since"),
                    sessions: object["sessions"]?.integer.map { Int($0) } ?? 1,
                    idle: object["idle"]?.integer.map { Self.span(milliseconds: $0) }))
        }
        return occupants
    }

    private func lines() throws(ServerFrameError) -> [String] {
        do { return try fields.object.strings("lines") ?? [] } catch { throw .badField("lines") }
    }

    /// A code of a newer server counts as `bad_request`: the op is not to be tried again as it is.
    private func refusal() throws(ServerFrameError) -> Refusal {
        let code = try fields.string("code")
        let wait = fields.object["retry_after"]?.integer
        return Refusal(
            ErrorCode(rawValue: code) ?? .badRequest, try fields.string("message"),
            retryAfter: wait.map { Self.span(milliseconds: $0) })
    }

    /// A span of up to a year: what is longer is a mistake, and its end no moment that a clock has.
    private static func span(milliseconds: Int64) -> Duration {
        .milliseconds(min(max(milliseconds, 0), 365 * 86_400_000))
    }
}

/// Reads the fields of what a server sent.
struct AnswerFields {
    let object: JSONObject

    func string(_ key: String) throws(ServerFrameError) -> String {
        guard let text = object[key]?.string else { throw .badField(key) }
        return text
    }

    func valid<Value>(_ key: String, _ make: (String) -> Value?) throws(ServerFrameError) -> Value {
        guard let value = make(try string(key)) else { throw .badField(key) }
        return value
    }

    func validIfPresent<Value>(_ key: String, _ make: (String) -> Value?) throws(ServerFrameError) -> Value? {
        guard object.isPresent(key) else { return nil }
        return try valid(key, make)
    }

    func room() throws(ServerFrameError) -> RoomID { try valid("room") { RoomID($0) } }

    func user(_ key: String) throws(ServerFrameError) -> UserID { try valid(key) { UserID($0) } }

    func id(_ key: String) throws(ServerFrameError) -> MessageID { try valid(key) { MessageID($0) } }

    func count(_ key: String) throws(ServerFrameError) -> UInt64 {
        guard let value = object[key]?.integer, value >= 0 else { throw .badField(key) }
        return UInt64(value)
    }

    /// A truth value; what is absent or of another type is false.
    func flag(_ key: String) -> Bool { object[key]?.bool ?? false }
}
