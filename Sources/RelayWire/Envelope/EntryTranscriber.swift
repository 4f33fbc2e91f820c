public import NIOCore
public import RelayCore

/// Turns entries of a room's stream into envelopes, from bytes to bytes.
///
/// It takes what relays write, in the form in which they write it: numbers and ids without leading zeros, user ids in
/// lower case. What it makes of that is byte for byte what `EnvelopeEncoder` makes of the message that `StreamFields`
/// reads from the entry. About everything else it says nothing.
public struct EntryTranscriber: Sendable {
    /// Which message an envelope is of.
    public struct Position: Sendable, Equatable {
        /// The entry ID.
        public let id: MessageID
        /// The number in the room.
        public let seq: UInt64
    }

    /// From behind the time to the type.
    private let middle: String
    private static let types = MessageType.allCases.map { ShortWord($0.rawValue) }

    /// A transcriber for entries of this room.
    public init(room: RoomID) {
        middle = ",\"room\":\"\(room)\",\"type\":\""
    }

    /// By how many bytes an envelope without escapes is longer, at most, than the strings of its entry.
    public var frameBytesMax: Int { middle.utf8.count + 64 }

    /// Appends the envelope of an entry; nil, and nothing is appended, where the entry is not as relays write it.
    public func transcribe(_ entry: PlainEntry, in bytes: RawSpan, to buffer: inout ByteBuffer) -> Position? {
        guard let (id, timeLength) = Self.messageID(entry.id, bytes), entry.seq.isThere,
            let seq = Self.decimal(bytes, entry.seq.range), 1...Limits.seqMax ~= seq,
            entry.type.isThere, let type = ShortWord(bytes, entry.type.range), Self.types.contains(type),
            Self.isUser(entry.user, bytes), Self.isName(entry.name, bytes), Self.isUTF8(entry.text, bytes),
            Self.isNonce(entry.nonce, bytes), !entry.to.isThere || Self.isUser(entry.to, bytes),
            Self.isIDOrAbsent(entry.target, bytes), Self.isIDOrAbsent(entry.replyTo, bytes)
        else { return nil }
        let time = entry.id.offset..<(entry.id.offset + timeLength)
        let bytesMax =
            64 + middle.utf8.count + 2 * entry.id.count + entry.seq.count + entry.type.count + entry.user.count
        buffer.writeWithOutputRawSpan(minimumWritableBytes: bytesMax) { span in
            span.append(utf8: "{\"id\":\"")
            span.append(bytes: bytes.extracting(entry.id.range))
            span.append(utf8: "\",\"seq\":")
            span.append(bytes: bytes.extracting(entry.seq.range))
            span.append(utf8: ",\"ts\":")
            span.append(bytes: bytes.extracting(time))
            span.append(utf8: middle)
            span.append(bytes: bytes.extracting(entry.type.range))
            span.append(utf8: "\",\"user\":\"")
            span.append(bytes: bytes.extracting(entry.user.range))
            span.append(utf8: "\",\"name\":")
        }
        buffer.writeJSONString(utf8: bytes.extracting(entry.name.range))
        buffer.writeStaticString(",\"text\":")
        buffer.writeJSONString(utf8: bytes.extracting(entry.text.range))
        Self.append(",\"nonce\":", entry.nonce, bytes, to: &buffer)
        Self.append(",\"to\":", entry.to, bytes, to: &buffer)
        Self.append(",\"target\":", entry.target, bytes, to: &buffer)
        Self.append(",\"reply_to\":", entry.replyTo, bytes, to: &buffer)
        buffer.writeInteger(UInt8(ascii: "}"))
        return Position(id: id, seq: seq)
    }

    private static func append(
        _ key: StaticString, _ place: PlainEntry.Place, _ bytes: RawSpan, to buffer: inout ByteBuffer
    ) {
        guard place.isThere else { return }
        buffer.writeStaticString(key)
        buffer.writeJSONString(utf8: bytes.extracting(place.range))
    }

    /// The id, and how many digits its time has.
    private static func messageID(_ place: PlainEntry.Place, _ bytes: RawSpan) -> (id: MessageID, timeLength: Int)? {
        let range = place.range
        guard let dash = range.first(where: { bytes.byte(at: $0) == UInt8(ascii: "-") }),
            let milliseconds = decimal(bytes, range.lowerBound..<dash),
            let sequence = decimal(bytes, (dash + 1)..<range.upperBound)
        else { return nil }
        return (MessageID(milliseconds: milliseconds, sequence: sequence), dash - range.lowerBound)
    }

    private static func isIDOrAbsent(_ place: PlainEntry.Place, _ bytes: RawSpan) -> Bool {
        !place.isThere || messageID(place, bytes) != nil
    }

    /// One to nineteen digits, which no number of 64 bits is too small for, without leading zeros.
    private static func decimal(_ bytes: RawSpan, _ range: Range<Int>) -> UInt64? {
        guard (1...19).contains(range.count) else { return nil }
        var number: UInt64 = 0
        for offset in range {
            let digit = bytes.byte(at: offset) &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            number = number &* 10 &+ UInt64(digit)
        }
        if bytes.byte(at: range.lowerBound) == UInt8(ascii: "0"), range.count > 1 { return nil }
        return number
    }

    private static func isUser(_ place: PlainEntry.Place, _ bytes: RawSpan) -> Bool {
        guard place.isThere, (1...Limits.identifierBytesMax).contains(place.count) else { return false }
        for offset in place.range {
            switch bytes.byte(at: offset) {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): continue
            case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "@"), UInt8(ascii: "-"):
                if offset == place.offset { return false }
            default: return false
            }
        }
        return true
    }

    /// What is not ASCII is looked at as the text that it is.
    private static func isName(_ place: PlainEntry.Place, _ bytes: RawSpan) -> Bool {
        guard place.isThere, (1...Limits.nameBytesMax).contains(place.count) else { return false }
        if isPrintableASCII(place, bytes) { return true }
        let copied = place.range.map { bytes.byte(at: $0) }
        return String(validating: copied, as: UTF8.self).flatMap { DisplayName($0) } != nil
    }

    private static func isNonce(_ place: PlainEntry.Place, _ bytes: RawSpan) -> Bool {
        guard place.isThere else { return true }
        return (1...Limits.nonceBytesMax).contains(place.count) && isPrintableASCII(place, bytes)
    }

    private static func isPrintableASCII(_ place: PlainEntry.Place, _ bytes: RawSpan) -> Bool {
        for offset in place.range where !(0x20...0x7e).contains(bytes.byte(at: offset)) { return false }
        return true
    }

    private static func isUTF8(_ place: PlainEntry.Place, _ bytes: RawSpan) -> Bool {
        guard place.isThere else { return false }
        var validator = UTF8Validator()
        return validator.firstInvalidOffset(in: bytes.extracting(place.range)) == nil && validator.isAtBoundary
    }
}
