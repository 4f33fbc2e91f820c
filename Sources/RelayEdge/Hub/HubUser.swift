import NIOCore
import RelayCore

/// One user at the hub: which shards have sessions of theirs, and which direct messages these were given.
final class HubUser {
    let id: UserID
    /// Sessions on each shard, by its number.
    var isOnShard: [Bool]
    var inbox: DirectInboxStateMachine
    /// Whether the user's channel is heard at present.
    var isHeard = false
    /// Whether it was heard before.
    var wasHeard = false
    /// Whether a wait for another read is under way.
    var isRetryScheduled = false

    init(id: UserID, shardCount: Int, since: MessageID?) {
        self.id = id
        isOnShard = Array(repeating: false, count: shardCount)
        inbox = DirectInboxStateMachine(since: since)
    }

    var isGone: Bool { !isOnShard.contains(true) }
}
