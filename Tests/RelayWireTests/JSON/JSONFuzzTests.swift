import NIOCore
import RelayWire
import Testing

@Suite("JSON, written and read at random")
struct JSONFuzzTests {
    @Test("reads back every text that was written, as key and as value")
    func roundTrip() throws {
        var random = WireRandom(seed: 99)
        for round in 0..<4000 {
            let text = random.text(countMax: 60)
            let number = Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0..<64, using: &random)
            var buffer = ByteBuffer()
            buffer.writeJSONObject { object in
                object.string("k" + text, text)
                object.integer("n", number)
                object.array("l") { $0.string(text) }
            }
            let object = try JSONReader.object(from: buffer)
            #expect(try object.string("k" + text).map { Array($0.utf8) } == Array(text.utf8), "round \(round)")
            #expect(try object.integer("n") == number)
            #expect(try object.strings("l").map { $0.map { Array($0.utf8) } } == [Array(text.utf8)])
        }
    }

    @Test("survives 10 000 damaged and random texts; what it takes, it can take apart and put together again")
    func fuzz() throws {
        var random = WireRandom(seed: 1)
        let bases = JSONReaderTests.accepted.map { Array($0.utf8) }
        let alphabet = Array(#"{}[]",:\u0123456789abdeEflnrstu-+. \#u{9}\#u{0}é"#.utf8) + [0xFF, 0x80]
        var accepted = 0
        for round in 0..<10000 {
            var bytes: [UInt8] = []
            if round % 4 == 0 {
                bytes = (0..<Int.random(in: 0...30, using: &random)).map { _ in
                    alphabet.randomElement(using: &random) ?? 0
                }
            } else if let base = bases.randomElement(using: &random) {
                bytes = base
                for _ in 0..<Int.random(in: 1...2, using: &random) {
                    let index = Int.random(in: 0..<bytes.count, using: &random)
                    bytes[index] = alphabet.randomElement(using: &random) ?? 0
                }
            }
            switch readJSONValue(bytes) {
            case .failure(let error):
                #expect(error.offset >= 0 && error.offset <= bytes.count, "round \(round)")
            case .success(let value):
                accepted += 1
                var copy = ByteBuffer()
                rewrite(value, into: &copy)
                let again = try JSONReader.value(from: copy)
                var second = ByteBuffer()
                rewrite(again, into: &second)
                #expect(copy == second, "round \(round)")
            }
        }
        #expect(accepted > 500)
    }

    /// Writes a value anew, from its parts.
    private func rewrite(_ value: JSONValue, into buffer: inout ByteBuffer) {
        switch value.kind {
        case .string: buffer.writeJSONString(value.stringBytes ?? ByteBuffer())
        case .integer: buffer.writeJSONInteger(value.integer ?? -77)
        case .object:
            buffer.writeJSONObject { writer in
                guard let object = value.object else { return }
                for key in object.keys {
                    var part = ByteBuffer()
                    if let member = object[key] { rewrite(member, into: &part) }
                    writer.json(key, part)
                }
            }
        case .array:
            buffer.writeJSONArray { writer in
                for element in value.elements ?? [] {
                    var part = ByteBuffer()
                    rewrite(element, into: &part)
                    writer.json(part)
                }
            }
        case .number, .bool, .null: buffer.writeImmutableBuffer(value.json)
        }
    }
}
