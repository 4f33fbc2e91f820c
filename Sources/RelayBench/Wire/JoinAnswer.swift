/// What the relay says to a reader beside messages.
enum JoinAnswer: Equatable {
    /// The answer to a join.
    case joined(Joined)
    /// The answer to a leave.
    case left
    /// An error, by its code.
    case refused(String)
    /// The reader fell behind further than history reaches.
    case lagged
    /// Who came and went, and whatever else.
    case none

    /// `{"type":"joined","room":…,"epoch":…,"last":"1-0","seq":1,"here":1,"recovered":true,"messages":[…]}`.
    struct Joined: Equatable {
        /// The number of the room's last message.
        var seq: UInt64
        /// Its id; zeros where there is none.
        var milliseconds: UInt64
        var sequence: UInt64
        /// Whether everything since could be had.
        var isRecovered: Bool
        /// Where the messages begin and end.
        var start: Int
        var end: Int
    }

    private static let joinedHead = StaticBytes(#"{"type":"joined","#)
    private static let errorHead = StaticBytes(#"{"type":"error","#)
    private static let leftHead = StaticBytes(#"{"type":"left","#)
    private static let laggedHead = StaticBytes(#"{"type":"lagged","#)
    private static let seqKey = StaticBytes(#","seq":"#)
    private static let lastKey = StaticBytes(#","last":""#)
    private static let lostKey = StaticBytes(#","recovered":false"#)
    private static let messagesKey = StaticBytes(#","messages":["#)

    /// Reads the payload of a frame.
    init(in bytes: Span<UInt8>, from start: Int, to end: Int) {
        if bytes.has(Self.joinedHead, at: start, to: end) {
            let list =
                bytes.find(Self.messagesKey, from: start, to: end).map { $0 + Self.messagesKey.bytes.count } ?? end
            var joined = Joined(
                seq: bytes.number(after: Self.seqKey, from: start, to: list) ?? 0, milliseconds: 0, sequence: 0,
                isRecovered: bytes.find(Self.lostKey, from: start, to: list) == nil, start: list, end: end)
            if let last = bytes.find(Self.lastKey, from: start, to: list),
                let first = bytes.number(at: last + Self.lastKey.bytes.count, to: list),
                let second = bytes.number(at: first.end + 1, to: list)
            {
                joined.milliseconds = first.value
                joined.sequence = second.value
            }
            self = .joined(joined)
        } else if bytes.has(Self.errorHead, at: start, to: end) {
            self = .refused(RelayWords.code(in: bytes, from: start, to: end))
        } else if bytes.has(Self.leftHead, at: start, to: end) {
            self = .left
        } else {
            self = bytes.has(Self.laggedHead, at: start, to: end) ? .lagged : .none
        }
    }
}

extension JoinAnswer.Joined {
    /// Every message in it, in order, with its mark. A message's head cannot stand within a text, where quotation marks
    /// are escaped.
    func forEachMessage(in bytes: Span<UInt8>, _ body: (EnvelopePlace, PostMark?) -> Void) {
        var next = bytes.find(EnvelopePlace.head, from: start, to: end)
        while let place = next {
            next = bytes.find(EnvelopePlace.head, from: place + 1, to: end)
            guard let envelope = EnvelopePlace(in: bytes, at: place, to: end) else { continue }
            body(envelope, PostMark.search(in: bytes, from: envelope.end, to: next ?? end))
        }
    }
}
