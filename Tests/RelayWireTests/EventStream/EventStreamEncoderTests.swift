import NIOCore
import RelayWire
import Testing

@Suite("Event streams")
struct EventStreamEncoderTests {
    private func event(_ envelope: String) -> String {
        var stream = ByteBuffer()
        EventStreamEncoder.write(ByteBuffer(string: envelope), into: &stream)
        return String(buffer: stream)
    }

    @Test("A message is an event without a name under its id, its bytes as they are")
    func message() {
        let envelope = #"{"id":"5-1","seq":7,"ts":5,"room":"general","type":"message","text":"a: b é\u0007 \n"}"#
        #expect(event(envelope) == "id: 5-1\ndata: \(envelope)\n\n")
    }

    @Test("An event of the relay has its type as its name, and no id that a reader could come back with")
    func live() {
        let envelope = #"{"type":"join","room":"general","user":"alice","edge":"e"}"#
        #expect(event(envelope) == "event: join\ndata: \(envelope)\n\n")
    }

    @Test(
        "What is no event of ours cannot end its own, nor begin another one",
        arguments: [
            (
                "{\"type\":\"notice\",\n\"text\":\"x\"}",
                "event: notice\ndata: {\"type\":\"notice\",\ndata: \"text\":\"x\"}\n\n"
            ),
            ("{\"type\":\"no\\nid: 5\"}", "data: {\"type\":\"no\\nid: 5\"}\n\n"),
            ("{\"type\":5,\r\n\r\nid: 9}", "data: {\"type\":5,\ndata: \ndata: \ndata: \ndata: id: 9}\n\n"),
            ("", "data: \n\n"),
        ])
    func foreign(envelope: String, expected: String) {
        #expect(event(envelope) == expected)
    }

    @Test("A comment is a line that readers pass over, and a span is in milliseconds")
    func comment() {
        var stream = ByteBuffer()
        EventStreamEncoder.writeRetry(.seconds(2), into: &stream)
        EventStreamEncoder.writeComment("4000 draining", into: &stream)
        #expect(String(buffer: stream) == "retry: 2000\n: 4000 draining\n\n")
    }
}
