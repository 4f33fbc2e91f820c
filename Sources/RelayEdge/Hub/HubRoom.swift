import NIOCore
import RelayCore

/// One room at the hub: its feed, and which shards have members of it.
final class HubRoom {
    let id: RoomID
    var feed = RoomFeedStateMachine<ReaderTicket>()
    /// The room's counterpart on each shard; nil where a shard has no members.
    var shardRooms: [NIOLoopBound<ShardRoom>?]
    /// Users present over all edges, as far as this edge knows.
    var here = 0
    /// Joins that wait until their user is announced.
    var entering: [(ticket: ReaderTicket, point: JoinPoint)] = []
    /// Who asked for the room first: its creator, where it does not exist yet.
    var founder: UserID
    /// Whether the room's channel is heard at present.
    var isConfirmed = false
    /// Whether the time of those who wait for the channel is measured.
    var isWaitLimited = false
    /// Whether a wait for another read is under way.
    var isRetryScheduled = false
    /// Whether the page that was read last is about to be forgotten.
    var isForgetScheduled = false

    init(id: RoomID, shardCount: Int, founder: UserID) {
        self.id = id
        self.founder = founder
        shardRooms = Array(repeating: nil, count: shardCount)
    }

    var isAbandoned: Bool { shardRooms.allSatisfy { $0 == nil } }
}
