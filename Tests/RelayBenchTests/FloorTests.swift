import Testing

@testable import RelayBench

@Suite("The floor")
struct FloorTests {
    @Test("It reads what the generator says, cut at every byte")
    func requests() {
        var bytes: [UInt8] = []
        var reader = Reader()
        FrameScanner.append(reader.join(room: "bench:7"), to: &bytes)
        let text = PostMark.text(run: 1, byteCount: 200)
        PostTemplate.webSocket(room: "bench:12", index: 11, text: text).append(moment: 5, poster: 0, to: &bytes)
        FrameScanner.append([1], opcode: FrameScanner.pong, to: &bytes)
        FrameScanner.append([], opcode: FrameScanner.close, to: &bytes)
        reader.wasIn = true
        for cut in 0...bytes.count {
            var kinds: [FloorRequest.Kind] = []
            var offset = 0
            for limit in [cut, bytes.count] {
                while let request = FloorRequest(in: bytes.span, from: offset, to: limit) {
                    kinds.append(request.kind)
                    offset = request.end
                }
            }
            guard kinds.count == 4, case .send(12, let name, 11, let said) = kinds[1] else {
                Issue.record("at \(cut): \(kinds)")
                continue
            }
            #expect(kinds[0] == .join(room: 7))
            #expect(String(decoding: bytes[name], as: UTF8.self) == "bench:12")
            #expect(bytes[said].count == 200)
            #expect(PostMark(in: bytes.span, at: said.lowerBound, to: said.upperBound) == PostMark(run: 1, moment: 5))
            #expect(kinds[2] == .other)
            #expect(kinds[3] == .close)
        }
    }

    @Test("What it says in a room is a message as the relay has them, by its number and with its mark")
    func frames() {
        var room = FloorRoom()
        let text = Array(PostMark.text(run: 9, byteCount: 64).utf8)
        for _ in 0..<3 {
            room.say(text[...], room: Array("bench:1".utf8)[...], at: 1_763_691_000_123)
        }
        var offset = 0
        var places: [EnvelopePlace] = []
        let bytes = room.said
        while case .frame(_, let start, let end) = FrameScanner.next(in: bytes.span, from: offset, to: bytes.count) {
            if let place = EnvelopePlace(in: bytes.span, at: start, to: end) { places.append(place) }
            #expect(PostMark.find(in: bytes.span, from: start, to: end, textBytes: 64)?.run == 9)
            offset = end
        }
        #expect(places.map(\.seq) == [1, 2, 3])
        #expect(places.map(\.sequence) == [0, 1, 2])
    }

    @Test("What goes through Redis has its number when it is said, and comes to the members when it is heard")
    func throughRedis() {
        var room = FloorRoom()
        let text = Array("~hello~".utf8)
        let message = room.compose(text[...], room: Array("bench:1".utf8)[...], at: 1_763_691_000_123)
        #expect(room.seq == 1 && room.heardSeq == 0 && room.said.isEmpty)
        room.hear(message[...])
        #expect(room.heardSeq == 1 && room.isFirst)
        var plain = FloorRoom()
        plain.say(text[...], room: Array("bench:1".utf8)[...], at: 1_763_691_000_123)
        #expect(room.said == plain.said)
    }

    @Test("What Redis says is read, cut at every byte")
    func redisReplies() {
        let channel = "martlet-floor:77:12"
        let payload = #"{"id":"1-0"}\r\n"#
        let bytes = Array(
            ("+OK\r\n*3\r\n$9\r\nsubscribe\r\n$\(channel.utf8.count)\r\n\(channel)\r\n:1\r\n:1\r\n"
                + "*3\r\n$7\r\nmessage\r\n$\(channel.utf8.count)\r\n\(channel)\r\n"
                + "$\(payload.utf8.count)\r\n\(payload)\r\n-NOPERM no\r\n"
                + "*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$0\r\n\r\n").utf8)
        for cut in 0...bytes.count {
            var replies: [FloorRedisReply] = []
            var offset = 0
            for limit in [cut, bytes.count] {
                while let found = FloorRedisReply.next(in: bytes.span, from: offset, to: limit) {
                    replies.append(found.reply)
                    offset = found.end
                }
            }
            guard replies.count == 6, case .message(12, let range) = replies[3] else {
                Issue.record("at \(cut): \(replies)")
                continue
            }
            #expect(String(decoding: bytes[range], as: UTF8.self) == payload)
            #expect(replies[0] == .other && replies[1] == .subscribed(room: 12) && replies[2] == .published)
            #expect(replies[4] == .refused("NOPERM no") && replies[5] == .other)
            #expect(offset == bytes.count)
        }
    }

    @Test("A reply of another form is an error, not a loop")
    func strangeReplies() {
        for text in ["*2\r\n:1\r\n:2\r\n", "*-1\r\n"] {
            let bytes = Array(text.utf8)
            let found = FloorRedisReply.next(in: bytes.span, from: 0, to: bytes.count)
            guard case .refused = found?.reply else {
                Issue.record("\(text): \(String(describing: found))")
                continue
            }
        }
    }

    @Test("Each floor has a server but the one that is none")
    func kinds() {
        #expect(FloorKind.allCases.map(\.mode) == [.plain, .coalesced, .redis, nil])
        #expect(FloorServer.Mode.allCases.map(\.rawValue) == ["plain", "coalesced", "redis"])
    }

    @Test("Who leaves makes room for the last one")
    func members() {
        var room = FloorRoom()
        for index in 0..<4 { #expect(room.add(10 + index, descriptor: Int32(index)) == index) }
        #expect(room.remove(at: 1) == 13)
        #expect(room.members == [10, 13, 12])
        #expect(room.descriptors == [0, 3, 2])
        #expect(room.remove(at: 2) == nil)
        #expect(room.members == [10, 13])
    }
}
