import NIOCore
import RedisProtocol
import Testing

@Suite("RedisCommand: what goes to Redis")
struct RedisCommandTests {
    private func text(_ command: RedisCommand) -> String {
        var buffer = ByteBuffer()
        command.encode(into: &buffer)
        return String(buffer: buffer)
    }

    @Test("A command is an array of bulk strings")
    func plain() {
        #expect(text(RedisCommand("PING")) == "*1\r\n$4\r\nPING\r\n")
        #expect(text(RedisCommand("GET", "k")) == "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n")
    }

    @Test("Strings, numbers, bytes and buffers are arguments, in the order in which they are appended")
    func everyKind() {
        var command = RedisCommand("X")
        command.append("é")
        command.append(-12)
        command.append([0, 13, 10])
        command.append(ByteBuffer(string: ""))
        command.append(contentsOf: ["a", "b"])
        command.append(contentsOf: ["c"] as RedisArguments)
        #expect(command.count == 8)
        #expect(
            text(command)
                == "*8\r\n$1\r\nX\r\n$2\r\né\r\n$3\r\n-12\r\n$3\r\n\u{0}\r\n\r\n$0\r\n\r\n"
                + "$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n"
        )
    }

    @Test("Arguments that are appended together are those that are appended one by one")
    func together() {
        let texts = [
            "", "x", "ä €", "fifteen bytes -", "more than fifteen bytes", String(repeating: "y", count: 12_345),
        ]
        var one = RedisArguments()
        for text in texts {
            one.append(text)
            one.append(text + ":suffix")
        }
        for number in ["0", "9", "10", "18446744073709551615"] { one.append(number) }
        var all = RedisArguments(capacity: 8)
        all.append(count: 2 * texts.count + 4, bytesMax: texts.reduce(80) { $0 + 2 * $1.utf8.count + 7 }) { span in
            for text in texts {
                span.appendArgument(text)
                span.appendArgument(text, ":suffix")
            }
            for number: UInt64 in [0, 9, 10, .max] { span.appendArgument(number) }
        }
        #expect(all == one)
    }

    @Test("A call of a script is its digest, the number of its keys, and its words")
    func script() {
        let command = RedisCommand(script: "abc", keyCount: 1, words: ["k", "v"])
        #expect(command == RedisCommand("EVALSHA", "abc", "1", "k", "v"))
    }

    @Test("Encoding leaves the command as it was, and goes behind what the buffer holds")
    func encodesTwice() {
        let command = RedisCommand("PING")
        var buffer = ByteBuffer(string: ">")
        command.encode(into: &buffer)
        command.encode(into: &buffer)
        #expect(String(buffer: buffer) == ">*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n")
    }

    @Test("The size that is counted is never less than the size on the wire")
    func byteCount() {
        var command = RedisCommand("MSET")
        for index in 0..<1000 { command.append("value \(index)") }
        #expect(command.byteCount >= text(command).utf8.count)
        #expect(command.byteCount <= text(command).utf8.count + 16)
    }

    @Test("hiredis reads what is written")
    func roundTrip() throws {
        var buffer = ByteBuffer()
        RedisCommand("SET", "k", "\r\n$3\r\n").encode(into: &buffer)
        let reader = RESPReader()
        reader.feed(buffer)
        #expect(try reader.next()?.array?.map(\.string) == ["SET", "k", "\r\n$3\r\n"])
    }
}

@Suite("Backoff")
struct BackoffTests {
    @Test("The ceiling doubles from the first wait to the longest, and begins anew after a success")
    func doubles() {
        var backoff = Backoff(first: .milliseconds(50), longest: .milliseconds(300), shortest: .zero)
        let half = (0..<5).map { _ in backoff.failed(random: 0.5) }
        #expect(half == [25, 50, 100, 150, 150].map { Duration.milliseconds($0) })
        backoff.succeeded()
        #expect(backoff.failed(random: 0.5) == .milliseconds(25))
    }

    @Test("Jitter reaches from the shortest wait to the ceiling")
    func jitter() {
        var backoff = Backoff()
        #expect(backoff.failed(random: 0) == backoff.shortest)
        for _ in 0..<100 { _ = backoff.failed(random: 0.999) }
        let wait = backoff.failed(random: 0.999)
        #expect(wait <= backoff.longest)
        #expect(wait > backoff.longest * 0.9)
    }
}
