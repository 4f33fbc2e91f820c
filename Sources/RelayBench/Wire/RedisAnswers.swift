/// Reads what Redis answers to posts and to what a poster begins with.
enum RedisAnswers {
    private static let lineEnd = StaticBytes("\r\n")

    /// The next whole reply, while `opening` of what a poster began with are open: it may post after the last of them.
    static func next(
        in bytes: Span<UInt8>, from offset: Int, to limit: Int, opening: Int
    ) -> ScannedAnswer? {
        guard offset < limit else { return nil }
        switch bytes[offset] {
        case UInt8(ascii: "-"):
            guard let end = bytes.find(lineEnd, from: offset, to: limit) else { return nil }
            let line = bytes.string(offset + 1, end)
            let word = line.split(separator: " ").first.map(String.init) ?? ""
            return (opening > 0 ? .notOpened(line) : .refused(word), end + 2)
        case UInt8(ascii: "*"): return array(in: bytes, from: offset, to: limit)
        default:
            guard let item = item(in: bytes, from: offset, to: limit) else { return nil }
            return (opening == 1 ? .opened : .none, item.end)
        }
    }

    /// `epoch, why it was not published, id, seq, 0` for a message that is stored; see the script.
    private static func array(in bytes: Span<UInt8>, from offset: Int, to limit: Int) -> ScannedAnswer? {
        guard let head = item(in: bytes, from: offset, to: limit) else { return nil }
        var place = head.end
        var seq: UInt64?
        var position = RoomPosition.unknown
        var word = ""
        var flag = UInt64.max
        for index in 0..<min(head.number, 16) {
            guard let item = item(in: bytes, from: place, to: limit) else { return nil }
            if index == 0 || index == 3 { word = bytes.string(item.start, item.stop) }
            if index == 0 { position.epoch = bytes.number(at: item.start, to: item.stop)?.value ?? 0 }
            if index == 2 { position.id = bytes.string(item.start, item.stop) }
            if index == 3 { seq = bytes.number(at: item.start, to: item.stop)?.value }
            if index == 4 { flag = UInt64(item.number) }
            place = item.end
        }
        guard flag < 2, let seq else { return (.refused(word), place) }
        position.seq = seq
        return (.stored(room: nil, seq: seq, position: position), place)
    }

    /// One element: a number, or the range of a string.
    static func item(
        in bytes: Span<UInt8>, from offset: Int, to limit: Int
    ) -> (number: Int, start: Int, stop: Int, end: Int)? {
        guard let line = bytes.find(lineEnd, from: offset, to: limit) else { return nil }
        // What is longer than any answer is none: it is never whole.
        let length = bytes.number(at: offset + 1, to: line)?.value ?? 0
        let number = Int(min(length, UInt64(BenchLimits.frameBytesMax) + 1))
        guard bytes[offset] == UInt8(ascii: "$") else { return (number, offset + 1, line, line + 2) }
        // `$-1` is nothing at all.
        guard bytes[offset + 1] != UInt8(ascii: "-") else { return (0, line, line, line + 2) }
        let end = line + 2 + number + 2
        return end <= limit ? (number, line + 2, line + 2 + number, end) : nil
    }
}
