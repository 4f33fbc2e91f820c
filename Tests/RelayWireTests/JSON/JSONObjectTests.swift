import NIOCore
import RelayWire
import Testing

@Suite("A JSON object")
struct JSONObjectTests {
    private func object(_ text: String) throws -> JSONObject { try readJSON(text).get() }

    @Test("gives its members by key and type, and nil for what is absent")
    func members() throws {
        let object = try object(
            #" {"op":"send","ref":7,"text":"a\nb","big":1.5,"yes":true,"no":false,"none":null,"in":{"x":[1]},"l":[]} "#)
        #expect(object.count == 9)
        #expect(object.keys == ["op", "ref", "text", "big", "yes", "no", "none", "in", "l"])
        #expect(try object.string("op") == "send")
        #expect(try object.integer("ref") == 7)
        #expect(try object.string("text") == "a\nb")
        #expect(try object.stringBytes("text") == ByteBuffer(string: "a\nb"))
        #expect(try object.number("big") == 1.5)
        #expect(try object.number("ref") == 7)
        #expect(try object.bool("yes") == true)
        #expect(try object.bool("no") == false)
        #expect(try object.object("in")?.elements("x")?.first?.integer == 1)
        #expect(try object.elements("l")?.isEmpty == true)
        #expect(object["none"]?.isNull == true)
        #expect(object.isPresent("none"))
        #expect(!object.isPresent("op "))
        #expect(try object.string("nothing") == nil)
        #expect(try object.integer("nothing") == nil)
        #expect(try object.bool("nothing") == nil)
        #expect(try object.object("nothing") == nil)
        #expect(try object.strings("nothing") == nil)
    }

    @Test("tells a wrong type from absence, also null and numbers that are no integers")
    func wrongTypes() throws {
        let object = try object(#"{"s":"1","n":null,"f":1.0,"e":1e2,"l":["a",1],"o":{},"b":true}"#)
        #expect(throws: JSONTypeError(key: "s", expected: .integer, found: .string)) { try object.integer("s") }
        #expect(throws: JSONTypeError(key: "n", expected: .string, found: .null)) { try object.string("n") }
        #expect(throws: JSONTypeError(key: "f", expected: .integer, found: .number)) { try object.integer("f") }
        #expect(throws: JSONTypeError(key: "e", expected: .integer, found: .number)) { try object.integer("e") }
        #expect(throws: JSONTypeError(key: "l", expected: .string, found: .integer)) { try object.strings("l") }
        #expect(throws: JSONTypeError(key: "l", expected: .object, found: .array)) { try object.object("l") }
        #expect(throws: JSONTypeError(key: "o", expected: .array, found: .object)) { try object.elements("o") }
        #expect(throws: JSONTypeError(key: "b", expected: .string, found: .bool)) { try object.stringBytes("b") }
        #expect(throws: JSONTypeError(key: "s", expected: .bool, found: .string)) { try object.bool("s") }
    }

    @Test("knows integers exactly to the ends of 64 bits, and numbers beyond them as numbers")
    func integers() throws {
        let object = try object(
            """
            {"max":9223372036854775807,"min":-9223372036854775808,"over":9223372036854775808,
            "under":-9223372036854775809,"zero":-0,"huge":100000000000000000000000,"inf":1e999}
            """)
        #expect(try object.integer("max") == .max)
        #expect(try object.integer("min") == .min)
        #expect(try object.integer("zero") == 0)
        for key in ["over", "under", "huge", "inf"] { #expect(object[key]?.kind == .number) }
        #expect(try object.number("over") == 9223372036854775808)
        #expect(object["huge"]?.json == ByteBuffer(string: "100000000000000000000000"))
        #expect(object["inf"]?.number == nil)
    }

    @Test("resolves every escape, in values and in keys")
    func escapes() throws {
        let object = try object(
            #"{"k\u0065y":"\"\\\/\b\f\n\r\t\u0000\u00e9\u20AC\uD83D\uDE00 end","é\t":"\ud834\udd1e"}"#)
        #expect(try object.string("key") == "\"\\/\u{8}\u{C}\n\r\t\u{0}é€😀 end")
        #expect(try object.string("é\t") == "𝄞")
        #expect(object.keys == ["key", "é\t"])
    }

    @Test("compares keys by bytes, not by what they look like")
    func keysByBytes() throws {
        let object = try object("{\"é\":1,\"e\u{301}\":2}")
        #expect(try object.integer("\u{E9}") == 1)
        #expect(try object.integer("e\u{301}") == 2)
    }

    @Test("gives values as they stand in the text, to be sent back")
    func raw() throws {
        let object = try object(#"{"ref": "a\u0041" , "in": { "x" : [1, 2] } }"#)
        #expect(object["ref"]?.json == ByteBuffer(string: #""a\u0041""#))
        #expect(object["in"]?.json == ByteBuffer(string: #"{ "x" : [1, 2] }"#))
    }

    @Test("reads from the middle of a buffer, after what was read before")
    func slices() throws {
        var buffer = ByteBuffer(string: #"header{"a":"b","c":[{"d":"e\n"}]}"#)
        buffer.moveReaderIndex(forwardBy: 6)
        let object = try JSONReader.object(from: buffer)
        #expect(try object.string("a") == "b")
        #expect(try object.elements("c")?.first?.object?.string("d") == "e\n")
        #expect(object["c"]?.json == ByteBuffer(string: #"[{"d":"e\n"}]"#))
    }

    @Test("lists arrays of every type of element in order")
    func arrays() throws {
        let object = try object(#"{"l":[ "a" , 1, 1.5,true,null,{"x":1},[2,3] ],"s":["x","\u0079"]}"#)
        let elements = try #require(try object.elements("l"))
        #expect(elements.map(\.kind) == [.string, .integer, .number, .bool, .null, .object, .array])
        #expect(elements[0].string == "a")
        #expect(try elements[5].object?.integer("x") == 1)
        #expect(elements[6].elements?.map(\.integer) == [2, 3])
        #expect(try object.strings("s") == ["x", "y"])
    }
}
