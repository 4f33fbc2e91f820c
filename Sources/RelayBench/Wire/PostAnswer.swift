/// What came of a post, or of what a poster begins with.
enum PostAnswer: Equatable {
    /// Stored, with this number, in the room of this index where the answer says so; Redis also tells where the room
    /// stands with it.
    case stored(room: Int?, seq: UInt64, position: RoomPosition? = nil)
    /// Not stored, for this reason: a code of the relay's, or the first word of Redis's error.
    case refused(String)
    /// The poster may post: what it begins with was taken.
    case opened
    /// What it begins with was not.
    case notOpened(String)
    /// A ping that wants these bytes back.
    case ping([UInt8])
    /// The other side closes.
    case closed
    /// Nothing that matters here.
    case none
}

/// An answer and where the next one begins; nil as long as it is not all there.
typealias ScannedAnswer = (answer: PostAnswer, end: Int)

/// Reads what comes back over a poster's WebSocket.
enum SocketAnswers {
    private static let ack = StaticBytes(#"{"type":"ack","#)
    private static let error = StaticBytes(#"{"type":"error","#)
    private static let refKey = StaticBytes(#""ref":"#)
    private static let seqKey = StaticBytes(#""seq":"#)

    static func next(in bytes: Span<UInt8>, from offset: Int, to limit: Int) -> ScannedAnswer? {
        switch FrameScanner.next(in: bytes, from: offset, to: limit) {
        case .incomplete: return nil
        case .broken: return (.closed, limit)
        case .frame(FrameScanner.close, _, let end): return (.closed, end)
        case .frame(FrameScanner.ping, let start, let end):
            var payload: [UInt8] = []
            for place in start..<end { payload.append(bytes[place]) }
            return (.ping(payload), end)
        case .frame(_, let start, let end): return (answer(in: bytes, from: start, to: end), end)
        }
    }

    private static func answer(in bytes: Span<UInt8>, from start: Int, to end: Int) -> PostAnswer {
        if bytes.has(ack, at: start, to: end) {
            guard let seq = bytes.number(after: seqKey, from: start, to: end) else { return .refused("no seq") }
            return .stored(
                room: bytes.number(after: refKey, from: start, to: end).flatMap { Int(exactly: $0) }, seq: seq)
        }
        guard bytes.has(error, at: start, to: end) else { return .none }
        return .refused(RelayWords.code(in: bytes, from: start, to: end))
    }
}

/// What the relay calls its refusals.
enum RelayWords {
    private static let codeKey = StaticBytes(#""code":""#)

    /// The code of an error; empty where it has none.
    static func code(in bytes: Span<UInt8>, from start: Int, to end: Int) -> String {
        guard let place = bytes.find(codeKey, from: start, to: end) else { return "" }
        var last = place + codeKey.bytes.count
        while last < end, bytes[last] != UInt8(ascii: "\"") { last += 1 }
        return bytes.string(place + codeKey.bytes.count, last)
    }
}

/// Reads what comes back over HTTP.
enum HTTPAnswers {
    private static let headEnd = StaticBytes("\r\n\r\n")
    private static let lengthKeys = [StaticBytes("\r\nContent-Length: "), StaticBytes("\r\ncontent-length: ")]
    private static let seqKey = StaticBytes(#""seq":"#)

    /// The status of a head and where it ends; nil as long as it is not all there.
    static func head(in bytes: Span<UInt8>, from offset: Int, to limit: Int) -> (status: Int, end: Int)? {
        guard let end = bytes.find(headEnd, from: offset, to: limit) else { return nil }
        // `HTTP/1.1 201 …`.
        let status = bytes.number(at: min(offset + 9, end), to: end)?.value ?? 0
        return (Int(truncatingIfNeeded: status), end + headEnd.bytes.count)
    }

    static func next(in bytes: Span<UInt8>, from offset: Int, to limit: Int) -> ScannedAnswer? {
        guard let head = head(in: bytes, from: offset, to: limit) else { return nil }
        var length: UInt64?
        for key in lengthKeys where length == nil { length = bytes.number(after: key, from: offset, to: head.end) }
        let end = head.end + Int(min(length ?? 0, UInt64(BenchLimits.frameBytesMax)))
        guard limit >= end else { return nil }
        if head.status == 201 || head.status == 200, let seq = bytes.number(after: seqKey, from: head.end, to: end) {
            return (.stored(room: nil, seq: seq), end)
        }
        let code = RelayWords.code(in: bytes, from: head.end, to: end)
        return (.refused(code.isEmpty ? "HTTP \(head.status)" : code), end)
    }
}
