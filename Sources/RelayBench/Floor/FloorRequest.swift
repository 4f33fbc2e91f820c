/// What the generator says to the floor. Only its own words are understood: the mask has to be zero, the fields have to
/// stand in its order.
struct FloorRequest: Equatable {
    enum Kind: Equatable {
        case join(room: Int)
        /// The ranges of the room's name and of the text lie in the bytes that were read.
        case send(room: Int, name: Range<Int>, ref: UInt64, text: Range<Int>)
        case close
        case other
    }

    let kind: Kind
    /// Where the next one begins.
    let end: Int

    private static let joinHead = StaticBytes(#"{"op":"join","#)
    private static let sendHead = StaticBytes(#"{"op":"send","#)
    private static let roomKey = StaticBytes(#""room":""#)
    private static let refKey = StaticBytes(#""ref":"#)
    private static let textKey = StaticBytes(#""text":""#)

    /// The request that begins at `offset`; nil where it is not all there.
    init?(in bytes: Span<UInt8>, from offset: Int, to limit: Int) {
        guard limit - offset >= 6 else { return nil }
        var count = Int(bytes[offset + 1] & 0x7F)
        var start = offset + 6
        if count == 126 {
            guard limit - offset >= 8 else { return nil }
            count = Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3])
            start = offset + 8
        }
        guard count < 127 || start == offset + 8, limit - start >= count else { return nil }
        end = start + count
        kind =
            bytes[offset] & 0x0F == FrameScanner.close
            ? .close : Self.kind(in: bytes, from: start, to: end) ?? .other
    }

    private static func kind(in bytes: Span<UInt8>, from start: Int, to end: Int) -> Kind? {
        guard let roomPlace = bytes.find(roomKey, from: start, to: end) else { return nil }
        let name = roomPlace + roomKey.bytes.count
        var nameEnd = name
        while nameEnd < end, bytes[nameEnd] != UInt8(ascii: "\"") { nameEnd += 1 }
        guard let number = room(endingNameIn: bytes, from: name, to: nameEnd) else { return nil }
        if bytes.has(joinHead, at: start, to: end) { return .join(room: number) }
        guard bytes.has(sendHead, at: start, to: end), let ref = bytes.number(after: refKey, from: start, to: end),
            let text = bytes.find(textKey, from: nameEnd, to: end)
        else { return nil }
        // The text is the last field: `"}` follows it.
        return .send(
            room: number, name: name..<nameEnd, ref: ref, text: (text + textKey.bytes.count)..<(end - 2))
    }

    /// The room's number, which is what its name ends with; nil where it is none.
    static func room(endingNameIn bytes: Span<UInt8>, from start: Int, to end: Int) -> Int? {
        var digits = end
        while digits > start, (0x30...0x39).contains(bytes[digits - 1]) { digits -= 1 }
        guard let number = bytes.number(at: digits, to: end)?.value, number <= BenchLimits.roomsMax else { return nil }
        return Int(number)
    }
}

/// What the floor answers.
enum FloorWords {
    static let upgraded = Array(
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: floor\r\n\r\n").utf8)
    static let sender = Array(
        #"","type":"message","user":"\#(PostTemplate.user)","name":"\#(PostTemplate.user)","text":""#.utf8)
    static let envelopeEnd = Array(#""}"#.utf8)

    static func joined(seq: UInt64) -> [UInt8] {
        Array(
            (#"{"type":"joined","room":"floor","epoch":1,"last":null,"seq":\#(seq),"here":1,"#
                + #""recovered":true,"messages":[]}"#)
                .utf8)
    }

    static func acknowledged(ref: UInt64, seq: UInt64) -> [UInt8] {
        Array(#"{"type":"ack","ref":\#(ref),"room":"floor","id":"1-0","seq":\#(seq),"ts":1}"#.utf8)
    }
}
