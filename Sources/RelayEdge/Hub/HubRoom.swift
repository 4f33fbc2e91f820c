import DequeModule
import NIOCore
import RelayCore
import RelayWire

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
    /// Who had the room opened: its creator, where it has to be made and nobody waits for it.
    var founder: Identity
    /// What the room is, as of the last look at it; nil before the first.
    var facts: RoomFacts?
    /// Whether it was said to have changed since.
    var isDoubtful = false
    /// Whether it was said since then that other people may be in it: nobody hears anything before the next look.
    var areMembersDoubtful = false
    /// Events that wait for that look.
    var heldEvents: [ByteBuffer] = []
    /// Whether it was deleted, as of the last word.
    var isDeleted = false
    /// What was deleted of the messages that the feed may still hold.
    private(set) var deletions: Set<MessageID> = []
    private var deletionOrder: Deque<MessageID> = []
    /// When those who are there are to be told how many they are; nil where nothing is owed.
    var summaryDue: Moment?
    /// Whether the room's channel is heard at present.
    var isConfirmed = false
    /// Whether the time of those who wait for the channel is measured.
    var isWaitLimited = false
    /// Whether a wait for another read is under way.
    var isRetryScheduled = false
    /// The pause in which edges put back what Redis lost; nil outside of it.
    var settling: Scheduled<Void>?
    /// Whether the page that was read last is about to be forgotten.
    var isForgetScheduled = false

    init(id: RoomID, shardCount: Int, founder: Identity) {
        self.id = id
        self.founder = founder
        shardRooms = Array(repeating: nil, count: shardCount)
    }

    /// Remembers that a message was deleted; the oldest such word is forgotten past `Limits.deletionsMax`.
    func noteDeletion(of id: MessageID) {
        guard deletions.insert(id).inserted else { return }
        deletionOrder.append(id)
        if deletionOrder.count > Limits.deletionsMax { deletions.remove(deletionOrder.removeFirst()) }
    }

    /// A message may say that another is deleted.
    func noteDeletion(in frame: StoredFrame) {
        if let amendment = frame.amendment, amendment.type == .delete { noteDeletion(of: amendment.target) }
    }

    /// The frames as somebody is shown them who joins now.
    func shown(_ frames: [StoredFrame]) -> [StoredFrame] {
        deletions.isEmpty ? frames : frames.map { $0.shown(without: deletions) }
    }

    var isAbandoned: Bool { shardRooms.allSatisfy { $0 == nil } }
}
