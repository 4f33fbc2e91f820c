import NIOCore
import RelayCore
import RelayTestKit
import RelayWire
import Testing

@Suite("Entries turned into envelopes from bytes to bytes")
struct EntryTranscriberTests {
    private typealias Field = (name: [UInt8], value: [UInt8])

    /// What the texts of the entry make: the envelope, or nil where it is no message.
    private static func reference(_ id: String, _ fields: [Field], _ room: RoomID) -> ByteBuffer? {
        guard let id = MessageID(id) else { return nil }
        var texts: [(name: String, value: String)] = []
        for field in fields {
            guard let value = String(validating: field.value, as: UTF8.self) else { return nil }
            texts.append((String(decoding: field.name, as: UTF8.self), value))
        }
        return StreamFields.message(id: id, room: room, fields: texts).map(EnvelopeEncoder.envelope)
    }

    /// What the bytes make, behind something that is in the buffer already; nil where nothing is said about the entry.
    private static func transcribed(
        _ id: String, _ fields: [Field], _ room: RoomID
    ) throws -> (envelope: ByteBuffer, position: EntryTranscriber.Position)? {
        var bytes = Array("before".utf8)
        func place(_ part: [UInt8]) -> Range<Int> {
            bytes += part
            return (bytes.count - part.count)..<bytes.count
        }
        let idPlace = place(Array(id.utf8))
        let places = fields.map { (place($0.name), place($0.value)) }
        var entry = PlainEntry(id: idPlace)
        // Bytes have no padding.
        let span = unsafe bytes.span.bytes
        for (name, value) in places where !entry.add(name: name, value: value, in: span) { return nil }
        var buffer = ByteBuffer(string: "kept")
        guard let position = EntryTranscriber(room: room).transcribe(entry, in: span, to: &buffer) else {
            #expect(String(buffer: buffer) == "kept")
            return nil
        }
        #expect(buffer.readString(length: 4) == "kept")
        return (buffer, position)
    }

    private static func fields(_ pairs: [(String, String)]) -> [Field] {
        pairs.map { (Array($0.0.utf8), Array($0.1.utf8)) }
    }

    private static let full = [
        ("seq", "42"), ("type", "edit"), ("user", "al.ice@x-y_1"), ("name", "Älice \"A\""), ("text", "a\n\u{1}\"\\é€😀"),
        ("nonce", "n \"1\"\\"), ("to", "bob"), ("target", "1-0"), ("reply_to", "1763691000123-18"),
    ]

    @Test("What relays write is taken, each field of it")
    func plain() throws {
        let room = try #require(RoomID("dm:alice+bob"))
        for count in 5...Self.full.count {
            for type in MessageType.allCases {
                var pairs = Array(Self.full.prefix(count))
                pairs[1].1 = type.rawValue
                let fields = Self.fields(pairs)
                let done = try #require(try Self.transcribed("1763691000123-7", fields, room))
                #expect(done.envelope == Self.reference("1763691000123-7", fields, room))
                #expect(done.position.id == MessageID(milliseconds: 1_763_691_000_123, sequence: 7))
                #expect(done.position.seq == 42)
            }
        }
    }

    @Test("Every byte in a text, before others of every kind, comes as by way of a string")
    func texts() throws {
        let room = try #require(RoomID("general"))
        for first in UInt8.min...UInt8.max {
            for second: UInt8 in [
                0, 0x1f, 0x22, 0x41, 0x5c, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xe0, 0xf4, 0xff,
            ] {
                var fields = Self.fields(Array(Self.full.prefix(5)))
                fields[4].value = [first, second]
                let done = try Self.transcribed("5-1", fields, room)
                #expect(done?.envelope == Self.reference("5-1", fields, room), "\(first) \(second)")
            }
        }
    }

    @Test("Whatever it takes is byte for byte what the message's own envelope is", arguments: [1, 2, 3, 4] as [UInt64])
    func differential(_ seed: UInt64) throws {
        let room = try #require(RoomID("general"))
        var random = SeededRandom(seed: seed)
        let values: [String: [String]] = [
            "seq": [
                "1", "42", "007", "0", "9007199254740992", "9007199254740993", "18446744073709551616", "+5", "٤", "",
            ],
            "type": ["message", "action", "direct", "edit", "delete", "topic", "join", "Message", ""],
            "user": ["alice", "Alice", "a.b@c", ".a", "-a", "ä", "", String(repeating: "u", count: 65), "0"],
            "name": [
                "Alice", "Älice", "a\u{7f}", "a\u{85}", "a\u{2028}b", "", "\"", String(repeating: "n", count: 64),
                String(repeating: "é", count: 33), "a\u{0}",
            ],
            "text": [
                "", "hi", "\"\\\u{0}\u{8}\u{c}\n\r\t\u{1f}\u{7f}", "😀e\u{301}", String(repeating: "x", count: 999),
            ],
            "nonce": ["n", "", "a b", "\"\\", "é", "\u{7f}", String(repeating: "1", count: 65)],
            "to": ["bob", "Bob", "", "b b"],
            "target": ["1-0", "01-0", "1", "-1", "1-", "", "18446744073709551615-0", "1-2-3", "0-0", "1-00"],
            "reply_to": ["9-9", "x", "99999999999999999999-0", "9999999999999999999-0"],
            "colour": ["red"], "se": ["1"], "seqseqseqs": ["2"], "": ["nothing"],
        ]
        let ids = ["1-0", "1763691000123-0", "18446744073709551615-18446744073709551615", "01-1", "7", "0-0"]
        let names = values.keys.sorted()
        let common = ["seq", "type", "user", "name", "text"]
        var taken = 0
        for _ in 0..<4000 {
            // Mostly good, so that what is looked at last is reached too.
            var used = common + names.filter { _ in random.chance(12) }
            if random.chance(10) { used.shuffle(using: &random) }
            if random.chance(5) { used.removeLast() }
            if random.chance(3) { used.append("text") }
            let fields = used.map { name -> Field in
                let all = values[name] ?? [""]
                let value = random.chance(80) ? all[0] : all.randomElement(using: &random) ?? ""
                var bytes = Array(value.utf8)
                if random.chance(2) { bytes.insert(UInt8.random(in: 0...255, using: &random), at: 0) }
                return (Array(name.utf8), bytes)
            }
            let id = random.chance(80) ? ids[0] : ids.randomElement(using: &random) ?? ""
            guard let done = try Self.transcribed(id, fields, room) else { continue }
            taken += 1
            #expect(done.envelope == Self.reference(id, fields, room), "\(id) \(fields)")
            #expect(done.position.id == MessageID(id))
        }
        #expect(taken > 300, "seed \(seed)")
    }
}
