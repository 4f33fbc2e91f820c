public import RedisClient
public import RedisProtocol
public import RelayCore

/// Tries the script that posts in a room of its own, of which neither edges nor the archiver hear.
///
/// The room is in no list, so nobody looks for it. What the trial writes is taken away, or lapses by itself.
public struct PostTrial: Sendable {
    private let client: RedisClient
    private let keys: KeySpace
    private let room: RoomID

    /// How long what it wrote outlives a trial that was cut off.
    private static let lifetime = Duration.seconds(60)

    /// A trial in that room, which must be nobody's.
    public init(client: RedisClient, keys: KeySpace, room: RoomID) {
        self.client = client
        self.keys = keys
        self.room = room
    }

    /// What came of a post.
    public enum Outcome: Sendable, Equatable {
        /// It is stored, and was published.
        case posted(PostReceipt)
        /// It is stored, and could not be published: what Redis said.
        case unpublished(String)
        /// The script ran and did not store it: what it said.
        case refused(String)
    }

    /// Posts one message, as an edge does.
    public func post(_ text: String, user: UserID) async throws(RedisError) -> Outcome {
        let draft = MessageDraft(room: room, user: user, name: DisplayName(user), text: text)
        let rules = PostRules(ceiling: 100, keep: 0, isAutoCreating: true, publishCommand: "PUBLISH")
        let value = try await client.evaluate(
            Scripts.post, keys: PostCall.keys(of: room, in: keys),
            arguments: PostCall.arguments(
                of: [draft], in: room, known: nil, guardLevel: .none, rules: rules, keys: keys))
        for key in written {
            // What cannot be let lapse is taken away all the same.
            _ = try? await client.execute(RedisCommand("PEXPIRE", key, "\(Self.lifetime.wholeMilliseconds)"))
        }
        guard let reply = PostReply(value, count: 1), let outcome = reply.outcomes.first else {
            return .refused("the reply cannot be read")
        }
        switch outcome {
        case .success(let receipt): return reply.publishError.map { .unpublished($0.message) } ?? .posted(receipt)
        case .failure(let refusal): return .refused(reply.errors.first?.message ?? refusal.message)
        }
    }

    /// Takes the room away.
    public func takeAway() async throws(RedisError) {
        var command = RedisCommand("DEL")
        command.append(contentsOf: written)
        _ = try await client.execute(command)
    }

    private var written: [String] { [keys.stream(of: room), keys.meta(of: room)] }
}
