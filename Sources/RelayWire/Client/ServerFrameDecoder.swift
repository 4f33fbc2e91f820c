public import NIOCore
internal import RelayCore

/// Why a text is no frame of the relay.
public enum ServerFrameError: Error, Sendable, Equatable {
    /// Not a JSON object as the protocol has it.
    case notJSON(JSONError)
    /// A `type` that this version of the protocol does not know: to be passed over.
    case unknownType(String)
    /// A field is missing or is not what it has to be.
    case badField(String)
}

/// Reads what a server sends: the counterpart of `ReplyEncoder`, `EnvelopeEncoder` and `EventCoder`.
///
/// Keys that it does not know are passed over, so that an older client understands a newer server.
public enum ServerFrameDecoder {
    /// Reads one text message.
    public static func decode(_ text: ByteBuffer) throws(ServerFrameError) -> ServerFrame {
        let object: JSONObject
        do {
            object = try JSONReader.object(from: text, depthMax: Limits.jsonDepthMax)
        } catch {
            throw .notJSON(error)
        }
        let fields = AnswerFields(object: object)
        let type = try fields.string("type")
        if object.isPresent("id"), MessageType(rawValue: type) != nil {
            return .message(try message(in: fields, envelope: text))
        }
        if let kind = LiveEvent.Kind(rawValue: type) {
            if kind == .notice, !object.isPresent("room") {
                return .notice(try fields.string("text"), edge: object["edge"]?.string)
            }
            return .event(try event(kind, in: fields, json: text))
        }
        let answer = try AnswerReader(fields: fields).answer(ofType: type)
        return .answer(answer, ref: reference(in: object))
    }

    /// Reads one envelope, as in a list of messages or in a line of the archive.
    public static func message(from envelope: ByteBuffer) throws(ServerFrameError) -> ReceivedMessage {
        do {
            let object = try JSONReader.object(from: envelope, depthMax: Limits.jsonDepthMax)
            return try message(in: AnswerFields(object: object), envelope: envelope)
        } catch let error as JSONError {
            throw .notJSON(error)
        } catch let error as ServerFrameError {
            throw error
        } catch {
            throw .badField("id")
        }
    }

    private static func reference(in object: JSONObject) -> Reference? {
        guard let value = object["ref"] else { return nil }
        return value.integer.map(Reference.integer) ?? value.string.map(Reference.string)
    }

    private static func message(
        in fields: AnswerFields, envelope: ByteBuffer
    ) throws(ServerFrameError) -> ReceivedMessage {
        let type = try fields.string("type")
        guard let messageType = MessageType(rawValue: type) else { throw .unknownType(type) }
        let draft = MessageDraft(
            room: try fields.room(), type: messageType, user: try fields.user("user"),
            name: try fields.valid("name", DisplayName.init), text: try fields.string("text"),
            nonce: try fields.validIfPresent("nonce") { Nonce($0) },
            to: try fields.validIfPresent("to") { UserID($0) },
            target: try fields.validIfPresent("target") { MessageID($0) },
            replyTo: try fields.validIfPresent("reply_to") { MessageID($0) })
        let message = Message(id: try fields.id("id"), seq: try fields.count("seq"), draft: draft)
        return ReceivedMessage(message: message, isDeleted: fields.flag("deleted"), envelope: envelope)
    }

    private static let figureKeys = ["from_seq", "to_seq", "count", "epoch", "target_seq"]

    private static func event(
        _ kind: LiveEvent.Kind, in fields: AnswerFields, json: ByteBuffer
    ) throws(ServerFrameError) -> ReceivedEvent {
        let event = event(kind, in: fields.object, room: try fields.room())
        return ReceivedEvent(
            event: event, edge: fields.object["edge"]?.string, isForeign: fields.flag("foreign"), json: json)
    }

    /// What somebody published by hand may lack or bend any field: such a one counts as absent, and a name or a text of
    /// another type is not shown.
    static func event(_ kind: LiveEvent.Kind, in object: JSONObject, room: RoomID) -> LiveEvent {
        var figures: [LiveEvent.Figure] = []
        for key in figureKeys {
            if let value = object[key]?.integer, value >= 0 {
                figures.append(LiveEvent.Figure(key, UInt64(value)))
            }
        }
        var event = LiveEvent(
            kind, room: room, user: object["user"]?.string.flatMap { UserID($0) },
            name: object["name"]?.string.flatMap { DisplayName($0) }, text: object["text"]?.string, figures: figures)
        event.target = object["target"]?.string.flatMap { MessageID($0) }
        event.change = object["change"]?.string.flatMap { LiveEvent.Change(rawValue: $0) }
        event.moved = (object["moved"]?.elements ?? []).compactMap { $0.object.flatMap(moved) }
        return event
    }

    private static func moved(_ object: JSONObject) -> MovedMessage? {
        let fields = AnswerFields(object: object)
        guard let id = try? fields.id("id"), let seq = try? fields.count("seq"), let toID = try? fields.id("to_id"),
            let toSeq = try? fields.count("to_seq")
        else { return nil }
        return MovedMessage(id: id, seq: seq, toID: toID, toSeq: toSeq)
    }
}
