import Logging
import RelaySettings
import Testing

@Suite("The value of a setting")
struct SettingValuesTests {
    @Test("is a span with a unit")
    func spans() {
        let good: [(String, Duration)] = [
            ("0ms", .zero), ("200ms", .milliseconds(200)), ("5s", .seconds(5)), ("2m", .seconds(120)),
            ("1h", .seconds(3600)),
        ]
        for (text, span) in good { #expect(SpanSetting(argument: text)?.duration == span) }
        for text in [
            "", "5", "s", "-5s", "+5s", "5 s", "1.5s", "5S", "5d", "5sec", "٥s", "99999999999s",
            "99999999999999999999s",
        ] {
            #expect(SpanSetting(argument: text) == nil, "\(text)")
        }
        for text in ["200ms", "1500ms", "5s"] {
            #expect(SpanSetting(argument: text)?.defaultValueDescription == text)
        }
    }

    @Test("is a number of bytes, with a unit or without")
    func byteCounts() {
        let good = [("0", 0), ("262144", 262_144), ("7B", 7), ("256KiB", 262_144), ("1MiB", 1_048_576)]
        for (text, bytes) in good { #expect(ByteCountSetting(argument: text)?.bytes == bytes) }
        for text in [
            "", "KiB", "-1", "+1", "1.5KiB", "1 KiB", "1kib", "1KB", "1GiB", "٥", "2199023255552",
            "99999999999999999999",
        ] {
            #expect(ByteCountSetting(argument: text) == nil, "\(text)")
        }
        #expect(ByteCountSetting(bytes: 262_144).defaultValueDescription == "256KiB")
        #expect(ByteCountSetting(bytes: 1000).defaultValueDescription == "1000")
    }

    @Test("is an address with a port")
    func addresses() {
        let good = [
            ("127.0.0.1:8080", "127.0.0.1", 8080), ("[::1]:0", "::1", 0), ("localhost:65535", "localhost", 65535),
            ("0.0.0.0:80", "0.0.0.0", 80),
        ]
        for (text, host, port) in good {
            let address = ListenAddress(argument: text)
            #expect(address?.host == host)
            #expect(address?.port == port)
            #expect(address?.defaultValueDescription == text)
        }
        for text in [
            "", ":", "8080", ":8080", "host", "host:", "host:x", "host:65536", "host:-1", "host:+80", "::1:80", "[]:80",
            "host:8 0",
        ] {
            #expect(ListenAddress(argument: text) == nil, "\(text)")
        }
    }

    @Test("knows which addresses only this machine can reach")
    func loopback() {
        for host in ["127.0.0.1", "127.1.2.3", "localhost", "[::1]"] {
            #expect(ListenAddress(argument: "\(host):1")?.isLoopback == true, "\(host)")
        }
        for host in [
            "0.0.0.0", "[::]", "10.0.0.1", "127.0.0.example.org", "127.a.b.c", "127.0.0.1.example.org", "1270.0.0.1",
            "127.0.0.256", "localhost.example.org", "[::ffff:8.8.8.8]",
        ] {
            #expect(ListenAddress(argument: "\(host):1")?.isLoopback == false, "\(host)")
        }
    }

    @Test("is on or off, and nothing else")
    func switches() {
        #expect(SwitchSetting(rawValue: "on") == .on)
        #expect(SwitchSetting(rawValue: "off") == .off)
        #expect(SwitchSetting(rawValue: "true") == nil)
        #expect(LogFormat(rawValue: "yaml") == nil)
        #expect(LogLevelSetting.allCases.map(\.level.rawValue) == LogLevelSetting.allCases.map(\.rawValue))
    }
}
