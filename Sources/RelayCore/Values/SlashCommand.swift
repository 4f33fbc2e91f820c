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

    /// The names of the commands, as they are typed.
    public enum Name: String, Sendable, CaseIterable {
        case help, who, me, msg, r, page, join, rooms, topic, replay, quit
    }

    /// What `/help` shows, one line a command.
    public static let helpLines: [String] = [
        "/help                what there is to type",
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
        guard let known = Name(rawValue: String(name).lowercased()) else {
            self = .unknown(name: String(name.prefix(Limits.identifierBytesMax)))
            return
        }
        self.init(known, rest)
    }

    /// How many ops of the rate this counts as, by the messages that it may bring.
    public var cost: Int {
        switch self {
        case .join: 1 + Limits.historyDefault / 50
        case .replay(let count): 1 + (count ?? Limits.historyDefault) / 50
        default: 1
        }
    }

    private typealias Scalars = Substring.UnicodeScalarView

    private init(_ name: Name, _ rest: Scalars) {
        let word = rest.isEmpty ? nil : String(Self.cut(rest).word)
        switch name {
        case .help: self = .help
        case .who: self = .who
        case .rooms: self = .rooms
        case .quit: self = .quit
        case .me: self = rest.isEmpty ? .incomplete(usage: "/me ACTION") : .action(String(rest))
        case .r: self = rest.isEmpty ? .incomplete(usage: "/r TEXT") : .reply(String(rest))
        case .page: self = word.map { .page($0) } ?? .incomplete(usage: "/page USER")
        case .join: self = word.map { .join($0) } ?? .incomplete(usage: "/join ROOM")
        case .topic: self = .topic(rest.isEmpty ? nil : String(rest))
        case .msg:
            let (to, text) = Self.cut(rest)
            self = text.isEmpty ? .incomplete(usage: "/msg USER TEXT") : .direct(to: String(to), text: String(text))
        case .replay:
            guard let word else {
                self = .replay(nil)
                return
            }
            let count = word.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(word) ?? .max : 0
            self =
                count > 0 ? .replay(min(count, Limits.pageMessagesMax)) : .incomplete(usage: "/replay [N]")
        }
    }

    /// The first word, and what follows the blanks after it.
    private static func cut(_ text: Scalars) -> (word: Scalars, rest: Scalars) {
        let word = text.prefix { !$0.properties.isWhitespace }
        return (word, text[word.endIndex...].drop { $0.properties.isWhitespace })
    }
}
