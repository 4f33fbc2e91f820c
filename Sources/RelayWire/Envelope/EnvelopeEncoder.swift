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
        buffer.writeString(
            "\"room\":\"\(draft.room)\",\"type\":\"\(draft.type.rawValue)\",\"user\":\"\(draft.user)\",\"name\":")
        buffer.writeJSONString(draft.name.description)
        buffer.writeString(",\"text\":")
        buffer.writeJSONString(draft.text)
        if let nonce = draft.nonce {
            buffer.writeString(",\"nonce\":")
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
        buffer.writeString("}")
    }
}
