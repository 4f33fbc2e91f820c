import NIOCore
import RelayWire
import Testing

@Suite("The JSON writer")
struct JSONWriterTests {
    private func written(_ write: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer()
        write(&buffer)
        return String(buffer: buffer)
    }

    @Test("escapes each control character in its one way, quotes and backslashes, and nothing else")
    func everyASCII() {
        let short: [UInt8: String] = [
            0x08: "\\b", 0x09: "\\t", 0x0A: "\\n", 0x0C: "\\f", 0x0D: "\\r", 0x22: "\\\"", 0x5C: "\\\\",
        ]
        let digits = Array("0123456789abcdef")
        for byte in UInt8(0)...0x7F {
            let raw = String(Unicode.Scalar(byte))
            let long = "\\u00\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            let expected = short[byte] ?? (byte < 0x20 ? long : raw)
            // Behind and before up to nine other bytes, so that it stands at every place in a word.
            for lead in 0...9 {
                let before = String(repeating: "é", count: lead / 2) + String(repeating: "x", count: lead % 2)
                let text = before + raw + "tail ok"
                #expect(written { $0.writeJSONString(text) } == "\"\(before)\(expected)tail ok\"", "\(byte)")
            }
        }
    }

    @Test("leaves all beyond ASCII as it is, also line separators and the ends of planes")
    func beyondASCII() {
        let text = "/\u{7F}\u{80}\u{9F}é\u{2028}\u{2029}\u{FEFF}\u{FFFF}😀\u{10FFFF}"
        #expect(written { $0.writeJSONString(text) } == "\"\(text)\"")
    }

    @Test("writes the same for a string, a buffer and bytes")
    func sources() {
        for text in ["", "a", "\"", "a\u{0}b", "long enough not to be a small string\n", "é\u{1F}😀"] {
            let fromString = written { $0.writeJSONString(text) }
            #expect(written { $0.writeJSONString(ByteBuffer(string: text)) } == fromString)
            #expect(written { $0.writeJSONString(Array(text.utf8)) } == fromString)
        }
    }

    @Test(
        "writes integers of every length",
        arguments: [0, 1, -1, 9, 10, 99, 100, 1_763_691_000_123, .max, .min] as [Int64])
    func integers(_ value: Int64) {
        #expect(written { $0.writeJSONInteger(value) } == String(value))
    }

    @Test("writes the largest unsigned integer")
    func largest() {
        #expect(written { $0.writeJSONInteger(UInt64.max) } == "18446744073709551615")
    }

    @Test("writes objects and arrays with commas where they belong, in the order of the calls")
    func objects() {
        #expect(written { $0.writeJSONObject { _ in } } == "{}")
        #expect(written { $0.writeJSONArray { _ in } } == "[]")
        let text = written { buffer in
            buffer.writeString("> ")
            buffer.writeJSONObject { object in
                object.string("id", "1763691000123-0")
                object.integer("seq", 42)
                object.integer("u", UInt64.max)
                object.string("text", ByteBuffer(string: "a\"b"))
                object.string("bytes", Array("c/d".utf8))
                object.bool("t", true)
                object.bool("f", false)
                object.null("last")
                object.json("ref", ByteBuffer(string: "\"r-1\""))
                object.object("in") { inner in inner.integer("x", -1) }
                object.array("list") { list in
                    list.string("é")
                    list.integer(7)
                    list.json(ByteBuffer(string: "{}"))
                    list.object { $0.string("k\n", "v") }
                }
                object.array("none") { _ in }
                object.integer("end", 0)
            }
        }
        let expected = #"""
            > {"id":"1763691000123-0","seq":42,"u":18446744073709551615,"text":"a\"b","bytes":"c/d","t":true,"f":false,
            "last":null,"ref":"r-1","in":{"x":-1},"list":["é",7,{},{"k\n":"v"}],"none":[],"end":0}
            """#
        #expect(text == expected.filter { $0 != "\n" })
    }

    @Test("closes an object whose body throws, and passes the error on")
    func throwing() {
        struct Stop: Error, Equatable {}
        var buffer = ByteBuffer()
        #expect(throws: Stop()) {
            try buffer.writeJSONObject { object in
                object.integer("a", 1)
                throw Stop()
            }
        }
        #expect(buffer == ByteBuffer(string: #"{"a":1}"#))
    }
}
