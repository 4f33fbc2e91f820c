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
        guard let type = amendmentType else { return nil }
        let object = try? JSONReader.object(from: envelope, depthMax: Limits.jsonDepthMax)
        let target = (try? object?.string("target")).flatMap { $0 }.flatMap { MessageID($0) }
        return target.map { (type, $0) }
    }

    private func isEdit(ofAny deleted: Set<MessageID>) -> Bool {
        guard let amendment, amendment.type == .edit else { return false }
        return deleted.contains(amendment.target)
    }

    /// The message's type where it is one that amends. It is the value of the fifth key: in front of it stand numbers
    /// and a room, none of which has an escape or a quote.
    private var amendmentType: MessageType? {
        let bytes = envelope.readableBytesSpan
        // Five keys and two values are quoted up to there, so its opening quote is the fifteenth.
        var quotes = 0
        for offset in 0..<bytes.byteCount where bytes.byte(at: offset) == UInt8(ascii: "\"") {
            quotes += 1
            guard quotes == 15 else { continue }
            if Self.isWord("edit\"", in: bytes, at: offset + 1) { return .edit }
            return Self.isWord("delete\"", in: bytes, at: offset + 1) ? .delete : nil
        }
        return nil
    }

    private static func isWord(_ word: StaticString, in bytes: RawSpan, at offset: Int) -> Bool {
        let count = word.utf8CodeUnitCount
        guard bytes.byteCount - offset >= count else { return false }
        // A static string's bytes live for ever, and `count` is how many there are.
        for index in 0..<count where unsafe word.utf8Start[index] != bytes.byte(at: offset + index) { return false }
        return true
    }
}
