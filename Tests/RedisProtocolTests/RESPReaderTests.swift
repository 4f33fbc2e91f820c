import NIOCore
@testable import RedisProtocol
import Testing

@Suite("RESPReader: the replies of a connection, however its bytes are cut")
struct RESPReaderTests {
    private static let transcript =
        "+OK\r\n" + "-WRONGTYPE Operation against a key\r\n" + ":42\r\n" + ":-9223372036854775808\r\n"
        + "$5\r\nhello\r\n" + "$0\r\n\r\n" + "$-1\r\n" + "*-1\r\n" + "*0\r\n" + "$4\r\n\r\n\r\n\r\n"
        + "*3\r\n:1\r\n*2\r\n$1\r\na\r\n$-1\r\n*1\r\n*1\r\n-ERR inner\r\n"
        + "*3\r\n$7\r\nmessage\r\n$4\r\nroom\r\n$2\r\nhi\r\n" + "*3\r\n$7\r\nmessage\r\n$4\r\nroom\r\n$2\r\nho\r\n"
        + "*3\r\n$7\r\nmessage\r\n$4\r\nrome\r\n$7\r\nmessage\r\n"

    private static let replies: [RESPValue] = [
        .simpleString("OK"), .error(RESPError(line: "WRONGTYPE Operation against a key")), .integer(42),
        .integer(Int.min), bulk("hello"), bulk(""), .null, .null, .array([]), bulk("\r\n\r\n"),
        .array([
            .integer(1), .array([bulk("a"), .null]), .array([.array([.error(RESPError(line: "ERR inner"))])]),
        ]),
        .array([bulk("message"), bulk("room"), bulk("hi")]), .array([bulk("message"), bulk("room"), bulk("ho")]),
        .array([bulk("message"), bulk("rome"), bulk("message")]),
    ]

    private static func bulk(_ text: String) -> RESPValue { .bulk(ByteBuffer(string: text)) }

    private func drain(_ reader: RESPReader) throws -> [RESPValue] {
        var replies: [RESPValue] = []
        while let reply = try reader.next() { replies.append(reply) }
        return replies
    }

    @Test("Replies that come in one piece are all there, in order")
    func wholeTranscript() throws {
        let reader = RESPReader()
        reader.feed(ByteBuffer(string: Self.transcript))
        #expect(try drain(reader) == Self.replies)
        #expect(try reader.next() == nil)
    }

    @Test("A cut at any byte changes nothing")
    func cutAtEveryByte() throws {
        let bytes = Array(Self.transcript.utf8)
        for cut in 0...bytes.count {
            let reader = RESPReader()
            reader.feed(ByteBuffer(bytes: bytes[..<cut]))
            let before = try drain(reader)
            reader.feed(ByteBuffer(bytes: bytes[cut...]))
            #expect(try before + drain(reader) == Self.replies, "cut at \(cut)")
        }
    }

    @Test("Byte by byte comes the same, each reply with its last byte")
    func byteByByte() throws {
        let reader = RESPReader()
        var replies: [RESPValue] = []
        for byte in Self.transcript.utf8 {
            reader.feed(ByteBuffer(bytes: [byte]))
            replies += try drain(reader)
        }
        #expect(replies == Self.replies)
    }

    @Test("Several feeds before the first look are not mixed up")
    func feedsAddUp() throws {
        let reader = RESPReader()
        for piece in ["$1", "0\r\n01234", "567", "89\r", "\n:7\r\n"] { reader.feed(ByteBuffer(string: piece)) }
        #expect(try drain(reader) == [Self.bulk("0123456789"), .integer(7)])
    }

    @Test("A bulk string of megabytes arrives whole, and what follows it as well")
    func bigBulk() throws {
        let payload = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let reader = RESPReader()
        reader.feed(ByteBuffer(string: "$\(payload.count)\r\n"))
        for start in stride(from: 0, to: payload.count, by: 65_000) {
            reader.feed(ByteBuffer(bytes: payload[start..<min(start + 65_000, payload.count)]))
            #expect(try reader.next() == nil)
        }
        reader.feed(ByteBuffer(string: "\r\n+OK\r\n"))
        #expect(try drain(reader) == [.bulk(ByteBuffer(bytes: payload)), .simpleString("OK")])
    }

    @Test(
        "Garbage is an error, and the reader stays broken",
        arguments: ["hello\r\n", "$abc\r\n", ":12x\r\n", "*-2\r\n", "*1\r\n!\r\n", "$-5\r\n", "\u{0}", "%1\r\n"])
    func garbage(_ text: String) throws {
        let reader = RESPReader()
        reader.feed(ByteBuffer(string: text))
        let first = try #require(throws: RESPProtocolError.self) { try reader.next() }
        #expect(!first.reason.isEmpty)
        reader.feed(ByteBuffer(string: "+OK\r\n"))
        #expect(throws: first) { try reader.next() }
    }

    @Test("Replies before the garbage are still there")
    func repliesBeforeGarbage() throws {
        let reader = RESPReader()
        reader.feed(ByteBuffer(string: "+OK\r\nwhat"))
        #expect(try reader.next() == .simpleString("OK"))
        #expect(throws: RESPProtocolError.self) { try reader.next() }
    }

    @Test("A reply over the bound of bytes is an error before it is buffered, one below it is not")
    func bytesAreBounded() throws {
        let text = "$100000\r\n" + String(repeating: "x", count: 100_000) + "\r\n"
        let roomy = RESPReader(replyBytesMax: 110_000)
        for _ in 0..<5 {
            roomy.feed(ByteBuffer(string: text))
            #expect(try roomy.next()?.bytes?.readableBytes == 100_000)
        }
        let tight = RESPReader(replyBytesMax: 50_000)
        tight.feed(ByteBuffer(string: text))
        #expect(throws: RESPProtocolError(reason: "a reply of more than 50000 bytes")) { try tight.next() }
    }

    @Test("The bound of bytes holds for an array that is never finished as well")
    func unfinishedArray() throws {
        let reader = RESPReader(replyBytesMax: 50_000)
        reader.feed(ByteBuffer(string: "*1000000\r\n"))
        var failed = false
        for _ in 0..<100_000 where !failed {
            reader.feed(ByteBuffer(string: "$1\r\nx\r\n"))
            do {
                #expect(try reader.next() == nil)
            } catch {
                failed = true
            }
        }
        #expect(failed)
    }

    @Test(
        "Elements are bounded over the whole tree, whatever a header promises",
        arguments: [
            "*2147483647\r\n", "*101\r\n", "*2\r\n*60\r\n" + String(repeating: ":1\r\n", count: 60) + "*60\r\n",
        ])
    func elementsAreBounded(_ text: String) throws {
        let reader = RESPReader(replyElementsMax: 100)
        reader.feed(ByteBuffer(string: text))
        #expect(throws: RESPProtocolError(reason: "a reply of too many elements")) { try reader.next() }
    }

    @Test("The elements of one reply do not count for the next")
    func elementsPerReply() throws {
        let reader = RESPReader(replyElementsMax: 3)
        for _ in 0..<10 {
            reader.feed(ByteBuffer(string: "*3\r\n:1\r\n:2\r\n:3\r\n"))
            #expect(try reader.next()?.array?.count == 3)
        }
    }

    @Test("Seven levels of arrays are read, more are an error")
    func depth() throws {
        let reader = RESPReader()
        reader.feed(ByteBuffer(string: String(repeating: "*1\r\n", count: 7) + ":1\r\n"))
        #expect(try reader.next() != nil)
        reader.feed(ByteBuffer(string: String(repeating: "*1\r\n", count: 20)))
        #expect(throws: RESPProtocolError.self) { try reader.next() }
    }
}
