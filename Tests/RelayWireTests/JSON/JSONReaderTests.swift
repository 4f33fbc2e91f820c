import NIOCore
import RelayWire
import Testing

/// Reads a text as one object, or says why it is none.
func readJSON(_ text: String) -> Result<JSONObject, JSONError> { readJSON(Array(text.utf8)) }

func readJSON(_ bytes: [UInt8]) -> Result<JSONObject, JSONError> {
    do throws(JSONError) {
        return .success(try JSONReader.object(from: ByteBuffer(bytes: bytes)))
    } catch {
        return .failure(error)
    }
}

/// Reads a text as one value of any type.
func readJSONValue(_ bytes: [UInt8]) -> Result<JSONValue, JSONError> {
    do throws(JSONError) {
        return .success(try JSONReader.value(from: ByteBuffer(bytes: bytes)))
    } catch {
        return .failure(error)
    }
}

extension Result {
    /// The error, where it is one.
    var failure: Failure? {
        guard case .failure(let error) = self else { return nil }
        return error
    }
}

@Suite("The JSON reader")
struct JSONReaderTests {
    static let accepted: [String] = [
        "{}", " \t\r\n{ \t\r\n} \t\r\n", #"{"a":1}"#, #"{ "a" : 1 , "b" : [ ] }"#, #"{"":""}"#,
        #"{"a":[1,2,3,{"b":[null,true,false]}]}"#, #"{"a":-0}"#, #"{"a":-0.0e-0}"#, #"{"a":1E+2}"#,
        #"{"a":0e1}"#, #"{"a":0.5}"#, #"{"a":123456789012345678901234567890}"#, #"{"a":1e999}"#,
        #"{"a":"\"\\\/\b\f\n\r\t\u0000\u00e9\uD83D\uDE00"}"#, "{\"a\":\"\u{7F}\u{80}\u{10FFFF}\u{2028}\"}",
        "{\"é\":1,\"e\u{301}\":2}", #"{"a":{"k":1},"b":{"k":1},"k":{"k":{"k":1}}}"#, #"{"A":1,"a":2}"#,
        #"{"a":[[],[[]],{},[{}]]}"#, #"{"a":"\ud834\udd1e\uFFFF"}"#,
    ]

    @Test("takes every valid object", arguments: accepted)
    func accepts(_ text: String) {
        #expect(readJSON(text).failure == nil)
    }

    /// Texts that are no JSON, and the offset of the first byte that does not fit.
    static let refused: [(String, Int)] = [
        ("", 0), ("   ", 3), ("{", 1), ("}", 0), ("[", 1), ("{\"a\":1", 6), ("{\"a\":1}}", 7), ("{\"a\":1} x", 8),
        ("{} {}", 3), ("{,}", 1), ("{\"a\"}", 4), ("{\"a\":}", 5), ("{\"a\" 1}", 5), ("{\"a\":1,}", 7),
        ("{\"a\":1 \"b\":2}", 7), ("{\"a\":1,,\"b\":2}", 7), ("{a:1}", 1), ("{'a':1}", 1), ("{1:1}", 1),
        ("{null:1}", 1), ("{\"a\":[1,]}", 8), ("{\"a\":[,1]}", 6), ("{\"a\":[1 2]}", 8), ("{\"a\":[1}", 7),
        ("{\"a\":[1}]", 7), ("{\"a\":{]}", 6), ("{\"a\":01}", 6), ("{\"a\":-01}", 7), ("{\"a\":00}", 6),
        ("{\"a\":+1}", 5), ("{\"a\":-}", 6), ("{\"a\":--1}", 6), ("{\"a\":.5}", 5), ("{\"a\":1.}", 7),
        ("{\"a\":1.e1}", 7), ("{\"a\":1e}", 7), ("{\"a\":1e+}", 8), ("{\"a\":0x1}", 6), ("{\"a\":1_0}", 6),
        ("{\"a\":NaN}", 5), ("{\"a\":Infinity}", 5), ("{\"a\":-Infinity}", 6), ("{\"a\":True}", 5),
        ("{\"a\":tru}", 8), ("{\"a\":truee}", 9), ("{\"a\":nul", 8), ("{\"a\":undefined}", 5), ("{\"a\":\"x}", 8),
        ("{\"a\":'x'}", 5), ("{\"a\":\"\n\"}", 6), ("{\"a\":\"\u{0}\"}", 6), ("{\"a\":\"\u{1F}\"}", 6),
        ("{\"a\u{9}\":1}", 3), ("{\"a\":\"\\x\"}", 7), ("{\"a\":\"\\u12\"}", 10), ("{\"a\":\"\\u12G4\"}", 10),
        ("{\"a\":\"\\", 7), ("{\"a\":\"\\u", 8), ("{\"a\":\"\\U0041\"}", 7), ("{\"a\":\"\\'\"}", 7),
        ("{\"a\":1}//", 7), ("/**/{}", 0), ("{\"a\":/**/1}", 5), ("\u{FEFF}{}", 0), ("{}\u{0}", 2),
        ("{\"a\":1}\u{A0}", 7), ("\u{C}{}", 0), ("{\"a\":1;}", 6), ("{\"a\":\"\\ud83d\\u12\"}", 16),
    ]

    @Test("refuses what is not JSON, and says where", arguments: refused)
    func refuses(_ text: String, _ offset: Int) {
        #expect(readJSON(text).failure == .notJSON(offset: offset))
    }

    @Test("refuses every true beginning of a valid object, and every byte too much")
    func cuts() {
        for text in Self.accepted {
            let bytes = Array(text.utf8)
            let end = (bytes.lastIndex(of: UInt8(ascii: "}")) ?? 0) + 1
            for cut in 0..<end {
                #expect(readJSON(Array(bytes[..<cut])).failure != nil, "\(text) cut at \(cut)")
            }
            #expect(readJSON(bytes + [UInt8(ascii: ",")]).failure == .notJSON(offset: bytes.count))
        }
    }

    @Test(
        "tells JSON that is no object from what is not JSON",
        arguments: ["[]", "1", "\"x\"", " null", "true", "[{}]", "-1.5"])
    func notAnObject(_ text: String) {
        let offset = text.first == " " ? 1 : 0
        #expect(readJSON(text).failure == .notAnObject(offset: offset))
        #expect(readJSONValue(Array(text.utf8)).failure == nil)
    }

    @Test("checks UTF-8 itself")
    func utf8() {
        #expect(readJSON([0x7B, 0xFF, 0x7D]).failure == .invalidUTF8(offset: 1))
        #expect(readJSON(Array(#"{"a":""#.utf8) + [0xED, 0xA0, 0x80, 0x22, 0x7D]).failure == .invalidUTF8(offset: 7))
        #expect(readJSON([0x7B, 0x7D, 0xC3]).failure == .invalidUTF8(offset: 3))
    }

    @Test("takes sixteen levels and refuses seventeen, however they are mixed")
    func depth() {
        func nested(_ levels: Int) -> String {
            let arrays = levels - 1
            return #"{"a":"# + String(repeating: "[", count: arrays) + String(repeating: "]", count: arrays) + "}"
        }
        #expect(readJSON(nested(16)).failure == nil)
        #expect(readJSON(nested(17)).failure == .tooDeep(offset: 5 + 15))
        let objects = String(repeating: #"{"a":"#, count: 17) + "1" + String(repeating: "}", count: 17)
        #expect(readJSON(objects).failure == .tooDeep(offset: 16 * 5))
        #expect(readJSON(String(repeating: "[", count: 100_000)).failure == .tooDeep(offset: 16))
        #expect(readJSON(#"{"a":"# + String(repeating: #"{"a":"#, count: 60_000)).failure == .tooDeep(offset: 80))
    }

    static let duplicates: [(String, Int)] = [
        (#"{"a":1,"a":2}"#, 7), (#"{"a":1,"b":2,"a":1}"#, 13), (#"{"a":1,"\u0061":2}"#, 7),
        (#"{"\u0061":1,"a":2}"#, 12), (#"{"x":{"a":1,"a":2}}"#, 12), (#"{"x":[{"":1,"":2}]}"#, 12),
        (#"{"\n":1,"\u000a":2}"#, 8), (#"{"😀":1,"\ud83d\ude00":2}"#, 10),
    ]

    @Test("refuses a key that comes twice in one object, escapes resolved", arguments: duplicates)
    func duplicate(_ text: String, _ offset: Int) {
        #expect(readJSON(text).failure == .duplicateKey(offset: offset))
    }

    @Test("finds the duplicate among thousands of keys, and none where there is none")
    func manyKeys() {
        let members = (0..<3000).map { "\"k\($0)\":\($0)" }
        let text = "{" + members.joined(separator: ",")
        #expect(readJSON(text + "}").failure == nil)
        #expect(readJSON(text + ",\"k2999\":0}").failure == .duplicateKey(offset: text.utf8.count + 1))
        #expect(readJSON(text + ",\"k0\":0}").failure == .duplicateKey(offset: text.utf8.count + 1))
        for count in 7...10 {
            let few = "{" + members[..<count].joined(separator: ",")
            #expect(readJSON(few + ",\"k0\":0}").failure == .duplicateKey(offset: few.utf8.count + 1))
        }
    }

    static let loneSurrogates: [(String, Int)] = [
        (#"{"a":"\ud800"}"#, 6), (#"{"a":"\uDFFF"}"#, 6), (#"{"a":"x\udc00\ud800"}"#, 7),
        (#"{"a":"\ud800x"}"#, 6), (#"{"a":"\ud800\n"}"#, 6), (#"{"a":"\ud800\ud800\udc00"}"#, 6),
        (#"{"a":"\ud800\u0041"}"#, 6), (#"{"\udbff":1}"#, 2), (#"{"a":[{"b":"\ud83d"}]}"#, 12),
    ]

    @Test("tells halves of surrogate pairs from what is not JSON", arguments: loneSurrogates)
    func loneSurrogate(_ text: String, _ offset: Int) {
        #expect(readJSON(text).failure == .loneSurrogate(offset: offset))
    }

    @Test("calls not JSON what is not JSON, whatever else is wrong with it")
    func notJSONFirst() {
        #expect(readJSON(#"{"a":"\ud800","#).failure == .notJSON(offset: 14))
        #expect(readJSON(#"{"a":1,"a":2"#).failure == .notJSON(offset: 12))
        #expect(readJSON(#"[1,2"#).failure == .notJSON(offset: 4))
    }
}
