internal import NIOCore
internal import RedisClient
internal import RedisProtocol
internal import RelayCore
internal import RelayWire

/// How rooms are posted to.
struct PostRules: Sendable, Equatable {
    /// Entries that a stream may hold; beyond it posts are `full`. 0 is no ceiling.
    var ceiling: Int
    /// Entries to trim a stream to that no archiver has touched; 0 never trims.
    var keep: Int
    /// Whether a room that does not exist is made by the first post.
    var isAutoCreating: Bool
    /// `PUBLISH`, or `SPUBLISH` in a Cluster.
    var publishCommand: String
}

/// From when on a post finds that Redis lost writes, which are then put back before anything is posted.
enum PostGuard: Int {
    /// It is posted whatever was lost.
    case none = 0
    /// Where the room does not stand where it stood.
    case place = 1
    /// Also where the room is not there at all: this edge knows that it was.
    case room = 2
}

/// The arguments of `post.lua`.
///
/// | ARGV | is |
/// |---|---|
/// | 1 | ceiling, 0 for none |
/// | 2 | keep, 0 for never |
/// | 3 | 1 where a missing room is made, else 0 |
/// | 4 | `PUBLISH` or `SPUBLISH` |
/// | 5 | the room |
/// | 6 7 8 | seq, id and epoch that earlier replies told; `0`, empty, `0` for none |
/// | 9 | 0, or what makes the caller put back first what was lost: a `PostGuard` |
/// | 10 | a 1 for each message that an admin says, else a 0; empty where no admin says any |
/// | 11 12 | the channels of the two people of a direct conversation, as its name has them; empty for any other room |
/// | 13 … | nine for each message: type, user, name, text, nonce, to, target, reply_to, tail; empty for absent |
enum PostCall {
    static func keys(of room: RoomID, in keys: KeySpace) -> [String] {
        let name = keys.channelName(of: room)
        return [name] + KeySpace.postSuffixes.map { name + $0 }
    }

    /// How many keys there are.
    static let keyCount = 1 + KeySpace.postSuffixes.count

    /// The keys, `keyCount` of them, and behind them the arguments.
    static func words(
        of drafts: some Collection<MessageDraft>, in room: RoomID, known: PostPosition?,
        guardLevel: PostGuard, rules: PostRules, keys: KeySpace
    ) -> RedisArguments {
        var words = RedisArguments(capacity: 1024 + drafts.reduce(0) { $0 + 512 + 2 * $1.text.utf8.count })
        let name = keys.channelName(of: room)
        words.append(count: keyCount, bytesMax: keyCount * (name.utf8.count + 16)) { span in
            span.appendArgument(name)
            for suffix in KeySpace.postSuffixes { span.appendArgument(name, suffix) }
        }
        appendArguments(of: drafts, in: room, known: known, guardLevel: guardLevel, rules: rules, keys, to: &words)
        return words
    }

    static func arguments(
        of drafts: some Collection<MessageDraft>, in room: RoomID, known: PostPosition?,
        guardLevel: PostGuard, rules: PostRules, keys: KeySpace
    ) -> RedisArguments {
        var arguments = RedisArguments(capacity: 256 + drafts.count * 512)
        appendArguments(of: drafts, in: room, known: known, guardLevel: guardLevel, rules: rules, keys, to: &arguments)
        return arguments
    }

    private static func appendArguments(
        of drafts: some Collection<MessageDraft>, in room: RoomID, known: PostPosition?,
        guardLevel: PostGuard, rules: PostRules, _ keys: KeySpace, to arguments: inout RedisArguments
    ) {
        let direct = room.directUsers
        let low = direct.map { keys.channelName(of: $0.0) } ?? ""
        let high = direct.map { keys.channelName(of: $0.1) } ?? ""
        // Nobody makes the room of a direct conversation: the first message does. And one is always there.
        let isMade = rules.isAutoCreating || direct != nil || room == .general
        let isAnyPrivileged = drafts.contains { $0.isPrivileged }
        let privileges = isAnyPrivileged ? drafts.map { $0.isPrivileged ? "1" : "0" }.joined() : ""
        let name = room.description
        let id = known?.id.description ?? ""
        let bytesMax =
            128 + rules.publishCommand.utf8.count + name.utf8.count + privileges.utf8.count + low.utf8.count
            + high.utf8.count + id.utf8.count
        arguments.append(count: 12, bytesMax: bytesMax) { span in
            span.appendArgument(UInt64(clamping: rules.ceiling))
            span.appendArgument(UInt64(clamping: rules.keep))
            span.appendArgument(isMade ? 1 : 0)
            span.appendArgument(rules.publishCommand)
            span.appendArgument(name)
            span.appendArgument(known?.seq ?? 0)
            span.appendArgument(id)
            span.appendArgument(known?.epoch ?? 0)
            span.appendArgument(UInt64(guardLevel.rawValue))
            span.appendArgument(privileges)
            span.appendArgument(low)
            span.appendArgument(high)
        }
        for draft in drafts { append(draft, to: &arguments) }
    }

    /// The nine of one message.
    static func append(_ draft: MessageDraft, to arguments: inout RedisArguments) {
        let (type, user, name) = (draft.type.rawValue, draft.user.description, draft.name.description)
        let (nonce, to) = (draft.nonce?.description ?? "", draft.to?.description ?? "")
        let (target, replyTo) = (draft.target?.description ?? "", draft.replyTo?.description ?? "")
        let bytesMax =
            type.utf8.count + user.utf8.count + name.utf8.count + draft.text.utf8.count + nonce.utf8.count
            + to.utf8.count + target.utf8.count + replyTo.utf8.count
        arguments.append(count: 8, bytesMax: bytesMax) { span in
            span.appendArgument(type)
            span.appendArgument(user)
            span.appendArgument(name)
            span.appendArgument(draft.text)
            span.appendArgument(nonce)
            span.appendArgument(to)
            span.appendArgument(target)
            span.appendArgument(replyTo)
        }
        arguments.append(EnvelopeEncoder.tail(of: draft))
    }
}

/// What `post.lua` answers.
struct PostReply: Equatable {
    /// The epoch of the room; 0 where the room has none.
    var epoch: UInt64
    /// Why envelopes could not be published although they are stored; nil where they were.
    var publishError: RESPError?
    /// One outcome for each draft, in order.
    var outcomes: [Result<PostReceipt, Refusal>]
    /// Errors of Redis behind those outcomes that are failures of Redis.
    var errors: [RESPError] = []

    /// Whether nothing is stored because there is no such room, for nobody.
    var isRoomMissing: Bool {
        epoch == 0
            && outcomes.contains {
                if case .failure(let refusal) = $0 { refusal.code == .noSuchRoom } else { false }
            }
    }

    /// Whether Redis lost writes, and the script did nothing: what was lost has to be put back first.
    static func isRewound(_ value: RESPValue) -> Bool {
        guard let elements = value.array, elements.count == 1 else { return false }
        return elements[0].string == "REWOUND"
    }

    /// Reads a reply for so many drafts; nil where it is not one.
    init?(_ value: RESPValue, count: Int) {
        guard let elements = value.array, elements.count == 2 + 3 * count,
            let epoch = elements[0].digits, let warning = elements[1].string
        else { return nil }
        self.epoch = epoch
        publishError = warning.isEmpty ? nil : RESPError(line: warning)
        outcomes = []
        outcomes.reserveCapacity(count)
        for index in 0..<count {
            let word = elements[3 + 3 * index]
            guard let id = elements[2 + 3 * index].string, let flag = elements[4 + 3 * index].int else { return nil }
            if flag == 2 {
                guard let reason = word.string else { return nil }
                refuse(reason)
            } else {
                guard let id = MessageID(id), let seq = word.digits else { return nil }
                outcomes.append(.success(PostReceipt(id: id, seq: seq, isDuplicate: flag == 1)))
            }
        }
    }

    init(epoch: UInt64, outcomes: [Result<PostReceipt, Refusal>]) {
        self.epoch = epoch
        self.outcomes = outcomes
    }

    private mutating func refuse(_ word: String) {
        switch word {
        case "FULL":
            outcomes.append(
                .failure(Refusal(.full, "The room is full until its archive catches up.", retryAfter: .seconds(5))))
        case "NOROOM":
            outcomes.append(.failure(.noSuchRoom))
        case "FORBIDDEN":
            outcomes.append(.failure(Refusal(.forbidden, "Only its author or an admin may do that.")))
        case "NOMESSAGE":
            outcomes.append(.failure(.noSuchMessage))
        default:
            errors.append(RESPError(line: word))
            outcomes.append(.failure(.unavailable))
        }
    }
}
