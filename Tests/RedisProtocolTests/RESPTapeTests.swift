import NIOCore
import RedisProtocol
import Testing

@Suite("RESPTape: an array without a value for each of its elements")
struct RESPTapeTests {
    private static let arrays = [
        "*0\r\n", "*1\r\n$0\r\n\r\n", "*3\r\n:-12\r\n*2\r\n$1\r\na\r\n$-1\r\n*1\r\n*1\r\n-ERR inner\r\n",
        "*2\r\n*2\r\n$3\r\n1-0\r\n*4\r\n$3\r\nseq\r\n$1\r\n1\r\n$4\r\ntext\r\n$4\r\n\r\n\r\n\r\n"
            + "*2\r\n$3\r\n2-0\r\n*0\r\n", "*2\r\n+OK\r\n*-1\r\n",
    ]

    /// As a tape tells it: numbers and status lines as strings, errors as nulls.
    private static func told(_ value: RESPValue) -> RESPValue {
        switch value {
        case .array(let values): .array(values.map(told))
        case .integer(let number): .bulk(ByteBuffer(string: String(number)))
        case .simpleString(let text): .bulk(ByteBuffer(string: text))
        case .error: .null
        case .bulk, .null, .tape: value
        }
    }

    private static func value(of tape: RESPTape) -> RESPValue {
        var place = RESPTapePlace()
        let value = tape.value(at: &place)
        #expect(place.mark == tape.marks.count && place.offset == tape.bytes.count)
        return value
    }

    @Test("A tape holds what the array holds, wherever its bytes are cut", arguments: arrays)
    func sameAsArray(_ text: String) throws {
        let plain = RESPReader()
        plain.feed(ByteBuffer(string: text))
        let expected = Self.told(try #require(try plain.next()))
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            let reader = RESPReader()
            reader.feed(ByteBuffer(bytes: bytes[..<cut]))
            var reply = try reader.next(isTaped: true)
            #expect((reply == nil) == (cut < bytes.count))
            reader.feed(ByteBuffer(bytes: bytes[cut...]))
            if reply == nil { reply = try reader.next(isTaped: true) }
            guard case .tape(let tape) = reply else {
                Issue.record("\(String(describing: reply)) at \(cut)")
                return
            }
            #expect(Self.value(of: tape) == expected, "cut at \(cut)")
        }
    }

    @Test("What is no array comes as ever, and so does the reply behind a tape")
    func onlyArrays() throws {
        let reader = RESPReader()
        reader.feed(ByteBuffer(string: "-ERR no\r\n$1\r\na\r\n:1\r\n*-1\r\n*1\r\n$1\r\nb\r\n*1\r\n$1\r\nc\r\n"))
        #expect(try reader.next(isTaped: true) == .error(RESPError(line: "ERR no")))
        #expect(try reader.next(isTaped: true) == .bulk(ByteBuffer(string: "a")))
        #expect(try reader.next(isTaped: true) == .integer(1))
        #expect(try reader.next(isTaped: true) == .null)
        guard case .tape(let tape) = try reader.next(isTaped: true) else {
            Issue.record("an array that was to be a tape is none")
            return
        }
        #expect(tape.marks.count == 2 && tape.bytes == Array("b".utf8))
        #expect(tape.marks[0].arrayCount == 1 && tape.marks[0].stringLength == nil)
        #expect(tape.marks[1].stringLength == 1 && tape.marks[1].arrayCount == nil)
        #expect(try reader.next() == .array([.bulk(ByteBuffer(string: "c"))]))
    }

    @Test("Elements are bounded on a tape too")
    func bounded() throws {
        let reader = RESPReader(replyElementsMax: 3)
        reader.feed(ByteBuffer(string: "*2\r\n*2\r\n:1\r\n:2\r\n:3\r\n"))
        #expect {
            try reader.next(isTaped: true)
        } throws: { error in
            (error as? RESPProtocolError)?.reason == "a reply of too many elements"
        }
    }

    @Test("A pipeline tells of each reply whether it was asked for as a tape")
    func pipeline() throws {
        var machine = PipelineStateMachine<Int>(handshake: HandshakeConfiguration(serverName: "db:6379"))
        _ = machine.connected(handshakeDeadline: .now + .seconds(5))
        let isFirstTaped = machine.isNextReplyTaped
        #expect(!isFirstTaped)
        _ = machine.replyReceived(.bulk(ByteBuffer(string: "# Server\r\nredis_version:7.0.15\r\n")))
        _ = machine.replyReceived(.simpleString("PONG"))
        var taped = RedisCommand("XRANGE", "a", "-", "+")
        taped.isReplyTaped = true
        for (token, command) in [RedisCommand("TIME"), taped, RedisCommand("TIME")].enumerated() {
            _ = machine.sendRequested(command, deadline: .now + .seconds(5), token: token)
        }
        _ = machine.tickEnded()
        var told: [Bool] = []
        for _ in 0..<4 {
            told.append(machine.isNextReplyTaped)
            _ = machine.replyReceived(.null)
        }
        #expect(told == [false, true, false, false])
    }
}
