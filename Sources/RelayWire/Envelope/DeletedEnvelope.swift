internal import NIOCore
public import RelayCore

extension StoredFrame {
    /// The frame as answers show it where these messages are deleted: without its text, and with `"deleted":true`.
    public func shown(without deleted: Set<MessageID>) -> StoredFrame {
        guard deleted.contains(id),
            let object = try? JSONReader.object(from: envelope, depthMax: Limits.jsonDepthMax)
        else { return self }
        var shown = ByteBufferAllocator().buffer(capacity: envelope.readableBytes)
        shown.writeJSONObject { writer in
            for key in object.keys {
                if key == "text" {
                    writer.string("text", "")
                } else if let value = object[key] {
                    writer.json(key, value.json)
                }
            }
            writer.bool("deleted", true)
        }
        return StoredFrame(id: id, seq: seq, envelope: shown)
    }

    /// The message that this one takes away; nil where it does no such thing, which a look at its type tells.
    public func deletedTarget(in room: RoomID) -> MessageID? {
        // `"type"` stands right behind the room, whose id needs no escapes.
        let mark = "\"room\":\"\(room)\",\"type\":\""
        let headBytesMax = 96
        let view = envelope.readableBytesView
        let head = view.prefix(headBytesMax + mark.utf8.count + 8)
        guard let start = head.firstIndex(of: UInt8(ascii: "r")), start > head.startIndex,
            head[(start - 1)...].starts(with: (mark + "delete\"").utf8)
        else { return nil }
        let object = try? JSONReader.object(from: envelope, depthMax: Limits.jsonDepthMax)
        return (try? object?.string("target")).flatMap { $0 }.flatMap { MessageID($0) }
    }
}
