public import NIOCore
public import RelayCore

/// Writes what a client asks for: the counterpart of `CommandDecoder`.
public enum RequestEncoder {
    /// The JSON object of an op, with the `ref` by which its answer is known.
    ///
    /// A join from a cursor is written as a join `since` the cursor's id: cursors never leave an edge.
    public static func encode(_ command: ClientCommand, ref: Reference? = nil) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: 128)
        buffer.writeJSONObject { object in
            object.string("op", name(of: command))
            switch ref {
            case .string(let text): object.string("ref", text)
            case .integer(let number): object.integer("ref", number)
            case nil: break
            }
            switch command {
            case .hello(let claim): write(claim, to: &object)
            case .join(let room, let point):
                object.string("room", room.description)
                write(point, to: &object)
            case .leave(let room), .who(let room), .typing(let room): object.string("room", room.description)
            case .direct(let utterance):
                object.string("to", utterance.to.description)
                object.string("text", utterance.text)
                if let nonce = utterance.nonce { object.string("nonce", nonce.description) }
            case .edit(let amendment), .delete(let amendment): write(amendment, to: &object)
            case .read(let room, let id):
                object.string("room", room.description)
                object.string("id", id.description)
            case .create(let plan): write(plan, to: &object)
            case .send(let utterance): write(utterance, to: &object)
            case .history(let room, let span):
                object.string("room", room.description)
                write(span, to: &object)
            case .page(let room, let user):
                object.string("room", room.description)
                object.string("to", user.description)
            case .ping, .rooms: break
            }
        }
        return buffer
    }

    private static func name(of command: ClientCommand) -> String {
        switch command {
        case .hello: "hello"
        case .join: "join"
        case .leave: "leave"
        case .send: "send"
        case .history: "history"
        case .who: "who"
        case .ping: "ping"
        case .direct: "direct"
        case .edit: "edit"
        case .delete: "delete"
        case .typing: "typing"
        case .read: "read"
        case .rooms: "rooms"
        case .create: "create"
        case .page: "page"
        }
    }

    private static func write(_ claim: HelloClaim, to object: inout JSONObjectWriter) {
        if let token = claim.token { object.string("token", token) }
        if let user = claim.user { object.string("user", user.description) }
        if let name = claim.name { object.string("name", name.description) }
    }

    private static func write(_ point: JoinPoint, to object: inout JSONObjectWriter) {
        switch point {
        case .history(let limit): object.integer("history", limit)
        case .since(let id, let epoch):
            object.string("since", id.description)
            if let epoch { object.integer("epoch", epoch) }
        case .cursor(let cursor): object.string("since", cursor.id.description)
        }
    }

    private static func write(_ utterance: Utterance, to object: inout JSONObjectWriter) {
        object.string("room", utterance.room.description)
        object.string("text", utterance.text)
        if utterance.type != .message { object.string("type", utterance.type.rawValue) }
        if let nonce = utterance.nonce { object.string("nonce", nonce.description) }
        if let replyTo = utterance.replyTo { object.string("reply_to", replyTo.description) }
    }

    private static func write(_ amendment: Amendment, to object: inout JSONObjectWriter) {
        object.string("room", amendment.room.description)
        object.string("target", amendment.target.description)
        if !amendment.text.isEmpty { object.string("text", amendment.text) }
        if let nonce = amendment.nonce { object.string("nonce", nonce.description) }
    }

    private static func write(_ plan: RoomPlan, to object: inout JSONObjectWriter) {
        object.string("room", plan.room.description)
        if let name = plan.name { object.string("name", name.description) }
        if plan.isPrivate { object.bool("private", true) }
        if !plan.members.isEmpty {
            object.array("members") { array in
                for member in plan.members { array.string(member.description) }
            }
        }
        if !plan.topic.isEmpty { object.string("topic", plan.topic) }
    }

    private static func write(_ span: HistorySpan, to object: inout JSONObjectWriter) {
        switch span {
        case .latest(let limit): object.integer("limit", limit)
        case .after(let id, let limit):
            object.string("after", id.description)
            object.integer("limit", limit)
        case .before(let id, let limit):
            object.string("before", id.description)
            object.integer("limit", limit)
        }
    }
}
