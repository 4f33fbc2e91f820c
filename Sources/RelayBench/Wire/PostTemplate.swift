/// A post as it goes over the wire, made once a room; only the moment, and over HTTP the poster, are written anew.
public struct PostTemplate: Sendable, Equatable {
    /// The user who posts where the bytes name one; the digits are the poster's.
    public static let user = "bench-p0000"

    /// What stands before the room's position, where one is said; for all else it is empty.
    private let head: [UInt8]
    private let bytes: [UInt8]
    private let momentOffsets: [Int]
    private let userOffsets: [Int]

    /// A template out of bytes in which the text stands with its blank mark, once or more often.
    init(head: [UInt8] = [], _ bytes: [UInt8]) {
        self.head = head
        self.bytes = bytes
        let blank = Array(PostMark.blank.utf8)
        let user = Array(Self.user.utf8)
        var moments: [Int] = []
        var users: [Int] = []
        var place = 0
        while place < bytes.count {
            if bytes[place] == UInt8(ascii: "~"), place + PostMark.byteCount <= bytes.count,
                bytes[place + PostMark.byteCount - 1] == UInt8(ascii: "~"),
                Array(bytes[(place + 9)..<(place + 25)]) == blank
            {
                moments.append(place + 9)
                place += PostMark.byteCount
            } else if bytes[place...].starts(with: user) {
                users.append(place + user.count - 4)
                place += user.count
            } else {
                place += 1
            }
        }
        momentOffsets = moments
        userOffsets = users
    }

    /// Appends a post that is meant for `moment`, by the poster of this number, below 10 000; for Redis with the
    /// position of the room.
    func append(
        moment: UInt64, poster: Int, at position: RoomPosition = .unknown, to output: inout [UInt8]
    ) {
        if !head.isEmpty {
            output.append(contentsOf: head)
            for word in ["\(position.seq)", position.id, "\(position.epoch)"] { RedisWords.append(word, to: &output) }
        }
        let start = output.count
        output.append(contentsOf: bytes)
        for offset in momentOffsets { PostMark.write(moment, over: &output, at: start + offset) }
        for offset in userOffsets {
            var rest = poster
            for place in stride(from: 3, through: 0, by: -1) {
                output[start + offset + place] = UInt8(0x30 + rest % 10)
                rest /= 10
            }
        }
    }

    /// Over a WebSocket. The `ref` is the room's index, so that the ack says which room stands where.
    static func webSocket(room: String, index: Int, text: String) -> PostTemplate {
        var frame: [UInt8] = []
        FrameScanner.append(
            Array(#"{"op":"send","ref":\#(index),"room":"\#(room)","text":"\#(text)"}"#.utf8), to: &frame)
        return PostTemplate(frame)
    }

    /// Over HTTP, on a connection that stays.
    static func http(room: String, authority: String, token: String?, text: String) -> PostTemplate {
        let body = #"{"text":"\#(text)"}"#
        let who = token == nil ? "?user=\(user)" : ""
        let authorization = token.map { "Authorization: Bearer \($0)\r\n" } ?? ""
        let request =
            "POST /v1/rooms/\(room)/messages\(who) HTTP/1.1\r\nHost: \(authority)\r\n\(authorization)"
            + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        return PostTemplate(Array(request.utf8))
    }

    /// A command of Redis.
    static func redis(_ words: RedisPostWords) -> PostTemplate {
        var head = Array("*\(words.head.count + 3 + words.tail.count)\r\n".utf8)
        for word in words.head { RedisWords.append(word, to: &head) }
        var tail: [UInt8] = []
        for word in words.tail { RedisWords.append(word, to: &tail) }
        return PostTemplate(head: head, tail)
    }
}

/// Commands of Redis on the wire.
enum RedisWords {
    static func encoded(_ words: [String]) -> [UInt8] {
        var bytes = Array("*\(words.count)\r\n".utf8)
        for word in words { append(word, to: &bytes) }
        return bytes
    }

    static func append(_ word: String, to bytes: inout [UInt8]) {
        bytes += "$\(word.utf8.count)\r\n\(word)\r\n".utf8
    }
}
