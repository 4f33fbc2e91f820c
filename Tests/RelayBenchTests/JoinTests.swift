import Testing

@testable import RelayBench

@Suite("What a reader hears beside messages")
struct JoinTests {
    private func answer(_ text: String) -> (JoinAnswer, [UInt8]) {
        let bytes = Array(text.utf8)
        return (JoinAnswer(in: bytes.span, from: 0, to: bytes.count), bytes)
    }

    @Test("A join says where the room stands, and brings what was missed")
    func joined() throws {
        let mark = PostMark.text(run: 3, byteCount: 40)
        let messages = (5...7).map {
            #"{"id":"1763691000123-\#($0)","seq":\#($0),"ts":1763691000123,"room":"bench:1","type":"message","#
                + #""user":"u","name":"u","text":"\#(mark)"}"#
        }
        let other =
            #"{"id":"1763691000124-0","seq":8,"ts":1763691000124,"room":"bench:1","type":"message","#
            + #""text":"{\"id\":\"1"}"#
        let (found, bytes) = answer(
            #"{"type":"joined","room":"bench:1","epoch":1795251097526,"last":"1763691000124-0","seq":8,"here":1,"#
                + #""recovered":true,"messages":["# + (messages + [other]).joined(separator: ",") + "]}")
        guard case .joined(let joined) = found else {
            Issue.record("\(found)")
            return
        }
        #expect(joined.seq == 8)
        #expect(joined.milliseconds == 1_763_691_000_124)
        #expect(joined.isRecovered)
        var seen: [UInt64] = []
        var marked = 0
        joined.forEachMessage(in: bytes.span) { place, mark in
            seen.append(place.seq)
            if mark?.run == 3 { marked += 1 }
        }
        #expect(seen == [5, 6, 7, 8])
        #expect(marked == 3)
    }

    @Test("An empty room, a loss, an error, a leave and somebody who came are told apart")
    func others() {
        let (empty, _) = answer(
            #"{"type":"joined","room":"r","epoch":1,"last":null,"seq":0,"here":1,"recovered":true,"messages":[]}"#)
        guard case .joined(let joined) = empty else {
            Issue.record("\(empty)")
            return
        }
        #expect(joined.seq == 0 && joined.milliseconds == 0)
        let (lossy, _) = answer(
            #"{"type":"joined","room":"r","epoch":1,"last":null,"seq":0,"here":1,"recovered":false,"#
                + #""reason":"trimmed","messages":[]}"#
        )
        guard case .joined(let incomplete) = lossy else {
            Issue.record("\(lossy)")
            return
        }
        #expect(!incomplete.isRecovered)
        #expect(answer(#"{"type":"error","code":"full","message":"x"}"#).0 == .refused("full"))
        #expect(answer(#"{"type":"left","room":"r"}"#).0 == .left)
        #expect(answer(#"{"type":"lagged","room":"r","missed":3}"#).0 == .lagged)
        #expect(answer(#"{"type":"join","room":"r","user":"u","name":"u"}"#).0 == JoinAnswer.none)
    }

    @Test("Who was in a room before asks for what came since, who was not for nothing")
    func asking() {
        var reader = Reader()
        #expect(String(decoding: reader.join(room: "r"), as: UTF8.self) == #"{"op":"join","room":"r","history":0}"#)
        reader.wasIn = true
        reader.milliseconds = 12
        reader.sequence = 3
        #expect(String(decoding: reader.join(room: "r"), as: UTF8.self) == #"{"op":"join","room":"r","since":"12-3"}"#)
    }
}
