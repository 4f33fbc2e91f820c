import NIOCore
import RedisProtocol

/// What must hold of the reader of replies, whatever is at the other end of the connection.
enum RESPProperties {
    /// Small, so that short inputs reach it.
    private static let elementsMax = 64

    private struct Outcome: Equatable {
        var replies: [RESPValue] = []
        var error: RESPProtocolError?
    }

    static func check(_ bytes: [UInt8]) throws {
        let whole = try read([bytes[...]])
        for pieces in Cuts.pieces(of: bytes) {
            let other = try read(pieces)
            try require(other == whole, "cut \(pieces.map(\.count)): \(other), not \(whole)")
        }
        try require(whole.replies.reduce(0) { $0 + size($1) } <= bytes.count, "more than came")
        for reply in whole.replies {
            try require(elements(in: reply) <= elementsMax, "more elements than are allowed")
            try require(depth(of: reply) <= 8, "deeper than hiredis goes")
        }

        try checkTapes(bytes, against: whole)

        // What was read, written anew, is read as the same, and then it is the same bytes.
        let written = encode(whole.replies)
        let again = try read([written[...]])
        try require(again == Outcome(replies: whole.replies), "\(again), not \(whole.replies)")
        try require(encode(again.replies) == written, "other bytes when written again")
    }

    /// On tapes is the same, with numbers and status lines as strings and errors as nulls.
    private static func checkTapes(_ bytes: [UInt8], against whole: Outcome) throws {
        let taped = try read([bytes[...]], isTaped: true)
        try require(taped.error == whole.error, "\(String(describing: taped.error)) on a tape")
        try require(taped.replies.count == whole.replies.count, "other replies on tapes")
        for (tape, reply) in zip(taped.replies, whole.replies) {
            guard case .tape(let tape) = tape else {
                try require(tape == reply, "\(tape) where tapes are asked for, not \(reply)")
                continue
            }
            try require(value(of: tape) == told(reply), "\(tape), not \(reply)")
        }
    }

    private static func value(of tape: RESPTape) -> RESPValue {
        var place = RESPTapePlace()
        return tape.value(at: &place)
    }

    private static func told(_ reply: RESPValue) -> RESPValue {
        switch reply {
        case .array(let values): .array(values.map(told))
        case .integer(let number): .bulk(ByteBuffer(string: String(number)))
        case .simpleString(let text): .bulk(ByteBuffer(string: text))
        case .error: .null
        case .bulk, .null, .tape: reply
        }
    }

    private static func read(_ pieces: [ArraySlice<UInt8>], isTaped: Bool = false) throws -> Outcome {
        let reader = RESPReader(replyElementsMax: elementsMax)
        var outcome = Outcome()
        for piece in pieces where outcome.error == nil {
            reader.feed(ByteBuffer(bytes: piece))
            do {
                while let reply = try reader.next(isTaped: isTaped) { outcome.replies.append(reply) }
            } catch {
                outcome.error = error
            }
        }
        guard let error = outcome.error else { return outcome }
        // Once broken it stays so, with the same words.
        reader.feed(ByteBuffer(string: "+OK\r\n"))
        do {
            _ = try reader.next()
            throw BrokenProperty(description: "it goes on after an error")
        } catch let later as RESPProtocolError {
            try require(later == error, "\(later), not \(error)")
        }
        return outcome
    }

    /// At least so many bytes stood on the wire for it, but for text that had to be repaired.
    private static func size(_ reply: RESPValue) -> Int {
        switch reply {
        case .simpleString(let text): text.unicodeScalars.count + 3
        case .error(let error): error.message.unicodeScalars.count + 3
        case .integer, .null: 4
        case .bulk(let bytes): bytes.readableBytes + 6
        case .array(let values): values.reduce(4) { $0 + size($1) }
        case .tape(let tape): tape.marks.count * 4 + tape.bytes.count
        }
    }

    private static func elements(in reply: RESPValue) -> Int {
        guard case .array(let values) = reply else { return 0 }
        return values.reduce(values.count) { $0 + elements(in: $1) }
    }

    private static func depth(of reply: RESPValue) -> Int {
        guard case .array(let values) = reply else { return 0 }
        return 1 + (values.map(depth).max() ?? 0)
    }

    private static func encode(_ replies: [RESPValue]) -> [UInt8] { replies.flatMap(encode) }

    private static func encode(_ reply: RESPValue) -> [UInt8] {
        switch reply {
        case .simpleString(let text): Array("+\(text)\r\n".utf8)
        case .error(let error): Array("-\(error.message)\r\n".utf8)
        case .integer(let number): Array(":\(number)\r\n".utf8)
        case .bulk(let bytes):
            Array("$\(bytes.readableBytes)\r\n".utf8) + Array(bytes.readableBytesView) + Array("\r\n".utf8)
        case .null: Array("$-1\r\n".utf8)
        case .array(let values): Array("*\(values.count)\r\n".utf8) + encode(values)
        case .tape(let tape): encode(value(of: tape))
        }
    }
}
