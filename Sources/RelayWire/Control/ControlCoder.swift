public import NIOCore
public import RelayCore

/// The JSON of the control channel: `{"op":"kick","user":"bob","reason":"…","seconds":600}`.
public enum ControlCoder {
    /// Bytes of a notice.
    public static let noticeBytesMax = 4096
    /// Bytes of a reason; what a close frame has room for.
    public static let reasonBytesMax = 100

    /// Reads what came over the channel. Keys that an op does not know are passed over.
    ///
    /// - Throws: `Refusal`, which says what is wrong with it.
    public static func decode(_ payload: ByteBuffer) throws(Refusal) -> ControlCommand {
        let fields: FieldReader
        do {
            fields = FieldReader(try JSONReader.object(from: payload, depthMax: Limits.jsonDepthMax))
        } catch {
            throw CommandDecoder.refusal(for: error)
        }
        return try command(try fields.required("op", fields.string("op")), fields)
    }

    /// Reads the fields of the order of that name.
    static func command(_ op: String, _ fields: FieldReader) throws(Refusal) -> ControlCommand {
        switch op {
        case "notice":
            return .notice(text: try fields.text("text", bytesMax: noticeBytesMax), room: try room(fields))
        case "kick":
            let span = try seconds(fields)
            return .kick(try user(fields), room: try room(fields), reason: try reason(fields), span: span)
        case "mute":
            guard let span = try seconds(fields) else { throw Refusal(.badRequest, "seconds: missing.") }
            return .mute(try user(fields), room: try room(fields), span: span)
        case "pardon": return .pardon(try user(fields), room: try room(fields))
        case "drain": return .drain(EdgeID(try fields.required("edge", fields.string("edge"))))
        default: throw Refusal(.unknownOp, "There is no such op.")
        }
    }

    /// Writes a command.
    public static func encode(_ command: ControlCommand) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeJSONObject { object in
            switch command {
            case .notice(let text, let room):
                object.string("op", "notice")
                object.string("text", text)
                if let room { object.string("room", room.description) }
            case .kick(let user, let room, let reason, let span):
                write("kick", user, room, span, to: &object)
                if !reason.isEmpty { object.string("reason", reason) }
            case .mute(let user, let room, let span): write("mute", user, room, span, to: &object)
            case .pardon(let user, let room): write("pardon", user, room, nil, to: &object)
            case .drain(let edge):
                object.string("op", "drain")
                object.string("edge", edge.description)
            }
        }
        return buffer
    }

    private static func write(
        _ op: String, _ user: UserID, _ room: RoomID?, _ span: Duration?, to object: inout JSONObjectWriter
    ) {
        object.string("op", op)
        object.string("user", user.description)
        if let room { object.string("room", room.description) }
        if let span { object.integer("seconds", span.wholeMilliseconds / 1000) }
    }

    private static func user(_ fields: FieldReader) throws(Refusal) -> UserID {
        try fields.required("user", fields.user("user"))
    }

    private static func room(_ fields: FieldReader) throws(Refusal) -> RoomID? {
        try fields.string("room") == nil ? nil : fields.room()
    }

    private static func reason(_ fields: FieldReader) throws(Refusal) -> String {
        guard let reason = try fields.string("reason") else { return "" }
        guard reason.utf8.count <= reasonBytesMax else {
            throw Refusal(.tooLarge, "reason: \(reason.utf8.count) bytes, \(reasonBytesMax) are allowed.")
        }
        return reason
    }

    /// Nil for none and for 0.
    private static func seconds(_ fields: FieldReader) throws(Refusal) -> Duration? {
        let max = Int(SanctionLedger.spanMax.wholeMilliseconds / 1000)
        guard let seconds = try fields.count("seconds", max: max), seconds > 0 else { return nil }
        return .seconds(seconds)
    }
}

/// The JSON in which edges tell each other who sends much: `{"edge":"e-1","users":{"bob":45}}`.
public enum UsageCoder {
    /// Writes what one edge says.
    public static func encode(_ usages: [UserUsage], edge: EdgeID) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeJSONObject { object in
            object.string("edge", edge.description)
            object.object("users") { users in
                for usage in usages { users.integer(usage.user.description, usage.count) }
            }
        }
        return buffer
    }

    /// Reads it; nil for what is none.
    public static func decode(_ payload: ByteBuffer) -> (edge: EdgeID, usages: [UserUsage])? {
        guard let object = try? JSONReader.object(from: payload, depthMax: Limits.jsonDepthMax),
            let edge = object["edge"]?.string, !edge.isEmpty, let users = object["users"]?.object,
            users.count <= UserRateLedger.toldMax
        else { return nil }
        var usages: [UserUsage] = []
        for key in users.keys {
            guard let user = UserID(key), let count = users[key]?.integer, count > 0 else { return nil }
            usages.append(UserUsage(user: user, count: Int(min(count, 1 << 30))))
        }
        return (EdgeID(edge), usages)
    }
}
