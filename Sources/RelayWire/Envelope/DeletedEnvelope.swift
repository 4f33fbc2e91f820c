internal import NIOCore
public import RelayCore

extension StoredFrame {
    /// The frame as answers show it where these messages are deleted: a deleted one, and what replaced its text once,
    /// without text and with `"deleted":true`.
    public func shown(without deleted: Set<MessageID>) -> StoredFrame {
        guard !deleted.isEmpty, deleted.contains(id) || isEdit(ofAny: deleted),
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

    /// The message that this one replaces the text of, or takes away; nil where it does neither, which a look at its
    /// type tells.
    public var amendment: (type: MessageType, target: MessageID)? {
        guard let start = typeStart else { return nil }
        let view = envelope.readableBytesView[start...]
        let type: MessageType
        if view.starts(with: "delete\"".utf8) {
            type = .delete
        } else if view.starts(with: "edit\"".utf8) {
            type = .edit
        } else {
            return nil
        }
        let object = try? JSONReader.object(from: envelope, depthMax: Limits.jsonDepthMax)
        let target = (try? object?.string("target")).flatMap { $0 }.flatMap { MessageID($0) }
        return target.map { (type, $0) }
    }

    private func isEdit(ofAny deleted: Set<MessageID>) -> Bool {
        guard let amendment, amendment.type == .edit else { return false }
        return deleted.contains(amendment.target)
    }

    /// Where the value of the fifth key begins, the message's type: in front of it stand numbers and a room, none of
    /// which has an escape or a quote.
    private var typeStart: Int? {
        let view = envelope.readableBytesView
        // Five keys and two values are quoted up to there, so its opening quote is the fifteenth.
        var quotes = 0
        for index in view.indices where view[index] == UInt8(ascii: "\"") {
            quotes += 1
            if quotes == 15 { return index + 1 }
        }
        return nil
    }
}
