internal import RedisClient
internal import RedisProtocol
public import RelayCore

/// What direct conversations need of one Redis node beside their rooms.
///
/// Confined to the event loop of its `RedisRelay`. Who wrote last is written by `post.lua`, with the message. Commands
/// that it needs: `GET`, `PUBSUB NUMSUB`.
public final class RedisDirectMessages: DirectMessages {
    private let keys: KeySpace
    private let posts: RedisCommander
    private let faults: StoreFaults
    private let markers: RedisReadMarkers

    init(keys: KeySpace, posts: RedisCommander, faults: StoreFaults, markers: RedisReadMarkers) {
        self.keys = keys
        self.posts = posts
        self.faults = faults
        self.markers = markers
    }

    /// Sends what belongs before the post by the connection of the posts: in one write with it, and with no wait.
    public func conversationOpened(in room: RoomID, from sender: UserID, to receiver: UserID) {
        markers.list(room, for: sender)
        markers.list(room, for: receiver)
    }

    /// An edge listens on a user's channel as long as the user has a session there: so one who has is heard.
    public func isOnline(_ user: UserID, completion: @escaping (Result<Bool, Refusal>) -> Void) {
        posts.send(RedisCommand("PUBSUB", "NUMSUB", keys.channelName(of: user))) { [faults] outcome in
            switch outcome {
            case .failure(let error): completion(.failure(faults.refusal(for: error, doing: "asking who is there")))
            case .success(let value): completion(.success((value.array?.last?.int ?? 0) > 0))
            }
        }
    }

    /// Reads `chat:user:{USER}:reply`.
    public func lastCorrespondent(of user: UserID, completion: @escaping (Result<UserID?, Refusal>) -> Void) {
        posts.send(RedisCommand("GET", keys.reply(of: user))) { [faults] outcome in
            switch outcome {
            case .failure(let error): completion(.failure(faults.refusal(for: error, doing: "reading who wrote")))
            case .success(let value): completion(.success(value.string.flatMap { UserID($0) }))
            }
        }
    }
}
