/// Where settings come from: the command line, then the environment, then a file. The first that has one wins.
///
/// `--redis-url` is `MARTLET_REDIS_URL` in the environment and `redis-url = …` in a file. What is not on the command
/// line is put in front of it, so that one parser checks all three.
public struct SettingSources: Sendable {
    /// A flag.
    public struct Flag: Sendable, Equatable {
        /// The long name without dashes.
        public let name: String
        /// Whether it may be given more than once; then commas divide values in the environment and in a file.
        public let isRepeatable: Bool

        /// Whether it takes no value on the command line; elsewhere it takes `on` or `off`.
        public let isSwitch: Bool

        /// A flag of that name.
        public init(_ name: String, isRepeatable: Bool = false, isSwitch: Bool = false) {
            self.name = name
            self.isRepeatable = isRepeatable
            self.isSwitch = isSwitch
        }

        /// The name of its environment variable.
        public var environmentName: String {
            "MARTLET_" + name.uppercased().replacing("-", with: "_")
        }
    }

    /// The flags that are looked up.
    public let flags: [Flag]
    /// The environment.
    public let environment: [String: String]

    /// Sources for those flags.
    public init(flags: [Flag], environment: [String: String]) {
        self.flags = flags
        self.environment = environment
    }

    /// The command line with what the environment and the file add.
    ///
    /// - Parameter readFile: reads the file that `--config` or `MARTLET_CONFIG` names; nil where it cannot.
    /// - Throws: `SettingError`, which names the setting.
    public func merged(commandLine: [String], readFile: (String) -> String?) throws(SettingError) -> [String] {
        var added: [String] = []
        let path =
            value(of: "config", in: commandLine) ?? environment["MARTLET_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        var fileValues: [String: String] = [:]
        if let path {
            guard let text = readFile(path) else {
                throw SettingError(setting: "--config", problem: "cannot read \(path)")
            }
            fileValues = try parse(file: text, path: path)
        }
        for flag in flags where !isGiven(flag.name, in: commandLine) {
            // An empty variable is how a unit file leaves one out.
            let given = environment[flag.environmentName].flatMap { $0.isEmpty ? nil : $0 }
            guard let text = given ?? fileValues[flag.name] else { continue }
            if flag.isSwitch {
                guard let isOn = ["on": true, "off": false][text.lowercased()] else {
                    throw SettingError(setting: "--\(flag.name)", problem: "\(text) is neither on nor off")
                }
                if isOn { added.append("--\(flag.name)") }
                continue
            }
            let values = flag.isRepeatable ? text.split(separator: ",").map(String.init) : [text]
            for value in values { added.append("--\(flag.name)=\(value.trimmingBlanks())") }
        }
        return added + commandLine
    }

    /// Whether the command line itself has the flag.
    func isGiven(_ name: String, in commandLine: [String]) -> Bool {
        commandLine.contains { $0 == "--\(name)" || $0.hasPrefix("--\(name)=") }
    }

    private func value(of name: String, in commandLine: [String]) -> String? {
        for (index, argument) in commandLine.enumerated() {
            if argument.hasPrefix("--\(name)=") { return String(argument.dropFirst(name.count + 3)) }
            if argument == "--\(name)", index + 1 < commandLine.count { return commandLine[index + 1] }
        }
        return nil
    }

    /// Lines of `name = value`; empty lines and lines that begin with `#` are passed over.
    private func parse(file text: String, path: String) throws(SettingError) -> [String: String] {
        var values: [String: String] = [:]
        // Not by "\n": the two bytes of a line end of Windows are one character, and another one.
        let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        for (number, line) in lines.enumerated() {
            let line = String(line).trimmingBlanks()
            if line.isEmpty || line.hasPrefix("#") { continue }
            let place = "\(path) line \(number + 1)"
            guard let equals = line.firstIndex(of: "=") else {
                throw SettingError(setting: "--config", problem: "\(place): not of the form `name = value`")
            }
            let name = String(line[..<equals]).trimmingBlanks()
            guard let flag = flags.first(where: { $0.name == name }) else {
                throw SettingError(setting: "--config", problem: "\(place): no such setting `\(name)`")
            }
            let value = String(line[line.index(after: equals)...]).trimmingBlanks()
            if let earlier = values[name] {
                guard flag.isRepeatable else {
                    throw SettingError(setting: "--config", problem: "\(place): `\(name)` stands there twice")
                }
                values[name] = "\(earlier),\(value)"
            } else {
                values[name] = value
            }
        }
        return values
    }
}

/// A setting that cannot be used, and why.
public struct SettingError: Error, Equatable, CustomStringConvertible {
    /// The setting as it is typed, `--rate`.
    public let setting: String
    /// What is wrong with it.
    public let problem: String

    /// An error about one setting.
    public init(setting: String, problem: String) {
        self.setting = setting
        self.problem = problem
    }

    /// One line that names the setting.
    public var description: String { "\(setting): \(problem)" }
}

extension String {
    func trimmingBlanks() -> String {
        var text = self[...]
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
