public import NIOCore
public import RelayCore

/// Reads what JSON clients send: one object a message, told apart by `op`.
///
/// What is not JSON, or JSON but no object, is `bad_json`. Everything else that is wrong with the form is
/// `bad_request`, `unknown_op`, `bad_room` or `too_large`. Keys that an op does not know are passed over.
public struct CommandDecoder: Sendable {
    /// Bytes of a text; a longer one is `too_large`.
    public let textBytesMax: Int

    /// A decoder for texts of that many bytes.
    public init(textBytesMax: Int) {
        self.textBytesMax = textBytesMax
    }

    /// Reads one message.
    ///
    /// - Throws: `RequestRejection`, with the `ref` where there is one to answer by.
    public func decode(_ message: ByteBuffer) throws(RequestRejection) -> ClientRequest {
        let (object, fault): (JSONObject, JSONError?)
        do {
            (object, fault) = try JSONReader.faultyObject(from: message, depthMax: Limits.jsonDepthMax)
        } catch {
            throw RequestRejection(ref: nil, refusal: Self.refusal(for: error))
        }
        // Who waits for an answer by its ref gets one.
        if let fault {
            throw RequestRejection(ref: try? reference(in: object), refusal: Self.refusal(for: fault))
        }
        let ref: Reference?
        do {
            ref = try reference(in: object)
        } catch {
            throw RequestRejection(ref: nil, refusal: error)
        }
        do {
            return ClientRequest(ref: ref, command: try command(in: FieldReader(object)))
        } catch {
            let op = object["op"]?.string.flatMap { ClientCommand.Name(rawValue: $0) }
            throw RequestRejection(ref: ref, op: op, refusal: error)
        }
    }

    /// The refusal for a text that is not the JSON it should be.
    public static func refusal(for error: JSONError) -> Refusal {
        switch error {
        case .notJSON(let offset), .invalidUTF8(let offset):
            Refusal(.badJSON, "Not JSON at byte \(offset).")
        case .notAnObject: Refusal(.badJSON, "Not a JSON object.")
        case .tooDeep(let offset):
            Refusal(.badRequest, "Nested deeper than \(Limits.jsonDepthMax) levels at byte \(offset).")
        case .duplicateKey(let offset): Refusal(.badRequest, "A key stands twice, at byte \(offset).")
        case .loneSurrogate(let offset): Refusal(.badRequest, "Half of a surrogate pair at byte \(offset).")
        }
    }

    private func reference(in object: JSONObject) throws(Refusal) -> Reference? {
        guard let value = object["ref"] else { return nil }
        if let number = value.integer { return .integer(number) }
        guard let text = value.string else { throw Refusal(.badRequest, "ref: neither a string nor an integer.") }
        guard text.utf8.count <= Limits.refBytesMax else {
            throw Refusal(.badRequest, "ref: longer than \(Limits.refBytesMax) bytes.")
        }
        return .string(text)
    }

    private func command(in fields: FieldReader) throws(Refusal) -> ClientCommand {
        let op = try fields.required("op", fields.string("op"))
        guard let name = ClientCommand.Name(rawValue: op) else { throw Refusal(.unknownOp, "There is no such op.") }
        switch name {
        case .hello: return .hello(try hello(fields))
        case .join: return .join(try fields.room(), from: try joinPoint(fields))
        case .leave: return .leave(try fields.room())
        case .send: return .send(try utterance(fields))
        case .history: return .history(try fields.room(), try fields.span())
        case .who: return .who(try fields.room(), try fields.occupantPage())
        case .ping: return .ping
        case .direct: return .direct(try direct(fields))
        case .edit: return .edit(try amendment(fields, withText: true))
        case .delete: return .delete(try amendment(fields, withText: false))
        case .typing: return .typing(try fields.room())
        case .read: return .read(try fields.room(), try fields.required("id", fields.id("id")))
        case .rooms: return .rooms(try fields.conversationPage())
        case .page: return .page(try fields.room(), to: try fields.required("to", fields.user("to")))
        case .create: return .create(try fields.plan())
        case .kick, .mute, .pardon: return try order(name, fields)
        }
    }

    private func order(_ name: ClientCommand.Name, _ fields: FieldReader) throws(Refusal) -> ClientCommand {
        switch try ControlCoder.command(name.rawValue, fields) {
        case .kick(let user, let room, let reason, let span): return .kick(user, room: room, reason: reason, span: span)
        case .mute(let user, let room, let span): return .mute(user, room: room, span: span)
        case .pardon(let user, let room): return .pardon(user, room: room)
        case .notice, .drain: throw Refusal(.unknownOp, "There is no such op.")
        }
    }

    private func hello(_ fields: FieldReader) throws(Refusal) -> HelloClaim {
        HelloClaim(user: try fields.user("user"), name: try fields.name("name"), token: try fields.string("token"))
    }

    private func joinPoint(_ fields: FieldReader) throws(Refusal) -> JoinPoint {
        if let since = try fields.id("since") {
            let epoch = try fields.count("epoch", max: .max).map(UInt64.init)
            return .since(since, epoch: epoch)
        }
        let limit = try fields.count("history", max: Limits.pageMessagesMax) ?? Limits.historyDefault
        return .history(limit: limit)
    }

    private func direct(_ fields: FieldReader) throws(Refusal) -> DirectUtterance {
        let user = try fields.required("to", fields.user("to"))
        return DirectUtterance(
            to: user, text: try fields.text("text", bytesMax: textBytesMax), nonce: try fields.nonce("nonce"))
    }

    private func amendment(_ fields: FieldReader, withText: Bool) throws(Refusal) -> Amendment {
        let room = try fields.room()
        let target = try fields.required("target", fields.id("target"))
        let text = withText ? try fields.text("text", bytesMax: textBytesMax) : ""
        return Amendment(room: room, target: target, text: text, nonce: try fields.nonce("nonce"))
    }

    private func utterance(_ fields: FieldReader) throws(Refusal) -> Utterance {
        let room = try fields.room()
        let text = try fields.text("text", bytesMax: textBytesMax)
        var type = MessageType.message
        if let name = try fields.string("type") {
            guard let named = MessageType(rawValue: name), named == .message || named == .action else {
                throw Refusal(.badRequest, "type: neither message nor action.")
            }
            type = named
        }
        return Utterance(
            room: room, type: type, text: text, nonce: try fields.nonce("nonce"), replyTo: try fields.id("reply_to"))
    }
}

/// An op with the mark by which its answer is known.
public struct ClientRequest: Sendable, Equatable {
    /// What comes back in the answer.
    public var ref: Reference?
    /// What is asked for.
    public var command: ClientCommand
}

/// A message that is no op, with the mark by which the refusal is known, where there was one.
public struct RequestRejection: Error, Sendable, Equatable {
    /// What comes back in the answer.
    public var ref: Reference?
    /// The op whose fields are wrong; nil where it was none.
    public var op: ClientCommand.Name?
    /// What is wrong.
    public var refusal: Refusal
}
