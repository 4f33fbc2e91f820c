/// What stands at the front of every text: `~RRRRRRRRTTTTTTTTTTTTTTTT~`, in hexadecimal digits the run that said it,
/// and the moment it was meant to be said at, in nanoseconds of this machine's clock.
struct PostMark: Equatable {
    static let byteCount = 26
    /// What stands in a template where the moment goes.
    static let blank = String(repeating: "0", count: 16)
    private static let digits = Array("0123456789abcdef".utf8)

    var run: UInt32
    var moment: UInt64

    /// The text of a message of so many bytes, with a blank for the moment; the rest is prose.
    static func text(run: UInt32, byteCount: Int) -> String {
        let head = String(run, radix: 16)
        let mark = "~" + String(repeating: "0", count: 8 - head.count) + head + blank + "~"
        return mark + ProseFiller.text(byteCount: byteCount - mark.utf8.count)
    }

    /// Writes a moment over the blank that begins at `offset`.
    static func write(_ moment: UInt64, over bytes: inout [UInt8], at offset: Int) {
        for index in 0..<16 { bytes[offset + index] = digits[Int(moment >> UInt64(60 - 4 * index) & 0xF)] }
    }

    /// The mark in a message whose text has so many bytes: it stands a fixed way from the message's end, so the fields
    /// between are not read. Where something follows the text it is searched for.
    static func find(in bytes: Span<UInt8>, from start: Int, to end: Int, textBytes: Int) -> PostMark? {
        let usual = end - 2 - textBytes
        if usual > start, let mark = PostMark(in: bytes, at: usual, to: end) { return mark }
        return search(in: bytes, from: start, to: end)
    }

    /// The mark at the front of the first text, wherever that is.
    static func search(in bytes: Span<UInt8>, from start: Int, to end: Int) -> PostMark? {
        guard let place = bytes.find(textKey, from: start, to: end) else { return nil }
        return PostMark(in: bytes, at: place + textKey.bytes.count - 1, to: end)
    }

    private static let textKey = StaticBytes(#""text":"~"#)

    init?(in bytes: Span<UInt8>, at offset: Int, to limit: Int) {
        guard limit - offset >= Self.byteCount, bytes[offset] == UInt8(ascii: "~"),
            bytes[offset + Self.byteCount - 1] == UInt8(ascii: "~")
        else { return nil }
        var value: UInt64 = 0
        var run: UInt64 = 0
        for index in 1...24 {
            let byte = bytes[offset + index]
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x61...0x66: digit = byte - 0x57
            default: return nil
            }
            value = value << 4 | UInt64(digit)
            if index == 8 {
                run = value
                value = 0
            }
        }
        self.run = UInt32(truncatingIfNeeded: run)
        moment = value
    }

    init(run: UInt32, moment: UInt64) {
        self.run = run
        self.moment = moment
    }
}
