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
            object.string("op", command.name.rawValue)
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
            case .leave(let room), .typing(let room): object.string("room", room.description)
            case .who(let room, let page):
                object.string("room", room.description)
                write(after: page.after?.description, page.limit, of: Limits.whoMax, to: &object)
            case .rooms(let page):
                write(after: page.after?.description, page.limit, of: Limits.conversationsListed, to: &object)
            case .kick(let user, let room, let reason, let span):
                write(user, room, span, to: &object)
                if !reason.isEmpty { object.string("reason", reason) }
            case .mute(let user, let room, let span): write(user, room, span, to: &object)
            case .pardon(let user, let room): write(user, room, nil, to: &object)
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
            case .ping: break
            }
        }
        return buffer
    }

    private static func write(after: String?, _ limit: Int, of max: Int, to object: inout JSONObjectWriter) {
        if let after { object.string("after", after) }
        if limit < max { object.integer("limit", limit) }
    }

    private static func write(_ user: UserID, _ room: RoomID?, _ span: Duration?, to object: inout JSONObjectWriter) {
        object.string("user", user.description)
        if let room { object.string("room", room.description) }
        if let span { object.integer("seconds", span.wholeMilliseconds / 1000) }
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
