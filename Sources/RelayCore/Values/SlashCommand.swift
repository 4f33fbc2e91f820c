/// What a person typed: words, or a command that begins with a slash.
public enum SlashCommand: Sendable, Equatable {
    /// Words for the room.
    case say(String)
    /// `/me`: what the speaker does.
    case action(String)
    /// `/help`: what there is to type.
    case help
    /// `/who`: who is here.
    case who
    /// `/msg`: words for one user alone. The user as typed, which need not be anybody's id.
    case direct(to: String, text: String)
    /// `/r`: words for whoever wrote last.
    case reply(String)
    /// `/page`: asks one user to look.
    case page(String)
    /// `/join`: another room, as typed.
    case join(String)
    /// `/rooms`: which rooms there are.
    case rooms
    /// `/topic`: sets the topic; nil asks for it.
    case topic(String?)
    /// `/replay`: the last messages; nil for those that were missed.
    case replay(Int?)
    /// `/quit`: out of the room.
    case quit
    /// A command that needs words and has none, or others than it can use.
    case incomplete(usage: String)
    /// No command of this relay.
    case unknown(name: String)

    /// What `/help` shows, one line a command.
    public static let help: [String] = [
        "/who                 who is here",
        "/me ACTION           do something: * you ACTION",
        "/msg USER TEXT       say something to one user alone",
        "/r TEXT              answer whoever wrote to you last",
        "/page USER           ring at a user",
        "/rooms               the rooms, with topics",
        "/join ROOM           go to a room",
        "/topic [TEXT]        show the topic, or set it",
        "/replay [N]          the last messages again, or those that you missed",
        "/quit                leave the room; in the lobby, leave the relay",
        "//TEXT               say a line that begins with a slash",
    ]

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
        let (name, rest) = Self.cut(text.unicodeScalars.dropFirst())
        self = Self.command(named: String(name).lowercased(), rest) ?? .unknown(
            name: String(name.prefix(Limits.identifierBytesMax)))
    }

    private typealias Scalars = Substring.UnicodeScalarView

    /// Nil where there is no command of this name.
    private static func command(named name: String, _ rest: Scalars) -> SlashCommand? {
        let word = rest.isEmpty ? nil : String(cut(rest).word)
        switch name {
        case "help": return .help
        case "who": return .who
        case "rooms": return .rooms
        case "quit": return .quit
        case "me": return rest.isEmpty ? .incomplete(usage: "/me ACTION") : .action(String(rest))
        case "r": return rest.isEmpty ? .incomplete(usage: "/r TEXT") : .reply(String(rest))
        case "page": return word.map { .page($0) } ?? .incomplete(usage: "/page USER")
        case "join": return word.map { .join($0) } ?? .incomplete(usage: "/join ROOM")
        case "topic": return .topic(rest.isEmpty ? nil : String(rest))
        case "msg":
            let (to, text) = cut(rest)
            return text.isEmpty ? .incomplete(usage: "/msg USER TEXT") : .direct(to: String(to), text: String(text))
        case "replay":
            guard let word else { return .replay(nil) }
            guard let count = Int(word), count > 0 else { return .incomplete(usage: "/replay [N]") }
            return .replay(min(count, Limits.pageMessagesMax))
        default: return nil
        }
    }

    /// The first word, and what follows the blanks after it.
    private static func cut(_ text: Scalars) -> (word: Scalars, rest: Scalars) {
        let word = text.prefix { !$0.properties.isWhitespace }
        return (word, text[word.endIndex...].drop { $0.properties.isWhitespace })
    }
}
