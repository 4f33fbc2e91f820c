import Testing

@testable import RelayBench

@Suite("Answers to posts")
struct AnswerTests {
    /// What all of the bytes say, given in two pieces that are cut at `cut`.
    private func answers(
        _ bytes: [UInt8], cut: Int, _ next: (Span<UInt8>, Int, Int) -> ScannedAnswer?
    ) -> [PostAnswer] {
        var answers: [PostAnswer] = []
        var offset = 0
        for limit in [cut, bytes.count] {
            while let found = next(bytes.span, offset, limit) {
                answers.append(found.answer)
                offset = found.end
            }
        }
        return answers
    }

    @Test("Over a WebSocket, cut at every byte")
    func sockets() {
        var bytes: [UInt8] = []
        let frames = [
            #"{"type":"ack","ref":3,"room":"bench:4","id":"1-0","seq":17,"ts":1}"#,
            #"{"type":"error","code":"rate_limited","message":"Slow down.","ref":0,"retry_after":50}"#,
            #"{"type":"welcome","user":"bench-p0000"}"#,
        ]
        for frame in frames { FrameScanner.append(Array(frame.utf8), isMasked: false, to: &bytes) }
        FrameScanner.append([1, 2], opcode: FrameScanner.ping, isMasked: false, to: &bytes)
        FrameScanner.append([], opcode: FrameScanner.close, isMasked: false, to: &bytes)
        for cut in 0...bytes.count {
            let found = answers(bytes, cut: cut, SocketAnswers.next)
            #expect(
                found == [.stored(room: 3, seq: 17), .refused("rate_limited"), .none, .ping([1, 2]), .closed],
                "at \(cut)")
        }
    }

    @Test("Numbers that no answer has end nothing")
    func hugeNumbers() {
        var bytes: [UInt8] = []
        let ack = #"{"type":"ack","ref":18446744073709551600,"room":"bench:4","id":"1-0","seq":17,"ts":1}"#
        FrameScanner.append(Array(ack.utf8), isMasked: false, to: &bytes)
        #expect(answers(bytes, cut: 0, SocketAnswers.next) == [.stored(room: nil, seq: 17)])
        for reply in ["*9223372036854775808\r\n", "*-1\r\n+OK\r\n", "$9223372036854775807\r\nx\r\n"] {
            _ = answers(Array(reply.utf8), cut: 3) { RedisAnswers.next(in: $0, from: $1, to: $2, opening: 0) }
        }
    }

    @Test("Over HTTP, cut at every byte")
    func http() {
        let stored = #"{"id":"1-0","seq":9,"ts":1,"room":"bench:1","type":"message"}"#
        let problem = #"{"type":"about:blank","status":429,"code":"rate_limited"}"#
        let bytes = Array(
            ("HTTP/1.1 201 Created\r\nContent-Length: \(stored.utf8.count)\r\nX: y\r\n\r\n\(stored)"
                + "HTTP/1.1 429 Too Many Requests\r\ncontent-length: \(problem.utf8.count)\r\n\r\n\(problem)"
                + "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").utf8)
        for cut in 0...bytes.count {
            let found = answers(bytes, cut: cut, HTTPAnswers.next)
            #expect(
                found == [.stored(room: nil, seq: 9), .refused("rate_limited"), .refused("HTTP 502")], "at \(cut)")
        }
    }

    @Test("Of Redis, cut at every byte")
    func redis() {
        let bytes = Array(
            ("*5\r\n$3\r\n123\r\n$0\r\n\r\n$5\r\n1-123\r\n$2\r\n42\r\n:0\r\n"
                + "*5\r\n$1\r\n0\r\n$0\r\n\r\n$0\r\n\r\n$4\r\nFULL\r\n:2\r\n"
                + "-OOM command not allowed\r\n*1\r\n$7\r\nREWOUND\r\n+OK\r\n").utf8)
        for cut in 0...bytes.count {
            let found = answers(bytes, cut: cut) { RedisAnswers.next(in: $0, from: $1, to: $2, opening: 0) }
            #expect(
                found == [
                    .stored(room: nil, seq: 42, position: RoomPosition(seq: 42, id: "1-123", epoch: 123)),
                    .refused("FULL"), .refused("OOM"), .refused("REWOUND"), .none,
                ], "at \(cut)")
        }
    }

    @Test("A poster of Redis may post after the last of what it began with, and not after an error")
    func opening() {
        let ok = Array("+OK\r\n".utf8)
        #expect(RedisAnswers.next(in: ok.span, from: 0, to: ok.count, opening: 2)?.answer == PostAnswer.none)
        #expect(RedisAnswers.next(in: ok.span, from: 0, to: ok.count, opening: 1)?.answer == .opened)
        let error = Array("-WRONGPASS invalid\r\n".utf8)
        #expect(
            RedisAnswers.next(in: error.span, from: 0, to: error.count, opening: 1)?.answer
                == .notOpened("WRONGPASS invalid"))
    }
}
