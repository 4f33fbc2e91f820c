/// What a person typed: words, or a command that begins with a slash.
public enum SlashCommand: Sendable, Equatable {
    /// Words for the room.
    case say(String)
    /// `/me`: what the speaker does.
    case action(String)
    /// A command that needs words and has none.
    case incomplete(usage: String)
    /// No command of this relay.
    case unknown(name: String)

    /// Reads a text as it was typed. `//` stands for one slash.
    public init(typed text: String) {
        guard text.utf8.first == UInt8(ascii: "/") else {
            self = .say(text)
            return
        }
        if text.utf8.starts(with: "//".utf8) {
            self = .say(String(text.unicodeScalars.dropFirst()))
            return
        }
        // By scalars: a combining mark would hide the slash or the blank that it follows.
        let typed = text.unicodeScalars.dropFirst()
        let name = typed.prefix { !$0.properties.isWhitespace }
        let rest = typed[name.endIndex...].drop { $0.properties.isWhitespace }
        switch String(name).lowercased() {
        case "me": self = rest.isEmpty ? .incomplete(usage: "/me ACTION") : .action(String(rest))
        default: self = .unknown(name: String(name.prefix(Limits.identifierBytesMax)))
        }
    }
}
