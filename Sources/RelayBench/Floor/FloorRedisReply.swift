/// What Redis says to the floor.
enum FloorRedisReply: Equatable {
    /// What was published in a room, by its range in the bytes that were read.
    case message(room: Int, Range<Int>)
    /// A subscription stands.
    case subscribed(room: Int)
    /// A number: something was published.
    case published
    /// An error.
    case refused(String)
    /// Anything else: `OK` to what a connection begins with.
    case other

    private static let lineEnd = StaticBytes("\r\n")
    private static let message = StaticBytes("message")
    private static let subscribe = StaticBytes("subscribe")

    /// The reply that begins at `offset`, and where the next one begins; nil where it is not all there.
    static func next(
        in bytes: Span<UInt8>, from offset: Int, to limit: Int
    ) -> (reply: FloorRedisReply, end: Int)? {
        guard offset < limit else { return nil }
        switch bytes[offset] {
        case UInt8(ascii: "*"): return push(in: bytes, from: offset, to: limit)
        case UInt8(ascii: "-"):
            guard let end = bytes.find(lineEnd, from: offset, to: limit) else { return nil }
            return (.refused(bytes.string(offset + 1, end)), end + 2)
        case let first:
            guard let item = RedisAnswers.item(in: bytes, from: offset, to: limit) else { return nil }
            return (first == UInt8(ascii: ":") ? .published : .other, item.end)
        }
    }

    /// `message CHANNEL PAYLOAD` or `subscribe CHANNEL COUNT`.
    private static func push(
        in bytes: Span<UInt8>, from offset: Int, to limit: Int
    ) -> (reply: FloorRedisReply, end: Int)? {
        guard let head = RedisAnswers.item(in: bytes, from: offset, to: limit) else { return nil }
        guard head.number == 3 else { return (.refused("an array of \(head.number)"), limit) }
        guard let kind = RedisAnswers.item(in: bytes, from: head.end, to: limit),
            let channel = RedisAnswers.item(in: bytes, from: kind.end, to: limit),
            let last = RedisAnswers.item(in: bytes, from: channel.end, to: limit)
        else { return nil }
        guard let room = FloorRequest.room(endingNameIn: bytes, from: channel.start, to: channel.stop) else {
            return (.other, last.end)
        }
        if bytes.has(message, at: kind.start, to: kind.stop) {
            return (.message(room: room, last.start..<last.stop), last.end)
        }
        return (bytes.has(subscribe, at: kind.start, to: kind.stop) ? .subscribed(room: room) : .other, last.end)
    }
}
