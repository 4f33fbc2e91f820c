import NIOCore
import RelayWire

/// What must hold of the JSON reader, whatever the text.
enum JSONProperties {
    static func check(_ bytes: [UInt8]) throws {
        let verdict = read(ByteBuffer(bytes: bytes))
        try require(verdict == read(.amidOthers(bytes)), "another verdict where other bytes stand around it")
        switch verdict {
        case .failure(let error):
            try require((0...bytes.count).contains(error.offset), "\(error) is outside of the text")
        case .success(let canonical):
            try require(read(canonical) == .success(canonical), "what was written is read as something else")
            try require(canonical.readableBytes <= bytes.count, "it grew from \(bytes.count) bytes")
            // Blanks around a text change nothing.
            let wider = ByteBuffer(bytes: [0x20, 0x0A] + bytes + [0x09, 0x0D])
            try require(read(wider) == .success(canonical), "blanks around it change it")
            // What ends early is no JSON, but for a number.
            for cut in Cuts.places(in: bytes) where cut < bytes.count {
                if case .success(let shorter) = read(ByteBuffer(bytes: bytes[..<cut])) {
                    let isNumber = shorter.readableBytesView.allSatisfy { "-+.eE0123456789".utf8.contains($0) }
                    let isRestBlank = bytes[cut...].allSatisfy { " \t\r\n".utf8.contains($0) }
                    try require(isNumber || isRestBlank, "cut at \(cut) it is whole too")
                }
            }
        }
    }

    /// The value written anew, or why it is none.
    private static func read(_ text: ByteBuffer) -> Result<ByteBuffer, JSONError> {
        do {
            var buffer = ByteBuffer()
            write(try JSONReader.value(from: text), to: &buffer)
            return .success(buffer)
        } catch {
            return .failure(error)
        }
    }

    /// From the parts that callers take out of it.
    private static func write(_ value: JSONValue, to buffer: inout ByteBuffer) {
        switch value.kind {
        case .string: buffer.writeJSONString(value.stringBytes ?? ByteBuffer(string: "lost"))
        case .integer: buffer.writeImmutableBuffer(value.integer.map { ByteBuffer(string: "\($0)") } ?? ByteBuffer())
        case .object:
            buffer.writeJSONObject { writer in
                guard let object = value.object else { return }
                for key in object.keys {
                    var part = ByteBuffer()
                    if let member = object[key] { write(member, to: &part) }
                    writer.json(key, part)
                }
            }
        case .array:
            buffer.writeJSONArray { writer in
                for element in value.elements ?? [] {
                    var part = ByteBuffer()
                    write(element, to: &part)
                    writer.json(part)
                }
            }
        case .number, .bool, .null: buffer.writeImmutableBuffer(value.json)
        }
    }
}
