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
