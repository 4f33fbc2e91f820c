import ArgumentParser
import RelayCore
import RelaySettings
import RelayWire

/// `martlet notice`: says something to everybody.
struct NoticeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notice",
        abstract: "Say something to everybody who is connected, or in one room.",
        discussion: """
            It is kept nowhere: who connects later does not see it.

            Exit codes: 0 an edge heard it, 1 none did, 64 a wrong setting, 69 Redis cannot be reached or refuses.

            Examples:
              martlet notice "back in five minutes"
              martlet notice "this room closes at six" --room general
            """)

    @Argument(help: "What to say.")
    var text: String

    @Option(help: "The room. Default: everybody.")
    var room: RoomArgument?

    @OptionGroup var control: ControlOptions

    func run() async throws {
        guard (1...ControlCoder.noticeBytesMax).contains(text.utf8.count), !text.utf8.contains(0) else {
            throw SettingError(setting: "TEXT", problem: "it takes 1 to \(ControlCoder.noticeBytesMax) bytes")
        }
        try await control.order(.notice(text: text, room: room?.id))
    }
}

/// `martlet kick`: sends a user away.
struct KickCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kick",
        abstract: "Send a user off the relay, or out of one room.",
        discussion: """
            With --for the user stays out for so long, on every edge; without it they may come back at \
            once. `martlet pardon` lifts it.

            Exit codes: 0 an edge heard it, 1 none did, 64 a wrong setting, 69 Redis cannot be reached or refuses.

            Examples:
              martlet kick mallory --reason "enough" --for 1h
              martlet kick mallory --room general
            """)

    @Argument(help: "The user id.")
    var user: String

    @Option(help: "The room. Default: off the relay.")
    var room: RoomArgument?

    @Option(help: "Why; the user reads it.")
    var reason = ""

    @Option(name: .customLong("for"), help: "For how long the user stays out.")
    var span: SpanSetting?

    @OptionGroup var control: ControlOptions

    func run() async throws {
        guard reason.utf8.count <= ControlCoder.reasonBytesMax else {
            throw SettingError(setting: "--reason", problem: "it takes \(ControlCoder.reasonBytesMax) bytes")
        }
        let user = try ControlOptions.user(user)
        let span = try span.map { span throws(SettingError) in try ControlOptions.span("--for", span) }
        try await control.order(.kick(user, room: room?.id, reason: reason, span: span))
    }
}

/// `martlet mute`: lets a user say nothing.
struct MuteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mute",
        abstract: "Let a user read but say nothing for a time, anywhere or in one room.",
        discussion: """
            What the user sends is refused as forbidden. `martlet pardon` lifts it.

            Exit codes: 0 an edge heard it, 1 none did, 64 a wrong setting, 69 Redis cannot be reached or refuses.

            Example:
              martlet mute mallory --room general --for 10m
            """)

    @Argument(help: "The user id.")
    var user: String

    @Option(help: "The room. Default: anywhere.")
    var room: RoomArgument?

    @Option(name: .customLong("for"), help: "For how long.")
    var span: SpanSetting

    @OptionGroup var control: ControlOptions

    func run() async throws {
        let user = try ControlOptions.user(user)
        try await control.order(.mute(user, room: room?.id, span: try ControlOptions.span("--for", span)))
    }
}

/// `martlet pardon`: lifts what was imposed on a user.
struct PardonCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pardon",
        abstract: "Lift what `kick` and `mute` imposed on a user, everywhere or in one room.",
        discussion: """
            What was imposed in one room is lifted in that room only.

            Exit codes: 0 an edge heard it, 1 none did, 64 a wrong setting, 69 Redis cannot be reached or refuses.

            Example:
              martlet pardon mallory
            """)

    @Argument(help: "The user id.")
    var user: String

    @Option(help: "The room. Default: what was imposed everywhere.")
    var room: RoomArgument?

    @OptionGroup var control: ControlOptions

    func run() async throws {
        try await control.order(.pardon(try ControlOptions.user(user), room: room?.id))
    }
}

/// `martlet drain`: ends one edge.
struct DrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "End one edge as SIGTERM does: its clients are sent elsewhere over its drain time.",
        discussion: """
            The edges are named in Redis: redis-cli ZRANGE chat:edges 0 -1

            Exit codes: 0 an edge heard it, 1 none did or there is no such edge, 64 a wrong setting, 69 Redis cannot be
            reached or refuses.

            Example:
              martlet drain edge-1-1p7kt2
            """)

    @Argument(help: "The edge's name in Redis, with its suffix.")
    var edge: String

    @OptionGroup var control: ControlOptions

    func run() async throws {
        let edge = EdgeID(edge)
        try await control.order(.drain(edge), to: edge)
    }
}
