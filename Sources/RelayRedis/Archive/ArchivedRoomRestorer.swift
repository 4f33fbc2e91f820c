public import RedisClient
internal import RedisProtocol
public import RelayCore

/// Puts a room back into a Redis that has lost it: its messages go, a batch at a time, into a stream beside the room's,
/// and become the room's in one step, together with all that its `meta` says. Edges and the archiver see no room, or
/// the whole one.
///
/// What was staged and never finished lapses by itself.
public struct ArchivedRoomRestorer: Sendable {
    private let client: RedisClient
    private let keys: KeySpace
    private let room: RoomID
    private let staging: String

    /// How long Redis keeps what was staged after the last batch.
    private static let lifetime = Duration.seconds(600)
    /// Entries of one call, and about how many bytes: a call holds up everybody else.
    private static let (batchMessagesMax, batchBytesMax) = (100, 256 * 1024)

    /// A restorer of one room; `token` tells this run apart from any other.
    public init(client: RedisClient, keys: KeySpace, room: RoomID, token: String) {
        self.client = client
        self.keys = keys
        self.room = room
        staging = "\(keys.stream(of: room)):restore:\(token)"
    }

    /// Messages in the room's stream now.
    public func messageCount() async throws(StreamSourceError) -> Int {
        try await client.asked(RedisCommand("XLEN", keys.stream(of: room))).int ?? 0
    }

    /// Adds messages to what is staged, ascending by id and above all that was staged before.
    public func stage(_ messages: [Message]) async throws(StreamSourceError) {
        var arguments: [String] = []
        var (count, bytes) = (0, 0)
        for message in messages {
            let fields = Self.fields(of: message)
            let deleted = message.draft.type == .delete ? message.draft.target?.description ?? "" : ""
            arguments += [message.id.description, deleted, String(fields.count)] + fields
            count += 1
            bytes += fields.reduce(0) { $0 + $1.utf8.count }
            guard count >= Self.batchMessagesMax || bytes >= Self.batchBytesMax else { continue }
            try await send(arguments)
            (arguments, count, bytes) = ([], 0, 0)
        }
        if !arguments.isEmpty { try await send(arguments) }
    }

    /// Makes what is staged the room.
    ///
    /// - Parameters:
    ///   - count: messages that were staged.
    ///   - end: where the archive ends: numbers and ids go on above it.
    public func finish(
        _ charter: RoomCharter, count: Int, end: ArchivePosition
    ) async throws(StreamSourceError) -> RestoreOutcome {
        // Another slot in a Cluster. Listed first: a room is never there without being in the list.
        _ = try await client.asked(
            RedisCommand("ZADD", keys.rooms, "GT", String(end.id.milliseconds), room.description))
        let reply = try await client.asked(
            RestoreScripts.finish,
            [
                keys.stream(of: room), keys.meta(of: room), keys.members(of: room), keys.deleted(of: room), staging,
                staging + ":deleted",
            ],
            [
                end.id.description, String(end.seq), String(count), String(charter.epoch), charter.name,
                charter.createdBy, charter.createdAt.map(String.init) ?? "", charter.isPrivate ? "1" : "0",
                charter.topic,
            ] + (charter.isPrivate ? charter.members : []))
        let words = (reply.array ?? []).compactMap(\.string)
        switch (words.first, words.count) {
        case ("occupied", 2): return .occupied(messages: Int(words[1]) ?? 0)
        case ("lapsed", 2): return .lapsed
        case ("done", 3):
            guard let epoch = UInt64(words[1]), let seq = UInt64(words[2]) else { break }
            // Whoever looks only at rooms in which something has happened is to look at this one.
            _ = try await client.asked(RedisCommand("ZADD", keys.rooms, "GT", words[1], room.description))
            return .restored(epoch: epoch, seq: seq)
        default: break
        }
        throw .refused("a script answered what it never says")
    }

    /// Takes away what was staged. Where Redis is gone it goes by itself.
    public func abandon() async {
        _ = try? await client.execute(RedisCommand("UNLINK", staging, staging + ":deleted"))
    }

    private func send(_ arguments: [String]) async throws(StreamSourceError) {
        _ = try await client.asked(
            RestoreScripts.stage, [staging, staging + ":deleted"], [Self.lifetime.millisecondsText] + arguments)
    }

    /// Names and values as `post.lua` writes them.
    private static func fields(of message: Message) -> [String] {
        let draft = message.draft
        var fields = [
            "seq", String(message.seq), "type", draft.type.rawValue, "user", draft.user.description, "name",
            draft.name.description, "text", draft.text,
        ]
        let rest = [
            ("nonce", draft.nonce?.description), ("to", draft.to?.description), ("target", draft.target?.description),
            ("reply_to", draft.replyTo?.description),
        ]
        for case (let name, let value?) in rest { fields += [name, value] }
        return fields
    }
}

/// What a room was, beside its messages. Empty texts are not known.
public struct RoomCharter: Sendable, Equatable {
    /// The name that people see.
    public var name = ""
    /// Who made it.
    public var createdBy = ""
    /// What it is about.
    public var topic = ""
    /// When it was made, in ms: only with the same time do its files belong to it. Now, where nobody knows.
    public var createdAt: UInt64?
    /// Whether it is for its members alone.
    public var isPrivate = false
    /// The users of a private room.
    public var members: [String] = []
    /// The last epoch that is known of it; the next one is higher.
    public var epoch: UInt64 = 0

    /// A public room of which nothing is known.
    public init() {}
}

/// What came of putting a room back.
public enum RestoreOutcome: Sendable, Equatable {
    /// It is there, and goes on above `seq`.
    case restored(epoch: UInt64, seq: UInt64)
    /// Somebody has spoken in the room; nothing was changed.
    case occupied(messages: Int)
    /// What was staged is gone, or is not all of it; nothing was changed.
    case lapsed
}
