import RelaySettings
import Testing

@Suite("The sources of settings")
struct SettingSourcesTests {
    private static let flags = [
        SettingSources.Flag("redis-url"), .init("rate"), .init("allow-origin", isRepeatable: true),
    ]

    private func merged(
        _ commandLine: [String], environment: [String: String] = [:], file: String? = nil
    ) throws -> [String] {
        try SettingSources(flags: Self.flags, environment: environment)
            .merged(commandLine: commandLine) { $0 == "/etc/m.conf" ? file : nil }
    }

    private func problem(
        _ commandLine: [String], environment: [String: String] = [:], file: String? = nil
    ) -> SettingError? {
        do {
            _ = try merged(commandLine, environment: environment, file: file)
            return nil
        } catch {
            return error as? SettingError
        }
    }

    @Test("are the command line, then the environment, then the file: the first that has one wins")
    func precedence() throws {
        let file = "rate = 3\nredis-url=redis://file\n"
        let environment = ["MARTLET_RATE": "2", "MARTLET_CONFIG": "/etc/m.conf"]
        #expect(
            try merged(["--rate", "1"], environment: environment, file: file)
                == ["--redis-url=redis://file", "--rate", "1"])
        #expect(
            try merged(["--rate=1"], environment: environment, file: file) == ["--redis-url=redis://file", "--rate=1"])
        #expect(try merged([], environment: environment, file: file) == ["--redis-url=redis://file", "--rate=2"])
        #expect(
            try merged(["--config", "/etc/m.conf"], file: file)
                == ["--redis-url=redis://file", "--rate=3", "--config", "/etc/m.conf"])
        #expect(try merged(["--config=/etc/m.conf"], environment: ["MARTLET_CONFIG": "/none"], file: file).count == 3)
        #expect(try merged([]) == [])
        #expect(SettingSources.Flag("redis-url").environmentName == "MARTLET_REDIS_URL")
    }

    @Test("do not take one flag for another that begins alike")
    func prefixes() throws {
        #expect(try merged(["--rate-limit=1"], environment: ["MARTLET_RATE": "2"]) == ["--rate=2", "--rate-limit=1"])
    }

    @Test("give a repeatable setting as often as it is there")
    func repeatable() throws {
        #expect(
            try merged([], environment: ["MARTLET_ALLOW_ORIGIN": "a, b"]) == ["--allow-origin=a", "--allow-origin=b"])
        #expect(
            try merged(["--config=/etc/m.conf"], file: "allow-origin = a\nallow-origin = b,c")
                == ["--allow-origin=a", "--allow-origin=b", "--allow-origin=c", "--config=/etc/m.conf"])
        #expect(
            try merged(["--allow-origin", "x"], environment: ["MARTLET_ALLOW_ORIGIN": "a"]) == ["--allow-origin", "x"])
    }

    @Test("may be a file with comments, blanks, and values with equals signs")
    func file() throws {
        let file = "# comment\n\n  rate  =  7  \r\nredis-url = redis://h/?a=b # c\n"
        #expect(
            try merged(["--config=/etc/m.conf"], file: file)
                == ["--redis-url=redis://h/?a=b # c", "--rate=7", "--config=/etc/m.conf"])
    }

    @Test("say which setting and which line is wrong")
    func errors() {
        #expect(problem(["--config=/none"]) == SettingError(setting: "--config", problem: "cannot read /none"))
        #expect(problem([], environment: ["MARTLET_CONFIG": "/none"])?.setting == "--config")
        // An empty variable is one that is left out.
        #expect(problem([], environment: ["MARTLET_CONFIG": ""]) == nil)
        let place = "/etc/m.conf line 2"
        let config = ["--config=/etc/m.conf"]
        #expect(problem(config, file: "rate=1\nrate=2")?.problem == "\(place): `rate` stands there twice")
        #expect(problem(config, file: "\nbogus = 2")?.problem == "\(place): no such setting `bogus`")
        #expect(problem(config, file: "\nrate")?.problem == "\(place): not of the form `name = value`")
        #expect(SettingError(setting: "--rate", problem: "bad").description == "--rate: bad")
    }
}
