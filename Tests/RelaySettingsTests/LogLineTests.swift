import Logging
import Testing

@testable import RelaySettings

@Suite("A log line")
struct LogLineTests {
    private func line(_ format: LogFormat, _ message: String, _ fields: [(key: String, value: String)] = []) -> String {
        LogLineHandler(label: "l", level: .info, format: format)
            .line(time: "T", level: .info, message: message, fields: fields)
    }

    @Test("is plain where it can be, quoted where it cannot")
    func shapes() {
        #expect(
            line(.text, "Up", [("a", "1"), ("b", "x y"), ("c", ""), ("d", "e=f"), ("g", "\"")])
                == #"T info l: Up a=1 b="x y" c="" d="e=f" g="\"""#)
        #expect(
            line(.json, "Up \"x\"", [("a", "é\n")])
                == #"{"time":"T","level":"info","logger":"l","message":"Up \"x\"","a":"\u00e9\n"}"#)
    }

    @Test("lets no byte through that could end it, forge another or drive a terminal", arguments: LogFormat.allCases)
    func escaping(format: LogFormat) {
        let scalars = (0...0xff).map { Unicode.Scalar(UInt8($0)) } + ["\u{2028}", "\u{2029}", "\u{202e}", "😀"]
        for scalar in scalars {
            let evil = "a\(scalar)b"
            for line in [line(format, evil), line(format, "m", [("k", evil)]), line(format, "m", [(evil, "v")])] {
                #expect(line.utf8.allSatisfy { (0x20...0x7e).contains($0) }, "\(scalar.value)")
            }
        }
        #expect(LogLineHandler.escaped("\u{1b}[31m\r\n\t\u{7f}😀") == #"\u001b[31m\r\n\t\u007f\ud83d\ude00"#)
    }

    @Test("forges no field by a value")
    func forging() {
        let text = line(.text, "m", [("k", "v level=error x=\"y")])
        #expect(text == #"T info l: m k="v level=error x=\"y""#)
    }
}
