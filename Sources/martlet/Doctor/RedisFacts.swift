/// What a Redis says of itself in `INFO` and `CONFIG GET`.
struct RedisFacts: Equatable {
    /// The lines of `INFO`, by name.
    var info: [String: String]
    /// The settings that were asked for; nil where this user may not ask.
    var settings: [String: String]?

    /// Reads the text of `INFO`.
    init(info text: String, settings: [String: String]?) {
        var info: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            info[String(line[..<colon])] = String(line[line.index(after: colon)...])
        }
        self.info = info
        self.settings = settings
    }

    /// When Redis cuts a subscriber: `hard` bytes at once, or `soft` for `seconds`; nil where nobody says.
    var subscriberBuffer: (hard: Int, soft: Int, seconds: Int)? {
        let words = settings?["client-output-buffer-limit"]?.split(separator: " ") ?? []
        guard let at = words.firstIndex(of: "pubsub"), words.count >= at + 4, let hard = Int(words[at + 1]),
            let soft = Int(words[at + 2]), let seconds = Int(words[at + 3])
        else { return nil }
        return (hard, soft, seconds)
    }

    func number(_ name: String) -> Int? { info[name].flatMap { Int($0) } }
}
