public import RelayCore

/// The fields of a stream entry: what `redis-cli XRANGE` shows, and what a message is made from again.
public enum StreamFields {
    /// Names of the fields in their order.
    public enum Name: String, Sendable, CaseIterable {
        case seq
        case type
        case user
        case name
        case text
        case nonce
        case to
        case target
        case replyTo = "reply_to"
    }

    /// Makes a message of an entry; nil where a field is missing or is not what it has to be, as in an entry that
    /// somebody put there by hand.
    public static func message(id: MessageID, room: RoomID, fields: some Sequence<(name: String, value: String)>)
        -> Message?
    {
        var values: [Name: String] = [:]
        for field in fields {
            if let name = Name(rawValue: field.name) { values[name] = field.value }
        }
        // An optional field may be absent, but not be something else.
        func isGood<Value>(_ name: Name, _ parsed: Value?) -> Bool { values[name] == nil || parsed != nil }
        let nonce = values[.nonce].flatMap { Nonce($0) }
        let to = values[.to].flatMap { UserID($0) }
        let target = values[.target].flatMap { MessageID($0) }
        let replyTo = values[.replyTo].flatMap { MessageID($0) }
        guard isGood(.nonce, nonce), isGood(.to, to), isGood(.target, target), isGood(.replyTo, replyTo) else {
            return nil
        }
        // `UInt64.init` would take a sign too.
        guard let seq = values[.seq].flatMap({ UInt64($0) }), 1...Limits.seqMax ~= seq,
            values[.seq]?.first?.isNumber == true,
            let type = values[.type].flatMap(MessageType.init(rawValue:)),
            let user = values[.user].flatMap({ UserID($0) }),
            let name = values[.name].flatMap({ DisplayName($0) }),
            let text = values[.text]
        else { return nil }
        let draft = MessageDraft(
            room: room, type: type, user: user, name: name, text: text,
            nonce: nonce, to: to, target: target, replyTo: replyTo)
        return Message(id: id, seq: seq, draft: draft)
    }
}
