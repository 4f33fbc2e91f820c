public import NIOCore
public import RelayCore

/// Writes envelopes: the JSON objects that clients, history and the archive share byte for byte.
///
/// The keys stand in one order, `id seq ts room type user name text nonce to target reply_to`, absent ones left out.
/// All from `room` on is the *tail*: it is known before Redis gives the message an id and a number, so that the
/// posting script has only to put the head in front.
public enum EnvelopeEncoder {
    /// Everything from `"room"` to the closing brace.
    public static func tail(of draft: MessageDraft) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: 128 + draft.text.utf8.count)
        appendTail(of: draft, to: &buffer)
        return buffer
    }

    /// The whole envelope of a message.
    public static func envelope(of message: Message) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: 192 + message.draft.text.utf8.count)
        buffer.writeString("{\"id\":\"\(message.id)\",\"seq\":\(message.seq),\"ts\":\(message.id.milliseconds),")
        appendTail(of: message.draft, to: &buffer)
        return buffer
    }

    private static func appendTail(of draft: MessageDraft, to buffer: inout ByteBuffer) {
        let (room, type, user) = (draft.room.description, draft.type.rawValue, draft.user.description)
        let bytesMax = room.utf8.count + type.utf8.count + user.utf8.count + 64
        buffer.writeWithOutputRawSpan(minimumWritableBytes: bytesMax) { span in
            span.append(utf8: "\"room\":\"")
            span.append(utf8: room)
            span.append(utf8: "\",\"type\":\"")
            span.append(utf8: type)
            span.append(utf8: "\",\"user\":\"")
            span.append(utf8: user)
            span.append(utf8: "\",\"name\":")
        }
        buffer.writeJSONString(draft.name.description)
        buffer.writeStaticString(",\"text\":")
        buffer.writeJSONString(draft.text)
        if let nonce = draft.nonce {
            buffer.writeStaticString(",\"nonce\":")
            buffer.writeJSONString(nonce.description)
        }
        if let to = draft.to {
            buffer.writeString(",\"to\":\"\(to)\"")
        }
        if let target = draft.target {
            buffer.writeString(",\"target\":\"\(target)\"")
        }
        if let replyTo = draft.replyTo {
            buffer.writeString(",\"reply_to\":\"\(replyTo)\"")
        }
        buffer.writeStaticString("}")
    }
}
